"""The promises of a recall of 100,000 descendants among 1,000,000 events, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import Figure
from benchmarks.capture import bench
from benchmarks.recall import measure
from tests.support.postgresql import Server


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_recall_of_a_hundred_thousand_keeps_its_promises(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = ""
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.create_database("recall_figures")
    figures: list[Figure] = []
    with bench(tmp_path, "recall", url) as made:
        figures += measure(made, kind)
    missed = [
        f"{one.name}: {one.value:.2f} {one.unit} ({one.goal})" for one in figures if not one.met
    ]
    assert missed == []
