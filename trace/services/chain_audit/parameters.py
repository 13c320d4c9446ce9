"""The numbers of the rules as they stand for an authority, and setting them.

Every number has bounds; whatever is outside is refused by name, and nothing is set then. Who set
what is in the audit log (`jurisdictions.set_rule`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import or_, select

from trace.errors import NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import Audit, AuthorityRule, Organisation, Person
from trace.services import jurisdictions
from trace.services.actors import Actor
from trace.services.chain_audit.ceilings import Ceiling, ceilings_of, kept_form, read_ceilings
from trace.services.chain_audit.rules import CEILINGS, RULES
from trace.services.sets import among

PREFIX = "audit."
MOST_TOLD = 50


class OutOfBounds(TraceError):
    code = "parameter-out-of-bounds"
    message = "A whole number from %(least)s to %(most)s is expected."


class HoursReversed(TraceError):
    code = "hours-reversed"
    message = "The first hour comes before the last."


def parameters_of(authority: Organisation) -> dict[str, dict[str, int]]:
    """Every rule's numbers for this authority, set or not."""
    # One query where nobody set anything; else one for each rule that somebody set.
    touched = set(
        db.session.scalars(
            select(AuthorityRule.code)
            .where(among(AuthorityRule.code, [PREFIX + code for code in RULES]))
            .distinct()
        )
    )
    found = {code: rule.defaults for code, rule in RULES.items()}
    for code in touched:
        rule = RULES[code.removeprefix(PREFIX)]
        kept = jurisdictions.rule_of(authority, code, rule.defaults)
        # What a later release no longer knows, or bounds otherwise, falls back to the default.
        found[rule.code] = {
            one.name: value
            if isinstance(value := kept.get(one.name), int) and one.least <= value <= one.most
            else one.default
            for one in rule.parameters
        }
    return found


def table_of(authority: Organisation) -> tuple[Ceiling, ...]:
    """The crops' ceilings for this authority."""
    return ceilings_of(jurisdictions.rule_of(authority, PREFIX + CEILINGS, {}))


def set_parameters(
    actor: Actor, code: str, typed: Mapping[str, str], *, at: datetime
) -> dict[str, int]:
    """Sets a rule's numbers as they were typed. Raises NotFound for no such rule or one without
    numbers, Refused naming each number, NotAllowed."""
    rule = RULES.get(code)
    if rule is None or not rule.parameters:
        raise NotFound
    clean: dict[str, int] = {}
    wrong: list[TraceError] = []
    for one in rule.parameters:
        text = str(typed.get(one.name, "")).strip()
        value = int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None
        if value is None or not one.least <= value <= one.most:
            wrong.append(OutOfBounds(path=one.name, least=one.least, most=one.most))
        else:
            clean[one.name] = value
    if not wrong and code == "hours" and clean["from"] >= clean["to"]:
        wrong.append(HoursReversed(path="to"))
    if wrong:
        raise Refused(wrong)
    jurisdictions.set_rule(actor, PREFIX + code, clean, at=at)
    return clean


def reset(actor: Actor, code: str, *, at: datetime) -> None:
    """Back to what the wider authority, and in the end the default, says. Raises NotFound,
    NotAllowed."""
    if code != CEILINGS and (code not in RULES or not RULES[code].parameters):
        raise NotFound
    jurisdictions.set_rule(actor, PREFIX + code, {}, at=at)


def set_table(actor: Actor, data: bytes, *, at: datetime) -> Sequence[Ceiling]:
    """Sets the crops' ceilings from a CSV. Raises CeilingsUnreadable, Refused, NotAllowed."""
    table = read_ceilings(data)
    jurisdictions.set_rule(actor, PREFIX + CEILINGS, kept_form(table), at=at)
    return table


@dataclass(frozen=True, slots=True)
class Change:
    """One setting: which rule, when, by whom (None: the person is gone), from what to what."""

    rule: str
    at: datetime
    person: str
    former: Mapping[str, object]
    now: Mapping[str, object]


def history(authority: Organisation, others: Collection[str] = ()) -> list[Change]:
    """What this authority set of audits' rules and of `others`, the latest first."""
    rows = db.session.execute(
        select(Audit.at, Audit.subject, Audit.detail, Person.name)
        .outerjoin(Person, Person.id == Audit.person_id)
        .where(
            Audit.organisation_id == authority.id,
            Audit.action == "rule.set",
            or_(
                Audit.subject.startswith(f"rule:{PREFIX}", autoescape=True),
                Audit.subject.in_([f"rule:{code}" for code in others]),
            ),
        )
        .order_by(Audit.id.desc())
        .limit(MOST_TOLD)
    )
    found = []
    for at, subject, detail, name in rows:
        told = orjson.loads(detail)
        code = subject.removeprefix("rule:").removeprefix(PREFIX)
        found.append(Change(code, at, name or "", told.get("former", {}), told.get("now", {})))
    return found
