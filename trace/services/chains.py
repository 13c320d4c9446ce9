"""A chain as an authority reads it: what is within reach whole, the rest as the public sees it.

1. An event is read whole where any thing it names is within reach (services.jurisdictions), else
   with what its issuer left public; then nobody's trading partners are told, as on public pages.
   Of another authority's open case nothing is told (services.chains_cases).
2. Whoever opens a chain that is not the authority's own leaves a line in the audit log.
3. How much an organisation has now, and where, is told of things within reach only; so is how much
   of a thing an event moved, where its issuer did not make that public. Notices are public and told
   of everything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from trace.core.gs1 import Identity, canonical_uri
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Alert,
    EventThing,
    Handover,
    Holding,
    Organisation,
    Place,
    Product,
    Thing,
)
from trace.models.events import PUBLIC
from trace.services.accredited import covers, spans_of
from trace.services.actors import Actor
from trace.services.addresses import resolve
from trace.services.batches import short_name
from trace.services.chains_cases import cases_of_others
from trace.services.chains_fold import fold
from trace.services.chains_graph import Flow, Graph, Passing, Station, follow, keep, narrow
from trace.services.chains_walk import MOST_LEVELS, NESTED, Told, Walked, walk
from trace.services.deadlines import local_day
from trace.services.jurisdictions import Reach, look, reach, scope_of
from trace.services.sets import among
from trace.services.settings import current_settings

MOST_SUBJECTS: Final = 60  # lines of a delivery note
MOST_HELD: Final = 20_000
# What somebody should look at; the rest of the marks is there to be read.
PROBLEMS: Final = frozenset(
    {
        "no-origin",
        "no-receipt",
        "only-receiver",
        "open",
        "no-taker",
        "refused",
        "part-refused",
        "differs",
        "below-zero",
        "key-not-valid",
        "late",
    }
)


class NothingKnown(NotFound):
    code = "nothing-known"
    message = "Nothing is recorded under this code."
    next_step = "Look at each character again, or search by organisation, place or day."


class WindowReversed(TraceError):
    code = "window-reversed"
    message = "The last day comes before the first."


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation as a chain names it."""

    id: int
    name: str
    name_en: str
    code: str
    kind: str
    status: str
    ward_code: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """A thing as a chain names it."""

    id: int
    identity: str
    kind: str
    code: str
    product: str
    product_en: str
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked about: things, and the identity they were asked by."""

    identity: Identity
    things: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the reader wants to see of a chain."""

    step: str = ""
    since: datetime | None = None
    until: datetime | None = None
    problems: bool = False
    depth: int = 0  # 0: all of it
    branch: str = ""
    opened: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.step or self.since or self.until or self.problems or self.branch) or bool(
            self.depth
        )


@dataclass(slots=True)
class Chain:
    """A chain to be drawn. `sources` and `places` count what lies up and down before narrowing."""

    subject: Subject
    graph: Graph
    things: dict[int, Named]
    parties: dict[int, Party]
    events: dict[int, Told]
    reach: Reach | None
    more: bool
    sources: int
    places: int
    stations: int
    place_names: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    unaccredited: frozenset[int] = frozenset()  # events of laboratories that were not, that day

    @property
    def chief(self) -> Named:
        """The first of the things asked about."""
        return self.things[self.subject.things[0]]


def find_subject(identity: Identity) -> Subject:
    """The things behind an identity: itself, or the goods of a delivery note. Raises
    NothingKnown."""
    entries = resolve(identity)
    if identity.kind == "note":
        note = canonical_uri(identity, current_settings().id_base)
        found = things_of_note(note)
        if found:
            return Subject(identity, tuple(found))
        raise NothingKnown(path="q")
    for entry in entries:
        if entry.what == "thing" and entry.row_id:
            # A package nobody spoke of answers as its lot.
            known = db.session.get(Thing, entry.row_id)
            if known is not None and known.kind != "product":
                return Subject(entry.identity, (known.id,))
    raise NothingKnown(path="q")


def things_of_note(note: str) -> list[int]:
    """The things of the shipments under a note."""
    return list(
        db.session.scalars(
            select(EventThing.thing_id)
            .join(Handover, Handover.event_id == EventThing.event_id)
            .where(Handover.note == note)
            .distinct()
            .order_by(EventThing.thing_id)
            .limit(MOST_SUBJECTS)
        )
    )


