"""Moments as text: RFC 3339, UTC, exactly three decimals: `2026-11-22T03:00:01.123Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from trace.core.signing import Unreadable

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


# A capture writes one moment into every statement and entry of a document.
@lru_cache(maxsize=64)
def moment_text(moment: datetime) -> str:
    """The text of an aware moment; digits beyond the millisecond are cut.

    Raises Unreadable for a naive datetime: its zone would be a guess.
    """
    if moment.tzinfo is None:
        raise Unreadable("an aware datetime", moment.isoformat())
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def parse_moment(text: object, *, path: str = "") -> datetime:
    """The aware UTC moment of such a text, and of no other form. Raises Unreadable."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise Unreadable("a moment such as 2026-11-22T03:00:01.123Z", text, path=path)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("a moment that exists", text, path=path) from None
