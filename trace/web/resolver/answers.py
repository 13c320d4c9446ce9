"""Answers to wishes: a linkset, a link of one type, or the choice among several.

A request's headers choose the form and the link, so its answer names them in `Vary`; a notice may
come at any moment, so it is asked for anew each time, and 304 where nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson
from flask import Response, current_app, request

from trace import clock
from trace.core.gs1.linkset import Member, Target, bare_type, forwarded, json_ld_of, linkset_of
from trace.core.gs1.linkset_choosing import choose, media_weight, names_type
from trace.errors import NotFound
from trace.services.addresses import Entry
from trace.services.languages import SOURCE
from trace.services.linksets import Found, find_links, members, of_type
from trace.services.settings import current_settings
from trace.web.addresses import language_of
from trace.web.printed import LINKSET_TYPE, way_to

CONTEXT: Final = "https://ref.gs1.org/standards/resolver/linkset-context.jsonld"
LD_TYPE: Final = "application/ld+json"
HTML: Final = "text/html"


class NoSuchLink(NotFound):
    code = "no-such-link"
    message = "There is no link of the type %(link_type)s here."
    next_step = "Ask with linkType=linkset for what there is."


def wished_type() -> str:
    """The bare link type asked for, "" for none; names of the parameter in any case (R14). Raises
    NoSuchLink for what is no name of a type."""
    for name, value in request.args.items():
        if name.lower() == "linktype" and value:
            found = bare_type(value)
            if found is None:
                raise _no_such(value)
            return found
    return ""


def _no_such(link_type: str) -> NoSuchLink:
    return NoSuchLink(link_type="".join(filter(str.isprintable, link_type[:100])))


def wants_linkset() -> bool:
    """R16: `Accept` names the linkset's type, and nothing else is preferred to it."""
    accept = request.headers.get("Accept", "")
    return names_type(accept, LINKSET_TYPE) and (
        media_weight(accept, LINKSET_TYPE) >= media_weight(accept, HTML)
    )


def linkset(entries: Sequence[Entry], path: str, query: str) -> Response:
    """R16 to R21, R29: the whole linkset of the request, in the form it prefers."""
    return _formed(members(find_links(entries, at=clock.now()), _names_in()), path, query)


def link_of_type(entries: Sequence[Entry], wished: str, path: str, query: str) -> Response:
    """R14, R15, R22, R23: 307 to the link of the type at the most specific level that has it; of
    several the one that the request's language, media type and context mean; else the choice. Under
    a recall or a hold, instead of to a link that was added: to our own page."""
    found = find_links(entries, at=clock.now())
    level = of_type(found, wished, _names_in())
    if level is None:
        return _instead(found, wished, path, query)
    left = choose(
        level.links[wished],
        accept=request.headers.get("Accept", ""),
        accept_language=_languages(),
        context=request.args.get("context", ""),
    )
    if len(left) == 1:
        return _follow(left[0], path, query)
    return _formed([replace(level, links={wished: left})], path, query, choosing=True)


def _names_in() -> str:
    """The language of names: the reader's on a page; data say the same to everybody."""
    page = _form(request.headers.get("Accept", "")) == HTML
    return language_of(request)[0] if page else SOURCE


def _instead(found: Found, wished: str, path: str, query: str) -> Response:
    if wished not in found.withheld:
        raise _no_such(wished)
    return redirect(forwarded(f"/t{path}", query), path)


def _languages() -> str:
    """`?lang=` counts before the browser's languages, as on every page."""
    language, chosen = language_of(request)
    return language if chosen else request.headers.get("Accept-Language", "")


def _follow(target: Target, path: str, query: str) -> Response:
    """R25: the query goes along. To our own pages on the same origin."""
    origin = current_settings().public_url
    ours = target.href.startswith(f"{origin}/")
    href = target.href.removeprefix(origin) if ours else target.href
    return redirect(forwarded(href, query), path)


def redirect(target: str, path: str) -> Response:
    """307 with the header that tells where the linkset is (R20)."""
    # The framework's own redirect would re-encode the address: what was printed is what is sent.
    response = Response(status=307)
    response.autocorrect_location_header = False
    response.headers.update(dict(way_to(target, path, current_settings().public_url)))
    return response


def _formed(told: Sequence[Member], path: str, query: str, *, choosing: bool = False) -> Response:
    """A linkset as JSON, as JSON-LD or as a page with the same JSON-LD in it."""
    accept = request.headers.get("Accept", "")
    form = _form(accept)
    if form == HTML:
        page: Callable[..., Response] = _pages()["linkset"]
        response = page(told, path, language_of(request)[0], query=query, choosing=choosing)
    else:
        body = linkset_of(told)
        data = orjson.dumps(json_ld_of(body) if form == LD_TYPE else body)
        response = Response(data, 300 if choosing else 200, content_type=form)
    response.headers["Link"] = (
        f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    )
    response.headers["Cache-Control"] = "no-cache"
    if not choosing:
        response.add_etag()
        response.make_conditional(request)
    return response


def _form(accept: str) -> str:
    """The linkset's own type unless another is named and preferred (R17)."""
    own = media_weight(accept, LINKSET_TYPE) if names_type(accept, LINKSET_TYPE) else 0.0
    for form, names in ((HTML, (HTML, "application/xhtml+xml")), (LD_TYPE, (LD_TYPE,))):
        if any(names_type(accept, name) and media_weight(accept, name) > own for name in names):
            return form
    return LINKSET_TYPE


def _pages() -> dict[str, Any]:
    """The shoppers' pages that are asked for here; see web/scan/linksets.py."""
    found: dict[str, Any] = current_app.extensions["trace.scan.linkset_pages"]
    return found


def refused_page(error: Exception, path: str) -> Response:
    """400 in words, for an address whose query breaks a rule."""
    answer: Callable[..., Response] = _pages()["refused"]
    return answer(error, path, language_of(request)[0])
