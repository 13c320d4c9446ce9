"""EPCIS documents in: capture jobs.

A document that is well-formed is taken at once; how its events fared, its job tells (EPCIS 2.0,
§8.1). `rollback` records all of them or none, in one transaction. `proceed` records what it can,
piece by piece: after each piece the job says how far it is and what was wrong so far, in the same
transaction, so that a job run again after a crash goes on where it was and records nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import orjson
from sqlalchemy import select

from trace.core.epcis import Document, JsonObject, Limits, parse_document
from trace.core.epcis.xml import XmlLimits, parse_xml
from trace.errors import Refused, TooLarge, TraceError
from trace.extensions import db
from trace.models import Job
from trace.services.actors import Actor
from trace.services.capture import Captured, capture
from trace.services.jobs import enqueue, get_job
from trace.services.settings import current_settings

KIND: Final = "epcis-capture"
BEHAVIOURS: Final = ("rollback", "proceed")
MOST_EVENTS: Final = Limits().max_events
# Events recorded in one transaction by `proceed`: the log's lock is held for a moment only.
PIECE: Final = 200
LISTED: Final = 1000  # errors that a job tells
LEASE: Final = timedelta(seconds=120)
MOST_WAITING: Final = 100  # documents of one organisation; each may be as large as an upload

Form = Literal["json", "xml"]


class UnknownBehaviour(TraceError):
    code = "unknown-capture-behaviour"
    message = "GS1-Capture-Error-Behaviour is rollback or proceed."


class NotOneEvent(TraceError):
    code = "not-one-event"
    message = "Expected one event by itself, not a document; documents go to /capture."


class CaptureLimit(TooLarge):
    code = "capture-limit"
    message = "This is more than one capture takes (%(limit)s)."
    next_step = "Send it in several documents; OPTIONS on /capture tells the limits."
    exception = "CaptureLimitExceededException"


class TooManyCaptures(TraceError):
    code = "too-many-captures"
    status = 429
    message = "At most %(limit)d documents of an organisation wait to be recorded at once."
    next_step = "Wait until some are recorded: GET /capture tells how they fare."


def most_bytes() -> int:
    """How large a document may be."""
    return current_settings().max_upload_bytes


def read_document(data: bytes, form: Form = "json") -> Document:
    """The document in `data`. Raises Refused, CaptureLimit."""
    if len(data) > most_bytes():
        raise CaptureLimit(limit=f"{most_bytes()} bytes")
    try:
        if form == "xml":
            return parse_xml(data, limits=XmlLimits(max_bytes=most_bytes(), max_events=MOST_EVENTS))
        return parse_document(data, limits=Limits(max_bytes=most_bytes(), max_events=MOST_EVENTS))
    except Refused as refused:
        if any(error.status == 413 for error in refused.errors):
            raise CaptureLimit(limit=f"{MOST_EVENTS} events") from refused
        raise


def submit_document(
    actor: Actor, data: bytes, *, at: datetime, behaviour: str = "rollback", form: Form = "json"
) -> Job:
    """Takes a document for capture: well-formed or refused at once, the rest told by the job.

    The caller commits before it answers, so that an accepted document is never lost. Raises
    UnknownBehaviour, and what `read_document` raises.
    """
    actor.check("record")
    if behaviour not in BEHAVIOURS:
        raise UnknownBehaviour
    _check_room(actor)
    document = read_document(data, form)
    argument = {"behaviour": behaviour, "form": form}
    return enqueue(KIND, argument, at=at, actor=actor, payload=data, total=len(document.events))


def _check_room(actor: Actor) -> None:
    """Raises TooManyCaptures: a document waits whole in the database, and is recorded in turn."""
    mine = (Job.organisation_id == actor.organisation.id, Job.kind == KIND)
    open_ones = select(Job.id).where(*mine, Job.state.in_(("queued", "running")))
    waiting = db.session.scalars(open_ones.limit(MOST_WAITING)).all()
    if len(waiting) >= MOST_WAITING:
        raise TooManyCaptures(limit=MOST_WAITING)


def record_event(
    actor: Actor, data: bytes, *, at: datetime, idempotency_key: str = "", form: Form = "json"
) -> Captured:
    """Records one bare event now; the caller commits. Raises NotOneEvent for a document of any
    other kind or number, and what `capture` raises: AlreadyRecorded for a repeat."""
    document = read_document(data, form)
    bare = document.type == "event" or (form == "xml" and len(document.events) == 1)
    if not bare:
        raise NotOneEvent
    return capture(
        actor,
        document.events,
        at=at,
        idempotency_key=idempotency_key,
        paths=document.paths,
    )


def get_capture(actor: Actor, capture_id: str) -> Job:
    """The organisation's own capture job. Raises NotFound."""
    return get_job(actor, capture_id, KIND)


