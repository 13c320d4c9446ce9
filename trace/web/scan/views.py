"""`/t/…`: the page behind every printed address.

The hot path is one query and one look into memory: the row says which body it is, the body is
there, compressed. Everything else (first scan of a version, alerts' words) happens behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, NamedTuple

import orjson
import psycopg
from cachetools import LRUCache
from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, ngettext
from limits import parse
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.core.gs1 import Identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models.types import to_millis
from trace.services.alerts import AlertView, alerts_of
from trace.services.dpp import paper_of, passport_paper
from trace.services.outages import DatabaseAway, is_outage
from trace.services.passports import passport_of
from trace.services.passports_document import build_document
from trace.services.proofs import Proof, proof_of
from trace.services.replicas import Replica, read_from
from trace.services.settings import current_settings
from trace.web import throttle
from trace.web.addresses import language_of, raw_target
from trace.web.guessing import count_unknown, minutes, seconds_to_wait
from trace.web.hot import ENCRYPTED_ONLY, Ready
from trace.web.scan import cards, papers, rows, sources
from trace.web.scan.bodies import Bodies, Body, encoding_for, etag_of
from trace.web.scan.bundles import answer_bundle
from trace.web.scan.pages import (
    How,
    content_security_policy,
    history_page,
    page_count,
    render,
    with_note,
)
from trace.web.scan.sharing import badge, preview, product_badge

bp = Blueprint("scan", __name__)

# Where the short way leaves what it has read, in the environment of the request.
READ = "trace.scan.read"
HISTORIES = rows.HISTORIES
MAX_PAGE = 1000
PATIENCE = 1.0  # seconds that a page waits for its turn to be made anew, where a replica has it
MAX_PICTURES = 16 * 1024 * 1024  # bytes a process keeps
VIEWS = frozenset({"proof"})
# What one address may have drawn; what is drawn already is free.
DRAWN = parse("60/1 minute")
# What other sites show of a page.
PICTURES = {"preview": ("image/jpeg", preview), "badge": ("image/svg+xml; charset=utf-8", badge)}


@dataclass(slots=True)
class Memory:
    """What one process remembers of pages: bodies, and the last log index of each version."""

    bodies: Bodies = field(default_factory=Bodies)
    last_index: LRUCache[tuple[int, int], int] = field(
        default_factory=lambda: LRUCache(maxsize=100_000)
    )
    lock: Lock = field(default_factory=Lock)
    pictures: LRUCache[tuple[object, ...], bytes] = field(
        default_factory=lambda: LRUCache(maxsize=MAX_PICTURES, getsizeof=len)
    )


@bp.record_once
def _remember(state: Any) -> None:
    state.app.extensions["trace.scan"] = Memory()


def memory(app: Flask | None = None) -> Memory:
    found: Memory = (app or current_app).extensions["trace.scan"]
    return found


@bp.get("/t/<path:rest>")
def show(rest: str) -> ResponseReturnValue:
    """The history of a lot, unit, cycle or logistic unit; the card of anything else."""
    path, _ = raw_target(request)
    language, chosen = language_of(request)
    if waiting := seconds_to_wait():
        return _wait(waiting, path, language)
    try:
        asked = rows.ask(path[2:].rstrip("/"), current_settings().id_base)
    except TraceError as error:
        return _refused(error, path, language)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy's own way
    replica = sources.replica_of(app)
    if replica is not None and replica.away:
        read_from(replica.engine)
    if asked.identity.kind not in HISTORIES:
        return _answer_card(asked.identity, language)
    read = request.environ.get(READ)  # the short way has asked already
    if read is None:
        read = sources.read(app, asked, to_millis(clock.now()))
    if read.as_of and replica is not None:
        return _stood_in(replica, asked, language, chosen=chosen)
    if replica is None:
        return _answered(read, language, chosen=chosen)
    with replica.turn(PATIENCE) as mine:
        if mine:
            try:
                return _answered(read, language, chosen=chosen)
            except (SQLAlchemyError, psycopg.Error) as error:
                if not is_outage(error):
                    raise  # otherwise the primary went away in this very moment
    return _stood_in(replica, asked, language, chosen=chosen)


def _stood_in(
    replica: Replica, asked: rows.Asked, language: str, *, chosen: bool
) -> ResponseReturnValue:
    """The page as a replica has it when the primary does not answer: it says as of when. Nothing
    is rebuilt, nothing written. Raises DatabaseAway where it cannot tell either."""
    read_from(replica.engine)
    with replica.engine.connect() as connection:  # one server of several for all that is read
        read = rows.read(replica.engine, asked, to_millis(clock.now()), connection.connection)
        found = told(read)
        if found is None:
            raise DatabaseAway
        now = Wanted(read, found, language, chosen, request.args)
        wanted = Wanted(
            replace(read, as_of=max(found.beat, 1)), found, language, chosen, request.args
        )
        body = wanted.remembered(memory()) or wanted.noted(now)
        if body is not None:
            return _send(body)
        version, document, alerts = rows.read_document(connection, found.passport, found.thing)
        if document is None:
            id_base = current_settings().id_base
            document = build_document(connection, found.passport, at=clock.now(), id_base=id_base)
    return _send(wanted.made(version, document, alerts))


def _answered(read: rows.Reading, language: str, *, chosen: bool) -> ResponseReturnValue:
    """The page, when everything can be asked."""
    found = told(read)
    if found is None:
        return _storyless(read, language)
    if request.query_string and (other := _other_form(read, found, language, chosen=chosen)):
        return other
    wanted = Wanted(read, found, language, chosen, request.args if request.query_string else None)
    if found.fresh:
        body = wanted.remembered(memory())
        if body is not None:
            return _send(body)
        with db.engine.connect() as connection:
            version, document, alerts = rows.read_document(connection, found.passport, found.thing)
        if document is not None:
            return _send(wanted.made(version, document, alerts))
    passport = passport_of(found.passport, at=clock.now())
    alerts = alerts_of([found.thing])[found.thing] if found.alerts else []
    return _send(wanted.made(passport.version, passport.document, alerts))


def _other_form(
    read: rows.Reading, found: rows.Found, language: str, *, chosen: bool
) -> Response | None:
    """What `?format=` asks for, or the page of the paper; None for the page itself."""
    form = request.args.get("format")
    if form in PICTURES:
        return _picture(found, form, language)
    if form == "json":
        return _json(found)
    if form == "bundle":
        return answer_bundle(found.thing, read.asked.path)
    if form == "passport":
        return papers.answer_json(passport_paper(found.thing, at=clock.now()))
    if request.args.get("view") == "passport":
        return _paper(read, found, language, keep=f"?lang={language}" if chosen else "")
    return None


def told(read: rows.Reading) -> rows.Found | None:
    """The thing whose story the page tells; None where there is none to tell."""
    if read.stamp is not None and not read.bound:
        return None
    if read.asked.identity.kind == "unit" and not read.bound and not _numbered(read):
        return None
    found = read.found
    return found if found is not None and found.kind in HISTORIES else None


def _storyless(read: rows.Reading, language: str) -> Response:
    identity, stamp = read.asked.identity, read.stamp
    if stamp is not None and not read.bound:
        return _stamp(identity, "voided" if stamp.voided else "unbound", language)
    if identity.kind == "unit" and not read.bound and not _numbered(read):
        return _stamp(identity, "never", language)
    return _unknown(identity, language)


def _numbered(read: rows.Reading) -> bool:
    """Whether a serial without a stamp of ours is one that its maker recorded. Under a GTIN makers
    number their packages as they like; under our own codes we issue the serials, and one that
    somebody made up, however it came into the record, has no story."""
    found = read.found
    return not read.asked.identity.is_own and found is not None and found.kind == "unit"


class Key(NamedTuple):
    """All that a page depends on."""

    path: str
    passport: int
    version: int
    alerts: str
    language: str
    chosen: bool
    page: int
    view: str
    notes: tuple[str, ...]
    proof: Proof | None
    pending: bool  # the newest line is not in the published log yet


class Wanted:
    """Which body this request is about."""

    __slots__ = ("asked", "chosen", "found", "language", "notes", "page", "proof", "then", "view")

    def __init__(
        self,
        read: rows.Reading,
        found: rows.Found,
        language: str,
        chosen: bool = False,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        self.asked = read.asked
        self.found = found
        self.language = language
        self.chosen = chosen
        self.view, self.page = "", 1
        if arguments is not None:
            view, page = arguments.get("view", ""), arguments.get("page", "1")
            self.view = view if view in VIEWS else ""
            self.page = int(page) if page.isdecimal() and 0 < int(page[:5]) <= MAX_PAGE else 1
        noted = _notes(read.asked, found, read.stamp)
        self.notes = ("elsewhere", *noted) if read.copied else noted
        self.then = bool(read.as_of)
        if read.as_of:  # to the minute: another minute is another page
            self.notes = (f"as-of:{read.as_of // 60_000}", *self.notes)
        self.proof = proof_of(found.thing, at=clock.now()) if self.view == "proof" else None

    def key(self, version: int, last_index: int) -> Key:
        return Key(
            self.asked.path,
            self.found.passport,
            version,
            self.found.alerts,
            self.language,
            self.chosen,
            self.page,
            self.view,
            self.notes,
            self.proof,
            last_index >= self.found.integrated,
        )

    def remembered(self, kept: Memory) -> Body | None:
        last = kept.last_index.get((self.found.passport, self.found.version))
        return None if last is None else kept.bodies.get(self.key(self.found.version, last))

    def noted(self, plain: Wanted) -> Body | None:
        """The page that `plain` has in memory, with the note that this one has more: everybody
        asks at once when the primary goes, and to draw all pages anew would take too long."""
        kept = memory()
        body = plain.remembered(kept)
        html = None if body is None else with_note(body.html, self.notes[0], self.language)
        if html is None:
            return None
        last = kept.last_index[self.found.passport, self.found.version]
        return self._kept_in(kept, self.key(self.found.version, last), html)

    def made(self, version: int, document: Any, alerts: list[AlertView]) -> Body:
        kept = memory()
        last = document["record"]["last_index"]
        last = -1 if last is None else last
        kept.last_index[self.found.passport, version] = last
        key = self.key(version, last)
        body = kept.bodies.get(key)
        if body is not None:
            return body
        html = history_page(
            document,
            alerts,
            How(
                language=self.language,
                path=self.asked.path,
                code=cards.spoken(self.asked.identity),
                page=min(self.page, page_count(document)),
                view=self.view,
                keep=f"?lang={self.language}" if self.chosen else "",
                pending=last >= self.found.integrated,
                notes=self.notes,
                proof=self.proof,
            ),
        )
        return self._kept_in(kept, key, html)

    def _kept_in(self, kept: Memory, key: Key, html: bytes) -> Body:
        """Nobody asks for an older version any more; what stands in while the primary is away
        takes no page's place."""
        page = (key.path, key.language, key.chosen, key.page, key.view, self.then)
        return kept.bodies.put(key, html, _headers(self.language), page=page)