def read_chain(actor: Actor, subject: Subject, wanted: Narrowing, *, at: datetime) -> Chain:
    """The chain of the subject as this authority may read it. Raises NotAllowed."""
    authority = scope_of(actor).authority
    # No step of the picture passes more than NESTED containers: what lies beyond is not read.
    levels = wanted.depth * (1 + NESTED) + 1 if wanted.depth else MOST_LEVELS
    own = Walked(frozenset(subject.things), levels=min(levels, MOST_LEVELS))
    walked = walk(subject.things, walked=own)
    walked.forget(cases_of_others(authority, walked.events.values()))
    within = reach(actor, sorted(walked.things))
    mine = _reach_of(subject, within)
    if mine != "own":
        look(
            actor,
            subject.identity.path.lstrip("/"),
            "search" if mine is None else "case",
            at=at,
        )
    closed = close(walked, within)
    passings = _passings(walked)
    parties = _parties(walked, passings)
    graph = fold(
        walked,
        passings,
        {one.id: one.kind for one in parties.values()},
        hidden=closed,
        window=(wanted.since, wanted.until),
    )
    _mark_outside(graph, within)
    _hold(graph)
    _warn(graph)
    chain = Chain(
        subject=subject,
        graph=graph,
        things=named(walked, {*_things_in(graph), *subject.things}),
        parties=parties,
        events=walked.events,
        reach=mine,
        more=walked.more,
        sources=len({one.thing for one in graph.stations.values() if one.side == "up"} - {None}),
        places=len(
            {
                one.holder or one.id
                for one in graph.stations.values()
                if one.side == "down" and one.thing is not None
            }
        ),
        stations=len(graph.stations),
        # Of a step nobody may read here, the filters do not tell either.
        steps=sorted({told.step for told in walked.events.values() if told.step and told.uses}),
    )
    chain.place_names = _places(graph)
    chain.unaccredited = unaccredited(walked.events.values(), parties)
    _narrow(chain, wanted)
    return chain


def _reach_of(subject: Subject, within: Mapping[int, Reach | None]) -> Reach | None:
    """How the subject as a whole is within reach: a note whose goods are is."""
    told = {within.get(thing) for thing in subject.things}
    return "own" if "own" in told else "led" if "led" in told else None


def close(walked: Walked, within: Mapping[int, Reach | None]) -> set[int]:
    """Rules 1 and 3: takes away what the reader may not see; the events not read whole."""
    closed = set()
    for told in walked.events.values():
        if any(within.get(use.thing) for use in told.uses):
            outside = {use.thing for use in told.uses if not within.get(use.thing)}
            if outside:
                walked.withhold(told.id, outside)
            continue
        closed.add(told.id)
        told.uses = [use for use in told.uses if use.visibility == PUBLIC]
    return closed


def _passings(walked: Walked) -> dict[int, Passing]:
    rows = db.session.execute(
        select(
            Handover.event_id,
            Handover.received,
            Handover.giver_id,
            Handover.taker_id,
            Handover.note,
            Handover.answered_by,
            Handover.state,
        ).where(among(Handover.event_id, sorted(walked.events)))
    )
    return {row.event_id: Passing(*row) for row in rows}


def _parties(walked: Walked, passings: Mapping[int, Passing]) -> dict[int, Party]:
    wanted = {told.issuer for told in walked.events.values()}
    wanted |= {one for p in passings.values() for one in (p.giver, p.taker) if one is not None}
    wanted |= {one.owner_id for one in walked.things.values() if one.owner_id is not None}
    rows = db.session.execute(
        select(
            Organisation.id,
            Organisation.name,
            Organisation.name_en,
            Organisation.code,
            Organisation.kind,
            Organisation.status,
            Organisation.ward_code,
        ).where(among(Organisation.id, sorted(wanted)))
    )
    return {row.id: Party(*row) for row in rows}


def unaccredited(told: Collection[Told], parties: Mapping[int, Party]) -> frozenset[int]:
    """Those of the events that a laboratory says which was not accredited on the day."""
    laboratories = {one.id for one in parties.values() if one.kind == "laboratory"}
    spans = spans_of(laboratories)
    return frozenset(
        one.id
        for one in told
        if one.issuer in laboratories and not covers(spans, one.issuer, local_day(one.at))
    )


