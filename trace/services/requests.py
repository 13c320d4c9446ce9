"""Requests of people about their own data, and reports of abusive photos and texts.

Anyone may ask, with an account or without. The asker gets a code; who types it sees how the request
stands and what was answered. Of the asker we keep what they typed, sealed, until KEPT_DAYS after
the request is closed; what stays then is that there was a request, of which kind, and its dates.

The desk: the platform sees every request; an organisation those about its data, once the platform
has said so; a supervisor of an authority the reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update

from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Event, Organisation, Request
from trace.models.requests import CLOSED, KINDS, REASONS, REPORT, SUBJECT_KINDS
from trace.services import deadlines
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.competence import authorities_for
from trace.services.jurisdictions import may_decide
from trace.services.notifications import notify, notify_each
from trace.services.sealing import reseal, seal, unseal
from trace.services.successors import predecessors
from trace.services.tracking_codes import code_for, digest_of, read_code
from trace.services.versions import check_version

KEPT_DAYS: Final = 90
ASKED: Final = ("name", "contact", "words", "about")


class UnknownRequest(NotFound):
    code = "unknown-request"
    message = "No request has this code. It may have been closed more than %(days)d days ago."


class RequestClosed(Conflict):
    code = "request-closed"
    message = "This request is closed."


class AlreadyExtended(Conflict):
    code = "already-extended"
    message = "The time for this request was extended once; the law allows no second time."


class TooLateToExtend(Conflict):
    code = "too-late-to-extend"
    message = "The last day has passed; a period that is over cannot be extended."


class NoSuchKind(TraceError):
    code = "no-such-request"
    message = "This cannot be asked for here."


@dataclass(frozen=True, slots=True)
class Letter:
    """What the asker was told: `kind` is answer, extension, done or refused."""

    at: datetime
    kind: str
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a request."""

    name: str = ""
    contact: str = ""
    words: str = ""
    about: str = ""
    letters: tuple[Letter, ...] = ()


def submit(
    kind: str,
    values: Mapping[str, str],
    *,
    at: datetime,
    once: str,
    locale: str = "vi",
    event: Event | None = None,
    digest: str | None = None,
    reason: str = "",
) -> tuple[Request, str]:
    """(the request, its code). `values`: name, contact, words, about. The same `once` (the form's
    one-time key) gives the same request and the same code. Raises NoSuchKind."""
    if kind not in KINDS or (kind == REPORT) != (reason in REASONS):
        raise NoSuchKind(path="kind")
    code = code_for("request", once)
    earlier = _by_code(code)
    if earlier is not None:
        return earlier, code
    forget_closed(at=at)
    request = Request(
        code_hash=digest_of(code),
        kind=kind,
        locale=locale,
        event_id=event.id if event is not None else None,
        digest=digest,
        reason=reason,
        processor=False,
        received_at=at,
        reply_by=deadlines.reply_by(at),
        finish_by=deadlines.finish_by(kind, at, processor=False),
    )
    name, contact, words, about = (values.get(field, "") for field in ASKED)
    _put(request, Content(name, contact, words, about))
    db.session.add(request)
    db.session.flush()
    write_audit(None, "request.receive", subject_of(request), at=at, kind=kind)
    told = {one: ({"day": day_of(request)}, address) for one, address in desks_of(request)}
    notify_each(told, "request-waiting", at=at)
    return request, code


def find_by_code(typed: str) -> Request:
    """The request of a code as typed. Raises CodeLength, CodeCharacter, UnknownRequest."""
    found = _by_code(read_code(typed))
    if found is None:
        raise UnknownRequest(path="code", days=KEPT_DAYS)
    return found


def content_of(request: Request) -> Content:
    """What was typed and answered; empty once forgotten. Raises SealedTextBroken."""
    if request.content is None:
        return Content()
    told = unseal(request.content, _place(request))
    letters = (
        Letter(datetime.fromisoformat(one["at"]), one["kind"], one["by"], one["text"])
        for one in told["letters"]
    )
    return Content(**{name: str(told[name]) for name in ASKED}, letters=tuple(letters))


def subject_of(request: Request) -> str:
    """How the audit names a request."""
    return f"request:{request.id}"


