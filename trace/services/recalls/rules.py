"""Who may do what about a recall, and by when: a table of powers that authorities may set.

1. Powers go by the level of the authority (nation, province, ward), by kind (recall, hold, advice)
   and, where somebody set it so, by sector: `decide`, `propose`, or nothing at all. By default a
   ward proposes recalls and the city decides; holds and advice a ward decides itself. Nobody sets
   its own powers: only the platform, the nation and wider authorities do.
2. What a ward decides or proposes is bounded by `most`: more than that only the city chooses.
3. From `confirm_from` things on, whoever signs types how many they are.
4. The highest class is signed by two supervisors; the second within `second_hours`.
5. Who is told must answer within `answer_hours` of the class.
6. From the moment the danger is determined the decision is due within 24 hours (Circular
   17/2021/TT-BNNPTNT; `services.deadlines`).
7. A producer recalls what it made, by its owner's word: no second signature holds that up.
A lent act counts as its giver's: who was lent the city's deciding decides there as the city does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import select

from trace.errors import NotAllowed, TraceError
from trace.extensions import db
from trace.models import AuthorityRule, Organisation
from trace.models.recalls import GRADES, KINDS
from trace.services.actors import Actor
from trace.services.competence import contains, covers
from trace.services.deadlines import RECALL_HOURS
from trace.services.jurisdictions import level_of, sectors_of, standing

RULE: Final = "recall-powers"
WIDTH: Final = ("nation", "province", "ward")
POWERS: Final = ("decide", "propose", "")
DEFAULT: Final[Mapping[str, Any]] = {
    "ward": {"recall": "propose", "hold": "decide", "advice": "decide"},
    "province": {"recall": "decide", "hold": "decide", "advice": "decide"},
    "nation": {"recall": "decide", "hold": "decide", "advice": "decide"},
    "sectors": {},  # {"trade": {"ward": {"recall": "decide"}}}
    "most": {"ward": 20_000},
    "confirm_from": 500,
    "second_hours": 4,
    "answer_hours": {"1": 24, "2": 48, "3": 72},
}


class BadPowers(TraceError):
    code = "bad-recall-powers"
    message = "These are no powers of recall: %(what)s."


@dataclass(frozen=True, slots=True)
class Powers:
    """What one authority, or a producer, may do about recalls."""

    level: str  # nation | province | ward | maker
    by_kind: Mapping[str, str]
    most: int | None
    confirm_from: int
    second_hours: int
    answer_hours: Mapping[str, int]

    def may(self, kind: str) -> str:
        """`decide`, `propose` or ""."""
        return self.by_kind.get(kind, "")

    def answer_within(self, grade: int) -> timedelta:
        """How long holders have; the longest where no class was given."""
        return timedelta(hours=self.answer_hours.get(str(grade), max(self.answer_hours.values())))

    def needs_two(self, kind: str, grade: int) -> bool:
        """Whether a second supervisor signs."""
        return self.level != "maker" and kind == "recall" and grade == GRADES[0]


def powers_of(organisation: Organisation, sector: str = "") -> Powers:
    """The table as it stands for this organisation (rules 1 to 5, 7)."""
    told = table_of(organisation)
    hours = {str(grade): int(told["answer_hours"].get(str(grade), 72)) for grade in GRADES}
    common = (int(told["confirm_from"]), int(told["second_hours"]), hours)
    if organisation.kind != "authority":
        return Powers("maker", dict.fromkeys(KINDS, "decide"), None, *common)
    level = level_of(organisation.jurisdiction)
    by_kind = {**told[level], **told["sectors"].get(sector, {}).get(level, {})}
    most = told["most"].get(level)
    return Powers(level, by_kind, None if most is None else int(most), *common)


def table_of(organisation: Organisation, *, below: bool = False) -> dict[str, Any]:
    """Nobody gives itself powers: what counts was set by the platform, the nation, or an authority
    that contains this one and is wider; `below`, for those it contains, by itself too. Tables
    within the table are laid over one another as well."""
    mine = WIDTH.index(level_of(organisation.jurisdiction))
    rows = db.session.execute(
        select(AuthorityRule.parameters, Organisation)
        .join(Organisation, Organisation.id == AuthorityRule.authority_id)
        .where(AuthorityRule.code == RULE)
    ).all()
    wider = []
    for parameters, setter in rows:
        width = -1 if setter.kind == "platform" else WIDTH.index(level_of(setter.jurisdiction))
        over = setter.status == "confirmed" and contains(
            setter.jurisdiction, organisation.jurisdiction
        )
        own = below and setter.id == organisation.id
        if setter.kind == "platform" or own or (over and (width < mine or width == 0)):
            wider.append((width, parameters))
    found = {name: dict(v) if isinstance(v, Mapping) else v for name, v in DEFAULT.items()}
    for _, parameters in sorted(wider, key=lambda pair: pair[0]):
        for name, value in orjson.loads(parameters).items():
            if isinstance(value, dict) and isinstance(found.get(name), dict):
                found[name] = {**found[name], **value}
            else:
                found[name] = value
    return found


def power_over(
    actor: Actor, kind: str, sector: str, wards: Collection[str | None], *, at: datetime
) -> Powers:
    """The powers that count for goods whose makers sit in these wards: the actor's own, or those
    of an authority that lent it deciding there. Raises NotAllowed."""
    authority = actor.organisation
    own = powers_of(authority, sector)
    if own.level == "maker":
        actor.check("manage")
        return own
    if authority.kind != "authority" or authority.status != "confirmed":
        raise NotAllowed
    if own.may(kind) == "decide" and (not sector or sector in sectors_of(authority)):
        return own
    for lent in standing(authority, "decide", at=at):
        lent_sectors = lent.sectors.split() or sorted(sectors_of(lent.giver))
        if all(covers(lent.areas, ward) for ward in wards) and (
            not sector or sector in lent_sectors
        ):
            theirs = powers_of(lent.giver, sector)
            if theirs.may(kind) == "decide":
                return theirs
    return own


def may_receive(candidate: Organisation, proposer: Organisation, kind: str, sector: str) -> bool:
    """Whether a proposal may be decided by this authority: wider, of that sector, with power."""
    return (
        candidate.id != proposer.id
        and contains(candidate.jurisdiction, proposer.jurisdiction)
        and (not sector or sector in sectors_of(candidate))
        and powers_of(candidate, sector).may(kind) == "decide"
    )


def check_powers(parameters: Mapping[str, Any]) -> None:
    """Raises BadPowers for parameters that this module could not read."""
    for level in ("ward", "province", "nation"):
        _check_level(level, parameters.get(level, {}))
    for sector, levels in dict(parameters.get("sectors", {})).items():
        if not isinstance(levels, Mapping):
            raise BadPowers(what=f"sectors.{sector}")
        for level, table in levels.items():
            _check_level(f"sectors.{sector}.{level}", table)
    for name in ("confirm_from", "second_hours"):
        value = parameters.get(name, 1)
        if not isinstance(value, int) or not 1 <= value <= 1_000_000:
            raise BadPowers(what=name)
    for name in ("most", "answer_hours"):
        table = parameters.get(name, {})
        if not isinstance(table, Mapping) or not all(
            isinstance(value, int) and value > 0 for value in table.values()
        ):
            raise BadPowers(what=name)


def _check_level(name: str, table: Any) -> None:
    if not isinstance(table, Mapping) or not all(
        kind in KINDS and power in POWERS for kind, power in table.items()
    ):
        raise BadPowers(what=name)


def decide_by(determined: datetime) -> datetime:
    """Rule 6."""
    return determined + timedelta(hours=RECALL_HOURS)
