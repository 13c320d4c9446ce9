"""Promises: the shape of an event is checked, formats of times and addresses included, at least 50
times faster than by `jsonschema` (PyPI) on the same documents in the same run; our rules take at
most 60 µs an event more.

Ours is what an event goes through on its way in: the generated schema in compiled form, and the
look for what JSON cannot say. Floors, on the very same events: `jsonschema` with the very same
schema (its patterns say what formats say); and, where the published schema of EPCIS 2.0 lies beside
this project, `jsonschema` with that one, formats on as far as it knows them without further
packages. All must accept every event, or the figures mean nothing. CPU time, the least of several
rounds in turns; no round has an event of another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema

from benchmarks import Figure, absolute, faster
from benchmarks.capture import ID_BASE, document
from benchmarks.event_hash import document as harvests
from benchmarks.event_hash import microseconds
from trace.core.epcis import Checker, JsonObject, parse_document
from trace.core.epcis.gate import event_errors
from trace.core.epcis.schema import EVENT_TYPES, event_schema

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PUBLISHED = (
    Path(__file__).parents[2] / "shared" / "vectors" / "epcis" / "spec" / "EPCIS-JSON-Schema.json"
)
# The floor takes milliseconds an event: few for it, many for us, or the clock's grain decides.
ROUNDS, FEW, MANY = 4, 40, 2000
GOAL, RULES = 50, 60

Events = Sequence[JsonObject]


def taken(events: int) -> Events:
    """Events as a document gives them: harvests and, of the same number, a packhouse's mix."""
    half = events // 2
    return [
        *parse_document(harvests(half)).events,
        *parse_document(document(half, "HTXDEMO01")).events,
    ]


def by_our_schema(events: Events) -> None:
    for one in events:
        if event_errors(one):
            raise AssertionError("our schema refuses what it should take")


def by_our_rules(events: Events) -> None:
    """The schema and the rules, as capture asks for them."""
    checker = Checker(now=NOW, id_base=ID_BASE)
    for one in events:
        checker.check(one)


def by_jsonschema() -> Callable[[Events], None]:
    """Our schema in the hands of `jsonschema`, compiled as far as it compiles."""
    validators = {
        kind: jsonschema.Draft202012Validator(
            event_schema(kind), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        for kind in EVENT_TYPES
    }

    def check(events: Events) -> None:
        for one in events:
            validators[one["type"]].validate(one)

    return check


def by_the_published_schema() -> Callable[[Events], None] | None:
    """The published schema in the hands of `jsonschema`; None where it is not beside us."""
    if not PUBLISHED.exists():
        return None
    schema: Any = json.loads(PUBLISHED.read_text())
    validator = jsonschema.Draft7Validator(
        schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    )

    def check(events: Events) -> None:
        for one in events:
            validator.validate(one)

    return check


def run() -> list[Figure]:
    """The figures of this program."""
    others = {"jsonschema, same schema": by_jsonschema()}
    published = by_the_published_schema()
    if published is not None:
        others["jsonschema, published schema"] = published
    shape = rules = float("inf")
    floors = dict.fromkeys(others, float("inf"))
    for _ in range(ROUNDS):
        many, few = taken(MANY), taken(FEW)
        shape = min(shape, microseconds(by_our_schema, many, MANY))
        rules = min(rules, microseconds(by_our_rules, many, MANY))
        for name, check in others.items():
            floors[name] = min(floors[name], microseconds(check, few, FEW))
    return [
        *(
            faster(f"schema check of an event, against {name}", shape, "us/event", floor, GOAL)
            for name, floor in floors.items()
        ),
        absolute("our rules on top of the schema", rules - shape, "us/event", "<=", RULES),
    ]
