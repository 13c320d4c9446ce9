"""Answering a delivery note: once, by whoever may; with what is still to come; by its printed link.

Two who answer the same note at once are told apart here: `claim` takes the shipment's row before
anything is recorded, so that the second finds it closed and is told. What is captured through other
doors is never refused: a second receipt is recorded and stays one-sided.

The link printed on a note holds a secret that the note's public address does not. Whoever has the
paper answers once, without an account. The answer is recorded as the giver's own word; name, phone
and plate stay in `note_links`, out of every statement, and nobody is named as holder.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import aliased

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Event, EventThing, Handover, NoteLink, Organisation
from trace.models.events import ROLES, TYPES
from trace.services.actors import Actor
from trace.services.handovers import TAKEN, Shipment
from trace.services.people import BadPhone, parse_phone
from trace.services.sets import among
from trace.services.vocabulary import Amount

SECRET_BYTES: Final = 10  # 80 bits: nobody guesses one, and it still fits a small code
INPUT, EPC = ROLES.index("input"), ROLES.index("epc")


class AlreadyAnswered(Conflict):
    code = "already-answered"
    message = "This delivery note was answered meanwhile. Nothing was recorded a second time."
    next_step = "Open the note to see the answer."


class NoteCancelled(Conflict):
    code = "note-cancelled"
    message = "The giver cancelled this delivery note. Nothing was recorded."


class LinkUsed(Conflict):
    code = "link-used"
    message = "This link was answered already; it answers once only."
    next_step = (
        "If the answer was wrong, tell the giver: the note can still be answered by account."
    )


class NothingLeft(TraceError):
    code = "nothing-left"
    message = "Everything on this note has been received already."


def claim(shipment: int) -> None:
    """Takes the shipment's row until the transaction ends. Raises AlreadyAnswered, NoteCancelled.

    An update, because that waits for another answer in progress on both databases and then sees
    what that one did.
    """
    # It must change the row: an update that changes nothing is an update all the same.
    done = db.session.execute(
        update(Handover)
        .where(
            Handover.event_id == shipment,
            ~Handover.received,
            ~Handover.voided,
            Handover.answered_by.is_(None),
        )
        .values(state=Handover.state)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", done).rowcount:
        return
    voided = db.session.scalar(select(Handover.voided).where(Handover.event_id == shipment))
    if voided is None:
        raise NotFound
    raise NoteCancelled if voided else AlreadyAnswered


def received_so_far(shipments: Sequence[int]) -> dict[int, dict[tuple[int, str], Decimal]]:
    """By shipment: how much of each (thing, unit) its receipts that stand have brought."""
    rows = db.session.execute(
        select(
            Handover.answered_by,
            EventThing.thing_id,
            func.coalesce(EventThing.unit, ""),
            EventThing.quantity,
        )
        .join(EventThing, EventThing.event_id == Handover.event_id)
        .where(
            among(Handover.answered_by, sorted(shipments)),
            Handover.received,
            ~Handover.voided,
            Handover.state.in_(sorted(TAKEN)),
            EventThing.role == EPC,
        )
    )
    found: dict[int, dict[tuple[int, str], Decimal]] = {}
    for shipment, thing, unit, quantity in rows:
        if shipment is None:
            continue
        amounts = found.setdefault(shipment, {})
        amounts[thing, unit] = amounts.get((thing, unit), Decimal(0)) + (quantity or Decimal(0))
    return found


@dataclass(frozen=True, slots=True)
class Remaining:
    """A line of a note and what of it has not come yet; None where nobody gave an amount."""

    thing_id: int
    amount: Amount | None
    arrived: Amount | None


def remaining(shipment: Shipment) -> list[Remaining]:
    """Every line with what is still to come, never below nought."""
    came = received_so_far([shipment.event_id]).get(shipment.event_id, {})
    arrived_things = {thing for thing, _ in came}
    found = []
    for line in shipment.lines:
        if line.amount is None:
            if line.thing_id not in arrived_things:
                found.append(Remaining(line.thing_id, None, None))
            continue
        unit = line.amount.uom
        got = came.get((line.thing_id, unit))
        left = max(line.amount.quantity - (got or Decimal(0)), Decimal(0))
        found.append(
            Remaining(line.thing_id, Amount(left, unit), None if got is None else Amount(got, unit))
        )
    return found


def bridged(shipments: Sequence[Shipment]) -> dict[int, Organisation]:
    """One-sided shipments whose goods somebody with an account recorded later: by whom.

    A later holder is anybody but the giver who received, sold or used the lot, unless he had it by
    another note of its own.
    """
    open_ones = [one for one in shipments if one.state in ("", "link") and not one.voided]
    if not open_ones:
        return {}
    sent, named, later = aliased(EventThing), aliased(EventThing), aliased(Event)
    own_note = (
        select(Handover.event_id)
        .join(EventThing, EventThing.event_id == Handover.event_id)
        .where(
            Handover.received,
            Handover.answered_by.is_not(None),
            Handover.taker_id == later.issuer_id,
            EventThing.thing_id == named.thing_id,
        )
        .exists()
    )
    rows = db.session.execute(
        select(Handover.event_id, later.issuer_id)
        .join(sent, (sent.event_id == Handover.event_id) & (sent.role == EPC))
        .join(named, (named.thing_id == sent.thing_id) & (named.event_id > Handover.event_id))
        .join(later, later.id == named.event_id)
        .where(
            among(Handover.event_id, sorted(one.event_id for one in open_ones)),
            later.issuer_id != Handover.giver_id,
            later.notice.is_(None),
            later.corrects.is_(None),
            later.biz_step.in_(("receiving", "accepting", "retail_selling", "stocking"))
            | ((later.type == TYPES.index("TransformationEvent")) & (named.role == INPUT)),
            ~own_note,
        )
        .order_by(later.id)
    ).all()
    first: dict[int, int] = {}
    for shipment, issuer in rows:
        first.setdefault(shipment, issuer)
    organisations = {
        one.id: one
        for one in db.session.scalars(
            select(Organisation).where(among(Organisation.id, sorted(set(first.values()))))
        )
    }
    return {shipment: organisations[issuer] for shipment, issuer in first.items()}


# -- the link on the paper -------------------------------------------------------------------------


def new_secret() -> str:
    """A link's secret: letters and digits, so that it may also be typed."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=").lower()


