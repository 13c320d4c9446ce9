"""Drawings: no two boxes in one cell, lines lead on, the same graph gives the same picture."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.charts import alike, arrange, cut

Edges = list[tuple[str, str]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], Edges]:
    """Any graph, circles and loops among them."""
    nodes = [f"n{number}" for number in range(draw(st.integers(0, 14)))]
    if not nodes:
        return nodes, []
    ends = st.sampled_from(nodes)
    return nodes, draw(st.lists(st.tuples(ends, ends), max_size=40))


def rank(nodes: list[str]) -> dict[str, int]:
    return {node: number for number, node in enumerate(nodes)}


@given(graphs())
def test_no_two_boxes_nor_a_box_and_a_long_line_share_a_cell(
    graph: tuple[list[str], Edges],
) -> None:
    nodes, edges = graph
    layout = arrange(nodes, edges, rank(nodes))
    assert set(layout.cells) == set(nodes)
    kept = {cell for way in layout.through.values() for cell in way}
    assert len(set(layout.cells.values())) == len(nodes)
    assert not kept & set(layout.cells.values())
    assert all(0 <= x < layout.columns and 0 <= y < layout.rows for x, y in layout.cells.values())


@given(graphs())
def test_every_line_leads_on_or_is_told_to_lead_back(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    layout = arrange(nodes, edges, rank(nodes))
    for a, b in edges:
        if a == b or (a, b) in layout.back:
            continue
        columns = [layout.cells[a][0], *(x for x, _ in layout.through.get((a, b), ()))]
        columns.append(layout.cells[b][0])
        assert all(later == earlier + 1 for earlier, later in itertools.pairwise(columns))


@given(graphs())
def test_without_circles_nothing_leads_back(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    rising = [(a, b) for a, b in edges if nodes.index(a) < nodes.index(b)]
    assert not arrange(nodes, rising, rank(nodes)).back


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_changes_nothing(
    graph: tuple[list[str], Edges], random: object
) -> None:
    nodes, edges = graph
    order = rank(nodes)
    shuffled_nodes, shuffled_edges = list(nodes), list(edges)
    random.shuffle(shuffled_nodes)  # type: ignore[attr-defined]  # hypothesis's Random
    random.shuffle(shuffled_edges)  # type: ignore[attr-defined]
    assert arrange(shuffled_nodes, shuffled_edges, order) == arrange(nodes, edges, order)


def test_a_tree_is_drawn_without_crossings_whatever_the_ranks() -> None:
    edges = [("a", "b"), ("a", "c"), ("b", "x"), ("c", "y"), ("b", "z")]
    nodes = ["a", "c", "b", "x", "y", "z"]
    layout = arrange(nodes, edges, rank(nodes))
    rows = {node: row for node, (_, row) in layout.cells.items()}
    lines = [(rows[a], rows[b]) for a, b in edges if a in "bc"]
    assert not any(a < c and b > d for a, b in lines for c, d in lines)


def test_what_nothing_leads_to_stands_just_before_what_it_leads_to() -> None:
    layout = arrange(
        ["sown", "reaped", "bought", "mixed"],
        [("sown", "reaped"), ("reaped", "mixed"), ("bought", "mixed")],
        {"sown": 0, "reaped": 1, "bought": 2, "mixed": 3},
    )
    assert [layout.cells[one][0] for one in ("sown", "reaped", "bought", "mixed")] == [0, 1, 1, 2]


def test_a_long_circle_and_a_long_chain_end() -> None:
    nodes = [f"{number:05}" for number in range(3000)]
    line = list(itertools.pairwise(nodes))
    assert arrange(nodes, line, rank(nodes)).columns == 3000
    assert len(arrange(nodes, [*line, (nodes[-1], nodes[0])], rank(nodes)).back) == 1


def test_those_are_alike_that_lead_from_and_to_those_that_are_alike() -> None:
    marks = {"farm": "farm", "s1": "shop", "s2": "shop", "s3": "shop", "late": "shop late"}
    edges = [("farm", shop, "") for shop in ("s1", "s2", "s3", "late")]
    assert alike(marks, edges) == [["farm"], ["s1", "s2", "s3"], ["late"]]
    marks["kitchen"] = "kitchen"
    assert alike(marks, [*edges, ("s2", "kitchen", "")]) == [
        ["farm"], ["s1", "s3"], ["s2"], ["late"], ["kitchen"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "room", "seen"),
    [
        ("Cải ngọt", 8, "Cải ngọt"),
        ("Cải ngọt", 6, "Cải n…"),
        ("Cải ngọt", 5, "Cải…"),
        ("ab", 0, "…"),
    ],
)
def test_a_long_name_is_cut_where_the_room_ends(text: str, room: int, seen: str) -> None:
    assert cut(text, room, lambda letter: 1.0) == seen
