"""The desk's own rules that authorities set beside the numbers of audits: who decides recalls, and
which inspections need a supervisor.

1. A rule is a table of choices and whole numbers; a form sets all of it that this setter may set,
   everything wrong is named, and then nothing is set. Every change is in the audit log
   (`jurisdictions.set_rule`).
2. Powers of recall are set for narrower authorities, by the nation for all: nobody sets its own
   (`recalls.rules`). What was set by sector stays as it is.
3. Whose findings need a supervisor an authority sets for itself and those within its area.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from trace.errors import NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import AuthorityRule, Organisation
from trace.models.inspections import SEVERITIES
from trace.models.recalls import GRADES, KINDS
from trace.services import inspections_ending, jurisdictions
from trace.services.actors import Actor
from trace.services.chain_audit.parameters import OutOfBounds
from trace.services.choices import NotOffered
from trace.services.recalls import rules as recall_rules

DECIDING: Final = inspections_ending.RULE
POWERS: Final = recall_rules.RULE
CODES: Final = (POWERS, DECIDING)
MOST: Final = "most"


@dataclass(frozen=True, slots=True)
class Choice:
    """A field that takes one of some words; "" is a word."""

    path: str  # of the table, parts apart by dots: the field's name
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A field that takes a whole number."""

    path: str
    least: int
    most: int


Fields = tuple[Choice | Number, ...]
_COMMON: Final[Fields] = (
    Number("confirm_from", 1, 1_000_000),
    Number("second_hours", 1, 72),
    *(Number(f"answer_hours.{grade}", 1, 720) for grade in GRADES),
)


def levels_below(setter: Organisation) -> tuple[str, ...]:
    """The levels whose powers this authority sets, the widest first: the nation all of them."""
    width = recall_rules.WIDTH
    own = jurisdictions.level_of(setter.jurisdiction)
    return width if own == "nation" else width[width.index(own) + 1 :]


def fields_of(setter: Organisation, code: str) -> Fields:
    """What this authority may set of a rule; nothing of the powers of recall at the lowest level.
    Raises NotFound for no such rule."""
    if code == DECIDING:
        return (Choice("supervisor_from", ("", *SEVERITIES)),)
    if code != POWERS:
        raise NotFound
    levels = levels_below(setter)
    powers = [Choice(f"{level}.{kind}", recall_rules.POWERS) for level in levels for kind in KINDS]
    most = [Number(f"{MOST}.ward", 1, 10_000_000)]
    return (*powers, *most, *_COMMON) if levels else ()


def defaults_of(code: str) -> Mapping[str, Any]:
    """How the rule stands where nobody set it."""
    return recall_rules.DEFAULT if code == POWERS else inspections_ending.DEFAULTS


def table_of(authority: Organisation, code: str) -> dict[str, Any]:
    """The rule as it stands for this authority and, of powers, for those below it."""
    if code == DECIDING:
        return jurisdictions.rule_of(authority, code, defaults_of(code))
    return recall_rules.table_of(authority, below=True)


def value_at(table: Mapping[str, Any], path: str) -> Any:
    """What stands at a field; "" where nothing does."""
    found: Any = table
    for part in path.split("."):
        found = found.get(part, "") if isinstance(found, Mapping) else ""
    return found


def set_desk_rule(actor: Actor, code: str, typed: Mapping[str, str], *, at: datetime) -> None:
    """Sets the rule as typed. Raises NotFound, NotAllowed, Refused naming each field."""
    setter = actor.organisation
    fields = fields_of(setter, code)
    if not fields:
        raise NotFound
    made = _own(setter, code)
    wrong: list[TraceError] = []
    for one in fields:
        text = str(typed.get(one.path, "")).strip()
        try:
            _put(made, one.path, _parsed(one, text))
        except TraceError as error:
            wrong.append(error)
    if wrong:
        raise Refused(wrong)
    if code == POWERS:
        recall_rules.check_powers(made)
    jurisdictions.set_rule(actor, code, made, at=at)


def reset_desk_rule(actor: Actor, code: str, *, at: datetime) -> None:
    """Back to what the wider authority, and in the end the default, says. Raises NotFound,
    NotAllowed."""
    if not fields_of(actor.organisation, code):
        raise NotFound
    jurisdictions.set_rule(actor, code, {}, at=at)


def _own(setter: Organisation, code: str) -> dict[str, Any]:
    row = db.session.get(AuthorityRule, (setter.id, code))
    found: dict[str, Any] = orjson.loads(row.parameters) if row is not None else {}
    return found


def _parsed(one: Choice | Number, text: str) -> str | int:
    if isinstance(one, Choice):
        if text not in one.options:
            raise NotOffered(path=one.path)
        return text
    value = int(text) if text.isascii() and text.isdecimal() and len(text) <= 8 else None
    if value is None or not one.least <= value <= one.most:
        raise OutOfBounds(path=one.path, least=one.least, most=one.most)
    return value


def _put(table: dict[str, Any], path: str, value: str | int) -> None:
    *outer, last = path.split(".")
    for part in outer:
        table = table.setdefault(part, {})
    table[last] = value
