"""Events out: one's own, in the order they were recorded."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request

from trace.api.epcis.door import acting, as_json, bp, check_accept, query_document
from trace.api.epcis.queries import parse_paging, parse_query
from trace.extensions import needs
from trace.services.epcis import find_events, get_events


@bp.get("/events")
@needs("query")
def get_event_list() -> Response:
    """One's own events in the order they were recorded, page by page."""
    check_accept()
    query = parse_query(request.args)
    after, limit = parse_paging(request.args)
    page = find_events(acting(), query, after=after, limit=limit)
    response = as_json(query_document(page.events))
    if page.next_after is not None:
        arguments = request.args.copy()
        arguments["nextPageToken"] = str(page.next_after)
        pairs = "&".join(
            f"{quote(name)}={quote(value, safe='')}" for name, value in arguments.items(multi=True)
        )
        response.headers["Link"] = f'<{bp.url_prefix}/events?{pairs}>; rel="next"'
    return response


# An eventID may hold slashes, also several in a row (ni:///…): they are part of the name.
@bp.get("/events/<path:event_id>", merge_slashes=False)
@needs("query")
def get_event(event_id: str) -> Response:
    """The event with this eventID and, where there is one, its error declaration."""
    check_accept()
    return as_json(query_document(get_events(acting(), event_id)))
