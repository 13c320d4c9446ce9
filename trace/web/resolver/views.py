"""Printed addresses: a GS1-conformant resolver for every key we know, and for our own codes.

A request without a wish is sent on (307) to the history page, its query as it came. Syntax that
breaks a rule is 400 with the rule's code, a code nobody registered is 404; neither shows a
product. The requirements R1 to R32 and what we answer to each: docs/reference/addresses.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

import orjson
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from trace import clock
from trace.core.gs1 import Gs1Error, Identity, check_code, parse_path
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.services.addresses import Entry, organisation_named, resolve
from trace.services.did import did_document
from trace.services.languages import languages
from trace.services.linksets import DEFAULT, LINKSET, bare_type, links_of, linkset
from trace.services.sessions import actor_of, find_session
from trace.services.settings import current_settings
from trace.web.access import COOKIE
from trace.web.addresses import raw_target
from trace.web.guessing import TooManyCodes, count_unknown, minutes, seconds_to_wait
from trace.web.printed import ASKED_ANEW, FOR_EVERYONE, LINKSET_TYPE, METHODS, way_to
from trace.web.problems import problem

bp = Blueprint("resolver", __name__)

# Every primary key of the grammar, and our own letters.
KEYS: Final = (
    *("00", "01", "253", "255", "401", "402", "414", "415", "417"),
    *("8003", "8004", "8006", "8010", "8013", "8017", "8018"),
)
LETTERS: Final = ("b", "c", "h", "l", "n", "o", "p", "q")
CONTEXT: Final = "https://ref.gs1.org/standards/resolver/linkset-context.jsonld"


class NoSuchLink(NotFound):
    code = "no-such-link"
    message = "There is no link of the type %(link_type)s here."
    next_step = "Ask with linkType=linkset for what there is."


@bp.after_request
def for_everyone(response: Response) -> Response:
    """R3: other sites' scripts may ask, and read where they are sent."""
    headers = response.headers
    headers.update(FOR_EVERYONE)
    headers.setdefault(*ASKED_ANEW)
    return response


def answer(rest: str) -> ResponseReturnValue:
    """A printed address: sent on (307) to its page, or its linkset when that is asked for."""
    if request.method == "OPTIONS":
        response = Response(status=204)
        response.headers["Allow"] = ", ".join(METHODS)
        return response
    path, query = raw_target(request)
    path = path.rstrip("/")  # R26
    try:
        identity = parse_path(path).identity
    except TraceError as error:
        return _to_page(path, error)
    if waiting := seconds_to_wait():
        return _wait(path, waiting)
    entries = resolve(identity)
    wished = _wished_type()
    if wished == LINKSET or (wished is None and _wants_linkset()):
        return _linkset(identity, entries)
    if not entries:
        return _not_known(path)
    if wished not in (None, DEFAULT):
        return _of_type(entries, wished or "", path, query)
    if (desk := _desk_of(path)) is not None:
        return desk
    return _send_on(path, query)


def _send_on(path: str, query: str) -> Response:
    """R10, R25: 307 to the page on the same origin, the query untouched."""
    return _redirect(f"/t{path}" + (f"?{query}" if query else ""), path)


def _desk_of(path: str) -> Response | None:
    """An inspector who scans is led to the goods' chain on the desk, a link away from the public
    page. Nobody else's answer knows of it: the cookie is read here alone; what is made by it nobody
    may keep; all other answers are the same for everyone, and asked for anew each time (`no-cache`,
    without a validator)."""
    token = request.cookies.get(COOKIE, "")
    session = find_session(token, at=clock.now()) if token else None
    acting = actor_of(session) if session else None
    if acting is None or acting.organisation.kind != "authority" or not acting.may("inspect"):
        return None
    response = Response(status=307)
    response.autocorrect_location_header = False
    response.headers["Location"] = f"/inspection/chain/?of={quote(path, safe='')}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _redirect(target: str, path: str) -> Response:
    # The framework's own redirect would re-encode the address: what was printed is what is sent.
    response = Response(status=307)
    response.autocorrect_location_header = False
    response.headers.update(dict(way_to(target, path, current_settings().public_url)))
    return response


def _wished_type() -> str | None:
    """The bare link type asked for; names of the parameter in any case (R14)."""
    for name, value in request.args.items():
        if name.lower() == "linktype":
            found = bare_type(value)
            if found is None:
                raise NoSuchLink(link_type=value[:100])
            return found
    return None


