"""The syntax engine's own published cases for Digital Link URIs decide; the same ground is
covered by tests/unit/gs1 when the published files are not beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trace.core.gs1 import (
    Gs1Error,
    build_digital_link,
    digital_link_report,
    parse_digital_link,
    parse_element_string,
    parse_identity,
)

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
CASES = VECTORS / "gs1" / "digital-link.json"

# Options of the engine that switch a rule off. The first two are our `legacy`; identifiers that
# GS1 has not assigned are never read.
LEGACY = {"permitConvenienceAlphas", "PermitZeroSuppressedGTINinDLuris"}
UNKNOWN = "PermitUnknownAIs"


def cases(kind: str) -> list[Any]:
    if not CASES.exists():
        return [pytest.param(None, marks=pytest.mark.skip("published cases are not present"))]
    return [
        pytest.param(case, id=str(number))
        for number, case in enumerate(json.loads(CASES.read_text())[kind])
    ]


@pytest.mark.parametrize("case", cases("parse"))
def test_each_published_uri_is_read_or_refused_as_published(case: dict[str, Any]) -> None:
    options = set(case["opts"])
    if UNKNOWN in options:
        assert digital_link_report(case["uri"])["code"] == "unknown-identifier"
        return
    try:
        link = parse_digital_link(case["uri"], legacy=bool(options & LEGACY))
    except Gs1Error:
        assert not case["ok"]
        return
    assert case["ok"]
    # The published element string separates with ^; identifiers and values run together in it.
    assert "".join(ai + value for ai, value in link.elements) == case["expect"].replace("^", "")
    assert parse_digital_link(link.uri()).identity == link.identity


@pytest.mark.parametrize("case", cases("parse"))
def test_the_report_of_the_command_line_agrees(case: dict[str, Any]) -> None:
    if not case["opts"]:
        report = digital_link_report(case["uri"])
        assert report["ok"] is case["ok"]


@pytest.mark.parametrize("case", cases("generate"))
def test_each_published_element_string_is_written_or_refused_as_published(
    case: dict[str, Any],
) -> None:
    base = case["stem"] or "https://id.gs1.org"
    try:
        uri = build_digital_link(parse_element_string(case["ai"]), base=base)
    except Gs1Error:
        assert not case["ok"]
        return
    assert case["ok"]
    assert uri == case["expect"]


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []


def test_every_identifier_in_the_published_epcis_documents_is_read() -> None:
    documents = sorted((VECTORS / "epcis" / "json").glob("*.jsonld"))
    if not documents:
        pytest.skip("published EPCIS documents are not present")
    texts = {text for path in documents for text in _strings(json.loads(path.read_text()))}
    epcs = {text for text in texts if text.startswith("urn:epc:")}
    links = {text for text in texts if text.startswith("https://id.gs1.org/")}
    assert epcs
    assert links
    for text in epcs | links:
        identity = parse_identity(text, "https://trace.example")
        assert identity is not None, text
        assert parse_digital_link("https://id.gs1.org" + identity.path).identity == identity
    for text in texts - epcs - links:
        if ":" in text:
            parse_identity(text, "https://trace.example")  # refuses none of them
