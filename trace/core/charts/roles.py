"""Nodes that play the same part: told once with their number instead of one by one.

Two nodes are alike when they carry the same mark and their neighbours, before and after, are alike
(the coarsest stable partition of a graph: Paige and Tarjan 1987; here by plain rounds, since a
chart has few of them).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

MOST_ROUNDS = 60


def alike(
    marks: Mapping[str, Hashable], edges: Collection[tuple[str, str, Hashable]]
) -> list[list[str]]:
    """The nodes in classes, each class and all of them in the order of `marks`.

    An edge is (from, to, its own mark). Edges to unknown nodes are not looked at.
    """
    before: dict[str, list[tuple[str, Hashable]]] = {node: [] for node in marks}
    after: dict[str, list[tuple[str, Hashable]]] = {node: [] for node in marks}
    for source, target, mark in edges:
        if source in marks and target in marks:
            after[source].append((target, mark))
            before[target].append((source, mark))
    classes = _numbered(dict(marks.items()))
    for _ in range(MOST_ROUNDS):
        told: dict[str, Hashable] = {
            node: (
                classes[node],
                frozenset((classes[other], mark) for other, mark in before[node]),
                frozenset((classes[other], mark) for other, mark in after[node]),
            )
            for node in marks
        }
        finer = _numbered(told)
        if len(set(finer.values())) == len(set(classes.values())):
            break
        classes = finer
    found: dict[int, list[str]] = {}
    for node in marks:
        found.setdefault(classes[node], []).append(node)
    return list(found.values())


def _numbered(told: Mapping[str, Hashable]) -> dict[str, int]:
    numbers: dict[Hashable, int] = {}
    return {node: numbers.setdefault(what, len(numbers)) for node, what in told.items()}