def list_captures(actor: Actor, *, before: int | None, limit: int) -> list[Job]:
    """The organisation's capture jobs, the newest first; those with an id below `before`."""
    query = select(Job).where(Job.organisation_id == actor.organisation.id, Job.kind == KIND)
    if before is not None:
        query = query.where(Job.id < before)
    return list(db.session.scalars(query.order_by(Job.id.desc()).limit(limit)))


def document_of(job: Job, data: bytes) -> Document:
    """What a job was given, read again. Raises what `read_document` raises."""
    return read_document(data, orjson.loads(job.argument).get("form", "json"))


def goes_on(job: Job) -> bool:
    """Whether a job records what it can (`proceed`), and not all or nothing."""
    return bool(orjson.loads(job.argument)["behaviour"] == "proceed")


def record_all(job: Job, actor: Actor, document: Document, *, at: datetime) -> dict[str, Any]:
    """Records all of it or nothing; returns {"captured": n, "errors": […]}; the caller commits.
    Run again after a crash it records nothing twice."""
    if not document.events:  # a question that nothing answered, say
        return {"captured": 0, "errors": []}
    key = f"capture-{job.public_id}"
    try:
        done = capture(actor, document.events, at=at, idempotency_key=key, paths=document.paths)
    except TraceError as error:
        return {"captured": 0, "errors": told(error)}
    return {"captured": len(done.events), "errors": []}


def record_piece(job: Job, actor: Actor, document: Document, *, at: datetime) -> dict[str, Any]:
    """Records what it can of the next PIECE events, and notes in the job how far it is and what was
    wrong so far, which it returns; the caller commits, and asks again until `job.progress` says
    that every event was looked at."""
    state: dict[str, Any] = orjson.loads(job.result) if job.result else {}
    piece = slice(job.progress, job.progress + PIECE)
    events, paths = document.events[piece], document.paths[piece]
    found: list[TraceError] = []
    captured = state.get("captured", 0) + _record_some(actor, events, paths, found, at=at)
    errors = state.get("errors", []) + [one for error in found for one in told(error)]
    job.progress += len(events)
    result = {"captured": captured, "errors": errors[:LISTED]}
    job.result = orjson.dumps(result).decode()
    job.lease_until = at + LEASE
    return result


def _record_some(
    actor: Actor,
    events: Sequence[JsonObject],
    paths: Sequence[str],
    errors: list[TraceError],
    *,
    at: datetime,
) -> int:
    """Records those of the events that can be; how many. Errors that name an event take it out;
    where none does, each half is tried for itself."""
    try:
        return len(capture(actor, events, at=at, paths=paths).events) if events else 0
    except TraceError as error:
        if len(events) == 1:
            errors.append(error)
            return 0
        bad = _events_named(error, paths)
        if bad:
            errors.append(error)
            kept = [place for place in range(len(events)) if place not in bad]
            return _record_some(
                actor, [events[i] for i in kept], [paths[i] for i in kept], errors, at=at
            )
    half = len(events) // 2
    return sum(
        _record_some(actor, events[part], paths[part], errors, at=at)
        for part in (slice(0, half), slice(half, None))
    )


def _events_named(error: TraceError, paths: Sequence[str]) -> set[int]:
    """The events that an error's paths lead into; none unless every path leads into one."""
    places = {path: place for place, path in enumerate(paths)}
    depth = len(paths[0].split("/"))
    listed = error.errors if isinstance(error, Refused) else (error,)
    found: set[int] = set()
    for one in listed:
        place = places.get("/".join(one.path.split("/")[:depth]))
        if place is None:
            return set()
        found.add(place)
    return found


def told(error: TraceError) -> list[dict[str, Any]]:
    """An error as a job tells it, each part of it with its path."""
    found: Sequence[TraceError] = error.errors if isinstance(error, Refused) else (error,)
    return [
        {"code": e.code, "status": e.status, "detail": e.detail, "path": e.path}
        for e in found[:LISTED]
    ]
