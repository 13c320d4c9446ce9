"""Handing passports in at the national portal: a queue, a receipt, and what went wrong.

1. Who made the goods asks; the public paper of the moment (services.dpp) is kept and queued in the
   transaction that asks. The same paper of a lot is sent once.
2. The worker sends it under a key that never changes, so that sending again does it once; what the
   portal has not answered yet is asked for later.
3. Unreachable: again, twice as late each time, MOST_ATTEMPTS times; then `failed`, the owners are
   told, and whoever manages may send it again. A refusal is final, with the portal's reason.
4. The document is kept for sending only: gone with the receipt, and with what is erased or taken
   down of the record (services.public_copies).
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import orjson
from sqlalchemy import select

from trace.core.signing import JsonObject, b64url
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import PortalDelivery, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import short_name
from trace.services.dpp import passport_paper
from trace.services.jobs import enqueue
from trace.services.notifications import notify
from trace.services.portal_adapters import Adapter, Answer, PortalUnreachable, adapter_of
from trace.services.public_copies import CopyDropped
from trace.services.settings import current_settings
from trace.services.successors import made_by_or_for

KIND: Final = "portal"
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)
MOST_ATTEMPTS: Final = 16  # a little over two days
OPEN: Final = ("queued", "sent")
GIVEN_UP: Final = ("failed", "refused")
# What is not the goods' own: the same paper made a minute later is the same paper.
VOLATILE: Final = frozenset({"made", "record_version"})


class PortalOff(TraceError):
    code = "portal-off"
    status = 409
    message = "This server hands nothing in at a portal."
    next_step = "Download the passport and hand it in by hand, or ask the operator."


class StillUnderWay(Conflict):
    code = "still-under-way"
    message = "This passport is still on its way."


def current_adapter() -> Adapter | None:
    """The way to the portal that the settings name."""
    settings = current_settings()
    return adapter_of(settings.portal, settings.portal_secret)


def hand_in(actor: Actor, thing_id: int, *, at: datetime) -> PortalDelivery:
    """Queues the paper of a lot as it is now; the one that was handed in already where it is the
    same. Raises NotFound, PortalOff. Call with nothing unwritten in the session; the caller
    commits."""
    actor.check("manage")
    if current_adapter() is None:
        raise PortalOff
    thing = db.session.scalar(
        select(Thing).where(
            Thing.id == thing_id, Thing.kind == "lot", made_by_or_for(actor.organisation.id)
        )
    )
    if thing is None:
        raise NotFound
    paper = passport_paper(thing.id, at=at)
    digest = digest_of(paper)
    known = db.session.scalar(
        select(PortalDelivery).where(
            PortalDelivery.thing_id == thing.id, PortalDelivery.digest == digest
        )
    )
    if known is not None:
        if not known.document and known.state in GIVEN_UP:
            known.document = zlib.compress(orjson.dumps(paper))
            send_again(actor, known, at=at)
        return known
    row = PortalDelivery(
        public_id=str(uuid.uuid4()),
        organisation_id=actor.organisation.id,
        thing_id=thing.id,
        digest=digest,
        document=zlib.compress(orjson.dumps(paper)),
        created_at=at,
        due_at=at,
    )
    db.session.add(row)
    db.session.flush()
    _later(row, at)
    write_audit(actor, "portal.hand-in", f"portal:{row.public_id}", at=at)
    return row


def digest_of(paper: JsonObject) -> str:
    """What tells one paper from another."""
    kept = {name: value for name, value in paper.items() if name not in VOLATILE}
    return b64url(sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).digest())


def send_again(actor: Actor, row: PortalDelivery, *, at: datetime) -> None:
    """Puts what failed or was refused back into the queue. Raises StillUnderWay, CopyDropped."""
    actor.check("manage")
    if row.state not in GIVEN_UP:
        raise StillUnderWay
    if not row.document:
        raise CopyDropped
    row.state, row.attempts, row.reason, row.due_at = "queued", 0, "", at
    _later(row, at)
    write_audit(actor, "portal.again", f"portal:{row.public_id}", at=at)


def list_deliveries(
    actor: Actor, *, thing_id: int | None = None, before: int | None = None, limit: int = 50
) -> Sequence[PortalDelivery]:
    """The organisation's own deliveries, the newest first, from before a row on."""
    actor.check("read")
    query = select(PortalDelivery).where(PortalDelivery.organisation_id == actor.organisation.id)
    if thing_id is not None:
        query = query.where(PortalDelivery.thing_id == thing_id)
    if before is not None:
        query = query.where(PortalDelivery.id < before)
    return db.session.scalars(query.order_by(PortalDelivery.id.desc()).limit(limit)).all()