def find_link(shipment: int) -> NoteLink | None:
    """The link of a shipment, None where none was made."""
    return db.session.get(NoteLink, shipment)


def make_link(actor: Actor, handover: Handover, *, at: datetime) -> NoteLink:
    """A fresh link for the giver's own shipment; one on lost paper ends. Raises NotFound,
    AlreadyAnswered."""
    actor.check("record")
    mine = handover.giver_id == actor.organisation.id == handover.event.issuer_id
    if handover.received or handover.voided or not mine:
        raise NotFound
    link = db.session.get(NoteLink, handover.event_id)
    if link is None:
        link = NoteLink(event_id=handover.event_id, secret=new_secret(), created_at=at)
        db.session.add(link)
    elif link.answered_at is not None:
        raise LinkUsed
    else:
        link.secret, link.created_at = new_secret(), at
    db.session.flush()
    return link


def open_link(secret: str) -> tuple[NoteLink, Handover]:
    """The link and the shipment behind a secret. Raises NotFound."""
    link = db.session.scalar(select(NoteLink).where(NoteLink.secret == secret.lower()))
    handover = None if link is None else db.session.get(Handover, link.event_id)
    if link is None or handover is None:
        raise NotFound
    return link, handover


def spend_link(link: NoteLink, answer: str, who: Mapping[str, Any], *, at: datetime) -> None:
    """Takes the link for this answer. Raises LinkUsed, AlreadyAnswered, NoteCancelled."""
    done = db.session.execute(
        update(NoteLink)
        .where(NoteLink.event_id == link.event_id, NoteLink.answered_at.is_(None))
        .values(
            answered_at=at,
            answer=answer,
            name=who.get("name") or "",
            phone=_number(who.get("phone") or ""),
            plate=who.get("plate") or "",
        )
        .execution_options(synchronize_session=False)
    )
    if not cast("CursorResult[Any]", done).rowcount:
        raise LinkUsed
    claim(link.event_id)


def _number(typed: str) -> str:
    """A phone number in one form, so that whoever wants it erased is found by it; as typed where it
    is none we understand."""
    try:
        return parse_phone(typed)
    except BadPhone:
        return typed
