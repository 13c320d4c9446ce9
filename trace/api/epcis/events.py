"""Events out: what answers a query, page by page, and one event by its eventID."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response, request

from trace import clock
from trace.api.epcis.door import acting, bp, discovery
from trace.api.epcis.negotiation import (
    answer_events,
    extensions_asked,
    format_asked,
    xml_wanted,
)
from trace.clock import rfc3339
from trace.core.epcis.query import Condition, Query, QueryParameterError
from trace.core.epcis.query_parsing import parse_arguments
from trace.extensions import db, needs
from trace.services.epcis_queries import MOST_PER_PAGE, Page, get_events, run
from trace.services.settings import current_settings

PAGING: Final = ("perPage", "nextPageToken")
DEFAULT_PER_PAGE: Final = 30


@bp.route("/events", methods=["OPTIONS"], provide_automatic_options=False)
@needs("query")
def events_options() -> Response:
    """What can be done with events."""
    return discovery("GET", "POST")


@bp.route(
    "/events/<path:event_id>",
    methods=["OPTIONS"],
    provide_automatic_options=False,
    merge_slashes=False,
)
@needs("query")
def event_options(event_id: str) -> Response:
    """What can be done with one event. Raises NoSuchEvent."""
    get_events(acting(), event_id, at=clock.now())
    db.session.commit()
    return discovery("GET")


@bp.get("/events")
@needs("query")
def get_event_list() -> Response:
    """The events that answer the query in the address, page by page."""
    return page_of()[0]


# An eventID may hold slashes, also several in a row (ni:///…): they are part of the name.
@bp.get("/events/<path:event_id>", merge_slashes=False)
@needs("query")
def get_event(event_id: str) -> Response:
    """The event with this eventID and, where there is one, its error declaration."""
    xml_wanted()
    format_asked()
    if request.args:
        name = next(iter(request.args))
        raise QueryParameterError(path=name[:200], name=name[:200], reason="it is not known here")
    found = get_events(acting(), event_id, at=clock.now())
    db.session.commit()
    return answer_events(found)


def page_of(*narrowing: Condition) -> tuple[Response, bool]:
    """The page of events that the request asks for, narrowed by what its path says, and whether
    there was any event on it. Raises what run does, and QueryParameterError."""
    xml_wanted()
    format_asked()
    query = asked().along_with(*narrowing)
    token = request.args.get("nextPageToken", "")
    page = run(acting(), query, at=clock.now(), per_page=per_page(), token=token)
    if page.looked:
        db.session.commit()
    response = answer_events(page.documents)
    link(response, page)
    return response, bool(page.documents)


def asked() -> Query:
    """The query of the request's address. Raises QueryParameterError and its kin."""
    return parse_arguments(
        [pair for pair in request.args.items(multi=True) if pair[0] not in PAGING],
        id_base=current_settings().id_base,
        extensions=extensions_asked(),
    )


def per_page() -> int:
    """How many a page may hold. Raises QueryParameterError."""
    given = request.args.getlist("perPage") or [str(DEFAULT_PER_PAGE)]
    text = given[0]
    if len(given) > 1 or not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise QueryParameterError(
            path="perPage", name="perPage", reason="a whole number above zero is expected"
        )
    return min(int(text), MOST_PER_PAGE)


def link(response: Response, page: Page) -> None:
    """Where the next page is, as long as there is one."""
    if page.next_token is None or page.expires is None:
        return
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] != "nextPageToken"]
    pairs.append(("nextPageToken", page.next_token))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    address = quote(request.path, safe="/:")
    response.headers["Link"] = f'<{address}?{query}>; rel="next"'
    response.headers["GS1-Next-Page-Token-Expires"] = rfc3339(page.expires)