def get_delivery(actor: Actor, public_id: str) -> PortalDelivery:
    """One of the organisation's own. Raises NotFound."""
    try:
        known = str(uuid.UUID(public_id))
    except ValueError:
        raise NotFound from None
    row = db.session.scalar(select(PortalDelivery).where(PortalDelivery.public_id == known))
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def document_of(row: PortalDelivery) -> bytes:
    """The paper as it was, or will be, sent. Raises CopyDropped."""
    if not row.document:
        raise CopyDropped
    return zlib.decompress(row.document)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to be sent (`queued`) or asked about (`sent`: without its document)."""

    id: int
    public_id: str
    state: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the portal answered; None where it could not be reached, with the reason."""

    answer: Answer | None
    reason: str = ""
    lasting: bool = False


def take(delivery_id: int, *, at: datetime) -> Due | None:
    """What is to be done for a delivery now; None where nothing is, or only later: a job that is
    run again after a crash begins no second round."""
    row = db.session.get(PortalDelivery, delivery_id, populate_existing=True)
    if row is None or row.state not in OPEN or row.due_at is None or row.due_at > at:
        return None
    body = document_of(row) if row.state == "queued" else b""
    return Due(row.id, row.public_id, row.state, body)


def call(due: Due) -> Outcome:
    """Sends it, or asks what became of it. Reads and writes nothing here: no transaction should
    wait for the portal. Doing it twice does it once: the key stays."""
    adapter = current_adapter()
    if adapter is None:
        return Outcome(None, "off", lasting=True)
    try:
        if due.state == "queued":
            answer = adapter.send(due.public_id, due.document)
        else:
            answer = adapter.ask(due.public_id)
    except PortalUnreachable as error:
        return Outcome(None, str(error.params.get("reason", "")))
    return Outcome(answer, answer.reason)


def note(due: Due, outcome: Outcome, *, at: datetime) -> str:
    """Writes down what came of it and when to go on; returns the delivery's state."""
    row = db.session.get_one(PortalDelivery, due.id, populate_existing=True)
    if row.state != due.state:
        return row.state  # another worker was quicker
    answer = outcome.answer
    row.attempts += 1
    row.reason = outcome.reason
    if answer is not None and answer.state != "pending":
        row.state, row.receipt = answer.state, answer.receipt
        row.answered_at, row.due_at = at, None
        if row.state == "accepted":
            row.document = b""
        else:
            _tell(row, "portal-refused", at)
        return row.state
    if answer is not None and row.state == "queued":
        row.state, row.attempts = "sent", 0
    if row.attempts >= MOST_ATTEMPTS or outcome.lasting:
        row.state, row.due_at = "failed", None
        row.reason = outcome.reason or "no-answer"
        _tell(row, "portal-failed", at)
        return row.state
    row.due_at = at + pause(row.attempts)
    _later(row, at)
    return row.state


def pause(attempt: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time."""
    factor: int = 2 ** min(attempt, 20)
    return min(FIRST_PAUSE * factor, LONGEST_PAUSE)


def _later(row: PortalDelivery, at: datetime) -> None:
    job = enqueue(KIND, {"delivery": row.id}, at=at, due=row.due_at)
    job.organisation_id = row.organisation_id


def _tell(row: PortalDelivery, word: str, at: datetime) -> None:
    notify(
        row.organisation,
        word,
        {"what": short_name(row.thing.identity), "reason": row.reason or "—"},
        at=at,
        address=f"/producer/papers/deliveries/{row.public_id}",
    )
