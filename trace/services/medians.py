"""The middle of waiting times, the same on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, func, type_coerce

from trace.extensions import db

HOUR: Final = 3_600_000


def median_hours(
    start: Any, end: Any, joined: Select[Any], *where: ColumnElement[bool]
) -> Decimal | None:
    """The median of `end` less `start` (moments, kept as milliseconds) over the rows of a joined
    query whose `end` is known, in hours to a tenth; None where there are none."""
    took = type_coerce(end, BigInteger) - type_coerce(start, BigInteger)
    rows = joined.where(*where, start.is_not(None), end.is_not(None))
    count = db.session.scalar(rows.with_only_columns(func.count())) or 0
    if not count:
        return None
    middle = rows.with_only_columns(took).order_by(took)
    found = list(db.session.scalars(middle.offset((count - 1) // 2).limit(2 - count % 2)))
    return (Decimal(sum(found)) / len(found) / HOUR).quantize(Decimal("0.1"))