def overdue(request: Request, today: date) -> str:
    """What is late: `reply`, `finish`, or nothing."""
    if request.state in CLOSED:
        return ""
    if today > request.finish_by:
        return "finish"
    return "reply" if request.answered_at is None and today > request.reply_by else ""


def next_day(request: Request) -> date:
    """The next day by which something must have happened."""
    return request.reply_by if request.answered_at is None else request.finish_by


def day_of(request: Request) -> str:
    """The next day by which something must have happened, as people write it."""
    return f"{next_day(request):%d/%m/%Y}"


def desks_of(request: Request) -> list[tuple[Organisation, str]]:
    """Who handles a request, and the address of the page where they do."""
    platforms = db.session.scalars(select(Organisation).where(Organisation.kind == "platform"))
    found = [(one, f"/admin/requests/{request.id}") for one in platforms]
    if request.kind == REPORT and request.event is not None:
        ward = db.session.get_one(Organisation, request.event.issuer_id).ward_code
        found += [(one, f"/inspection/reports/{request.id}") for one in authorities_for(ward)]
    if request.organisation is not None:
        found.append((request.organisation, f"/producer/requests/{request.id}"))
    return found


# -- the desk --------------------------------------------------------------------------------------


def list_requests(actor: Actor, *, closed: bool | None = None) -> list[Request]:
    """The requests this actor handles, the most urgent first. Raises NotAllowed."""
    query = select(Request)
    if _sees_all(actor):
        pass
    elif actor.organisation.kind == "authority" and actor.may("decide"):
        query = query.where(Request.id.in_(_in_area(actor)))
    elif actor.may("manage") and actor.organisation.kind != "authority":
        query = query.where(
            Request.organisation_id.in_(_answers_for(actor)), Request.kind.in_(SUBJECT_KINDS)
        )
    else:
        raise NotAllowed
    if closed is not None:
        held = Request.state.in_(CLOSED)
        query = query.where(held if closed else ~held)
    found = list(db.session.scalars(query))
    return sorted(found, key=lambda one: (one.state in CLOSED, next_day(one), one.id))


def get_request(actor: Actor, request_id: int) -> Request:
    """One of the requests this actor handles. Raises NotFound."""
    found = db.session.get(Request, request_id)
    if found is None or not _handles(actor, found):
        raise NotFound
    return found


def answer(
    actor: Actor, request: Request, text: str, *, processor: bool, version: int, at: datetime
) -> None:
    """The reply that the law wants within two working days: what will be done, and by when. Says
    whether somebody else who processes the data must act too. Raises RequestClosed."""
    _check_open(actor, request, version)
    request.processor = processor
    if request.kind in SUBJECT_KINDS:
        request.finish_by = _finish_by(request)
    if request.state == "received":
        request.state = "answered"
    _write(actor, request, "answer", text, at)


def begin(actor: Actor, request: Request, *, at: datetime) -> None:
    """Says that the work has begun."""
    _check_open(actor, request, request.version)
    if request.state != "working":
        request.state = "working"
        request.person_id = actor.person.id if actor.person else None
        write_audit(actor, "request.begin", subject_of(request), at=at)


def extend(actor: Actor, request: Request, reason: str, *, version: int, at: datetime) -> None:
    """Extends once, with the reason told. Raises AlreadyExtended, TooLateToExtend."""
    _check_open(actor, request, version)
    if request.extended_at is not None:
        raise AlreadyExtended
    if deadlines.local_day(at) > request.finish_by:
        raise TooLateToExtend
    request.extended_at = at
    request.finish_by = _finish_by(request)
    _write(actor, request, "extension", reason, at)


def close(
    actor: Actor, request: Request, outcome: str, text: str, *, version: int, at: datetime
) -> None:
    """Ends a request as `done` or `refused`; the text tells what was done, or why not."""
    _check_open(actor, request, version)
    if outcome not in CLOSED:
        raise NoSuchKind(path="outcome")
    request.state, request.closed_at = outcome, at
    _write(actor, request, outcome, text, at)


