"""An organisation ends: asked, waited for, taken back or done.

Rules.
1. An owner asks; or the platform does, for one that nobody has used for UNUSED. Between asking and
   the end lie WAIT or NOTICE days, in which everything goes on and any owner takes it back; a
   member's sign-in takes the platform's asking back by itself.
2. An organisation whose own recall stands does not end before somebody goes on for all of it
   (services.succession): a recall must reach someone. A closing that was asked waits until then.
3. At the end the organisation says so in a statement, its last. Its keys end in the log without
   `since`: what they signed stays good. Access codes, invitations and entries that wait for an
   approval end; printed stamps that belong to no lot are voided.
4. Nothing else is taken away or lifted: pages, holds, recalls, handovers and the amounts on its
   books stay as they are. Its members read and export for READ_FOR, then they leave.
5. Authorities and the platform do not end here: their powers are not theirs to give up.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update

from trace.clock import rfc3339
from trace.core.gs1 import Identity, local_uri
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Alert,
    Closing,
    Event,
    Handover,
    Holding,
    Invitation,
    Key,
    LabelRange,
    Membership,
    Organisation,
    PendingApproval,
    Request,
    Session,
    Thing,
    Token,
    Unit,
)
from trace.models.requests import CLOSED as ANSWERED
from trace.services import freshness, keys
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture import capture
from trace.services.handovers import CLOSED as HANDED
from trace.services.idle import STAYING_KINDS, UNUSED, Idle, last_seen, list_idle
from trace.services.jobs import enqueue
from trace.services.notifications import notify
from trace.services.platform import platform_organisation
from trace.services.records import LOCAL_ZONE
from trace.services.settings import current_settings
from trace.services.successors import whole_successor
from trace.services.versions import check_version
from trace.services.vocabulary import context, step

JOB_KIND: Final = "close-organisation"
WAIT: Final = timedelta(days=30)
NOTICE: Final = timedelta(days=60)
# VietGAP asks for a year after the harvest, the widest rule known (21 CFR 1.1455) for two.
READ_FOR: Final = timedelta(days=730)


class NotClosable(TraceError):
    code = "not-closable"
    status = 403
    message = "An authority or the platform does not close here."


class AlreadyClosing(Conflict):
    code = "already-closing"
    message = "This organisation is closing already."


class NotClosing(Conflict):
    code = "not-closing"
    message = "This closing was taken back or has ended already."


class RecallStands(Conflict):
    code = "recall-stands"
    message = "A recall of %(name)s stands: whom would those who have the goods ask?"
    next_step = "Let another organisation take over everything first, or have the recall released."


class KeysHeldOutside(Conflict):
    code = "keys-held-outside"
    message = "The organisation holds its keys itself: only it can end them."
    next_step = "Revoke them on the page of keys, or let the platform hold one for the last word."


class StillUsed(Conflict):
    code = "still-used"
    message = "Somebody used this organisation within the last %(days)d days."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What stands open; each figure is told before anybody asks for the end."""

    given: int  # handovers nobody answered yet
    coming: int  # goods on their way to it
    goods: int  # things it says it has
    stamps: int  # printed stamps of no lot
    notices: int  # holds and recalls standing on what it made
    recalls: int  # of those, recalls it gave itself
    approvals: int
    requests: int  # of persons about their data
    members: int
    own_keys: int


def outlook(organisation: Organisation) -> Outlook:
    """Counts what is open; a fixed number of queries."""
    mine = organisation.id
    shipped = (~Handover.received, ~Handover.voided, ~Handover.state.in_(sorted(HANDED)))
    standing = (
        select(func.count(func.distinct(Alert.event_id)))
        .join(Thing, Thing.id == Alert.source_id)
        .where(
            Thing.owner_id == mine, Alert.kind.in_(("hold", "recall")), Alert.lifted_by.is_(None)
        )
    )
    return Outlook(
        given=_count(select(func.count()).where(*shipped, Handover.giver_id == mine)),
        coming=_count(select(func.count()).where(*shipped, Handover.taker_id == mine)),
        goods=_count(
            select(func.count(func.distinct(Holding.thing_id)))
            .join(Thing, Thing.id == Holding.thing_id)
            .where(Holding.holder_id == mine, Holding.quantity > 0, Thing.kind != "cycle")
        ),
        stamps=_count(_stamps(select(func.count()), mine)),
        notices=_count(standing),
        recalls=_own_recalls(mine),
        approvals=_count(select(func.count()).where(PendingApproval.organisation_id == mine)),
        requests=_count(
            select(func.count()).where(
                Request.organisation_id == mine, ~Request.state.in_(ANSWERED)
            )
        ),
        members=_count(select(func.count()).where(Membership.organisation_id == mine)),
        own_keys=_count(
            select(func.count()).where(
                Key.organisation_id == mine, Key.custody == "own", Key.revoked_from.is_(None)
            )
        ),
    )


