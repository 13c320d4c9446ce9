"""Handing an organisation's records on: one offers, the other accepts, each by a statement.

Rules.
1. Offered is everything (`whole`) or what is named: cycles and lots, products, places. Of a cycle
   goes along what came of it and nothing else (a mix stays behind).
2. The offer is a statement of whoever hands on; where nobody is left to sign, the platform's, on a
   written proof. The acceptance is a statement of the successor: nobody succeeds by another's word.
3. From then on products and places named are the successor's, with their printed addresses; about
   things it may speak (services.successors). Issuers, pages and statements stay as they were.
4. Goods do not change hands by it, and no holder is named: that is a handover.
5. Whoever accepts is shown the holds and recalls that stand on what it takes, and says so.
6. A successor hands on what it took as it hands on its own.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from trace.clock import rfc3339
from trace.core.gs1 import Identity, local_uri
from trace.errors import Conflict, NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import (
    Alert,
    Organisation,
    Succession,
    Thing,
)
from trace.services import freshness, log
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture import capture
from trace.services.idle import STAYING_KINDS
from trace.services.notifications import notify
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.succession_items import MOST_NAMED, Named, items_of, take, uris_of
from trace.services.versions import check_version
from trace.services.vocabulary import context, step


class TakerIsGiver(TraceError):
    code = "taker-is-giver"
    message = "An organisation cannot succeed itself."


class TakerCannot(TraceError):
    code = "taker-cannot"
    status = 409
    message = "%(name)s cannot take records over: it has closed, or is an authority."


class OfferStands(Conflict):
    code = "offer-stands"
    message = "This is offered to %(name)s already, or %(name)s has taken it over."


class OfferOver(Conflict):
    code = "offer-over"
    message = "This offer was answered or withdrawn already."


class NotAware(TraceError):
    code = "alerts-not-seen"
    message = "Holds or recalls stand on what you take over: confirm that you have seen them."


class StillWorking(Conflict):
    code = "still-working"
    message = "%(name)s works still: it hands its records on itself."


def offer(
    actor: Actor, taker: Organisation, named: Named, note: str = "", *, at: datetime
) -> Succession:
    """Offers records to another organisation. Raises NotAllowed, TakerIsGiver, TakerCannot,
    NothingNamed, TooMuchNamed, NotYours, OfferStands."""
    actor.check("manage")
    return _offer(actor, actor.organisation, taker, named, note, "", at)


def offer_on_proof(
    actor: Actor, giver: Organisation, taker: Organisation, proof: str, *, at: datetime
) -> Succession:
    """The platform offers everything of an organisation that has closed to its successor, on a
    written proof (a decision, an inheritance). Raises NotAllowed, StillWorking and what `offer`
    raises."""
    actor.check("administer")
    if giver.closed_at is None:
        raise StillWorking(name=giver.name)
    return _offer(actor, giver, taker, Named(whole=True), "", proof, at)


def withdraw(actor: Actor, row: Succession, *, version: int, at: datetime) -> None:
    """Whoever offered takes the offer back. Raises NotAllowed, OfferOver, ChangedMeanwhile."""
    actor.check("manage")
    if row.offered_by_id != actor.organisation.id:
        raise NotFound
    _close(actor, row, "withdrawn", version, at)


def decline(actor: Actor, row: Succession, *, version: int, at: datetime) -> None:
    """Whom it was offered to does not take it. Raises NotAllowed, OfferOver, ChangedMeanwhile."""
    _check_taker(actor, row)
    _close(actor, row, "declined", version, at)
    _tell(row, "succession-declined", at)


def accept(actor: Actor, row: Succession, *, aware: bool, version: int, at: datetime) -> None:
    """Takes over what was offered. Raises NotAllowed, OfferOver, ChangedMeanwhile, NotAware,
    NotYours (the giver has parted with it meanwhile)."""
    _check_taker(actor, row)
    _lock(row, version)
    if alerts_on(row) and not aware:
        raise NotAware(path="aware")
    said = _said(row, actor.organisation, "accept")
    told = capture(actor, [_event(row, "taking_over", said, at)], at=at, private=_private(row))
    row.state, row.answered_at = "accepted", at
    row.answer, row.place = told.events[0].statement_id, told.events[0].index
    take(row, at=at)
    write_audit(
        actor,
        "succession.accept",
        f"organisation:{row.giver.code}",
        at=at,
        succession=row.id,
        whole=row.whole,
    )
    db.session.flush()
    freshness.organisation_changed(row.giver, at=at)
    _tell(row, "succession-accepted", at)


# -- reading ---------------------------------------------------------------------------------------


def list_of(actor: Actor) -> list[Succession]:
    """The offers an organisation made or was made, the newest first."""
    actor.check("read")
    mine = actor.organisation.id
    return list(
        db.session.scalars(
            select(Succession)
            .where(
                or_(
                    Succession.giver_id == mine,
                    Succession.taker_id == mine,
                    Succession.offered_by_id == mine,
                )
            )
            .order_by(Succession.id.desc())
        )
    )


def get(actor: Actor, succession_id: int) -> Succession:
    """One of them. Raises NotFound."""
    actor.check("read")
    found = db.session.get(Succession, succession_id)
    mine = actor.organisation.id
    if found is None or mine not in (found.giver_id, found.taker_id, found.offered_by_id):
        raise NotFound
    return found


def alerts_on(row: Succession) -> list[tuple[Thing, str]]:
    """(thing, hold or recall) of the notices that stand on what a succession is about, the thing
    each notice names."""
    about = Thing.owner_id == row.giver_id
    if not row.whole:
        about = among(Thing.id, [one.thing_id for one in row.items if one.thing_id is not None])
    rows = db.session.execute(
        select(Thing, Alert.kind)
        .join(Alert, Alert.thing_id == Thing.id)
        .where(
            about,
            Thing.kind != "unit",
            Alert.lifted_by.is_(None),
            Alert.kind.in_(("hold", "recall")),
        )
        .order_by(Alert.kind.desc(), Thing.id)
        .limit(MOST_NAMED)
    )
    found: dict[tuple[int, str], tuple[Thing, str]] = {}
    for thing, kind in rows:
        found.setdefault((thing.id, kind), (thing, kind))
    return list(found.values())


def taken_thing(actor: Actor, row: Succession, thing_id: int) -> Thing:
    """A thing named by an accepted succession of which the actor is the taker. Raises NotFound."""
    actor.check("read")
    thing = next((one.thing for one in row.items if one.thing_id == thing_id), None)
    if row.state != "accepted" or row.taker_id != actor.organisation.id or thing is None:
        raise NotFound
    return thing


# -- inside ----------------------------------------------------------------------------------------


def _offer(
    actor: Actor,
    giver: Organisation,
    taker: Organisation,
    named: Named,
    note: str,
    proof: str,
    at: datetime,
) -> Succession:
    if taker.id == giver.id:
        raise TakerIsGiver(path="taker")
    if taker.closed_at is not None or taker.kind in STAYING_KINDS:
        raise TakerCannot(path="taker", name=taker.name)
    log.lock()  # the capture below takes it anyway; two offers at once come one after the other
    row = Succession(
        giver_id=giver.id,
        taker_id=taker.id,
        whole=named.whole,
        note=note,
        proof=proof,
        offered_by_id=actor.organisation.id,
        offered_at=at,
        giver=giver,
        taker=taker,
        offered_by=actor.organisation,
    )
    if named.whole:
        _check_no_other(row)
    else:
        row.items = items_of(giver, named)
    said = _said(row, taker, "offer")
    try:
        told = capture(actor, [_event(row, "handing_on", said, at)], at=at, private=_private(row))
    except Refused as refused:  # the only words of anybody's in it
        error = refused.errors[0]
        error.path = "proof"
        raise error from None
    row.offer = told.events[0].statement_id
    db.session.add(row)
    db.session.flush()
    write_audit(
        actor,
        "succession.offer",
        f"organisation:{giver.code}",
        at=at,
        succession=row.id,
        taker=taker.code,
        whole=row.whole,
    )
    address = f"/producer/succession/{row.id}"
    notify(taker, "succession-offered", {"by": giver.name}, at=at, address=address)
    notify(giver, "succession-sent", {"to": taker.name}, at=at, address=address, but=actor.person)
    return row


def _check_no_other(row: Succession) -> None:
    """One offer of everything at a time; what was taken over is not offered to the same again."""
    with db.session.no_autoflush:
        other = db.session.scalar(
            select(Succession).where(
                Succession.giver_id == row.giver.id,
                Succession.whole,
                or_(
                    Succession.state == "offered",
                    (Succession.state == "accepted") & (Succession.taker_id == row.taker.id),
                ),
            )
        )
    if other is not None:
        raise OfferStands(path="taker", name=other.taker.name)


def _said(row: Succession, taker: Organisation, kind: str) -> dict[str, Any]:
    base = current_settings().id_base
    said: dict[str, Any] = {
        "kind": kind,
        "giver": local_uri(Identity("o", row.giver.code), base),
        "taker": local_uri(Identity("o", taker.code), base),
        "whole": row.whole,
    }
    if not row.whole:
        said["things"] = uris_of(row)
    if kind == "accept":
        said["offer"] = row.offer
    if row.proof and kind == "offer":
        said["proof"] = row.proof
    return said


def _event(row: Succession, word: str, said: dict[str, Any], at: datetime) -> dict[str, Any]:
    base = current_settings().id_base
    return {
        "@context": context(base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(at),
        "eventTimeZoneOffset": "+07:00",
        "bizStep": step(word),
        "epcList": [local_uri(Identity("o", row.giver.code), base)],
        "trace:succession": said,
    }


def _private(row: Succession) -> tuple[str, ...]:
    """Who takes everything over is public: it stands on the page. Which cycles a household takes
    with it is its own affair."""
    return () if row.whole else ("trace:succession",)


def _check_taker(actor: Actor, row: Succession) -> None:
    actor.check("manage")
    if row.taker_id != actor.organisation.id:
        raise NotFound


def _lock(row: Succession, version: int) -> None:
    """Two who answer at once answer one after the other."""
    db.session.refresh(row, with_for_update=True)
    if row.state != "offered":
        raise OfferOver
    check_version(row, version)


def _close(actor: Actor, row: Succession, state: str, version: int, at: datetime) -> None:
    _lock(row, version)
    row.state, row.answered_at = state, at
    write_audit(
        actor,
        f"succession.{state}",
        f"organisation:{row.giver.code}",
        at=at,
        succession=row.id,
    )
    db.session.flush()


def _tell(row: Succession, word: str, at: datetime) -> None:
    address = f"/producer/succession/{row.id}"
    told = {"by": row.taker.name}
    notify(row.giver, word, told, at=at, address=address)
