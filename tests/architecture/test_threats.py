"""The threat model names tests that exist, and says "Not yet" where there is none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
NAMED = re.compile(r"\[([^\]]+)\]\((\.\./\.\./tests/[\w/]+\.py)\)")
# Who opens connections: to what the operator's settings name (servers, mail, a bucket, Redis), or
# to addresses that people gave, each of which is checked before it is spoken to.
FETCHERS = {
    "trace/services/files/s3.py",
    "trace/services/named_servers.py",
    "trace/services/outward.py",
    "trace/services/senders.py",
    "trace/services/shared.py",
    "trace/services/webhooks.py",
}
FETCHING = re.compile(
    r"\burlopen|\bbuild_opener|HTTPS?Connection|create_connection|\bsocket\.socket\(|smtplib\.SMTP\b"
    r"|^\s*(import|from) (requests|httpx|aiohttp|urllib3|botocore|boto3|redis|ftplib|telnetlib)\b",
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


def test_only_the_operators_servers_and_addresses_that_were_checked_are_spoken_to() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "trace").rglob("*.py")
        if FETCHING.search(path.read_text())
    }
    assert found == FETCHERS
