"""Named queries: made, listed, read, asked, deleted."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from trace import clock
from trace.api.epcis.door import acting, as_json, bp, check_media_type, discovery
from trace.api.epcis.listing import link_next, list_page, page_asked
from trace.api.epcis.negotiation import answer_events, answer_plain, format_asked, xml_wanted
from trace.core.epcis import JsonValue
from trace.core.epcis.query_parsing import parse_extensions
from trace.core.epcis.strict_json import load
from trace.errors import TooLarge, TraceError
from trace.extensions import db, needs
from trace.services import named_queries
from trace.services.epcis_queries import run


class NoWebSockets(TraceError):
    code = "no-web-sockets"
    status = 501
    message = "Subscriptions by WebSocket are not implemented here."
    next_step = "Subscribe by webhook: POST to …/subscriptions."
    exception = "ImplementationException"


BODY: int = 120_000  # bytes; a query has at most named_queries.QUERY_SIZE
DEPTH = 32


@bp.route("/queries", methods=["OPTIONS"], provide_automatic_options=False)
@needs("query")
def queries_options() -> Response:
    """What can be done with queries."""
    return discovery("GET", "POST")


@bp.route("/queries/<name>", methods=["OPTIONS"], provide_automatic_options=False)
@needs("query")
def query_options(name: str) -> Response:
    """What can be done with one. Raises NoSuchName."""
    named_queries.get_query(acting(), name)
    return discovery("GET", "DELETE")


@bp.post("/queries")
@needs("query")
def post_query() -> Response:
    """Gives a query a name (201, Location). Raises QueryExists."""
    check_media_type()
    row = named_queries.create_query(
        acting(),
        read_body(),
        at=clock.now(),
        extensions=parse_extensions(request.headers.get("GS1-Extensions", "")),
    )
    db.session.commit()
    response = as_json(named_queries.told(row))
    response.status_code = 201
    response.headers["Location"] = address_of(row.name)
    return response


@bp.get("/queries")
@needs("query")
def get_queries() -> Response:
    """One's own named queries, the newest first, in JSON or in XML."""
    xml_wanted()
    return list_page(
        lambda before, limit: named_queries.list_queries(acting(), before=before, limit=limit),
        named_queries.told,
    )


@bp.get("/queries/<name>")
@needs("query")
def get_query(name: str) -> Response:
    """A query as it was given. Raises NoSuchName."""
    xml_wanted()
    return answer_plain(named_queries.told(named_queries.get_query(acting(), name)))


@bp.delete("/queries/<name>")
@needs("query")
def delete_query(name: str) -> Response:
    """The query ends, and every subscription to it. Raises NoSuchName."""
    named_queries.delete_query(acting(), named_queries.get_query(acting(), name), at=clock.now())
    db.session.commit()
    return Response(status=204)


@bp.route("/queries/<name>/events", methods=["OPTIONS"], provide_automatic_options=False)
@needs("query")
def query_events_options(name: str) -> Response:
    """What can be asked of a query's events. Raises NoSuchName."""
    named_queries.get_query(acting(), name)
    return discovery("GET")


@bp.get("/queries/<name>/events")
@needs("query")
def get_query_events(name: str) -> Response:
    """What answers a named query, page by page. Raises NoSuchName and what asking raises."""
    xml_wanted()
    format_asked()
    row = named_queries.get_query(acting(), name)
    name = row.name
    limit, token = page_asked()
    page = run(
        acting(), named_queries.parsed(row), at=clock.now(), per_page=limit, token=token or ""
    )
    if page.looked:
        db.session.commit()
    response = answer_events(page.documents, name)
    if page.next_token is not None and page.expires is not None:
        link_next(response, limit, page.next_token, page.expires)
    return response


@bp.route("/queries/<name>/events", websocket=True)
@needs("query")
def get_query_socket(name: str) -> Response:
    """Raises NoSuchName, NoWebSockets."""
    named_queries.get_query(acting(), name)
    raise NoWebSockets


def read_body() -> JsonValue:
    """The request's JSON. Raises Refused, TooLarge."""
    try:
        data = request.get_data()
    except RequestEntityTooLarge:
        raise TooLarge(limit=f"{BODY} bytes") from None
    if len(data) > BODY:
        raise TooLarge(limit=f"{BODY} bytes")
    return load(data, max_bytes=BODY, max_depth=DEPTH)


def address_of(name: str) -> str:
    """Where a query is found."""
    return f"{bp.url_prefix}/queries/{quote(name, safe='')}"
