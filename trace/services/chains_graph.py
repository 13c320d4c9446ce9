"""The graph of a chain: stations, flows, and what is left when somebody narrows it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

Amounts = dict[str, Decimal]  # by unit code, "" for pieces


@dataclass(frozen=True, slots=True)
class Passing:
    """A side of a handover (models.handovers)."""

    event: int
    received: bool
    giver: int | None
    taker: int | None
    note: str | None
    answered_by: int | None
    state: str


@dataclass(slots=True)
class Station:
    """A thing in somebody's hands. `thing` is None for a step; `holder` None where nobody knows.
    `problems` are codes (web.inspection.chain_words); `side` is up, here or down."""

    id: str
    thing: int | None
    holder: int | None
    step: str = ""
    events: list[int] = field(default_factory=list)
    made: Amounts = field(default_factory=dict)
    held: Amounts = field(default_factory=dict)
    place: str | None = None
    on_sale: bool = False
    pieces: int = 0  # packages with codes of their own
    problems: set[str] = field(default_factory=set)
    alerts: set[str] = field(default_factory=set)  # kinds; "mixed:" before what may be only
    custody: Counter[str] = field(default_factory=Counter)
    late: int = 0
    first: datetime | None = None
    outside: bool = False
    elsewhere: int = 0  # handovers out of it whose other side this reader may not see
    side: str = ""
    distance: int = 0


@dataclass(slots=True)
class Flow:
    """From one station to the next. `kind`: made, handover, packed, unpacked, unit, gap."""

    source: str
    target: str
    kind: str
    step: str = ""
    sent: Amounts = field(default_factory=dict)
    got: Amounts = field(default_factory=dict)
    events: list[int] = field(default_factory=list)
    containers: set[int] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    stands: bool = False
    sides: set[str] = field(default_factory=set)  # who spoke of a handover: giver, taker


@dataclass(slots=True)
class Graph:
    """Stations by id, flows, and where the question stands."""

    stations: dict[str, Station] = field(default_factory=dict)
    flows: dict[tuple[str, str, str], Flow] = field(default_factory=dict)
    anchors: list[str] = field(default_factory=list)


def set_sides(graph: Graph) -> None:
    """Which side of the question each station is on, how far; what is on none is dropped."""
    before, after = ways_of(graph)
    for side, ways in (("up", before), ("down", after)):
        seen, frontier, distance = set(graph.anchors), list(graph.anchors), 0
        while frontier:
            distance += 1
            met = dict.fromkeys(other for one in frontier for other in ways[one])
            frontier = [other for other in met if other not in seen]
            seen |= set(frontier)
            for one in frontier:
                station = graph.stations[one]
                if not station.side:
                    station.side, station.distance = side, distance
    for one in graph.anchors:
        graph.stations[one].side = "here"
        graph.stations[one].distance = 0
    keep({name for name, one in graph.stations.items() if one.side}, graph)


def keep(names: Collection[str], graph: Graph) -> None:
    """Leaves only these stations, and the flows between them."""
    graph.stations = {name: one for name, one in graph.stations.items() if name in names}
    graph.flows = {
        key: flow
        for key, flow in graph.flows.items()
        if flow.source in graph.stations and flow.target in graph.stations
    }


def narrow(
    graph: Graph, wanted: Callable[[Station], bool], *, flows: Callable[[Flow], bool]
) -> None:
    """Leaves the wanted stations, both ends of the wanted flows, and what lies between those and
    where the question stands."""
    names = {name for name, one in graph.stations.items() if wanted(one)}
    for flow in graph.flows.values():
        if flows(flow):
            names |= {flow.source, flow.target}
    _keep_with_ways(names, graph)


def follow(branch: str, graph: Graph) -> None:
    """Leaves one branch on its side: what leads through this station. The other side stays."""
    station = graph.stations.get(branch)
    if station is None or station.side not in ("up", "down"):
        return
    before, after = ways_of(graph)
    side = station.side
    beyond = after if side == "down" else before
    mine = {name for name in reached([branch], beyond) if graph.stations[name].side == side}
    mine |= {name for name, one in graph.stations.items() if one.side not in (side, "here")}
    _keep_with_ways(mine, graph)


def _keep_with_ways(names: Collection[str], graph: Graph) -> None:
    before, after = ways_of(graph)
    kept = set(names) | set(graph.anchors)
    for side, ways in (("down", before), ("up", after)):
        mine = {name for name, one in graph.stations.items() if one.side == side}
        back = reached([name for name in sorted(kept) if name in mine], ways)
        kept |= back & mine
    keep(kept, graph)


def ways_of(graph: Graph) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """(what leads to each station, what each leads to)."""
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for flow in graph.flows.values():
        before[flow.target].append(flow.source)
        after[flow.source].append(flow.target)
    return before, after


def reached(start: Iterable[str], ways: dict[str, list[str]]) -> set[str]:
    """`start` and everything these ways lead to from there."""
    frontier = list(start)
    seen = set(frontier)
    while frontier:
        frontier = [other for one in frontier for other in ways[one] if other not in seen]
        seen |= set(frontier)
    return seen