def waiting(organisation: Organisation) -> Closing | None:
    """The closing that is under way."""
    return db.session.scalar(
        select(Closing).where(
            Closing.organisation_id == organisation.id, Closing.state == "waiting"
        )
    )


def ask(actor: Actor, reason: str, *, at: datetime) -> Closing:
    """An owner asks for the end. Raises NotAllowed, NotClosable, AlreadyClosing, RecallStands,
    KeysHeldOutside."""
    actor.check("manage")
    organisation = _locked(actor.organisation)
    _check_may_end(organisation)
    return _ask(actor, organisation, "owner", reason, at, at + WAIT)


def take_back(actor: Actor, *, version: int, at: datetime) -> None:
    """An owner goes on after all. Raises NotAllowed, NotClosing, ChangedMeanwhile."""
    actor.check("manage")
    row = waiting(_locked(actor.organisation))
    if row is None:
        raise NotClosing
    check_version(row, version)
    _withdraw(actor, row, at)


# -- the platform's desk ---------------------------------------------------------------------------


def list_desk(actor: Actor, *, at: datetime) -> list[Idle]:
    """Unused organisations, those that are closing, and closed ones for which nobody goes on; the
    longest unused first. Raises NotAllowed."""
    orphans = [
        Idle(one, one.closed_at or at, "closed")
        for one in db.session.scalars(
            select(Organisation).where(Organisation.closed_at.is_not(None))
        )
        if whole_successor(one) is None
    ]
    return [*list_idle(actor, at=at), *sorted(orphans, key=lambda one: one.seen_at)]


def ask_for_unused(
    actor: Actor, organisation: Organisation, reason: str, *, at: datetime
) -> Closing:
    """The platform asks for the end of one that nobody uses; its people are told. Raises
    NotAllowed, NotClosable, StillUsed, AlreadyClosing."""
    actor.check("administer")
    _locked(organisation)
    if organisation.kind in STAYING_KINDS:
        raise NotClosable
    if at - last_seen(organisation) < UNUSED:
        raise StillUsed(days=UNUSED.days)
    return _ask(actor, organisation, "platform", reason, at, at + NOTICE)


def stop(actor: Actor, organisation: Organisation, *, version: int, at: datetime) -> None:
    """The platform takes back what it asked. Raises NotAllowed, NotClosing, ChangedMeanwhile."""
    actor.check("administer")
    row = waiting(_locked(organisation))
    if row is None or row.by != "platform":
        raise NotClosing
    check_version(row, version)
    _withdraw(actor, row, at)


# -- the end ---------------------------------------------------------------------------------------


def ask_for_ends(*, at: datetime) -> int:
    """Asks for a job for each closing whose day has come; returns how many. Called every hour."""
    rows = db.session.scalars(
        select(Closing).where(Closing.state == "waiting", Closing.ends_at <= at)
    )
    due = [row.id for row in rows if not _must_wait(row.organisation)]
    for closing_id in due:
        enqueue(JOB_KIND, {"closing": closing_id}, at=at)
    return len(due)


def end(closing_id: int, *, at: datetime) -> str:
    """Ends the organisation of a closing: `closed`; or what it is instead: `withdrawn` (rule 1),
    `waiting` (rule 2). Doing it twice does it once; the caller commits."""
    row = db.session.get(Closing, closing_id)
    if row is None:
        raise NotFound
    # Not the organisation's row: captures take the log's lock before they write there.
    db.session.refresh(row, with_for_update=True)
    organisation = row.organisation
    if row.state != "waiting" or row.ends_at > at:
        return row.state
    if row.by == "platform" and last_seen(organisation) > row.asked_at:
        _withdraw(None, row, at)
        return row.state
    if _must_wait(organisation):
        return row.state
    _last_words(organisation, row, at)
    organisation.closed_at = at
    row.state, row.ended_at = "closed", at
    write_audit(
        None, "organisation.close", _subject(organisation), at=at, organisation=organisation
    )
    db.session.flush()
    freshness.organisation_changed(organisation, at=at)
    notify(organisation, "closing-done", {"until": _day(at + READ_FOR)}, at=at)
    return row.state


def let_go(*, at: datetime) -> int:
    """Members leave what closed READ_FOR ago; returns how many did. Called every hour."""
    over = select(Organisation.id).where(Organisation.closed_at <= at - READ_FOR)
    rows = db.session.scalars(select(Membership).where(Membership.organisation_id.in_(over))).all()
    for row in rows:
        write_audit(
            None,
            "membership.end",
            f"person:{row.person_id}",
            at=at,
            organisation=row.organisation,
        )
        db.session.delete(row)
    db.session.execute(
        update(Session)
        .where(Session.organisation_id.in_(over))
        .values(organisation_id=None)
        .execution_options(synchronize_session=False)
    )
    return len(rows)


# -- inside ----------------------------------------------------------------------------------------


