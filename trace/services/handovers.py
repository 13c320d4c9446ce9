"""Handovers: what is on its way to or from an organisation, and whether the other side answered.

The rows are an index over shipping and receiving events, written in the transaction that captures
them whatever their door. The two sides find each other by the delivery note. A side that stays
silent leaves the handover one-sided, which blocks nothing.

A shipment's `state` is what its answers say together. "" waits. `part` more is to come, and
`part-differs` with something amiss in what came so far. These close it: `accepted`, `differs`,
`refused`, and `rest-refused` where a part was taken and the rest was not; once the giver has again
what was refused, `back` and `rest-back`. `link`, `link-refused` are the giver's own word for
someone without an account, so that whoever was named may still answer. Only who was named may
answer, or anybody with the note where it names nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from trace.core.gs1 import Identity, canonical_uri, parse_identity
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, EventThing, Handover, Organisation, Place, Product, Thing
from trace.models.events import ROLES
from trace.services.actors import Actor
from trace.services.records import Item, JsonObject
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.vocabulary import Amount, bare_step

LEAVING: Final = frozenset({"shipping"})
ARRIVING: Final = frozenset({"receiving", "accepting"})
REFUSING: Final = "refusing"
BY_LINK: Final = "answered_by_link"
BACK: Final = "void_shipping"
ANSWERING: Final = ARRIVING | {REFUSING, BY_LINK, BACK}
# What an event is looked at for here; every capture asks, of every event.
CONCERNING: Final = LEAVING | ANSWERING
PART: Final = frozenset({"part", "part-differs"})
CLOSED: Final = frozenset({"accepted", "differs", "refused", "rest-refused", "back", "rest-back"})
# What brought goods to the taker.
TAKEN: Final = PART | {"accepted", "differs"}
# What the giver himself says of how the handover went.
GIVERS_WORD: Final = frozenset({"link", "link-refused", "back"})
# What was refused of it is not with the taker, and not yet back.
TO_COME_BACK: Final = frozenset({"refused", "link-refused", "rest-refused"})

Captured = tuple[int, JsonObject, bytes | None]  # event row, document, statement it corrects


@dataclass(frozen=True, slots=True)
class Told:
    """What a capture tells of handovers, its rows written: `meet` is still to be called."""

    issuer: int
    corrections: Sequence[Captured] = ()
    rows: Sequence[_Row] = ()

    def meet(self) -> None:
        """Under the log lock: joins both sides of each note, whichever came first. Two that tell of
        one shipment at once would not see each other before."""
        _void(self.corrections)
        _answer(self.issuer, [row for row in self.rows if row.note])


def index_handovers(issuer: int, captured: Iterable[Captured], *, id_base: str) -> Told:
    """Writes the rows of newly captured events; the caller is capture, in its transaction."""
    shipped_or_received = [
        row for row in captured if bare_step(row[1].get("bizStep")) in CONCERNING
    ]
    if not shipped_or_received:
        return Told(issuer)
    corrections = [row for row in shipped_or_received if "errorDeclaration" in row[1]]
    fresh = [row for row in shipped_or_received if "errorDeclaration" not in row[1]]
    parties = _Parties(id_base)
    rows = [_row(event_id, document, parties) for event_id, document, _ in fresh]
    parties.resolve()
    for row in rows:
        db.session.add(row.made(issuer, parties))
    db.session.flush()
    return Told(issuer, corrections, rows)


class _Parties:
    """Addresses of parties and places, turned into organisations with two queries."""

    def __init__(self, id_base: str) -> None:
        self.id_base = id_base
        self.wanted: set[Identity] = set()
        self.found: dict[Identity, int] = {}

    def identity(self, uri: object) -> Identity | None:
        """The identity behind an address, remembered; None for what we cannot read."""
        try:
            identity = parse_identity(str(uri), self.id_base)
        except TraceError:
            return None
        if identity is not None:
            self.wanted.add(Identity(identity.key, identity.value))
        return identity

    def resolve(self) -> None:
        values = sorted({one.value for one in self.wanted})
        if not values:
            return
        organisations = select(Organisation.id, Organisation.code, Organisation.gln).where(
            or_(among(Organisation.code, values), among(Organisation.gln, values))
        )
        for row in db.session.execute(organisations):
            self.found[Identity("o", row.code)] = row.id
            if row.gln:
                self.found[Identity("417", row.gln)] = row.id
        places = select(Place.organisation_id, Place.code, Place.gln).where(
            or_(among(Place.code, values), among(Place.gln, values))
        )
        for row in db.session.execute(places):
            self.found[Identity("l", row.code)] = row.organisation_id
            if row.gln:
                self.found[Identity("414", row.gln)] = row.organisation_id

    def organisation(self, ends: Sequence[Identity]) -> int | None:
        """The first end that is known: a party before a place."""
        bare = [Identity(end.key, end.value) for end in ends]
        return next((self.found[end] for end in bare if end in self.found), None)


@dataclass(slots=True)
class _Row:
    event_id: int
    received: bool
    sources: list[Identity]
    destinations: list[Identity]
    note: str | None
    state: str

    def made(self, issuer: int, parties: _Parties) -> Handover:
        giver = parties.organisation(self.sources)
        taker = parties.organisation(self.destinations)
        # Whoever says that it gave (or took) is that side where no party is named.
        if self.state in GIVERS_WORD:
            giver, taker = issuer, None
        else:
            taker = taker if taker is not None or not self.received else issuer
        return Handover(
            event_id=self.event_id,
            received=self.received,
            giver_id=giver if giver is not None or self.received else issuer,
            taker_id=taker,
            note=self.note,
            voided=False,
            state=self.state,
        )


def _row(event_id: int, document: JsonObject, parties: _Parties) -> _Row:
    note = None
    for one in document.get("bizTransactionList") or []:
        if str(one.get("type", "desadv")).endswith("desadv"):
            text = str(one.get("bizTransaction", ""))
            identity = parties.identity(text)
            note = (text if identity is None else canonical_uri(identity, parties.id_base))[:300]
            break
    step = bare_step(document.get("bizStep"))
    return _Row(
        event_id,
        step in ANSWERING,
        _ends(document.get("sourceList"), "source", parties),
        _ends(document.get("destinationList"), "destination", parties),
        note,
        _said(step, document),
    )


def _said(step: str, document: JsonObject) -> str:
    """What an answer says; "" for a shipment."""
    refused = document.get("trace:answer") == "refused"
    if step == REFUSING:
        return "refused"
    if step == BY_LINK:
        return "link-refused" if refused else "link"
    if step == BACK:
        return "back"
    if step not in ARRIVING:
        return ""
    differs = bool(document.get("trace:difference"))
    if document.get("trace:answer") == "part":
        return "part-differs" if differs else "part"
    return "differs" if differs else "accepted"


def _ends(ends: object, member: str, parties: _Parties) -> list[Identity]:
    listed = [end for end in ends if isinstance(end, dict)] if isinstance(ends, list) else []
    # Owners first, then whoever holds, then the place.
    rank = {"owning_party": 0, "possessing_party": 1}
    listed.sort(key=lambda end: rank.get(str(end.get("type", "")).rpartition("-")[2], 2))
    found = (parties.identity(end.get(member, "")) for end in listed)
    return [identity for identity in found if identity is not None]


def _void(corrections: Sequence[Captured]) -> None:
    corrected = [statement for _, _, statement in corrections if statement is not None]
    if not corrected:
        return
    events = db.session.scalars(select(Event.id).where(Event.statement_id.in_(corrected))).all()
    shipped = db.session.scalars(
        select(Handover.answered_by).where(
            Handover.event_id.in_(events), Handover.received, Handover.answered_by.is_not(None)
        )
    ).all()
    db.session.execute(update(Handover).where(Handover.event_id.in_(events)).values(voided=True))
    db.session.execute(
        update(Handover).where(Handover.answered_by.in_(events)).values(answered_by=None)
    )
    _restate({one for one in shipped if one is not None})


def _answer(issuer: int, rows: Sequence[_Row]) -> None:
    """Joins both sides of the notes; one query of each kind, however many notes."""
    answers = [row for row in rows if row.received]
    known = _shipments_of(issuer, {row.note or "" for row in answers}) if answers else {}
    met = [
        (shipment, row.event_id)
        for row in answers
        if (shipment := known.get(row.note, (None, None))[row.state in GIVERS_WORD]) is not None
    ]
    _join(met)
    shipped = [row.event_id for row in rows if not row.received]
    before = _answers_before(issuer, shipped) if shipped else []
    _join(before)
    _restate({shipment for shipment, _ in (*met, *before)})


def _shipments_of(
    issuer: int, notes: Collection[str]
) -> dict[str | None, tuple[int | None, int | None]]:
    """By note, the first shipment that the issuer may answer: sent to him, or to nobody by name;
    and the first of his own, which his word as its giver is about."""
    theirs = and_(
        func.coalesce(Handover.giver_id, 0) != issuer,
        or_(Handover.taker_id.is_(None), Handover.taker_id == issuer),
    )
    first = func.min(Handover.event_id)
    rows = db.session.execute(
        select(Handover.note, first.filter(theirs), first.filter(Handover.giver_id == issuer))
        .where(among(Handover.note, notes), ~Handover.received, ~Handover.voided)
        .group_by(Handover.note)
    )
    return {note: (sent, own) for note, sent, own in rows}


def _answers_before(issuer: int, shipped: Collection[int]) -> list[tuple[int, int]]:
    """Each shipment with the answers that were recorded before it."""
    ours = aliased(Handover)
    rows = db.session.execute(
        select(ours.event_id, Handover.event_id)
        .join(Handover, Handover.note == ours.note)
        .join(Event, Event.id == Handover.event_id)
        .where(
            among(ours.event_id, shipped),
            Handover.received,
            ~Handover.voided,
            Handover.answered_by.is_(None),
            or_(
                Event.issuer_id == ours.taker_id,
                and_(ours.taker_id.is_(None), Event.issuer_id != issuer),
            ),
        )
        .order_by(ours.event_id, Handover.event_id)
    )
    return [(shipment, answer) for shipment, answer in rows]


def _join(met: Iterable[tuple[int, int]]) -> None:
    for shipment, answer in met:
        db.session.execute(
            update(Handover)
            .where(Handover.event_id == answer, Handover.answered_by.is_(None))
            .values(answered_by=shipment)
        )


def _restate(shipments: Collection[int]) -> None:
    """What the answers that stand say together."""
    if not shipments:
        return
    said: dict[int, list[Any]] = {shipment: [] for shipment in sorted(shipments)}
    rows = db.session.execute(
        select(Handover.answered_by, Handover.event_id, Handover.state)
        .where(among(Handover.answered_by, said), Handover.received, ~Handover.voided)
        .order_by(Handover.event_id)
    )
    for row in rows:
        said[row.answered_by].append(row)
    for shipment, answers in said.items():
        state = together([row.state for row in answers])
        closing = next((row.event_id for row in answers if row.state not in GIVERS_WORD), None)
        db.session.execute(
            update(Handover)
            .where(Handover.event_id == shipment, ~Handover.received)
            .values(state=state, answered_by=closing if state in CLOSED else None)
        )


def together(said: Sequence[str]) -> str:
    """The state of a shipment by its answers, oldest first."""
    own = [one for one in said if one not in GIVERS_WORD]
    if not own:
        return "link-refused" if "link-refused" in said else "link" if "link" in said else ""
    kinds = set(own)
    differs = bool(kinds & {"differs", "part-differs"})
    if own[-1] in PART:
        return "part-differs" if differs else "part"
    if kinds == {"refused"}:
        return "back" if "back" in said else "refused"
    if "refused" in kinds:
        return "rest-back" if "back" in said else "rest-refused"
    return "differs" if differs else "accepted"


# -- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shipment:
    """One shipping event as a list shows it."""

    event_id: int
    event_time: datetime
    giver: Organisation | None
    taker: Organisation | None
    note: str | None
    answered_by: int | None
    voided: bool
    state: str
    received: bool
    lines: tuple[ShipmentLine, ...]


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """One thing of a shipment, with what it is and how much was sent."""

    thing_id: int
    identity: str
    kind: str
    product: Product | None
    amount: Amount | None


def incoming(actor: Actor) -> Select[Handover]:
    """Goods on their way to the actor's organisation that it has not answered, oldest first."""
    actor.check("read")
    mine = actor.organisation.id
    return (
        select(Handover)
        .where(
            Handover.taker_id == mine,
            Handover.received.is_(False),
            Handover.answered_by.is_(None),
            Handover.voided.is_(False),
            or_(Handover.giver_id.is_(None), Handover.giver_id != mine),
        )
        .order_by(Handover.event_id)
    )


