"""Printed addresses: a GS1-conformant resolver for every key we know, and for our own codes.

A request without a wish is sent on (307) to the history page, its query as it came. Syntax that
breaks a rule is 400 with the rule's code, a code nobody registered is 404; neither shows a
product. The requirements R1 to R32 and what we answer to each: docs/reference/addresses.md.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

import orjson
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from trace import clock
from trace.core.gs1 import Gs1Error, Identity, check_code, local_uri, parse_path
from trace.core.gs1.epc_binary import looks_like_epc, parse_epc_binary
from trace.core.gs1.linkset import DEFAULT, LINKSET
from trace.core.gs1.linkset_choosing import names_type
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.services.addresses import organisation_named, resolve
from trace.services.did import did_document
from trace.services.sessions import actor_of, find_session
from trace.services.settings import current_settings
from trace.web.access import COOKIE
from trace.web.addresses import raw_target
from trace.web.cookies import cookie_name
from trace.web.guessing import TooManyCodes, count_unknown, minutes, seconds_to_wait
from trace.web.printed import ASKED_ANEW, FOR_EVERYONE, LINKSET_TYPE, METHODS, check_query
from trace.web.problems import problem
from trace.web.resolver.answers import (
    NoSuchLink,
    link_of_type,
    linkset,
    redirect,
    refused_page,
    wants_linkset,
    wished_type,
)

bp = Blueprint("resolver", __name__)

# Every primary key of the grammar, and our own letters.
KEYS: Final = (
    *("00", "01", "253", "255", "401", "402", "414", "415", "417"),
    *("8003", "8004", "8006", "8010", "8013", "8017", "8018"),
)
LETTERS: Final = ("b", "c", "h", "l", "n", "o", "p", "q")


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
        return _options()
    path, query = raw_target(request)
    return _answered(path.rstrip("/"), query)  # R26


def tag(rest: str) -> ResponseReturnValue:
    """R28: the content of an RFID tag in place of the path. Answered as the address it stands for,
    which `Link` names; what could not be a tag's content is no address."""
    if request.method == "OPTIONS":
        return _options()
    raw, query = raw_target(request)
    path = raw.rstrip("/")
    form, text = path[1:3].lower(), path[3:]
    if not looks_like_epc(form, text):
        raise NotFound
    try:
        identity = parse_epc_binary(form, text)
    except Gs1Error as error:
        if form == "ex" and error.params.get("reason") == "scheme":
            raise NotFound from None  # a word that happens to begin so
        return _refused(path, error)
    response = current_app.make_response(_answered(identity.path, query))
    same = local_uri(identity, current_settings().id_base)
    response.headers.add("Link", f'<{same}>; rel="owl:sameAs"')
    return response


def _options() -> Response:
    response = Response(status=204)
    response.headers["Allow"] = ", ".join(METHODS)
    return response


def _answered(path: str, query: str) -> ResponseReturnValue:
    try:
        identity = parse_path(path).identity
        check_query(path, query)
    except TraceError as error:
        return _refused(path, error)
    if waiting := seconds_to_wait():
        return _wait(path, waiting)
    try:
        return _wished(identity, path, query)
    except NoSuchLink as error:
        if _wants_page():
            raise
        return _problem(error)


def _wished(identity: Identity, path: str, query: str) -> ResponseReturnValue:
    """What is wished of a good address, if it is known. Raises NoSuchLink."""
    wished = wished_type()
    entries = resolve(identity)
    if not entries:
        return _not_known(path)
    if wished == LINKSET or (not wished and wants_linkset()):
        return linkset(entries, path, query)
    if wished not in ("", DEFAULT):
        return link_of_type(entries, wished, path, query)
    if (desk := _desk_of(path)) is not None:
        return desk
    # R10, R25: to the page on the same origin, the query untouched.
    return redirect(f"/t{path}" + (f"?{query}" if query else ""), path)


def _desk_of(path: str) -> Response | None:
    """An inspector who scans is led to the goods' chain on the desk, a link away from the public
    page. Nobody else's answer knows of it: the cookie is read here alone; what is made by it nobody
    may keep; all other answers are the same for everyone, and asked for anew each time (`no-cache`,
    without a validator)."""
    token = request.cookies.get(cookie_name(COOKIE), "")
    session = find_session(token, at=clock.now()) if token else None
    acting = actor_of(session) if session else None
    if acting is None or acting.organisation.kind != "authority" or not acting.may("inspect"):
        return None
    response = Response(status=307)
    response.autocorrect_location_header = False
    response.headers["Location"] = f"/inspection/chain/?of={quote(path, safe='')}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _wants_page() -> bool:
    accept = request.headers.get("Accept", "")
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best != "application/json" and (best is not None or not names_type(accept, LINKSET_TYPE))


def _not_known(path: str) -> ResponseReturnValue:
    """R8: a plain 404 with a page that says what to do."""
    if _wants_page():
        return _page_of(path)
    count_unknown()
    return _problem(NotFound())


def _refused(path: str, error: TraceError) -> ResponseReturnValue:
    """R6, R7: 400, with the rule that was broken."""
    return refused_page(error, path) if _wants_page() else _problem(error)


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
        "supportedContextValuesExternal": [
            {"nameOfList": "ISO 3166-1 alpha-2", "url": "https://www.iso.org/obp/ui/#search/code/"}
        ],
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


def _register_tags() -> None:
    for form in ("eh", "ex"):
        bp.add_url_rule(
            f"/{form}<path:rest>",
            endpoint=f"tag_{form}",
            view_func=tag,
            methods=list(METHODS),
            provide_automatic_options=False,
        )


_register_keys()
_register_tags()

__all__ = ["KEYS", "LETTERS", "bp"]
