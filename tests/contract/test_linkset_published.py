"""Linksets against what GS1 publishes: the link types, the linkset's JSON schema, JSON-LD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pyld import jsonld  # type: ignore[import-untyped]  # ships no types

from trace.core.gs1.linkset import LINK_TYPES, VOC, Member, Target, json_ld_of, linkset_of

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "gs1"
DOCUMENT = linkset_of(
    [
        Member(
            "https://id.example/01/08936000000011/10/L1",
            "Lô L1",
            {
                "defaultLink": [Target("https://id.example/t/01/08936000000011/10/L1", "Hồ sơ")],
                "recipeInfo": [
                    Target("https://a.example/x", "Canh", ("vi", "en"), "text/html", ("VN",)),
                    Target("https://a.example/y.pdf", "Soup", ("en-GB",), "application/pdf"),
                ],
            },
        ),
        Member(
            "https://id.example/01/08936000000011", "Gạo", {"pip": [Target("https://a.b/", "G")]}
        ),
    ]
)


def published(name: str) -> Any:
    file = VECTORS / name
    if not file.exists():
        pytest.skip(f"{name} is not beside the project")
    return json.loads(file.read_text())


def test_the_link_types_are_the_ratified_ones() -> None:
    assert set(published("linktypes.json")) == LINK_TYPES


def test_a_linkset_with_everything_in_it_fits_the_published_schema() -> None:
    schema = published("gs1-linkset-schema.json")
    jsonschema.Draft7Validator(schema).validate(DOCUMENT)
    broken = json.loads(json.dumps(DOCUMENT))
    broken["linkset"][0]["@id"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(broken)


def test_as_json_ld_every_link_is_a_statement_about_its_anchor() -> None:
    quads = jsonld.to_rdf(json_ld_of(DOCUMENT))["@default"]
    told = {
        (one["subject"]["value"], one["predicate"]["value"], one["object"]["value"])
        for one in quads
    }
    lot, page = "https://id.example/01/08936000000011/10/L1", "https://a.example/x"
    assert (lot, VOC + "recipeInfo", page) in told
    assert (lot, VOC + "recipeInfo", "https://a.example/y.pdf") in told
    assert (lot, "http://purl.org/dc/terms/description", "Lô L1") in told
    assert (page, "http://purl.org/dc/terms/title", "Canh") in told
    assert (page, "http://purl.org/dc/terms/format", "text/html") in told
    assert {"vi", "en"} <= {o for s, p, o in told if s == page and p.endswith("/language")}
    assert (page, "http://purl.org/dc/terms/coverage", "VN") in told