def _mark_outside(graph: Graph, within: Mapping[int, Reach | None]) -> None:
    for one in graph.stations.values():
        if one.thing is not None and within.get(one.thing) is None:
            one.outside = True
            # What nobody may read here is not what nobody said.
            one.problems -= {"no-origin", "no-receipt"}
    for flow in graph.flows.values():
        if flow.kind == "gap" and graph.stations[flow.target].outside:
            flow.kind, flow.problems = "hidden", set()


def _hold(graph: Graph) -> None:
    """Rule 3."""
    seen = sorted(
        {one.thing for one in graph.stations.values() if one.thing is not None and not one.outside}
    )
    rows = db.session.execute(
        select(
            Holding.thing_id,
            Holding.holder_id,
            Holding.unit,
            Holding.quantity,
            Holding.place,
            Holding.on_sale,
        )
        .where(among(Holding.thing_id, seen))
        .limit(MOST_HELD)
    )
    for row in rows:
        station = graph.stations.get(f"{row.thing_id}-{row.holder_id}")
        if station is None:
            continue
        station.held[row.unit] = row.quantity
        station.place = row.place or station.place
        station.on_sale = station.on_sale or row.on_sale
        if row.quantity < 0:
            station.problems.add("below-zero")


def _warn(graph: Graph) -> None:
    things = sorted({one.thing for one in graph.stations.values() if one.thing is not None})
    found: dict[int, set[str]] = {}
    rows = db.session.execute(
        select(Alert.thing_id, Alert.kind, Alert.mixed)
        .where(among(Alert.thing_id, things), Alert.lifted_by.is_(None))
        .distinct()
    )
    for thing, kind, mixed in rows:
        found.setdefault(thing, set()).add(f"mixed:{kind}" if mixed else kind)
    for one in graph.stations.values():
        if one.thing is not None:
            kinds = found.get(one.thing, set())
            one.alerts = {k for k in kinds if k.removeprefix("mixed:") not in kinds or ":" not in k}


def _things_in(graph: Graph) -> set[int]:
    told = {one.thing for one in graph.stations.values() if one.thing is not None}
    return told | {box for flow in graph.flows.values() for box in flow.containers}


def named(walked: Walked, wanted: Collection[int]) -> dict[int, Named]:
    """Things that were read, with their products' names."""
    facts = [walked.things[thing] for thing in sorted(wanted)]
    products: dict[int, Any] = {
        row.id: row
        for row in db.session.execute(
            select(Product.id, Product.name, Product.name_en).where(
                among(Product.id, sorted({f.product_id for f in facts if f.product_id}))
            )
        )
    }
    lots = {f.id: f for f in walked.things.values()}
    found = {}
    for one in facts:
        own = one.product_id
        if own is None and one.lot_id in lots:
            own = lots[one.lot_id].product_id
        product = products.get(own or 0)
        found[one.id] = Named(
            one.id,
            one.identity,
            one.kind,
            short_name(one.identity),
            product.name if product else "",
            product.name_en if product else "",
            one.owner_id,
        )
    return found


def _places(graph: Graph) -> dict[str, str]:
    wanted = sorted({one.place for one in graph.stations.values() if one.place})
    rows = db.session.execute(
        select(Place.identity, Place.name).where(among(Place.identity, wanted))
    )
    return {row.identity: row.name for row in rows}


def is_problem(station: Station) -> bool:
    """Whether somebody should look at it."""
    return bool(station.problems & PROBLEMS or station.alerts)


def _narrow(chain: Chain, wanted: Narrowing) -> None:
    graph = chain.graph
    if wanted.depth:
        keep({n for n, one in graph.stations.items() if one.distance <= wanted.depth}, graph)
    if wanted.branch:
        follow(wanted.branch, graph)
    if wanted.problems:
        narrow(graph, is_problem, flows=lambda flow: bool(flow.problems & PROBLEMS))
    if wanted.step:
        of_step = {told.id for told in chain.events.values() if told.step == wanted.step}

        def has_step(one: Station | Flow) -> bool:
            return not of_step.isdisjoint(one.events)

        narrow(graph, has_step, flows=has_step)
