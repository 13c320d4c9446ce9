"""Tells people what events of others mean for them: goods on their way, answers, notices, results.

Rules.
1. Whoever is named as taker of a shipment is told that it comes, once for a capture however many
   notes it holds; the giver how each was answered. A cancelled shipment is told to its taker.
2. A notice (recall, hold, advice) and its release are told once to every organisation that made,
   holds or held something it reached: one row a person, however many lots of theirs it reached.
   Not told is who gave the notice. Where one of them has closed, who answers in its place is told.
   While it stands, so is whoever is given such goods or makes something of them.
3. A hold by our own rules is told to the authorities whose area it lies in, and a laboratory's
   result to the lot's maker and to those where such a hold still stands.
Doing it twice tells once: each has a subject.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select, union

from trace.core.gs1 import parse_identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models import (
    Alert,
    Event,
    EventThing,
    Handover,
    Holding,
    Job,
    Organisation,
    RecallNotice,
    Thing,
)
from trace.services import follows
from trace.services.batches import short_name
from trace.services.competence import authorities_for
from trace.services.handovers import ARRIVING, BY_LINK, LEAVING, Shipment, shipments
from trace.services.histories import contents
from trace.services.holds import REASONS, reason_of
from trace.services.jobs import argument_of, enqueue
from trace.services.notifications import Context, notify, notify_each
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.successors import contact_of
from trace.services.vocabulary import Amount, bare_step, uom_name

NAMED: Final = 3  # goods named in a sentence; the page has all
ALERTING: Final = ("recall", "hold", "advice")
ANSWERS: Final = {
    "accepted": "handover-accepted",
    "part": "handover-part",
    "part-differs": "handover-part",
    "differs": "handover-differs",
    "refused": "handover-refused",
    "rest-refused": "handover-refused",
    "link": "handover-link",
    "link-refused": "handover-link-refused",
}
ALERTS: Final = "/producer/batches/?state=alert"


def tell(
    event_ids: Collection[int],
    inherited: Collection[int] = (),
    *,
    at: datetime,
    but: int | None = None,
) -> int:
    """Tells what these events mean to others than the person `but`, and the notices `inherited` by
    what they made; returns how many people. The caller commits."""
    count = 0
    events = _events(event_ids)
    for event in events:
        if event.corrects is None and event.notice is not None:
            count += _notice(event, at)
        elif event.corrects is None and bare_step(event.biz_step) == "inspecting":
            count += _result(event, at)
    ids = [event.id for event in events if event.corrects is None]
    handed = [event.id for event in events if bare_step(event.biz_step) in LEAVING | ARRIVING]
    for event in _events(_standing_on(handed).union(inherited)):
        if event.corrects is None:
            count += _notice(event, at, anew=True)
    count += _shipped(ids, at, but)
    count += _answered(ids, at, but)
    return count + _cancelled([event for event in events if event.corrects is not None], at, but)


def _events(ids: Collection[int]) -> list[Event]:
    if not ids:
        return []
    query = select(Event).where(among(Event.id, sorted(ids))).order_by(Event.id)
    return list(db.session.scalars(query))


# -- handovers -------------------------------------------------------------------------------------


def _handovers(condition: ColumnElement[bool]) -> list[Handover]:
    query = select(Handover).where(condition).order_by(Handover.event_id)
    return list(db.session.scalars(query))


def _shipped(ids: Sequence[int], at: datetime, but: int | None) -> int:
    rows = _handovers(
        and_(
            among(Handover.event_id, ids),
            ~Handover.received,
            ~Handover.voided,
            Handover.answered_by.is_(None),
            Handover.taker_id.is_not(None),
            func.coalesce(Handover.giver_id, 0) != Handover.taker_id,
        )
    )
    by_pair: dict[tuple[int | None, int | None], list[Handover]] = {}
    for row in rows:
        by_pair.setdefault((row.giver_id, row.taker_id), []).append(row)
    count = 0
    for group in by_pair.values():
        first = group[0]
        if first.taker is None:
            continue
        returned = (first.event.disposition or "").endswith("returned")
        word = "handover-returned" if returned else "handover-waiting"
        context = {"by": _name(first.giver), "what": _goods(shipments([first])[0])}
        address = f"/producer/shipments/{first.event_id}"
        if len(group) > 1:
            word, address = "handover-several", "/producer/shipments/"
            context = {"by": _name(first.giver), "count": str(len(group))}
        subject = f"shipment:{first.event_id}"
        count += notify_each(
            {first.taker: (context, address)}, word, at=at, but=but, subject=subject
        )
    return count


def _answered(ids: Sequence[int], at: datetime, but: int | None) -> int:
    """One word for each shipment: how its answers so far leave it."""
    newest: dict[int, Handover] = {}
    for row in _handovers(and_(among(Handover.event_id, ids), Handover.received)):
        if row.answered_by is not None and not row.voided:
            newest[row.answered_by] = row
    told = {row.event_id: row for row in _handovers(among(Handover.event_id, sorted(newest)))}
    count = 0
    for shipment in shipments(list(told.values())):
        answer = newest[shipment.event_id]
        word = ANSWERS.get(shipment.state)
        if word is None or shipment.giver is None:
            continue
        # Whoever holds the paper has no account: nobody's name stands for them.
        by_link = bare_step(answer.event.biz_step) == BY_LINK
        by = None if by_link else db.session.get(Organisation, answer.event.issuer_id)
        count += notify_each(
            {
                shipment.giver: (
                    {"by": _name(by), "what": _goods(shipment)},
                    f"/producer/shipments/{shipment.event_id}",
                )
            },
            word,
            at=at,
            but=but,
            subject=f"answer:{answer.event_id}",
        )
    return count


def _cancelled(corrections: Sequence[Event], at: datetime, but: int | None) -> int:
    statements = [event.corrects for event in corrections if event.corrects is not None]
    if not statements:
        return 0
    ids = db.session.scalars(select(Event.id).where(Event.statement_id.in_(statements))).all()
    rows = _handovers(
        and_(among(Handover.event_id, ids), ~Handover.received, Handover.taker_id.is_not(None))
    )
    count = 0
    for row in rows:
        if row.taker is None or row.taker_id == row.giver_id:
            continue
        context = {"by": _name(row.giver), "what": _goods(shipments([row])[0])}
        count += notify_each(
            {row.taker: (context, f"/producer/shipments/{row.event_id}")},
            "handover-cancelled",
            at=at,
            but=but,
            subject=f"cancelled:{row.event_id}",
        )
    return count


def _goods(shipment: Shipment) -> str:
    """ "cải ngọt 480 kg, xà lách 20 kg, +2"."""
    named = [
        " ".join(
            part
            for part in (
                line.product.name if line.product is not None else short_name(line.identity),
                _amount(line.amount),
            )
            if part
        )
        for line in shipment.lines
    ]
    return _listed(named)


def _amount(amount: Amount | None) -> str:
    if amount is None:
        return ""
    number = f"{amount.quantity.normalize():f}".replace(".", ",")
    return f"{number} {uom_name(amount.uom)}".strip()


def _listed(named: Sequence[str]) -> str:
    more = len(named) - NAMED
    return ", ".join([*named[:NAMED], *([f"+{more}"] if more > 0 else [])])


def _name(organisation: Organisation | None) -> str:
    return organisation.name if organisation is not None else "?"


# -- notices ---------------------------------------------------------------------------------------


def _standing_on(events: Collection[int]) -> set[int]:
    """The notices that stand on what these events hand over, or on what lies in it. Read after
    they are committed: a notice that is not seen here finds them when it is told itself."""
    if not events:
        return set()
    handed = select(EventThing.thing_id).where(among(EventThing.event_id, events))
    inside = contents(db.session.connection(), set(db.session.scalars(handed)))
    standing = select(Alert.event_id).where(
        among(Alert.thing_id, sorted(inside)), Alert.lifted_by.is_(None)
    )
    return set(db.session.scalars(standing.distinct()))


def _notice(event: Event, at: datetime, *, anew: bool = False) -> int:
    """Everybody who made, holds or held what the notice reached, or its release freed; `anew` where
    it was told before, and may concern more by now."""
    follows.tell(event, at=at)
    if event.notice in ALERTING:
        reached = and_(Alert.event_id == event.id, Alert.lifted_by.is_(None))
    elif event.notice == "release":
        reached = Alert.lifted_by == event.id
    else:
        return 0
    case = db.session.get(RecallNotice, event.id)
    if case is not None:  # who must answer is told where to; the first time by the signing's job
        if anew:
            _follow_anew(case.recall_id, at)
        return 0
    issuer = db.session.get_one(Organisation, event.issuer_id)
    context = {"by": issuer.name, "what": _sources(reached)}
    told = {}
    for organisation, count, thing in _concerned(reached, issuer):
        address = ALERTS if event.notice != "release" else "/producer/batches/"
        told[organisation] = (
            {**context, "count": str(count)},
            address if count > 1 else _page(thing),
        )
    subject = f"notice:{event.id}"
    people = notify_each(told, f"alert-{event.notice}", at=at, subject=subject)
    people += notify_each(standing_in(told, issuer), "alert-closed", at=at, subject=subject + ":c")
    if event.notice == "hold" and issuer.kind == "platform":
        people += _waiting_for_laboratory(event, at)
    return people


def _follow_anew(recall: int, at: datetime) -> None:
    """Asks for a look at who must answer, unless one is waiting: it reads what is recorded when it
    begins. One that has begun may have read too early, even before it ends."""
    argument = {"recall": recall}
    waiting = select(Job.id).where(
        Job.kind == "recall-follow",
        Job.state == "queued",
        Job.argument == argument_of(argument),
    )
    if db.session.scalar(waiting.limit(1)) is None:
        enqueue("recall-follow", argument, at=at)


def standing_in(
    told: Mapping[Organisation, tuple[Context, str]], issuer: Organisation
) -> dict[Organisation, tuple[Context, str]]:
    """Who answers for those of the organisations told that have closed, and what it is about."""
    found: dict[Organisation, tuple[Context, str]] = {}
    for closed, (context, _) in told.items():
        answers = contact_of(closed) if closed.closed_at is not None else None
        if answers is not None and answers.id != issuer.id:
            found[answers] = ({**context, "closed": closed.name}, "")
    return found


def _concerned(
    reached: ColumnElement[bool], issuer: Organisation
) -> list[tuple[Organisation, int, int]]:
    """(organisation, how many things, one of them); one query whatever the notice reached."""
    holders = select(Holding.holder_id.label("organisation"), Holding.thing_id.label("thing")).join(
        Alert, Alert.thing_id == Holding.thing_id
    )
    makers = select(Thing.owner_id.label("organisation"), Thing.id.label("thing")).join(
        Alert, Alert.thing_id == Thing.id
    )
    both = union(
        holders.where(reached),
        makers.where(reached, Thing.owner_id.is_not(None)),
    ).subquery()
    counted = (
        select(
            both.c.organisation,
            func.count().label("count"),
            func.min(both.c.thing).label("thing"),
        )
        .where(both.c.organisation != issuer.id)
        .group_by(both.c.organisation)
        .subquery()
    )
    rows = db.session.execute(
        select(Organisation, counted.c.count, counted.c.thing)
        .join(counted, counted.c.organisation == Organisation.id)
        .where(Organisation.kind != "platform")
        .order_by(Organisation.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _sources(reached: ColumnElement[bool]) -> str:
    """What the notice names."""
    sources = db.session.scalars(select(Alert.source_id).where(reached).distinct()).all()
    things = db.session.scalars(
        select(Thing).where(among(Thing.id, sorted(sources)[: NAMED + 1])).order_by(Thing.id)
    ).all()
    return _listed([thing_name(one) for one in things])


def thing_name(thing: Thing) -> str:
    """ "Cải ngọt · L2611", or its code alone where nobody said what it is."""
    code = short_name(thing.identity)
    return f"{thing.product.name} · {code}" if thing.product is not None else code


def _page(thing_id: int) -> str:
    """The public page of a thing: it tells the notice first, to whomever."""
    thing = db.session.get_one(Thing, thing_id)
    try:
        found = parse_identity(thing.identity, current_settings().id_base)
    except TraceError:
        found = None
    return found.path if found is not None else ALERTS


def _waiting_for_laboratory(event: Event, at: datetime) -> int:
    """A hold by our rules ends by a laboratory's result and an authority's word."""
    if reason_of(event.jwt) not in REASONS:
        return 0
    own = and_(Alert.event_id == event.id, Alert.thing_id == Alert.source_id)
    thing = db.session.scalar(select(Thing).join(Alert, Alert.thing_id == Thing.id).where(own))
    if thing is None:
        return 0
    context = {"what": thing_name(thing), "name": _name(thing.owner)}
    address = f"/inspection/holds/{event.id}"
    ward = thing.owner.ward_code if thing.owner is not None else None
    told = dict.fromkeys(authorities_for(ward), (context, address))
    return notify_each(told, "hold-waiting", at=at, subject=f"waiting:{event.id}")


def _result(event: Event, at: datetime) -> int:
    """What a laboratory signed, to whom it matters."""
    laboratory = db.session.get_one(Organisation, event.issuer_id)
    if laboratory.kind != "laboratory":
        return 0
    things = db.session.scalars(
        select(Thing)
        .join(EventThing, EventThing.thing_id == Thing.id)
        .where(EventThing.event_id == event.id)
    ).all()
    count = 0
    for thing in things:
        context = {
            "by": laboratory.name,
            "what": thing_name(thing),
            "name": _name(thing.owner),
        }
        subject = f"result:{event.id}"
        if thing.owner is not None:
            count += notify(
                thing.owner,
                "result-signed",
                context,
                at=at,
                address=f"/producer/batches/{thing.id}" if thing.kind == "lot" else "",
                subject=subject,
            )
        told = {
            one: (context, f"/inspection/holds/{hold}")
            for hold in _standing_holds(thing)
            for one in authorities_for(thing.owner.ward_code if thing.owner is not None else None)
        }
        count += notify_each(told, "result-signed", at=at, subject=subject)
    return count


def _standing_holds(thing: Thing) -> Iterable[int]:
    """Holds by our rules that stand on this very lot."""
    rows = db.session.execute(
        select(Event.id, Event.jwt)
        .join(Alert, Alert.event_id == Event.id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .where(
            Alert.thing_id == thing.id,
            Alert.source_id == thing.id,
            Alert.lifted_by.is_(None),
            Event.notice == "hold",
            Organisation.kind == "platform",
        )
    )
    return [row.id for row in rows if reason_of(row.jwt) in REASONS]
