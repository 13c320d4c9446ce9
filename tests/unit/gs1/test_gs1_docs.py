"""The reference pages on identifiers say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from trace.core.gs1 import digital_link_report, parse_identity
from trace.core.gs1.application_identifiers import KEYS
from trace.core.gs1.identity import OWN_LETTERS
from trace.core.gs1.table import AIS
from trace.core.labels import LAYOUTS

DOCS = Path(__file__).parents[3] / "docs" / "reference"
TABLE = (DOCS / "application-identifiers.md").read_text(encoding="utf-8")
PAGE = (DOCS / "identifiers.md").read_text(encoding="utf-8")


def rows(text: str, columns: int) -> list[list[str]]:
    found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    return [row for row in found if len(row) == columns and not row[0].startswith("-")]


def test_the_table_of_identifiers_agrees_with_the_code() -> None:
    shown = [row for row in rows(TABLE, 7) if row[0].isdigit()]
    for ai, title, form, attribute, needs, english, vietnamese in shown:
        spec = AIS[ai]
        assert (title, form, attribute, needs) == (
            spec.title,
            f"`{spec.form}`",
            "yes" if spec.attribute else "no",
            spec.needs_text,
        )
        assert english
        assert vietnamese
    named = set(KEYS) | {ai for one in KEYS.values() for sequence in one for ai in sequence}
    assert named <= {row[0] for row in shown}
    assert f"{len(AIS)} identifiers" in TABLE


def test_the_table_of_keys_agrees_with_the_code() -> None:
    shown = {row[0]: row[1] for row in rows(TABLE, 2) if row[0].isdigit()}
    assert shown == {
        key: " or ".join(", ".join(sequence) for sequence in alternatives) or "–"
        for key, alternatives in KEYS.items()
    }


def test_all_our_letters_and_layouts_are_named() -> None:
    assert set(re.findall(r"\| `/([a-z])/", PAGE)) == OWN_LETTERS
    for name in LAYOUTS:
        assert f"`{name}`" in PAGE


def test_the_examples_of_one_identity_are_one() -> None:
    texts = re.findall(r"^\| `([^`]+)` \| (?:\(01|the same)", PAGE, re.MULTILINE)
    assert len(texts) == 3
    assert len({parse_identity(text, "https://id.example.vn") for text in texts}) == 1


def test_the_examples_of_the_command_are_what_it_prints() -> None:
    block = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    good, bad = (
        json.loads(one)
        for one in re.findall(r"\{\"ok\".*?\}(?=\n\{\"ok|\n?$)", block[1], re.DOTALL)
    )
    assert digital_link_report(good["canonical"]) == good
    assert digital_link_report("https://id.example.vn/01/08936012345675") == bad
