"""The list of routes is pinned: an address cannot vanish unnoticed, printed labels carry it.

After a change on purpose: `python -m pytest tests/architecture/test_routes.py --regenerate`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

PINNED = Path(__file__).with_name("routes.txt")


def lines(app: Flask) -> list[str]:
    """`METHODS path -> endpoint`, sorted by path."""
    found = []
    for rule in app.url_map.iter_rules():
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        found.append((rule.rule, f"{methods:<11} {rule.rule} -> {rule.endpoint}"))
    return [line for _, line in sorted(found)]


@pytest.mark.one_database
def test_the_list_of_routes_is_the_pinned_one(app: Flask, regenerate: bool) -> None:
    now = lines(app)
    if regenerate:
        PINNED.write_text("\n".join(now) + "\n")
    assert now == PINNED.read_text().splitlines()
