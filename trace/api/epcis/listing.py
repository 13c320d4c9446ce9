"""Lists that are no events (capture jobs, queries, subscriptions), page by page.

A page's token is signed, says nothing to who reads it, and is good for one list of one caller
until it expires.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from urllib.parse import quote, urlencode

from flask import Response, request
from itsdangerous import BadData, URLSafeSerializer

from trace import clock
from trace.api.epcis.door import acting
from trace.api.epcis.negotiation import answer_plain
from trace.api.epcis.problems import QueryParameterError
from trace.clock import rfc3339
from trace.core.epcis import JsonObject
from trace.services.settings import current_settings

DEFAULT: Final = 30
MOST: Final = 1000
LIFE: Final = timedelta(hours=24)


class Row(Protocol):
    """A row of a list: rows come by falling id."""

    @property
    def id(self) -> int: ...


R = TypeVar("R", bound=Row)


def list_page(
    find: Callable[[int | None, int], Sequence[R]], told: Callable[[R], JsonObject]
) -> Response:
    """The page of a list that the request asks for: `find(before, limit)` gives the rows below an
    id, the highest first. Raises QueryParameterError, NotAcceptable."""
    limit, token = page_asked()
    rows = find(_before(token), limit + 1)
    response = answer_plain([told(row) for row in rows[:limit]])
    if len(rows) > limit:
        expires = clock.now() + LIFE
        place = [*_whose(), rows[limit - 1].id, int(expires.timestamp())]
        link_next(response, limit, str(_serializer().dumps(place)), expires)
    return response


def link_next(response: Response, limit: int, token: str, expires: datetime) -> None:
    """Says where the next page is, and until when."""
    pairs = urlencode({"perPage": limit, "nextPageToken": token})
    response.headers["Link"] = f'<{quote(request.path)}?{pairs}>; rel="next"'
    response.headers["GS1-Next-Page-Token-Expires"] = rfc3339(expires)


def page_asked() -> tuple[int, str | None]:
    """(rows of a page, the page's token). Raises QueryParameterError, also for any other parameter:
    these lists take none."""
    for name in request.args:
        if name not in ("perPage", "nextPageToken"):
            raise QueryParameterError(path=name, name=name, reason="it is not known here")
    text = request.args.get("perPage", str(DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise QueryParameterError(
            path="perPage", name="perPage", reason="a whole number above zero is expected"
        )
    return min(int(text), MOST), request.args.get("nextPageToken")


def _before(token: str | None) -> int | None:
    if token is None:
        return None
    try:
        *whose, last, expires = _serializer().loads(token)
    except (BadData, ValueError, TypeError):
        whose, last, expires = [], 0, 0
    if whose != _whose() or expires < clock.now().timestamp():
        raise QueryParameterError(
            path="nextPageToken",
            name="nextPageToken",
            reason="it is not one of this list, or it has expired",
        )
    return int(last)


def _whose() -> list[str | int]:
    return [request.path, acting().organisation.id]


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_settings().secret_key, salt="epcis-list")
