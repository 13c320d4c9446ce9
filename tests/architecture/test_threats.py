"""The threat model names tests that exist, and says "Not yet" where there is none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
NAMED = re.compile(r"\[([^\]]+)\]\((\.\./\.\./tests/[\w/]+\.py)\)")
# Who may open connections of his own accord, and to whom: what the operator's settings name; and
# web push, which checks every address before it speaks to it.
FETCHERS = {
    "trace/services/mirrors.py",
    "trace/services/witnessing.py",
    "trace/services/outward.py",
    "trace/services/webhooks.py",
}
FETCHING = re.compile(
    r"urlopen|HTTPConnection|HTTPSConnection|create_connection|^import (requests|httpx)",
    re.MULTILINE,
)


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse(path.read_text())
    found = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def rows(page: str) -> list[list[str]]:
    """The rows of its tables, headings left out."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    headings = {place - 1 for place, row in enumerate(cells) if set("".join(row)) <= set("-| ")}
    return [
        row
        for place, row in enumerate(cells)
        if place not in headings and place - 1 not in headings
    ]


def missing(page: str) -> list[str]:
    """The tests that a page names and that do not exist."""
    return [
        f"{path}: {words}"
        for words, path in NAMED.findall(page)
        if not (PAGE.parent / path).is_file()
        or f"test_{words.replace(' ', '_')}" not in names_in((PAGE.parent / path).resolve())
    ]


def test_every_test_that_the_threat_model_names_exists() -> None:
    page = PAGE.read_text()
    assert len(NAMED.findall(page)) > 100
    assert missing(page) == []


def test_a_name_that_is_none_is_noticed() -> None:
    here = "../../tests/architecture/test_threats.py"
    assert missing(f"[a name that is none is noticed]({here}) [no such test]({here})") == [
        f"{here}: no such test"
    ]


def test_every_row_has_a_test_or_says_not_yet_and_every_attack_its_rest() -> None:
    told = rows(PAGE.read_text())
    assert len(told) > 50
    assert [row[0] for row in told if not (NAMED.search(row[2]) or "Not yet" in row[2])] == []
    assert [row[0] for row in told if len(row) not in (3, 4) or not all(row)] == []


def test_only_mirrors_witnesses_and_push_services_are_spoken_to() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "trace").rglob("*.py")
        if FETCHING.search(path.read_text())
    }
    assert found == FETCHERS