def _notes(asked: rows.Asked, found: rows.Found, stamp: rows.Stamp | None) -> tuple[str, ...]:
    """What is to be said of the address itself: one package's own code, or a serial that is not
    the lot's."""
    if asked.identity.kind != "unit":
        return ()
    if stamp is not None:
        named = asked.identity.get("10") is not None
        # The lot that the address names stands among its texts, the lot bound must be that one.
        return ("unit-elsewhere",) if named and stamp.lot not in asked.texts else ("unit",)
    if found.lot is None:
        return ("unbound",)
    if asked.identity.get("10") is not None and not found.lot_asked:
        return ("unit-elsewhere",)
    return ()


def _send(body: Body) -> Response:
    """The body in the client's encoding, or 304 when the client has it (RFC 9110, 15.4.5)."""
    given = request.headers.get("If-None-Match", "")
    if given and body.is_known_by(given):
        return Ready(b"", body.unchanged(), 304)
    return Ready(*body.sent(encoding_for(request)))


def _headers(language: str) -> tuple[tuple[str, str], ...]:
    """What every page of a history carries beside its type and its ETag."""
    encrypted = current_app.config["SESSION_COOKIE_SECURE"]
    return (
        *((ENCRYPTED_ONLY,) if encrypted else ()),
        ("Cache-Control", "no-cache"),
        ("Vary", "Accept-Encoding, Accept-Language"),
        ("Content-Language", language),
        ("Content-Security-Policy", content_security_policy(runs=True)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    )


def _json(found: rows.Found) -> Response:
    """The passport itself, and the alerts that stand."""
    read = passport_of(found.passport, at=clock.now())
    alerts = alerts_of([found.thing])[found.thing]
    body = {
        "passport": read.document,
        "version": read.version,
        "alerts": [alert.to_json() for alert in alerts],
        "logged": (read.document["record"]["last_index"] or 0) < found.integrated,
    }
    response = Response(orjson.dumps(body), content_type="application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _paper(read: rows.Reading, found: rows.Found, language: str, *, keep: str) -> Response:
    """The digital passport, or the record, as a page: drawn when it is asked for."""
    told = passport_of(found.passport, at=clock.now())
    alerts = alerts_of([found.thing])[found.thing] if found.alerts else []
    paper = paper_of(told, alerts, at=clock.now())
    path = read.asked.path
    values = papers.page_values(told.document, paper, language, path, keep)
    html = render(
        "scan/passport.html", language, path, code=cards.spoken(read.asked.identity), **values
    )
    return _page(html, language)


def _picture(found: rows.Found, form: str, language: str) -> Response:
    """The preview of a link passed on, or the badge: drawn once for each version of the record."""
    read = passport_of(found.passport, at=clock.now())
    alerts = alerts_of([found.thing])[found.thing] if found.alerts else []
    key = (found.passport, read.version, found.alerts, language, form)
    media_type, draw = PICTURES[form]
    kept = memory()
    with kept.lock:
        data = kept.pictures.get(key)
    if data is None:
        throttle.check(DRAWN, "drawn", throttle.address())
        throttle.count(DRAWN, "drawn", throttle.address())
        data = draw(read.document, alerts, language)
        with kept.lock:
            kept.pictures[key] = data
    return _borne(data, media_type)


def _borne(data: bytes, media_type: str) -> Response:
    """A picture that other sites show."""
    response = Response(data, content_type=media_type)
    response.headers["ETag"] = etag_of(data)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.make_conditional(request)
    return response


def _page(html: bytes, language: str, status: int = 200, *, runs: bool = False) -> Response:
    response = Response(html, status=status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Encoding, Accept-Language"
    response.headers["Content-Language"] = language
    response.headers["Content-Security-Policy"] = content_security_policy(runs=runs)
    return response


def _answer_card(identity: Identity, language: str) -> Response:
    card = cards.find_card(identity)
    if card is None:
        return _unknown(identity, language)
    if request.query_string and request.args.get("format") == "badge" and "badge" in card.values:
        return _borne(product_badge(card.values, language), "image/svg+xml; charset=utf-8")
    return _page(card.page(language), language)


def _unknown(identity: Identity, language: str) -> Response:
    """404: says so, offers typing and reporting, shows no product."""
    count_unknown()
    html = render(
        "scan/unknown.html",
        language,
        identity.path,
        code=cards.spoken(identity),
        owner=cards.registered_by(identity),
        refused="",
    )
    return _page(html, language, 404)


STAMPS = {"never": 404, "unbound": 200, "voided": 410}


def _stamp(identity: Identity, state: str, language: str) -> Response:
    """A stamp without a story: never issued, not bound yet, or voided. Names no product."""
    if state == "never":
        count_unknown()
    html = render(
        "scan/stamp.html", language, identity.path, code=cards.spoken(identity), state=state
    )
    return _page(html, language, STAMPS[state], runs=state != "never")


def _wait(seconds: int, path: str, language: str) -> Response:
    """429: this network tries codes."""
    with force_locale(language):
        sentence = ngettext(
            "Hãy chờ %(num)s phút rồi quét lại.",
            "Hãy chờ %(num)s phút rồi quét lại.",
            minutes(seconds),
        )
    response = _page(render("scan/wait.html", language, path[2:], sentence=sentence), language, 429)
    response.headers["Retry-After"] = str(seconds)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(error: TraceError, path: str, language: str) -> Response:
    """400: the address breaks a rule of its own syntax."""
    html = render(
        "scan/unknown.html",
        language,
        "/",
        code=path[2:].lstrip("/")[:120],
        owner="",
        refused=cards.sentence(error, language),
        problem=error.code,
    )
    return _page(html, language, 400)
