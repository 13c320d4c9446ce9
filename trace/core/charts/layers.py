"""A layered drawing of a directed graph (Sugiyama, Tagawa and Toda 1981), on a grid.

1. Circles are cut: an edge that leads back to where a walk came from is told apart (`back`).
2. Layers: each node stands one column after the last of its predecessors; what has none stands
   just before the first of its successors.
3. An edge over several columns keeps a cell of its own in each column between (one for all edges
   of the same source there), so that lines do not run under boxes.
4. Order within a column: from `rank`, then by the middle of the neighbours, to and fro; the order
   with the fewest crossings is kept.
5. Rows: whole numbers, one node a cell, as near to the neighbours' rows as the order allows
   (isotonic regression by pooling neighbours).

The same input gives the same drawing: every tie is broken by `rank`, then by the order given.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Edge = tuple[str, str]
SWEEPS = 4
# Beyond so many cells in between, long lines run straight: a picture of that size is a tangle.
MOST_BETWEEN = 3000


@dataclass(frozen=True, slots=True)
class Layout:
    """Cells (column, row) of the nodes; the cells an edge runs through between its ends; the edges
    that lead backwards. Columns and rows count from 0."""

    cells: dict[str, tuple[int, int]]
    through: dict[Edge, tuple[tuple[int, int], ...]]
    back: frozenset[Edge]
    columns: int
    rows: int


def arrange(nodes: Sequence[str], edges: Iterable[Edge], rank: Mapping[str, Any]) -> Layout:
    """Places for all `nodes`. `rank` sorts what else is equal (time, then name, say). Edges of a
    node to itself and edges to unknown nodes are left out."""
    ordered = sorted(nodes, key=lambda node: rank[node])
    place = {node: number for number, node in enumerate(ordered)}
    known = sorted(
        {(a, b) for a, b in edges if a != b and a in place and b in place},
        key=lambda edge: (place[edge[0]], place[edge[1]]),
    )
    back = _backward(ordered, known)
    forward = [edge for edge in known if edge not in back]
    layer = _layers(ordered, forward)
    graph = _Graph(ordered, layer, forward)
    columns = graph.columns()
    columns = _fewest_crossings(columns, graph)
    rows = _rows(columns, graph)
    cells = {node: (layer[node], rows[node]) for node in ordered}
    through = {
        edge: tuple((layer_of, rows[cell]) for layer_of, cell in graph.between(edge))
        for edge in forward
    }
    return Layout(
        cells=cells,
        through={edge: way for edge, way in through.items() if way},
        back=frozenset(back),
        columns=len(columns),
        rows=1 + max(rows.values(), default=-1),
    )


def _backward(ordered: Sequence[str], edges: Collection[Edge]) -> set[Edge]:
    """The edges that close a circle on a walk in depth, begun where nothing leads to."""
    after: dict[str, list[str]] = defaultdict(list)
    led_to = set()
    for a, b in edges:
        after[a].append(b)
        led_to.add(b)
    back: set[Edge] = set()
    done: set[str] = set()
    starts = [node for node in ordered if node not in led_to] + list(ordered)
    for start in starts:
        if start in done:
            continue
        path = {start}
        walk = [(start, iter(after[start]))]
        while walk:
            node, rest = walk[-1]
            for other in rest:
                if other in path:
                    back.add((node, other))
                elif other not in done:
                    path.add(other)
                    walk.append((other, iter(after[other])))
                    break
            else:
                walk.pop()
                path.discard(node)
                done.add(node)
    return back


def _layers(ordered: Sequence[str], forward: Collection[Edge]) -> dict[str, int]:
    after: dict[str, list[str]] = defaultdict(list)
    waiting: dict[str, int] = dict.fromkeys(ordered, 0)
    for a, b in forward:
        after[a].append(b)
        waiting[b] += 1
    sources = {node for node in ordered if not waiting[node]}
    layer = dict.fromkeys(ordered, 0)
    ready = [node for node in ordered if node in sources]
    for node in ready:  # grows while it is read
        for other in after[node]:
            layer[other] = max(layer[other], layer[node] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for node in sources:
        if after[node]:
            layer[node] = min(layer[other] for other in after[node]) - 1
    return layer


class _Graph:
    """Nodes and the cells long edges keep between them, with neighbours one column apart."""

    def __init__(
        self, ordered: Sequence[str], layer: Mapping[str, int], forward: Sequence[Edge]
    ) -> None:
        self.layer: dict[str, int] = dict(layer)
        self.before: dict[str, list[str]] = defaultdict(list)
        self.after: dict[str, list[str]] = defaultdict(list)
        self.order = list(ordered)
        farthest: dict[str, int] = {}
        for a, b in forward:
            farthest[a] = max(farthest.get(a, 0), layer[b])
        count = sum(max(0, last - layer[a] - 1) for a, last in farthest.items())
        self.straight = count > MOST_BETWEEN
        for a, b in forward:
            way = [a, *(cell for _, cell in self.between((a, b))), b]
            for near, far in itertools.pairwise(way):
                if far not in self.layer:
                    self.layer[far] = self.layer[near] + 1
                    self.order.append(far)
                if far not in self.after[near]:
                    self.after[near].append(far)
                    self.before[far].append(near)

    def between(self, edge: Edge) -> list[tuple[int, str]]:
        """(column, cell) of what an edge keeps free; one name for all edges of a source."""
        a, b = edge
        if self.straight:
            return []
        return [(at, f"{a}\0{at}") for at in range(self.layer[a] + 1, self.layer[b])]

    def columns(self) -> list[list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for cell in self.order:
            found[self.layer[cell]].append(cell)
        return [found[at] for at in range(1 + max(found, default=-1))]


def _fewest_crossings(columns: list[list[str]], graph: _Graph) -> list[list[str]]:
    best, fewest = columns, _crossings(columns, graph)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        columns = _swept(columns, graph.before if sweep % 2 == 0 else graph.after, sweep % 2 == 0)
        count = _crossings(columns, graph)
        if count < fewest:
            best, fewest = columns, count
    return best


def _swept(columns: list[list[str]], near: Mapping[str, list[str]], ahead: bool) -> list[list[str]]:
    """Each column sorted by the middle of its neighbours in the column just done; what has none
    keeps its place."""
    found = [list(column) for column in columns]
    places = range(len(found)) if ahead else range(len(found) - 1, -1, -1)
    at: dict[str, int] = {}
    for number in places:
        column = found[number]
        told = {cell: median(at[one] for one in near[cell]) for cell in column if near.get(cell)}
        sorted_cells = iter(sorted(told, key=lambda cell: told[cell]))
        found[number] = [next(sorted_cells) if cell in told else cell for cell in column]
        at.update({cell: place for place, cell in enumerate(found[number])})
    return found


def _crossings(columns: Sequence[Sequence[str]], graph: _Graph) -> int:
    """Pairs of lines that cross between neighbouring columns."""
    count = 0
    for left, right in itertools.pairwise(columns):
        at = {cell: place for place, cell in enumerate(right)}
        ends = [
            end
            for cell in left
            for end in sorted(at[other] for other in graph.after.get(cell, ()) if other in at)
        ]
        seen: list[int] = []
        for end in ends:
            place = bisect_left(seen, end + 1)
            count += len(seen) - place
            insort(seen, end)
    return count


def _rows(columns: Sequence[Sequence[str]], graph: _Graph) -> dict[str, int]:
    rows = {cell: place for column in columns for place, cell in enumerate(column)}
    for ahead in (True, False, True):
        near = graph.before if ahead else graph.after
        for column in columns if ahead else reversed(columns):
            wanted = [
                median(rows[one] for one in near[cell]) if near.get(cell) else None
                for cell in column
            ]
            rows.update(zip(column, _fitted(column, wanted, rows), strict=True))
    least = min(rows.values(), default=0)
    return {cell: row - least for cell, row in rows.items()}


def _fitted(
    column: Sequence[str], wanted: Sequence[float | None], rows: Mapping[str, int]
) -> list[int]:
    """Rising whole numbers nearest to what each cell wants; who wants nothing stays with the cell
    before it."""
    pools: list[tuple[float, int]] = []  # (mean of wanted - place, how many)
    last: float | None = None
    for place, (cell, want) in enumerate(zip(column, wanted, strict=True)):
        if want is not None:
            last = want
        else:
            last = rows[cell] if last is None else last + 1
        pools.append((last - place, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, many), (other, more) = pools[-2], pools[-1]
            pools[-2:] = [((one * many + other * more) / (many + more), many + more)]
    found: list[int] = []
    for mean, many in pools:
        base = int((mean + 0.5) // 1)
        for _ in range(many):
            found.append(base + len(found))
    return found
