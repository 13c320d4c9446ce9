"""What an authority may see and decide: its area, its sectors, what was lent to it, and where an
open recall or finding leads.

1. An authority's area is its jurisdiction (`services.competence`) and, for the act that was lent,
   the areas other authorities lent it while that stands.
2. A thing is within reach as *own* if its maker, or anybody who holds it or held it, sits in the
   area, or if it was last told to lie at a place there; as *led* if an open recall or finding of
   this authority leads there; else only what the public sees is shown. Sectors never hide: a chain
   runs through all of them. They bind decisions.
3. Every look at a thing or an organisation that is not *own* leaves a line in the audit log.
4. Parameters of a rule: the default's, over them the platform's, over them those of each authority
   whose area contains this one, the widest first, and last its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, exists, false, func, or_, select, true, union_all
from sqlalchemy.orm import aliased

from trace import clock
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.models import (
    AuthorityRule,
    Delegation,
    Finding,
    Holding,
    Inspection,
    Organisation,
    Place,
    Sample,
    Thing,
)
from trace.models.authorities import SECTORS
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.competence import EVERYWHERE, areas, contains, covers
from trace.services.sets import among, batched
from trace.services.wards import wards_in

Level = Literal["nation", "province", "ward"]
Reach = Literal["own", "led"]
Kept = TypeVar("Kept", Inspection, Finding, Sample)
# (authority, thing ids) -> those of them that an open case of this authority leads to.
Lead = Callable[[int, Collection[int]], set[int]]
LEADS: Final[list[Lead]] = []
# The same the other way round: (authority) -> ids of all that its open cases lead to.
LED: Final[list[Callable[[int], Select[Any]]]] = []
_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Scope:
    """The area and the sectors of an authority, with what was lent to it."""

    authority: Organisation
    areas: frozenset[str]
    sectors: frozenset[str]

    @property
    def everywhere(self) -> bool:
        """Whether no ward lies outside."""
        return EVERYWHERE in self.areas

    @property
    def level(self) -> Level:
        """How wide the authority's own area is: a lent ward makes no city of a ward."""
        return level_of(self.authority.jurisdiction)

    def covers(self, ward_code: str | None) -> bool:
        """Whether a ward lies in the area; an unknown one only if everything does."""
        return covers(" ".join(self.areas), ward_code)

    def wards(self) -> frozenset[str]:
        """The codes of all its wards."""
        return wards_in(self.areas)

    def organisations(self, column: Any = None) -> ColumnElement[bool]:
        """A condition on organisations (or on another column of ward codes) that lie in it."""
        if self.everywhere:
            return true()
        codes = self.wards()
        if not codes:
            return false()
        return among(Organisation.ward_code if column is None else column, sorted(codes))


def level_of(jurisdiction: str | None) -> Level:
    """Nation for `*`, province if any two-digit code is listed, else ward."""
    listed = areas(jurisdiction)
    if EVERYWHERE in listed:
        return "nation"
    return "province" if any(len(code) == 2 for code in listed) else "ward"


def sectors_of(organisation: Organisation) -> frozenset[str]:
    """An authority's sectors; all of them where it states none."""
    return frozenset(organisation.sectors.split()) or frozenset(SECTORS)


def scope_of(actor: Actor, act: str = "inspect") -> Scope:
    """What the authority reaches for this act, now. Raises NotAllowed for anybody else."""
    authority = actor.organisation
    if authority.kind != "authority" or authority.status != "confirmed":
        raise NotAllowed
    actor.check(act)
    return authority_scope(authority, act)


def authority_scope(authority: Organisation, act: str = "inspect") -> Scope:
    """The same for an authority at work without a person, in a job say."""
    own = areas(authority.jurisdiction)
    lent = [areas(one.areas) for one in standing(authority, act, at=clock.now())]
    return Scope(authority, own.union(*lent), sectors_of(authority))


def standing(taker: Organisation, act: str, *, at: datetime) -> list[Delegation]:
    """What others have lent this authority for an act, and still do. A giver that is no longer
    confirmed lends nothing, nor anything outside its own area."""
    rows = db.session.scalars(
        select(Delegation)
        .join(Delegation.giver)
        .where(
            Delegation.taker_id == taker.id,
            Delegation.act == act,
            Delegation.since <= at,
            Delegation.until > at,
            Delegation.ended_at.is_(None),
            Organisation.status == "confirmed",
        )
    )
    return [one for one in rows if contains(one.giver.jurisdiction, one.areas)]


def may_decide(
    actor: Actor, *, ward_code: str | None, sector: str | None = None, act: str = "decide"
) -> bool:
    """Whether this person decides for this ward and sector: in the authority's own right, or in
    another's that lent it."""
    authority = actor.organisation
    if authority.kind != "authority" or authority.status != "confirmed" or not actor.may(act):
        return False
    if covers(authority.jurisdiction, ward_code) and (
        sector is None or sector in sectors_of(authority)
    ):
        return True
    return any(
        covers(one.areas, ward_code)
        and (sector is None or sector in (one.sectors.split() or sectors_of(one.giver)))
        for one in standing(authority, act, at=clock.now())
    )


def reach(actor: Actor, thing_ids: Collection[int]) -> dict[int, Reach | None]:
    """How each of these things is within the authority's reach (rule 2). Set-based."""
    scope = scope_of(actor)
    found: dict[int, Reach | None] = dict.fromkeys(thing_ids)
    if scope.everywhere:
        return dict.fromkeys(thing_ids, "own")
    for some in batched(list(found), _AT_ONCE):
        for thing_id in _own(scope, some):
            found[thing_id] = "own"
        rest = [thing_id for thing_id in some if found[thing_id] is None]
        for lead in LEADS:
            for thing_id in lead(scope.authority.id, rest) if rest else ():
                found[thing_id] = "led"
    return found