def _last_words(organisation: Organisation, row: Closing, at: datetime) -> None:
    """Rule 3."""
    mine = organisation.id
    row.statement = _say(organisation, row, at)
    for key in _valid_keys(mine) if _server_keys(mine) else ():
        index = keys.revoke_key(key, at=at)
        write_audit(None, "key.end", key.kid, at=at, organisation=organisation, index=index)
    for model in (Token, PendingApproval):
        db.session.execute(
            delete(model)
            .where(model.organisation_id == mine)
            .execution_options(synchronize_session=False)
        )
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.organisation_id == mine,
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )
    voided: Any = db.session.execute(
        _stamps(update(Unit), mine)
        .values(voided_at=at)
        .execution_options(synchronize_session=False)
    )
    if voided.rowcount:
        write_audit(
            None,
            "labels.void",
            _subject(organisation),
            at=at,
            organisation=organisation,
            count=voided.rowcount,
        )


def _say(organisation: Organisation, row: Closing, at: datetime) -> str:
    """The closing statement: the organisation's own while its own word can be had, otherwise (the
    platform's asking, or keys held outside) the platform's."""
    base = current_settings().id_base
    uri = local_uri(Identity("o", organisation.code), base)
    own = row.by == "owner" and _server_keys(organisation.id)
    speaker = organisation if own else platform_organisation()
    said: dict[str, Any] = {
        "@context": context(base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(at),
        "eventTimeZoneOffset": "+07:00",
        "bizStep": step("closing"),
        "disposition": "inactive",
        "epcList": [uri],
        "trace:succession": {"kind": "closing", "giver": uri},
    }
    role = "owner" if own else "admin"
    told = capture(Actor(speaker, None, role), [said], at=at, private=())
    return told.events[0].statement_id


def _ask(
    actor: Actor,
    organisation: Organisation,
    by: str,
    reason: str,
    at: datetime,
    ends_at: datetime,
) -> Closing:
    if organisation.closed_at is not None or waiting(organisation) is not None:
        raise AlreadyClosing
    row = Closing(
        organisation_id=organisation.id,
        by=by,
        reason=reason,
        person_id=actor.person.id if actor.person else None,
        asked_at=at,
        ends_at=ends_at,
    )
    db.session.add(row)
    write_audit(actor, "closing.ask", _subject(organisation), at=at, by=by)
    db.session.flush()
    word = "closing-asked" if by == "owner" else "closing-unused"
    told = {"day": _day(ends_at)}
    notify(organisation, word, told, at=at, address="/producer/closing/")
    return row


def _withdraw(actor: Actor | None, row: Closing, at: datetime) -> None:
    row.state, row.ended_at = "withdrawn", at
    organisation = row.organisation
    write_audit(
        actor, "closing.take-back", _subject(organisation), at=at, organisation=organisation
    )
    db.session.flush()
    notify(organisation, "closing-taken-back", {}, at=at)


def _check_may_end(organisation: Organisation) -> None:
    if organisation.kind in STAYING_KINDS:
        raise NotClosable
    if _must_wait(organisation):
        raise RecallStands(name=organisation.name)
    outside = [key for key in _valid_keys(organisation.id) if key.custody == "own"]
    if outside and not _server_keys(organisation.id):
        raise KeysHeldOutside


def _must_wait(organisation: Organisation) -> bool:
    """Rule 2."""
    return bool(_own_recalls(organisation.id)) and whole_successor(organisation) is None


def _locked(organisation: Organisation) -> Organisation:
    """Two at once come one after the other."""
    db.session.execute(
        select(Organisation.id).where(Organisation.id == organisation.id).with_for_update()
    )
    db.session.refresh(organisation)
    return organisation


def _own_recalls(organisation_id: int) -> int:
    return _count(
        select(func.count(func.distinct(Alert.event_id)))
        .join(Event, Event.id == Alert.event_id)
        .where(
            Event.issuer_id == organisation_id,
            Alert.kind == "recall",
            Alert.lifted_by.is_(None),
        )
    )


def _valid_keys(organisation_id: int) -> Sequence[Key]:
    """The keys that count now; what signs the others out comes last. Empty without a server key:
    the platform cannot end what others hold."""
    return db.session.scalars(
        select(Key)
        .where(
            Key.organisation_id == organisation_id,
            Key.purpose == "sign",
            Key.active_from.is_not(None),
            Key.revoked_from.is_(None),
        )
        .order_by(Key.sealed.is_not(None), Key.id)
    ).all()


def _server_keys(organisation_id: int) -> bool:
    return any(key.sealed is not None for key in _valid_keys(organisation_id))


def _stamps(query: Any, organisation_id: int) -> Any:
    """Printed codes of the organisation that belong to no lot and are not voided."""
    rolls = select(LabelRange.id).where(LabelRange.organisation_id == organisation_id)
    return query.where(Unit.range_id.in_(rolls), Unit.lot_id.is_(None), Unit.voided_at.is_(None))


def _count(query: Any) -> int:
    return int(db.session.scalar(query) or 0)


def _subject(organisation: Organisation) -> str:
    return f"organisation:{organisation.code}"


def _day(at: datetime) -> str:
    return f"{at.astimezone(LOCAL_ZONE):%d/%m/%Y}"