def count_incoming(actor: Actor) -> int:
    """How many shipments wait for an answer."""
    return db.session.scalar(select(db.func.count()).select_from(incoming(actor).subquery())) or 0


def outgoing(actor: Actor) -> Select[Handover]:
    """What the organisation sent, newest first."""
    actor.check("read")
    return (
        select(Handover)
        .where(Handover.giver_id == actor.organisation.id, Handover.received.is_(False))
        .order_by(Handover.event_id.desc())
    )


def arrived(actor: Actor) -> Select[Handover]:
    """What the organisation received, newest first."""
    actor.check("read")
    return (
        select(Handover)
        .where(Handover.taker_id == actor.organisation.id, Handover.received.is_(True))
        .order_by(Handover.event_id.desc())
    )


def get_handover(actor: Actor, event_id: int) -> Handover:
    """A handover of which the organisation is a side. Raises NotFound for any other."""
    actor.check("read")
    found = db.session.get(Handover, event_id)
    if found is None or actor.organisation.id not in (found.giver_id, found.taker_id):
        raise NotFound
    return found


def answers_to(shipment: int) -> list[Handover]:
    """The answers that stand, oldest first. The caller has checked who reads."""
    return list(
        db.session.scalars(
            select(Handover)
            .where(Handover.answered_by == shipment, Handover.received, ~Handover.voided)
            .order_by(Handover.event_id)
        )
    )


