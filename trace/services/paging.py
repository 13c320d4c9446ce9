"""Pages of long lists by key: the next page begins after the last row of this one.

A cursor is the last row's id in a form that nobody should read anything into. It opens nothing: the
list's own conditions hold for every page. Rows that are added meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from trace.errors import TraceError
from trace.extensions import db

LIMIT: Final = 50
MOST: Final = 200
Row = TypeVar("Row")


class BadCursor(TraceError):
    code = "bad-cursor"
    message = "This cursor was not given out by us."
    next_step = "Ask for the first page, without a cursor."


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and the cursor of what follows ("" for nothing)."""

    rows: Sequence[Row]
    next: str


def write_cursor(last: int) -> str:
    """The cursor of what comes after the row with this id."""
    return base64.urlsafe_b64encode(f"k{last}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> int:
    """The id a cursor stands for. Raises BadCursor."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        raise BadCursor(path="/cursor") from None
    digits = plain[1:]
    if plain[:1] != "k" or not digits.isdecimal() or len(digits) > 18:
        raise BadCursor(path="/cursor")
    if write_cursor(int(digits)) != text:
        raise BadCursor(path="/cursor")
    return int(digits)


def page(
    query: Select[Row],
    key: InstrumentedAttribute[int],
    *,
    cursor: str = "",
    limit: int = LIMIT,
    newest: bool = False,
) -> Page[Row]:
    """The rows of `query` after the cursor, by ascending `key` or newest first. One statement.
    Raises BadCursor."""
    if cursor:
        last = read_cursor(cursor)
        query = query.where(key < last if newest else key > last)
    ordered = query.order_by(key.desc() if newest else key).limit(limit + 1)
    rows: list[Any] = list(db.session.scalars(ordered))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, write_cursor(getattr(rows[-1], key.key)) if more else "")


def page_of(
    rows: Sequence[Row], *, cursor: str = "", limit: int = LIMIT, key: str = "id"
) -> Page[Row]:
    """A page of a short list that a service gives whole and in its own order. Raises BadCursor,
    also where the row the cursor names is no longer in it."""
    start = 0
    if cursor:
        last = read_cursor(cursor)
        places = [place for place, row in enumerate(rows) if getattr(row, key) == last]
        if not places:
            raise BadCursor(path="/cursor")
        start = places[0] + 1
    found = rows[start : start + limit]
    more = len(rows) > start + limit
    return Page(found, write_cursor(getattr(found[-1], key)) if more else "")