def _own(scope: Scope, thing_ids: Collection[int]) -> set[int]:
    return set(db.session.scalars(own_things(scope).where(among(Thing.id, thing_ids))))


def own_things(scope: Scope, thing: Any = Thing) -> Select[Any]:
    """Ids of the things that are *own* (rule 2), judged one by one: to be narrowed further.
    `thing` is Thing or another name for it, where the query around this one has it already."""
    lot = aliased(Thing)
    maker = aliased(Organisation)
    holder = aliased(Organisation)
    held = (
        exists()
        .where(
            Holding.thing_id.in_((thing.id, lot.id)),
            holder.id == Holding.holder_id,
            scope.organisations(holder.ward_code),
        )
        .correlate(thing, lot)
    )
    lies = (
        exists()
        .where(
            Holding.thing_id.in_((thing.id, lot.id)),
            Place.identity == Holding.place,
            scope.organisations(Place.ward_code),
        )
        .correlate(thing, lot)
    )
    return (
        select(thing.id)
        .outerjoin(lot, lot.id == thing.lot_id)
        .outerjoin(maker, maker.id == func.coalesce(thing.owner_id, lot.owner_id))
        .where(or_(scope.organisations(maker.ward_code), held, lies))
    )


def things_within(scope: Scope, most: int) -> set[int] | None:
    """Ids of all things within reach, *own* or *led*, found from the area's organisations, places
    and cases; None where there are more than about `most`."""
    if scope.everywhere:
        return None
    lot = aliased(Thing)
    held = select(Holding.thing_id).join(Organisation, Organisation.id == Holding.holder_id)
    lies = select(Holding.thing_id).join(Place, Place.identity == Holding.place)
    goods = union_all(
        held.where(scope.organisations()),
        lies.where(scope.organisations(Place.ward_code)),
    )
    made = select(Thing.id).join(Organisation, Organisation.id == Thing.owner_id)
    units = (
        select(Thing.id)
        .join(lot, lot.id == Thing.lot_id)
        .join(Organisation, Organisation.id == lot.owner_id)
        .where(Thing.owner_id.is_(None))
    )
    ways = [
        made.where(scope.organisations()),
        units.where(scope.organisations()),
        select(goods.subquery().c.thing_id),
        select(Thing.id).where(Thing.lot_id.in_(select(goods.subquery().c.thing_id))),
        *(led(scope.authority.id) for led in LED),
    ]
    found: set[int] = set()
    for way in ways:
        rows = db.session.scalars(way.limit(most + 1)).all()
        found.update(rows)
        if len(rows) > most or len(found) > most:
            return None
    return found


def get_kept(actor: Actor, model: type[Kept], row_id: int, *, write: bool = False) -> Kept:
    """A row the authority keeps, or to read one of an authority below it. Raises NotFound."""
    own = scope_of(actor).authority
    row = db.session.get(model, row_id) if row_id < 2**53 else None
    if row is None or (
        row.authority_id != own.id
        and (write or not contains(own.jurisdiction, row.authority.jurisdiction))
    ):
        raise NotFound
    return row


def look(actor: Actor, subject: str, why: str, *, at: datetime) -> None:
    """Writes down that somebody looked at what is not the authority's own (rule 3). `subject` is a
    public code, `why` the case that led there ("recall:12", "finding:7") or "search"."""
    write_audit(actor, "look-outside", subject[:500], at=at, why=why[:100])


def rule_of(authority: Organisation, code: str, default: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a rule as they stand for this authority (rule 4)."""
    rows = db.session.execute(
        select(AuthorityRule.parameters, Organisation)
        .join(Organisation, Organisation.id == AuthorityRule.authority_id)
        .where(AuthorityRule.code == code)
    ).all()
    wider = [
        (_width(setter), parameters)
        for parameters, setter in rows
        if setter.id == authority.id
        or setter.kind == "platform"
        or (setter.status == "confirmed" and contains(setter.jurisdiction, authority.jurisdiction))
    ]
    found = dict(default)
    for _, parameters in sorted(wider, key=lambda pair: pair[0]):
        found.update(orjson.loads(parameters))
    return found


def _width(setter: Organisation) -> tuple[int, int, int]:
    """Sorts the widest first: the platform, the nation, provinces, wards."""
    place = {"nation": 1, "province": 2, "ward": 3}[level_of(setter.jurisdiction)]
    return (0 if setter.kind == "platform" else place, -len(areas(setter.jurisdiction)), setter.id)


def set_rule(
    actor: Actor, code: str, parameters: Mapping[str, Any], *, at: datetime
) -> AuthorityRule:
    """Sets this authority's own parameters of a rule; an empty mapping goes back to the wider
    one's. Supervisors, and the platform for all. Raises NotAllowed. The values are checked by
    whoever knows the rule; they are in the audit log, so they hold no personal data."""
    setter = actor.organisation
    if setter.kind == "platform":
        actor.check("administer")
    else:
        actor.check("decide")
        scope_of(actor)
    rule = db.session.get(AuthorityRule, (setter.id, code))
    if rule is None:
        rule = AuthorityRule(authority_id=setter.id, code=code)
        db.session.add(rule)
    former = orjson.loads(rule.parameters) if rule.parameters else {}
    rule.parameters = orjson.dumps(dict(parameters), option=orjson.OPT_SORT_KEYS).decode()
    rule.set_at = at
    rule.set_by = actor.person.id if actor.person else None
    write_audit(actor, "rule.set", f"rule:{code}", at=at, former=former, now=dict(parameters))
    return rule
