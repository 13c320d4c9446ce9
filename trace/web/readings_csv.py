"""Readings of sensors as a file: as it may be sent in again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from flask import Response

from trace.core.series import MEASURES
from trace.models import SensorReading
from trace.services.records import LOCAL_ZONE, local_time


def readings_csv(name: str, rows: Sequence[SensorReading]) -> Response:
    """One line a reading, `time,measure,value,uom`; times are those of Viet Nam."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(("time", "measure", "value", "uom"))
    lines.writerows(
        (
            local_time(row.time.astimezone(LOCAL_ZONE)),
            row.measure,
            f"{row.value.normalize():f}",
            MEASURES[row.measure].uom,
        )
        for row in rows
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