def refused_lines(shipment: int) -> list[ShipmentLine]:
    """What of a shipment was refused, by the answers that stand. The caller has checked who
    reads."""
    refusals = [one for one in answers_to(shipment) if one.state in ("refused", "link-refused")]
    return [line for one in shipments(refusals) for line in one.lines]


def find_by_note(actor: Actor, note: str) -> Handover | None:
    """The shipment under a note's canonical identity. Whoever holds the note may read it, unless
    it names another taker: the code on the paper is what was handed over."""
    actor.check("read")
    found = db.session.scalar(
        select(Handover)
        .where(Handover.note == note, Handover.received.is_(False), Handover.voided.is_(False))
        .order_by(Handover.event_id)
        .limit(1)
    )
    if found is None or actor.organisation.id in (found.giver_id, found.taker_id):
        return found
    return found if found.taker_id is None else None


def shipment_of_note(identity: Identity) -> Handover | None:
    """The shipment a note stands for, cancelled or not. What of it the public may read is little:
    how it was answered, not by whom nor about what."""
    note = canonical_uri(identity, current_settings().id_base)
    return db.session.scalar(
        select(Handover)
        .where(Handover.note == note, ~Handover.received)
        .order_by(Handover.voided, Handover.event_id)
        .limit(1)
    )