def assign(
    actor: Actor, request: Request, organisation: Organisation | None, *, at: datetime
) -> None:
    """Says whose data a request is about: that organisation may then answer it too. Only the
    platform does: a worker's request must not reach their employer by a guess."""
    actor.check("administer")
    _check_open(actor, request, request.version)
    if request.kind == REPORT:
        raise NoSuchKind(path="organisation")
    request.organisation_id = organisation.id if organisation is not None else None
    code = organisation.code if organisation is not None else ""
    write_audit(actor, "request.assign", subject_of(request), at=at, to=code)
    if organisation is not None:
        day = f"{request.finish_by:%d/%m/%Y}"
        address = f"/producer/requests/{request.id}"
        notify(organisation, "request-assigned", {"day": day}, at=at, address=address)


def forget_closed(*, at: datetime) -> int:
    """Deletes what askers typed, KEPT_DAYS after closing; returns of how many requests."""
    before = at - timedelta(days=KEPT_DAYS)
    done = db.session.execute(
        update(Request)
        .where(
            Request.closed_at <= before,
            or_(Request.content.is_not(None), Request.code_hash.is_not(None)),
        )
        .values(content=None, code_hash=None, version=Request.version + 1)
        .execution_options(synchronize_session=False)
        .returning(Request.id)
    )
    return len(done.all())


def rewrap(old: bytes, new: bytes) -> int:
    """Seals what is sealed anew under another key-encryption key; returns how many."""
    rows = db.session.scalars(select(Request).where(Request.content.is_not(None))).all()
    for row in rows:
        if row.content is not None:
            row.content = reseal(row.content, _place(row), old, new)
    return len(rows)


# -- inside ----------------------------------------------------------------------------------------


def _sees_all(actor: Actor) -> bool:
    return actor.organisation.kind == "platform" and actor.may("administer")


def _handles(actor: Actor, request: Request) -> bool:
    if _sees_all(actor):
        return True
    if actor.organisation.kind == "authority":
        return actor.may("decide") and bool(_in_area(actor, request.id))
    return (
        actor.may("manage")
        and request.organisation_id in _answers_for(actor)
        and request.kind in SUBJECT_KINDS
    )


def _in_area(actor: Actor, *request_ids: int) -> list[int]:
    """The reports (of these requests, of all without any) about what somebody said for whom this
    person decides; a report about nobody's statement is the platform's."""
    query = (
        select(Request.id, Organisation.ward_code)
        .join(Event, Event.id == Request.event_id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .where(Request.kind == REPORT)
    )
    if request_ids:
        query = query.where(Request.id.in_(request_ids))
    rows = db.session.execute(query).all()
    wards = {ward for ward in {row.ward_code for row in rows} if may_decide(actor, ward_code=ward)}
    return [row.id for row in rows if row.ward_code in wards]


def _answers_for(actor: Actor) -> set[int]:
    """Whose data the actor's organisation answers for: its own, and those of whom it succeeded."""
    return {actor.organisation.id, *predecessors(actor.organisation.id)}


def _check_open(actor: Actor, request: Request, version: int) -> None:
    if not _handles(actor, request):
        raise NotAllowed
    if request.state in CLOSED:
        raise RequestClosed
    check_version(request, version)


def _finish_by(request: Request) -> date:
    return deadlines.finish_by(
        request.kind,
        request.received_at,
        processor=request.processor,
        extended=request.extended_at is not None,
    )


def _write(actor: Actor, request: Request, kind: str, text: str, at: datetime) -> None:
    """A letter to the asker; the first one is the reply."""
    told = content_of(request)
    letter = Letter(at, kind, actor.organisation.name, text)
    _put(request, replace(told, letters=(*told.letters, letter)))
    request.answered_at = request.answered_at or at
    request.person_id = actor.person.id if actor.person else None
    write_audit(actor, f"request.{kind}", subject_of(request), at=at, kind=request.kind)
    db.session.flush()


def _put(request: Request, content: Content) -> None:
    letters = [
        {"at": one.at.isoformat(), "kind": one.kind, "by": one.by, "text": one.text}
        for one in content.letters
    ]
    told: dict[str, Any] = {name: getattr(content, name) for name in ASKED}
    request.content = seal({**told, "letters": letters}, _place(request))


def _place(request: Request) -> str:
    return f"request:{(request.code_hash or b'').hex()}"


def _by_code(code: str) -> Request | None:
    return db.session.scalar(select(Request).where(Request.code_hash == digest_of(code)))
