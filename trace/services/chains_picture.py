"""What is drawn of a chain: like stations in groups, and where each box stands. Pure.

Stations are alike when they are the same kind of thing in the same kind of hands with the same
things amiss, between others that are alike (core.charts.alike); four or more of them are one box
with their number, until somebody opens it.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from trace.core.charts import Layout, alike, arrange
from trace.services.chains import PROBLEMS, Chain
from trace.services.chains_graph import Amounts, Flow, Station

GROUP_FROM: Final = 4
ALL: Final = "all"
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Box:
    """One box: a station, or several that are alike. Amounts are sums."""

    id: str
    members: list[Station]
    held: Amounts = field(default_factory=dict)
    made: Amounts = field(default_factory=dict)

    @property
    def lead(self) -> Station:
        """The first of them; what they have in common is true of it."""
        return self.members[0]

    @property
    def many(self) -> bool:
        return len(self.members) > 1


@dataclass(slots=True)
class Line:
    """All flows of one kind between two boxes."""

    source: str
    target: str
    kind: str
    flows: list[Flow]
    sent: Amounts = field(default_factory=dict)
    got: Amounts = field(default_factory=dict)
    problems: set[str] = field(default_factory=set)
    containers: set[int] = field(default_factory=set)

    @property
    def stands(self) -> bool:
        return any(flow.stands for flow in self.flows)


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes by id, lines, and their places. `grouped` says that boxes could be opened."""

    boxes: dict[str, Box]
    lines: list[Line]
    layout: Layout
    grouped: bool


def picture(chain: Chain, opened: Collection[str] = ()) -> Picture:
    """The picture of a chain; `opened` are ids of groups told one by one, `all` opens every one."""
    graph = chain.graph
    rank = {
        name: (one.first or _NEVER, _name(chain, one), name) for name, one in graph.stations.items()
    }
    ordered = sorted(graph.stations, key=lambda name: rank[name])
    box_of: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    grouped = False
    for names in _classes(chain, ordered):
        group = _group_id(names)
        whole = len(names) >= GROUP_FROM
        grouped = grouped or whole
        if whole and ALL not in opened and group not in opened:
            boxes[group] = Box(group, [graph.stations[name] for name in names])
            box_of.update(dict.fromkeys(names, group))
        else:
            for name in names:
                boxes[name] = Box(name, [graph.stations[name]])
                box_of[name] = name
    for box in boxes.values():
        for one in box.members:
            _add(box.held, one.held)
            _add(box.made, one.made)
    lines = _lines(graph.flows.values(), box_of)
    layout = arrange(
        list(boxes),
        [(line.source, line.target) for line in lines],
        {name: min(rank[one.id] for one in box.members) for name, box in boxes.items()},
    )
    return Picture(boxes, lines, layout, grouped)


def _name(chain: Chain, one: Station) -> str:
    thing = chain.things.get(one.thing or 0)
    holder = chain.parties.get(one.holder or 0)
    return " ".join(
        (thing.product if thing else "", thing.code if thing else "", holder.name if holder else "")
    )


def _classes(chain: Chain, ordered: Collection[str]) -> list[list[str]]:
    graph = chain.graph
    leads = {flow.source for flow in graph.flows.values()}
    led = {flow.target for flow in graph.flows.values()}
    marks: dict[str, Hashable] = {}
    for name in ordered:
        one = graph.stations[name]
        holder = chain.parties.get(one.holder or 0)
        thing = chain.things.get(one.thing or 0)
        at_an_end = name not in leads or name not in led
        marks[name] = (
            name if one.side == "here" or one.thing is None else "",
            one.side,
            thing.kind if thing else "",
            thing.product if thing else "",
            holder.kind if holder else "",
            # In the middle of a chain it matters whose hands they are.
            None if at_an_end else one.holder,
            frozenset(one.problems & PROBLEMS),
            frozenset(one.alerts),
            one.outside,
        )
    edges = [
        (flow.source, flow.target, (flow.kind, frozenset(flow.problems & PROBLEMS), flow.stands))
        for flow in graph.flows.values()
    ]
    return alike(marks, edges)


def _group_id(names: Collection[str]) -> str:
    return "g" + sha256(" ".join(sorted(names)).encode()).hexdigest()[:10]


def _lines(flows: Collection[Flow], box_of: Mapping[str, str]) -> list[Line]:
    found: dict[tuple[str, str, str], Line] = {}
    for flow in flows:
        key = (box_of[flow.source], box_of[flow.target], flow.kind)
        line = found.setdefault(key, Line(*key, flows=[]))
        line.flows.append(flow)
        line.problems |= flow.problems
        line.containers |= flow.containers
        _add(line.sent, flow.sent)
        _add(line.got, flow.got)
    return list(found.values())


def _add(to: Amounts, amounts: Amounts) -> None:
    for unit, quantity in amounts.items():
        to[unit] = to.get(unit, quantity * 0) + quantity
