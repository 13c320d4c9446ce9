"""Statements that wait for a passkey's approval before anything of them is recorded.

What a form sends is checked and signed at once and kept aside; the challenge a passkey answers is
made of exactly these statements' hashes. Approved, they go through the one way in, as they are.

Who waits with more than the statements (a file's rows) names a job: it is asked for in the
transaction that records, discards or forgets them, with the events' rows (none of them: not
approved).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import defer

from trace.core.signing import JsonObject, PublicKey
from trace.core.statements import approval_challenge, open_statement, statement_hash
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Key, Organisation, PendingApproval
from trace.services.actors import Actor
from trace.services.capture import Approval, Captured, Sheaf, capture_statements
from trace.services.custody import valid_keys
from trace.services.jobs import enqueue
from trace.services.keys import NamedKey, NoKey
from trace.services.notifications import notify
from trace.services.passkeys import credentials, find_approver, read_assertion

# The phone with the passkey may be at home while the work is in the field.
KEPT: Final = timedelta(hours=24)
KIND: Final = "forget-approvals"  # the job that drops what expired


class ApprovalExpired(TraceError):
    code = "approval-expired"
    status = 409
    message = "These lines waited too long for their approval."
    next_step = "Send the form once more."


class SigningKeyEnded(TraceError):
    code = "signing-key-ended"
    status = 409
    message = "The key that signed these lines counts no more. Discard them and send them anew."
    next_step = "The new key signs what is sent now."


Then = tuple[str, dict[str, Any]]  # a job's kind and argument


@dataclass(frozen=True, slots=True)
class Waiting:
    """Statements to be approved together: their events, and what the passkey signs."""

    row: PendingApproval
    statements: tuple[str, ...]
    events: tuple[JsonObject, ...]
    hashes: tuple[str, ...]
    then: Then | None = None

    @property
    def challenge(self) -> bytes:
        return approval_challenge(self.hashes)


def is_demanded(actor: Actor) -> bool:
    """Whether what this organisation's people send waits for a passkey."""
    organisation = actor.organisation
    return organisation.approval_required and bool(valid_keys(organisation.id, "passkey"))


def hold(
    actor: Actor,
    events: Sequence[JsonObject] | Sheaf,
    *,
    idempotency_key: str,
    at: datetime,
    then: Then | None = None,
) -> PendingApproval:
    """Checks and signs events (or takes what is signed) and keeps them aside. Raises what `capture`
    raises."""
    if isinstance(events, Sheaf):
        sheaf = events
    else:
        sheaf = Sheaf(actor, at=at)
        sheaf.add(events)
    body = {"key": idempotency_key, "statements": sheaf.statements(), "then": then}
    row = PendingApproval(
        organisation_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        key_id=sheaf.key.row_id,
        body=orjson.dumps(body).decode(),
        created_at=at,
        expires_at=at + KEPT,
    )
    db.session.add(row)
    db.session.flush()
    enqueue(KIND, {}, at=at, due=row.expires_at)
    notify(
        actor.organisation,
        "approval-waiting",
        at=at,
        address="/producer/approvals/",
        but=actor.person,
        once=True,
    )
    return row


def forget_expired(*, at: datetime) -> int:
    """Drops what waited too long; returns how many."""
    found = db.session.scalars(
        select(PendingApproval).where(PendingApproval.expires_at <= at)
    ).all()
    dropped = 0
    for row in found:
        if _taken(row):
            organisation = db.session.get_one(Organisation, row.organisation_id)
            _go_on(Actor(organisation, None, "recorder"), row, [], at=at, expired=True)
            dropped += 1
    return dropped


def _taken(row: PendingApproval) -> bool:
    """Takes what waits away, before anything else is done with it: of those who approve, discard
    and let expire at once the first decides, and to the others it is gone."""
    done = db.session.execute(
        delete(PendingApproval)
        .where(PendingApproval.id == row.id)
        .returning(PendingApproval.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    db.session.expunge(row)
    return done is not None


def _go_on(
    actor: Actor,
    row: PendingApproval,
    events: Sequence[int],
    *,
    at: datetime,
    expired: bool = False,
) -> None:
    then = orjson.loads(row.body).get("then")
    if then:
        argument = {**then[1], "events": list(events), "expired": expired}
        enqueue(then[0], argument, at=at, actor=actor)


def list_waiting(actor: Actor, *, at: datetime) -> list[PendingApproval]:
    """What waits for approval, oldest first."""
    actor.check("record")
    query = select(PendingApproval).where(
        PendingApproval.organisation_id == actor.organisation.id, PendingApproval.expires_at > at
    )
    # Without the statements: a file's are megabytes.
    query = query.options(defer(PendingApproval.body)).order_by(PendingApproval.id)
    return list(db.session.scalars(query))


def get_waiting(actor: Actor, row_id: int, *, at: datetime) -> Waiting:
    """One of them. Raises NotFound, ApprovalExpired."""
    actor.check("record")
    row = db.session.get(PendingApproval, row_id)
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    if row.expires_at <= at:
        raise ApprovalExpired
    body = orjson.loads(row.body)
    statements = tuple(body["statements"])
    opened = [open_statement(text) for text in statements]
    return Waiting(
        row,
        statements,
        tuple(one.event for one in opened),
        tuple(statement_hash(one.jwt) for one in opened),
        tuple(body["then"]) if body.get("then") else None,
    )


def allowed_credentials(actor: Actor) -> list[str]:
    """The credentials that may approve."""
    return credentials(actor.organisation.id)


def approve(actor: Actor, waiting: Waiting, answer: str, *, at: datetime) -> Captured:
    """Records what waited, with the passkey's assertion before it in the log.

    Raises NotFound when somebody else decided first, PasskeyRefused, NotApprovedHere,
    SigningKeyEnded, and what `capture_statements` raises.
    """
    actor.check("record")
    assertion = read_assertion(answer)
    organisation_id = actor.organisation.id
    passkey = find_approver(organisation_id, assertion, waiting.challenge)
    if not _taken(waiting.row):
        raise NotFound
    signer = db.session.get_one(Key, waiting.row.key_id)
    try:
        done = capture_statements(
            actor,
            waiting.statements,
            NamedKey(signer.id, signer.kid),
            PublicKey.from_jwk(orjson.loads(signer.jwk)),
            at=at,
            idempotency_key=orjson.loads(waiting.row.body)["key"],
            approval=Approval(waiting.hashes, assertion, NamedKey(passkey.id, passkey.kid)),
        )
    except NoKey as error:
        raise SigningKeyEnded from error
    _go_on(actor, waiting.row, [one.event_id for one in done.events], at=at)
    return done


def discard(actor: Actor, waiting: Waiting, *, at: datetime) -> None:
    """Nothing of it is recorded. Raises NotFound when somebody else decided first."""
    actor.check("record")
    if not _taken(waiting.row):
        raise NotFound
    _go_on(actor, waiting.row, [], at=at)
