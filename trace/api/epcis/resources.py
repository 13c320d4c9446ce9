"""The interface's top-level resources: what there is of each kind, and the events about each.

/eventTypes /epcs /bizSteps /bizLocations /readPoints /dispositions, each with /{value} (what can be
asked of it) and /{value}/events (EPCIS 2.0 §12.2). A value that nothing the caller may see is about
is not found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from flask import Response, request

from trace import clock
from trace.api.epcis.door import CONTEXT, acting, as_json, bp, discovery
from trace.api.epcis.events import page_of, per_page
from trace.api.epcis.negotiation import as_xml, changing, extensions_asked, format_asked, xml_wanted
from trace.clock import rfc3339
from trace.core.epcis.query import ANYTHING, Condition, Query, QueryParameterError
from trace.core.epcis.query_parsing import parse_query
from trace.core.epcis.schema import EVENT_TYPES
from trace.core.epcis.vocabulary import OWN_PREFIX, own_namespace
from trace.core.epcis.xml import write_plain
from trace.errors import NotFound
from trace.extensions import db, needs
from trace.services.epcis_queries import any_answers
from trace.services.epcis_queries_tokens import open_text, seal_text
from trace.services.epcis_resources import list_places, list_things, words_of
from trace.services.settings import current_settings

TOP: Final = (
    *("events", "eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions"),
    *("capture", "queries"),
)


class NoSuchResource(NotFound):
    code = "no-such-resource"
    message = "Nothing you may see is about %(value)s."


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource: the parameter that asks for it, and its values where they are words."""

    name: str
    parameter: str
    words: Callable[[], list[str]] | None = None
    member: str = ""  # of places

    def narrowing(self, value: str) -> Condition:
        """The condition that an event is about this value. Raises NoSuchResource."""
        id_base = current_settings().id_base
        try:
            found = parse_query(
                {self.parameter: [value]}, id_base=id_base, extensions=extensions_asked()
            )
        except QueryParameterError as error:
            raise NoSuchResource(value=value[:200]) from error
        condition = found.conditions[0]
        return replace(condition, argument=ANYTHING) if self.name == "epcs" else condition

    def check(self, value: str) -> Condition:
        """The condition, for a value there is. Raises NoSuchResource."""
        condition = self.narrowing(value)
        known = self.words is not None and value in self.words()
        if not known:
            any_found = any_answers(acting(), Query((condition,)), at=clock.now())
            db.session.commit()
            if not any_found:
                raise NoSuchResource(value=value[:200])
        return condition


RESOURCES: Final = (
    Resource("eventTypes", "eventType", lambda: list(EVENT_TYPES)),
    Resource("epcs", "MATCH_anyEPC"),
    Resource("bizSteps", "EQ_bizStep", lambda: words_of("bizStep")),
    Resource("bizLocations", "EQ_bizLocation", member="bizLocation"),
    Resource("readPoints", "EQ_readPoint", member="readPoint"),
    Resource("dispositions", "EQ_disposition", lambda: words_of("disposition")),
)


@bp.get("/", provide_automatic_options=False)
@needs("query")
def get_top() -> Response:
    """The resources there are."""
    xml_wanted()
    return _collection(list(TOP))


@bp.route("/", methods=["OPTIONS"], provide_automatic_options=False)
@needs("query")
def top_options() -> Response:
    """Versions and extensions, in the headers."""
    return discovery("GET")


@bp.delete("/nextPageToken/<token>")
@needs("query")
def delete_token(token: str) -> Response:
    """Tokens hold no state here: there is nothing to throw away (501, as the standard allows)."""
    raise TokensExpire


class TokensExpire(NotFound):
    code = "not-implemented"
    status = 501
    message = "Page tokens expire by themselves; none can be ended before."
    exception = "ImplementationException"


def _collection(members: list[str]) -> Response:
    """A collection of names in the standard's form; in XML, where it has none, in W3C's of JSON."""
    own = {OWN_PREFIX: own_namespace(current_settings().id_base)}
    body = {"@context": [CONTEXT, own], "type": "Collection", "member": members}
    response = as_xml(write_plain(body)) if xml_wanted() else as_json(body)
    response.headers["Vary"] = "Accept, GS1-EPC-Format"
    return response


def _list(resource: Resource) -> Response:
    """The values of one kind. Raises QueryParameterError, BadPageToken, NotAcceptable."""
    xml_wanted()
    format_asked()
    for name in request.args:
        if name not in ("perPage", "nextPageToken"):
            raise QueryParameterError(
                path=name[:200], name=name[:200], reason="it is not known here"
            )
    if resource.words is not None:
        return _collection(resource.words())
    limit, actor, purpose = per_page(), acting(), f"list {resource.name}"
    token = request.args.get("nextPageToken", "")
    after = open_text(actor, purpose, token, at=clock.now()) if token else ""
    if resource.member:
        found = list_places(actor, resource.member, after=after, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else ""
    else:
        rows = list_things(actor, after=int(after or 0), limit=limit + 1)
        found = [text for _, text in rows]
        last = str(rows[limit - 1][0]) if len(rows) > limit else ""
    shown = found[:limit]
    change = changing(shown)
    response = _collection(shown if change is None else [change(text) for text in shown])
    if last:
        sealed, expires = seal_text(actor, purpose, last, at=clock.now())
        address = f"{request.path}?perPage={limit}&nextPageToken={quote(sealed, safe='')}"
        response.headers["Link"] = f'<{address}>; rel="next"'
        response.headers["GS1-Next-Page-Token-Expires"] = rfc3339(expires)
    return response


def _one(resource: Resource, value: str) -> Response:
    """What can be asked of one value. Raises NoSuchResource."""
    xml_wanted()
    resource.check(value)
    return _collection(["events"])


def _events(resource: Resource, value: str) -> Response:
    """The events about one value. Raises NoSuchResource, and what page_of does."""
    response, any_found = page_of(resource.narrowing(value))
    if not any_found and "nextPageToken" not in request.args:
        resource.check(value)
    return response


def _options(resource: Resource, value: str | None) -> Response:
    """What can be done here. Raises NoSuchResource."""
    if value is not None:
        resource.check(value)
    return discovery("GET")


def _add(resource: Resource) -> None:
    """The addresses of one kind of resource. A value may hold slashes, also several in a row."""
    name = resource.name

    def listed() -> Response:
        return _list(resource)

    def one(value: str) -> Response:
        return _one(resource, value)

    def events(value: str) -> Response:
        return _events(resource, value)

    def options(value: str | None = None) -> Response:
        return _options(resource, value)

    one_of, events_of = f"/{name}/<path:value>", f"/{name}/<path:value>/events"
    for rule, view, said in (
        (f"/{name}", listed, f"list_{name}"),
        (one_of, one, f"one_of_{name}"),
        (events_of, events, f"events_of_{name}"),
    ):
        bp.add_url_rule(
            rule,
            said,
            needs("query")(view),
            methods=["GET"],
            provide_automatic_options=False,
            merge_slashes=False,
        )
    for rule in (f"/{name}", one_of, events_of):
        bp.add_url_rule(
            rule,
            f"options_of_{name}",
            needs("query")(options),
            methods=["OPTIONS"],
            provide_automatic_options=False,
            merge_slashes=False,
        )


for _resource in RESOURCES:
    _add(_resource)
