"""Our table of application identifiers against GS1's published syntax dictionary, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trace.core.gs1.application_identifiers import KEYS
from trace.core.gs1.table import AIS, Spec

DICTIONARY = (
    Path(__file__).parents[2].parent / "shared" / "vectors" / "gs1" / "gs1-syntax-dictionary.txt"
)
# The dictionary names the company prefix beside the check digit; one check of ours does both.
SAME_CHECKS = {"csum,gcppos1": "key", "csum,gcppos2": "key2"}


class Row:
    """One line of the dictionary: identifiers, flags, form, attributes."""

    def __init__(self, line: str) -> None:
        words = line.partition("#")[0].split()
        first, _, last = words.pop(0).partition("-")
        self.ais = [f"{n:0{len(first)}}" for n in range(int(first), int(last or first) + 1)]
        self.flags = words.pop(0) if re.fullmatch(r"[*?]+", words[0]) else ""
        self.form = " ".join(word for word in words if re.match(r"\[?[NXYZ](\.\.)?[0-9]", word))
        self.attributes = [word for word in words if re.match(r"(req|ex|dlpkey)", word)]
        for theirs, ours in SAME_CHECKS.items():
            self.form = self.form.replace(theirs, ours)

    def values(self, name: str) -> list[str]:
        return [
            value
            for word in self.attributes
            if word.partition("=")[0] == name
            for value in word.partition("=")[2].split(",")
        ]


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    if not DICTIONARY.exists():
        pytest.skip("the published dictionary is not present")
    lines = DICTIONARY.read_text(encoding="utf-8").splitlines()
    parsed = [Row(line) for line in lines if line.strip() and not line.startswith("#")]
    return {ai: row for row in parsed for ai in row.ais}


def _members(pattern: str, known: dict[str, Row]) -> frozenset[str]:
    digits = re.compile(pattern.replace("n", "[0-9]"))
    return frozenset(ai for ai in known if digits.fullmatch(ai))


def _needs(row: Row, known: dict[str, Row]) -> set[frozenset[frozenset[str]]]:
    return {
        frozenset(_members(one, known) for one in group.split("+")) for group in row.values("req")
    }


def test_the_same_identifiers_are_known(rows: dict[str, Row]) -> None:
    assert set(AIS) == set(rows)


def test_form_checks_and_flags_are_the_published_ones(rows: dict[str, Row]) -> None:
    different: list[tuple[str, str, str]] = []
    for ai, row in rows.items():
        spec: Spec = AIS[ai]
        if (spec.form, spec.predefined, spec.attribute) != (
            row.form,
            "*" in row.flags,
            "?" in row.flags,
        ):
            different.append((ai, spec.form, row.form))
    assert different == []


def test_companions_and_exclusions_are_the_published_ones(rows: dict[str, Row]) -> None:
    for ai, row in rows.items():
        spec = AIS[ai]
        assert {frozenset(group) for group in spec.needs} == _needs(row, rows), ai
        excluded = frozenset().union(*(_members(one, rows) for one in row.values("ex"))) - {ai}
        assert spec.excludes == excluded, ai


def test_keys_and_their_qualifiers_are_the_published_ones(rows: dict[str, Row]) -> None:
    published = {
        ai: tuple(
            tuple(alternative.split(","))
            for word in row.attributes
            if word.startswith("dlpkey=")
            for alternative in word.removeprefix("dlpkey=").split("|")
        )
        for ai, row in rows.items()
        if any(word.partition("=")[0] == "dlpkey" for word in row.attributes)
    }
    assert published == KEYS


def test_the_number_of_identifiers_and_of_attributes_is_the_published_one(
    rows: dict[str, Row],
) -> None:
    assert len(AIS) == len(rows)
    assert sum(spec.attribute for spec in AIS.values()) == sum(
        "?" in row.flags for row in rows.values()
    )