def shipments(handovers: Sequence[Handover]) -> list[Shipment]:
    """The rows with their lines, by one query of each kind for all."""
    by_event: dict[int, list[ShipmentLine]] = {row.event_id: [] for row in handovers}
    sides = {one for row in handovers for one in (row.giver_id, row.taker_id) if one}
    times = db.session.execute(
        select(Event.id, Event.event_time).where(among(Event.id, sorted(by_event)))
    )
    happened = {row.id: row.event_time for row in times}
    # Held on to: what the rows refer to is then found without asking again.
    read = list(
        db.session.scalars(select(Organisation).where(among(Organisation.id, sorted(sides))))
    )
    query = (
        select(EventThing, Thing)
        .join(Thing, Thing.id == EventThing.thing_id)
        .options(joinedload(Thing.product))
        .where(
            among(EventThing.event_id, sorted(by_event)),
            EventThing.role == ROLES.index("epc"),
        )
        .order_by(EventThing.event_id, Thing.identity)
    )
    for named, thing in db.session.execute(query):
        sent = None if named.quantity is None else Amount(named.quantity, named.unit or "")
        by_event[named.event_id].append(
            ShipmentLine(thing.id, thing.identity, thing.kind, thing.product, sent)
        )
    told = [
        Shipment(
            row.event_id,
            happened[row.event_id],
            row.giver,
            row.taker,
            row.note,
            row.answered_by,
            row.voided,
            row.state,
            row.received,
            tuple(by_event[row.event_id]),
        )
        for row in handovers
    ]
    del read
    return told


def line_item(line: ShipmentLine, uri: str, counted: Amount | None) -> Item:
    """The line as a receipt names it."""
    return Item(uri, counted, single=line.kind in ("logistic", "unit"))
