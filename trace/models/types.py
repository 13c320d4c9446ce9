"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from trace.core.statements import keep_jwt, kept_jwt

# SQLite gives automatic keys to INTEGER only.
Id = BigInteger().with_variant(Integer(), "sqlite")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MICRO = Decimal(1_000_000)
QUANTITY_LIMIT = Decimal(9_000_000_000_000)


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970; raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return (moment - EPOCH) // MILLISECOND


def from_millis(millis: int) -> datetime:
    """The aware UTC moment `millis` milliseconds after 1970; the first or last there is for what
    lies beyond them, so that no row whatever makes the others unreadable."""
    try:
        return EPOCH + MILLISECOND * millis
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if millis > 0 else datetime.min.replace(tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime kept as milliseconds since 1970: one form to sort and compare."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_millis(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_millis(value)


def to_micro(quantity: Decimal | None) -> int | None:
    """Millionths of the unit for the index, half-even; None where the index cannot hold it."""
    if quantity is None or abs(quantity) > QUANTITY_LIMIT:
        return None
    return round(quantity * MICRO)  # half-even


def from_micro(value: int) -> Decimal:
    """The quantity without zeros at its end, and never in the form 8E+1."""
    found = Decimal(value) / MICRO
    whole = found.to_integral_value()
    return whole.quantize(Decimal(1)) if whole == found else found.normalize()


class Quantity(TypeDecorator[Decimal]):
    """A Decimal kept as millionths: SQLite has no exact decimal. What is signed is the event."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return to_micro(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else from_micro(value)


class Jwt(TypeDecorator[str]):
    """A statement's JWT, kept without what can be written again (core.statements.keeping)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else keep_jwt(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else kept_jwt(value)


__all__ = [
    "Id",
    "Jwt",
    "LargeBinary",
    "Moment",
    "Quantity",
    "Text",
    "from_millis",
    "to_micro",
    "to_millis",
]
