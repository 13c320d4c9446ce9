"""The readings behind an event of sensors, one by one: what a chain's summary was folded from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from trace import clock
from trace.core.series import MEASURES
from trace.errors import NotFound
from trace.extensions import db
from trace.models import SensorReading
from trace.services.chains_events import open_told
from trace.services.sensors_inspected import readings_of
from trace.web.access import actor
from trace.web.curves import curve
from trace.web.measured_words import measure_word, unit_word
from trace.web.readings_csv import readings_csv

blueprint = Blueprint("chain_readings", __name__, url_prefix="/inspection/chain/events")

POINTS: Final = 240
MOST_ROWS: Final = 2**62  # a number no database counts to


@blueprint.get("/<int:event_id>/readings")
def show(event_id: int) -> ResponseReturnValue:
    """Curves and figures of each measure; `format=csv` gives every reading. Raises NotFound."""
    if event_id > MOST_ROWS:
        raise NotFound
    now = clock.now()
    opened = open_told(actor(), event_id, at=now)
    rows = readings_of(actor(), opened, at=now)
    db.session.commit()
    if request.args.get("format") == "csv":
        return readings_csv(f"readings-{event_id}", rows)
    return render_template(
        "inspection/chain/readings.html", opened=opened, series=_series(rows), count=len(rows)
    )


def _series(rows: Sequence[SensorReading]) -> list[dict[str, Any]]:
    found = []
    for measure, what in MEASURES.items():
        some = [row for row in rows if row.measure == measure]
        if not some:
            continue
        values = [row.value for row in some]
        step = max(1, len(values) // POINTS)
        found.append(
            {
                "name": measure_word(measure),
                "unit": unit_word(what.uom),
                "points": curve([float(value) for value in values[::step]]),
                "least": min(values),
                "most": max(values),
                "count": len(some),
                "first": some[0].time,
                "last": some[-1].time,
            }
        )
    return found
