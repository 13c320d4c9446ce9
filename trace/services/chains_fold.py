"""A chain as people think of it: who had what, and how it came from one to the next. Pure.

1. A *station* is a lot (or cycle) in one holder's hands. Packages with codes of their own are told
   with their lot, containers with what lies in them, unless the question is about one of them.
2. A *flow* leads from station to station: one thing made of others, or handed over; its amounts
   are those of the events that stand. What was declared in error is drawn where nothing else says
   the same, and said to be so.
3. A holder nobody gave the thing to stands at the end of a flow nobody declared: a gap.
4. What laboratories, certifiers, authorities, the platform and carriers say makes them no holders:
   it is told at the station that had the thing then.
5. Many inputs and many outputs of one event meet in a station of their own, the step: 500 lots
   mixed into 500 are 1,000 flows, not 250,000.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from trace.core.history import LATE_AFTER
from trace.models.events import TYPES
from trace.services.chains_graph import Amounts, Flow, Graph, Passing, Station, set_sides
from trace.services.chains_walk import (
    CHILD,
    CONTAINING,
    EPC,
    INPUT,
    KEPT_FROM,
    NESTED,
    OUTPUT,
    PARENT,
    Told,
    Walked,
)

TRANSFORMATION: Final = TYPES.index("TransformationEvent")
# Who never holds goods by speaking of them; a carrier does where a handover names it.
SPEAKERS: Final = frozenset({"laboratory", "certifier", "authority", "platform", "carrier"})
REFUSED: Final = frozenset({"refused", "link-refused", "back"})
IN_PART: Final = frozenset({"part", "part-differs"})
DIFFERING: Final = frozenset({"differs", "part-differs"})
PART_REFUSED: Final = frozenset({"rest-refused", "rest-back"})


def late_by(told: Told) -> int | None:
    """Whole days between happening and recording where that is late (core.history.findings)."""
    if told.recorded is None or told.recorded - told.at <= LATE_AFTER:
        return None
    return (told.recorded - told.at).days


def fold(
    walked: Walked,
    passings: Mapping[int, Passing],
    kinds: Mapping[int, str],
    *,
    hidden: Collection[int] = (),
    window: tuple[datetime | None, datetime | None] = (None, None),
) -> Graph:
    """The graph of what was read. `kinds` are organisations' kinds by row id; `hidden` the events
    of whose handover the reader may not know the sides; `window` leaves out events before its
    first and from its second moment on."""
    return _Folding(walked, passings, kinds, frozenset(hidden), window).graph()


class _Folding:
    def __init__(
        self,
        walked: Walked,
        passings: Mapping[int, Passing],
        kinds: Mapping[int, str],
        hidden: frozenset[int],
        window: tuple[datetime | None, datetime | None],
    ) -> None:
        self.walked = walked
        self.passings = passings
        self.kinds = kinds
        self.hidden = hidden
        self.found = Graph()
        self.family = walked.up | walked.down
        since, until = window
        self.told = sorted(
            (
                one
                for one in walked.events.values()
                if (since is None or one.at >= since) and (until is None or one.at < until)
            ),
            key=lambda one: (one.at, one.id),
        )
        declared = {(one.corrects, one.issuer) for one in walked.events.values() if one.corrects}
        self.wrong = {
            one.id for one in walked.events.values() if (one.statement, one.issuer) in declared
        }
        self.makers: dict[int, set[int]] = defaultdict(set)
        self.speaking: list[tuple[Told, int]] = []
        self.answers: dict[int, list[Passing]] = defaultdict(list)
        for passing in passings.values():
            if passing.received and passing.answered_by is not None:
                self.answers[passing.answered_by].append(passing)

    def graph(self) -> Graph:
        for told in self.told:
            if told.corrects is None:
                self._tell(told)
        mine: dict[int | None, list[Station]] = defaultdict(list)
        for one in self.found.stations.values():
            if one.holder is not None:
                mine[one.thing].append(one)
        for told, face in self.speaking:
            self._attach(told, face, mine[face])
        self._units()
        self._gaps()
        self.found.anchors = self._anchors()
        set_sides(self.found)
        return self.found

    # -- what an event says --------------------------------------------------------------------

    def _tell(self, told: Told) -> None:
        passing = self.passings.get(told.id)
        if told.notice is not None:
            for face in self._faces(told, EPC, CHILD, INPUT, OUTPUT, PARENT):
                self.speaking.append((told, face))
        elif told.type == TRANSFORMATION:
            self._made(told)
        elif told.type in CONTAINING and told.named(PARENT):
            self._packed(told)
        elif passing is not None and passing.received:
            self._received(told, passing)
        elif passing is not None:
            self._sent(told, passing)
        else:
            self._said(told)

    def _said(self, told: Told) -> None:
        speaker = self.kinds.get(told.issuer) in SPEAKERS
        for face, amounts in self._faces(told, EPC, PARENT, CHILD).items():
            if told.action == "ADD":
                self._born(self._at(face, told.issuer, told), face, told, amounts)
            elif speaker:
                self.speaking.append((told, face))
            elif told.id in self.hidden and told.issuer != self.walked.things[face].owner_id:
                continue  # the public reads of a thing in its maker's hands
            else:
                self._at(face, told.issuer, told)

    def _born(self, station: Station, face: int, told: Told, amounts: Amounts) -> None:
        self.makers[face].add(told.issuer)
        if told.id not in self.wrong:
            _add(station.made, amounts)

    def _made(self, told: Told) -> None:
        inputs = self._faces(told, INPUT)
        outputs = self._faces(told, OUTPUT)
        sources = {self._at(face, told.issuer, told).id: held for face, held in inputs.items()}
        targets = {}
        for face, amounts in outputs.items():
            station = self._at(face, told.issuer, told)
            self._born(station, face, told, amounts)
            targets[station.id] = amounts
        if min(len(sources), len(targets)) > 1:
            step = self._station(f"e{told.id}", None, told.issuer)
            step.step = told.step
            self._note(step, told)
            for source, amounts in sources.items():
                self._flow(source, step.id, "made", told, amounts)
            for target, amounts in targets.items():
                self._flow(step.id, target, "made", told, amounts)
            return
        for source, went_in in sources.items():
            for target, came_out in targets.items():
                # Of one source and several results the results' amounts are told.
                amounts = came_out if len(targets) > 1 else went_in
                self._flow(source, target, "made", told, amounts)

    def _packed(self, told: Told) -> None:
        inside = self._faces(told, CHILD)
        outside = [use.thing for use in told.named(PARENT) if use.thing in self.walked.subject]
        if not inside and told.action == "DELETE":
            inside = self._contents(outside, told.at)
        for face, amounts in inside.items():
            content = self._at(face, told.issuer, told)
            for container in outside:
                box = self._at(container, told.issuer, told)
                self.makers[container].add(told.issuer)
                if told.action == "ADD":
                    self._flow(content.id, box.id, "packed", told, amounts)
                elif told.action == "DELETE":
                    self._flow(box.id, content.id, "unpacked", told, amounts)

    def _sent(self, told: Told, passing: Passing) -> None:
        giver = passing.giver if passing.giver is not None else told.issuer
        answers = self.answers.get(told.id, [])
        taker = passing.taker
        for answer in answers:
            taker = taker if taker is not None else answer.taker
        for face, amounts in self._faces(told, EPC, PARENT).items():
            source = self._at(face, giver, told)
            if told.id in self.hidden:
                source.elsewhere += 1
                continue
            if taker == giver:
                continue
            if taker is None:
                target = self._station(f"{face}-e{told.id}", face, None)
                self._note(target, told)
            else:
                target = self._station(f"{face}-{taker}", face, taker)
            flow = self._flow(source.id, target.id, "handover", told, amounts)
            flow.containers |= self._boxes(told)
            flow.problems |= _state(passing.state, unknown=taker is None)
            flow.sides.add("giver")

    def _received(self, told: Told, passing: Passing) -> None:
        """The other side of a shipment, or the only one who speaks of it."""
        if told.id in self.hidden:
            return  # who took it is nobody else's business
        shipment = self.passings.get(passing.answered_by or 0)
        faces = self._faces(told, EPC, PARENT, CHILD)
        if shipment is not None and passing.answered_by in self.walked.events:
            giver = shipment.giver or self.walked.events[passing.answered_by].issuer
        else:
            giver = passing.giver if passing.giver is not None else 0
        for face, amounts in faces.items():
            if passing.state in ("link", "link-refused", "back", "refused"):
                if told.issuer == giver or passing.state != "refused":
                    self._at(face, told.issuer, told)
                continue
            target = self._at(face, told.issuer, told)
            if told.action == "ADD":
                self._born(target, face, told, amounts)
                target.problems.add("own-word-origin")
                continue
            if not giver or giver == told.issuer:
                continue
            source = self._station(f"{face}-{giver}", face, giver)
            flow = self._flow(source.id, target.id, "handover", told, {}, got=amounts)
            flow.sides.add("taker")
            if shipment is None:
                flow.problems.add("only-receiver")

    def _attach(self, told: Told, face: int, mine: Sequence[Station]) -> None:
        """Rule 4: the station that had the thing last before then."""
        if not mine:
            self._at(face, told.issuer, told)
            return
        before = [one for one in mine if one.first is not None and one.first <= told.at]
        last = max(before or mine[:1], key=lambda one: (one.first or told.at, one.id))
        if self.kinds.get(told.issuer) == "authority" or told.notice:
            last = mine[0]
        self._note(last, told)

    # -- what it adds to -----------------------------------------------------------------------

    def _faces(self, told: Told, *roles: int) -> dict[int, Amounts]:
        """Rule 1: the things of the family an event names, as stations tell of them."""
        found: dict[int, Amounts] = {}
        boxes = []
        for use in told.named(*roles):
            face = self._face(use.thing)
            if face is not None:
                amounts = found.setdefault(face, {})
                if face != use.thing:
                    _add(
                        amounts,
                        {use.unit: Decimal(0)} if use.unit == KEPT_FROM else {"": Decimal(1)},
                    )
                elif use.quantity is not None:
                    _add(amounts, {use.unit: use.quantity})
            else:
                boxes.append(use.thing)
        for face, amounts in self._contents(boxes, told.at).items():
            found.setdefault(face, amounts)
        return found

    def _face(self, thing: int) -> int | None:
        if thing in self.walked.subject:
            return thing
        if thing not in self.family:
            return None
        facts = self.walked.things[thing]
        if facts.kind == "unit" and facts.lot_id in self.family:
            return facts.lot_id
        return None if self.walked.stays(thing) else thing

    def _contents(
        self, boxes: Iterable[int], at: datetime, deep: int = NESTED
    ) -> dict[int, Amounts]:
        found: dict[int, Amounts] = {}
        inner = []
        for box in boxes:
            for stay in self.walked.stays(box):
                if not stay.holds(at):
                    continue
                face = self._face(stay.content)
                if face is None:
                    inner.append(stay.content)
                    continue
                amounts = found.setdefault(face, {})
                if face != stay.content:
                    _add(amounts, {"": Decimal(1)})
                elif stay.quantity is not None:
                    _add(amounts, {stay.unit: stay.quantity})
        if inner and deep:
            for face, amounts in self._contents(inner, at, deep - 1).items():
                _add(found.setdefault(face, {}), amounts)
        return found

    def _boxes(self, told: Told) -> set[int]:
        return {use.thing for use in told.named(EPC, PARENT) if self._face(use.thing) is None}

    def _station(self, name: str, thing: int | None, holder: int | None) -> Station:
        return self.found.stations.setdefault(name, Station(name, thing, holder))

    def _at(self, face: int, holder: int, told: Told) -> Station:
        station = self._station(f"{face}-{holder}", face, holder)
        self._note(station, told)
        return station

    def _note(self, station: Station, told: Told) -> None:
        if station.events and station.events[-1] == told.id:
            return
        station.events.append(told.id)
        station.custody[told.custody] += 1
        if not told.counted:
            station.problems.add("key-not-valid")
        if late_by(told) is not None:
            station.late += 1
            station.problems.add("late")
        if told.id in self.wrong:
            station.problems.add("corrected")
        if station.first is None or told.at < station.first:
            station.first = told.at

    def _flow(
        self,
        source: str,
        target: str,
        kind: str,
        told: Told,
        amounts: Amounts,
        *,
        got: Amounts | None = None,
    ) -> Flow:
        flow = self.found.flows.setdefault((source, target, kind), Flow(source, target, kind))
        flow.step = flow.step or told.step
        if told.id not in flow.events:
            flow.events.append(told.id)
        flow.first = min(filter(None, (flow.first, told.at)))
        flow.last = max(filter(None, (flow.last, told.at)))
        if told.id in self.wrong:
            flow.problems.add("corrected")
        else:
            flow.stands = True
            _add(flow.sent if got is None else flow.got, amounts if got is None else got)
        return flow

    # -- what nobody said ----------------------------------------------------------------------

    def _units(self) -> None:
        """Packages with codes of their own, counted with their lot; and the one asked about."""
        for thing in self.family:
            facts = self.walked.things.get(thing)
            if facts is None or facts.kind != "unit" or facts.lot_id not in self.family:
                continue
            maker = facts.owner_id or self.walked.things[facts.lot_id].owner_id
            lots = [one for one in self.found.stations.values() if one.thing == facts.lot_id]
            home = next((one for one in lots if one.holder == maker), lots[0] if lots else None)
            if home is None:
                continue
            if thing not in self.walked.subject:
                home.pieces += 1
                continue
            own = [one for one in self.found.stations.values() if one.thing == thing]
            first = min(own, key=lambda one: (one.first is None, one.first, one.id), default=None)
            if first is None:
                first = self._station(f"{thing}-{home.holder}", thing, home.holder)
                first.first = home.first
            key = (home.id, first.id, "unit")
            self.found.flows.setdefault(key, Flow(*key, stands=True))
            self.makers[thing].add(first.holder or 0)

    def _gaps(self) -> None:
        """Rule 3. Two sides that each speak of a handover, under no note or another's, are two."""
        for flow in self.found.flows.values():
            if len(flow.sides) > 1:
                flow.problems -= {"open", "only-receiver"}
                if flow.got != flow.sent and set(flow.got) & set(flow.sent):
                    flow.problems.add("differs")
        stations: dict[int, list[Station]] = defaultdict(list)
        for one in self.found.stations.values():
            if one.thing is not None:
                stations[one.thing].append(one)
        led_to = {flow.target for flow in self.found.flows.values()}
        for thing, mine in stations.items():
            mine.sort(key=lambda one: (one.first is None, one.first, one.id))
            makers = self.makers.get(thing, set())
            origin = next((one for one in mine if one.holder in makers), None)
            if origin is None:
                origin = next((one for one in mine if one.id not in led_to), mine[0])
                if origin.id not in led_to and not origin.outside:
                    origin.problems.add("no-origin")
            for one in mine:
                if one is origin or one.id in led_to or one.holder in makers:
                    continue
                one.problems.add("no-receipt")
                key = (origin.id, one.id, "gap")
                self.found.flows[key] = Flow(
                    *key, first=one.first, last=one.first, problems={"no-receipt"}, stands=True
                )

    def _anchors(self) -> list[str]:
        """Where the things asked about begin."""
        subject = self.walked.subject
        mine = [one for one in self.found.stations.values() if one.thing in subject]
        thing_of = {one.id: one.thing for one in mine}
        within = {
            flow.target
            for flow in self.found.flows.values()
            if flow.source in thing_of and thing_of[flow.source] == thing_of.get(flow.target)
        }
        begun = [one for one in mine if one.id not in within]
        for thing in sorted({one.thing or 0 for one in mine} - {one.thing or 0 for one in begun}):
            # Sent in a circle: where it was first told of.
            here = [one for one in mine if one.thing == thing]
            begun.append(min(here, key=lambda one: (one.first is None, one.first, one.id)))
        return [one.id for one in sorted(begun, key=lambda one: one.id)]


def _add(to: Amounts, amounts: Mapping[str, Decimal]) -> None:
    for unit, quantity in amounts.items():
        to[unit] = to.get(unit, Decimal(0)) + quantity


def _state(state: str, *, unknown: bool) -> set[str]:
    """What is amiss with a shipment answered like this (models.handovers)."""
    found = set()
    if state == "":
        found.add("no-taker" if unknown else "open")
    if state in ("link", "link-refused"):
        found.add("by-link")
    if state in REFUSED:
        found.add("refused")
    if state in IN_PART:
        found.add("in-part")
    if state in DIFFERING:
        found.add("differs")
    if state in PART_REFUSED:
        found.add("part-refused")
    return found
