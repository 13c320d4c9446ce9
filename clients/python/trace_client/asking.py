"""What requests are made of: bodies, and what every part of the client asks through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

Body = Mapping[str, Any]
ROOT = "/api/v1"


class Asks(Protocol):
    """What the parts of the client need of it."""

    def get(self, path: str, **query: str | int) -> Any: ...

    def post(self, path: str, body: Body | None = None, *, key: str = "") -> Any: ...

    def post_file(
        self, path: str, data: bytes, kind: str, *, key: str = "", **query: str | int
    ) -> Any: ...

    def fetch(self, path: str) -> bytes: ...

    def pause(self, seconds: float) -> None: ...


def encoded(body: Body) -> bytes:
    """A body as JSON. Raises ValueError for a time without its offset."""
    return json.dumps(body, default=_plain, allow_nan=False).encode()


def _plain(value: object) -> object:
    """Values JSON has no word for: times with their offset, days, decimals."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its offset: datetime.now(UTC)")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