def _wants_linkset() -> bool:
    """R16: `Accept` names the linkset's type, and nothing else is preferred to it."""
    accepted = request.accept_mimetypes
    quality = accepted.quality(LINKSET_TYPE)
    named = any(value.split(";")[0].strip() == LINKSET_TYPE for value, _ in accepted)
    return named and quality > 0 and quality >= accepted.quality("text/html")


def _linkset(identity: Identity, entries: Sequence[Entry]) -> Response:
    """R16 to R21."""
    if not entries:
        count_unknown()
        raise NotFound
    settings = current_settings()
    body = linkset(entries, id_base=settings.id_base, public_url=settings.public_url)
    response = Response(orjson.dumps(body), content_type=LINKSET_TYPE)
    response.headers["Link"] = (
        f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    )
    return response


def _of_type(entries: Sequence[Entry], wished: str, path: str, query: str) -> Response:
    """R14, R15: the first level that has the type; languages are the page's own affair."""
    origin = current_settings().public_url
    for entry in entries:
        for link in links_of(entry, origin).get(wished, ()):
            href = str(link["href"])
            target = href.removeprefix(origin)
            joined = "&" if "?" in target else "?"
            return _redirect(target + (f"{joined}{query}" if query else ""), path)
    raise NoSuchLink(link_type=wished[:100])


def _wants_page() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best != "application/json"


def _not_known(path: str) -> ResponseReturnValue:
    """R8: a plain 404 with a page that says what to do."""
    if _wants_page():
        return _page_of(path)
    count_unknown()
    return _problem(NotFound())


def _to_page(path: str, error: TraceError) -> ResponseReturnValue:
    """R6, R7: 400, with the rule that was broken."""
    return _page_of(path) if _wants_page() else _problem(error)


def _wait(path: str, seconds: int) -> ResponseReturnValue:
    """429: this network tries codes."""
    if _wants_page():
        return _page_of(path)
    response = _problem(TooManyCodes(minutes=minutes(seconds)))
    response.headers["Retry-After"] = str(seconds)
    return response


def _problem(error: TraceError) -> Response:
    return Response(
        orjson.dumps(problem(error)), status=error.status, content_type="application/problem+json"
    )


def _page_of(path: str) -> ResponseReturnValue:
    """The page of the history's own address: it knows how to say what is wrong."""
    show = current_app.view_functions["scan.show"]
    request.environ["RAW_URI"] = f"/t{path}"
    response: ResponseReturnValue = current_app.ensure_sync(show)(rest=unquote(path))
    return response


@bp.get("/.well-known/gs1resolver")
def description() -> Response:
    """What this resolver is, and which keys it resolves with all their qualifiers."""
    settings = current_settings()
    body = {
        "name": "Trace",
        "resolverRoot": settings.public_url,
        "supportedPrimaryKeys": list(KEYS),
        "supportedLinkType": [
            {
                "namespace": "https://gs1.org/voc/",
                "prefix": "gs1:",
                "profile": "https://www.gs1.org/voc/?show=linktypes",
            }
        ],
        "supportedLanguages": list(languages()),
        "linkTypeDefaultCanBeLinkset": False,
        "contact": {"fn": "Trace"},
    }
    return Response(orjson.dumps(body), content_type="application/json")


@bp.get("/o/<code>/did.json")
def did(code: str) -> Response:
    """An organisation's DID document: a convenience; keys are believed only from the log."""
    try:
        organisation = organisation_named(Identity("o", check_code(code)))
    except Gs1Error:
        raise NotFound from None
    if organisation is None:
        raise NotFound
    body = did_document(organisation)
    db.session.rollback()
    response = Response(orjson.dumps(body), content_type="application/did+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _register_keys() -> None:
    # What is in a QR code is in capitals (fewer modules): both cases are answered.
    for key in (*KEYS, *LETTERS, *(letter.upper() for letter in LETTERS)):
        bp.add_url_rule(
            f"/{key}/<path:rest>",
            endpoint=f"key_{key}",
            view_func=answer,
            methods=list(METHODS),
            provide_automatic_options=False,
        )


_register_keys()

__all__ = ["KEYS", "LETTERS", "bp"]
