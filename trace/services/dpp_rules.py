"""What Vietnamese rules ask of the record of a product, item by item, and from when they bind.

Pure: a table and its reading. A rule that binds nobody yet never calls anything missing; what a
rule asks "if any" is never missing either, only not declared.

* Decree 37/2026/ND-CP, article 32: the digital passport's least contents. It binds from the day
  a ministry's timetable names the goods; none is published, so `binds_from` is None. When one is,
  this is the line to change.
* Circular 02/2024/TT-BKHCN, in force from 2024-06-01: the least information of whoever runs a
  traceability system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

State = Literal["given", "private", "missing", "not-yet", "none"]
# What the record has: a value, nothing, or something its owner keeps private.
PRIVATE: Final = object()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, from when it binds (None: nobody yet), and its items. An item
    is (key, whether only "if any")."""

    code: str
    title: str
    binds_from: date | None
    items: tuple[tuple[str, bool], ...]

    def binds(self, day: date) -> bool:
        """Whether it binds on a day."""
        return self.binds_from is not None and self.binds_from <= day


RULES: Final = (
    Rule(
        "nd-37-2026-32",
        "Nghị định 37/2026/NĐ-CP, Điều 32",
        None,
        (
            ("name", False),
            ("gtin", False),
            ("producer", False),
            ("address", False),
            ("producer_code", False),
            ("origin", False),
            ("trace", False),
            ("certificates", True),
            ("produced", False),
            ("expiry", True),
            ("warnings", True),
        ),
    ),
    Rule(
        "tt-02-2024",
        "Thông tư 02/2024/TT-BKHCN",
        date(2024, 6, 1),
        (
            ("name", False),
            ("picture", False),
            ("producer", False),
            ("address", False),
            ("trace", False),
            ("trace_places", False),
            ("produced", False),
            ("trace_code", False),
            ("model", True),
            ("expiry", True),
            ("certificates", True),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a rule and how it stands."""

    key: str
    state: State

    def to_json(self) -> dict[str, str]:
        return {"item": self.key, "state": self.state}


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule held against a record."""

    rule: Rule
    binding: bool
    items: tuple[Item, ...]

    def of(self, *states: State) -> list[str]:
        """The keys of the items in these states."""
        return [item.key for item in self.items if item.state in states]

    def to_json(self) -> dict[str, Any]:
        since = self.rule.binds_from
        return {
            "rule": self.rule.code,
            "title": self.rule.title,
            "binding": self.binding,
            "binds_from": None if since is None else since.isoformat(),
            "items": [item.to_json() for item in self.items],
        }


def judge(known: Mapping[str, object], day: date, rules: Sequence[Rule] = RULES) -> list[Judged]:
    """Every rule held against what the record has by key: a value, PRIVATE, or nothing (absent,
    None, "", [], or False)."""
    return [_judge(rule, known, day) for rule in rules]


def _judge(rule: Rule, known: Mapping[str, object], day: date) -> Judged:
    binding = rule.binds(day)
    items = tuple(
        Item(key, _state(known.get(key), optional=optional, binding=binding))
        for key, optional in rule.items
    )
    return Judged(rule, binding, items)


def _state(value: object, *, optional: bool, binding: bool) -> State:
    if value is PRIVATE:
        return "private"
    if value:
        return "given"
    if optional:
        return "none"
    return "missing" if binding else "not-yet"
