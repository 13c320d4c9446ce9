"""What an authority lends another: an act, for a part of its own area, for a time.

1. Only what is the giver's own is lent on: its jurisdiction and its sectors, never what was lent
   to it.
2. Nothing is lent for longer than a year; it ends by itself, or when the giver takes it back.
3. Both sides see it, whoever gave it is named, and each step leaves a line in the audit log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select

from trace.core.folding import fold
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Delegation, Organisation
from trace.models.authorities import SECTORS
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.competence import EVERYWHERE, contains
from trace.services.jurisdictions import scope_of, sectors_of
from trace.services.notifications import notify
from trace.services.wards import find_ward, match_wards, provinces

LONGEST: Final = timedelta(days=366)
LIST_LIMIT: Final = 4_000


class NotOwnArea(TraceError):
    code = "not-own-area"
    message = "“%(value)s” is not in your own area, or names more than one place."
    next_step = "Write names or codes of provinces and wards of your own area, apart by commas."


class NotOwnSector(TraceError):
    code = "not-own-sector"
    message = "Your authority does not have this sector."


class NoSuchAuthority(TraceError):
    code = "no-such-authority"
    message = "No confirmed authority has the code “%(value)s”."


class LentTooLong(TraceError):
    code = "lent-too-long"
    message = "The end must lie after today and at most a year away."


def check_areas(typed: str, jurisdiction: str | None) -> str:
    """The codes of provinces and wards, by code or by name, apart by commas: each known and inside
    the jurisdiction. Raises NotOwnArea, which names the first that is not."""
    codes = []
    for part in re.split(r"[,;\n]+", typed):
        words = part.split()
        named = words if all(map(_is_code, words)) else [_by_name(" ".join(words))]
        for code in named:
            if not contains(jurisdiction, code):
                raise NotOwnArea(path="areas", value=" ".join(words)[:60])
            codes.append(code)
    return " ".join(sorted(set(codes)))


def _is_code(word: str) -> bool:
    return word == EVERYWHERE or find_ward(word) is not None or word in _provinces().values()


def _by_name(words: str) -> str:
    """The code of a province, or of the only ward of this name; "" for anything else."""
    province = _provinces().get(fold(words))
    if province:
        return province
    wanted = fold(words)
    found = [one.ward for one in match_wards(words) if not one.guessed]
    for exact in (
        [ward for ward in found if wanted == fold(ward.full_name)],
        [ward for ward in found if wanted in (fold(ward.short_name), fold(ward.name))],
        found,
    ):
        if exact:
            return exact[0].code if len(exact) == 1 else ""
    return ""


def _provinces() -> dict[str, str]:
    """Folded names, short and full, to codes."""
    return {
        fold(name): province.code
        for province in provinces()
        for name in (province.name, province.full_name)
    }


def lend(
    actor: Actor,
    taker_code: str,
    act: str,
    typed_areas: str,
    sectors: Sequence[str],
    reason: str,
    *,
    until: datetime,
    at: datetime,
) -> Delegation:
    """Lends from now on. Raises NotAllowed, NoSuchAuthority, NotOwnArea, NotOwnSector,
    LentTooLong."""
    actor.check("decide")
    giver = scope_of(actor).authority
    taker = db.session.scalar(select(Organisation).where(Organisation.code == taker_code))
    if taker is None or taker.kind != "authority" or taker.status != "confirmed" or taker is giver:
        raise NoSuchAuthority(path="taker", value=taker_code[:20])
    codes = check_areas(typed_areas, giver.jurisdiction)
    if not set(sectors) <= sectors_of(giver):
        raise NotOwnSector(path="sectors")
    if not at < until <= at + LONGEST:
        raise LentTooLong(path="until")
    made = Delegation(
        giver_id=giver.id,
        taker_id=taker.id,
        act=act,
        areas=codes,
        sectors=" ".join(one for one in SECTORS if one in sectors),
        reason=reason,
        since=at,
        until=until,
        given_by=actor.person.id if actor.person else None,
    )
    db.session.add(made)
    db.session.flush()
    write_audit(actor, "delegation.give", f"delegation:{made.id}", at=at, act=act, areas=codes)
    notify(taker, "act-lent", {"by": giver.name}, at=at, address="/inspection/delegations/")
    return made


def take_back(actor: Actor, delegation_id: int, *, at: datetime) -> Delegation:
    """Ends what this authority lent. Raises NotAllowed, NotFound; twice is once."""
    actor.check("decide")
    found = db.session.get(Delegation, delegation_id)
    if found is None or found.giver_id != actor.organisation.id:
        raise NotFound
    if found.ended_at is None and found.until > at:
        found.ended_at = at
        write_audit(actor, "delegation.end", f"delegation:{found.id}", at=at)
        address = "/inspection/delegations/"
        notify(found.taker, "act-taken-back", {"by": found.giver.name}, at=at, address=address)
    return found


def list_delegations(actor: Actor) -> list[Delegation]:
    """What the authority lent and was lent, the newest first."""
    actor.check("read")
    query = (
        select(Delegation)
        .where(
            or_(
                Delegation.giver_id == actor.organisation.id,
                Delegation.taker_id == actor.organisation.id,
            )
        )
        .order_by(Delegation.id.desc())
        .limit(LIST_LIMIT)
    )
    return list(db.session.scalars(query))


def takers(actor: Actor) -> list[Organisation]:
    """Confirmed authorities that something may be lent to, by name."""
    actor.check("read")
    query = (
        select(Organisation)
        .where(
            Organisation.kind == "authority",
            Organisation.status == "confirmed",
            Organisation.closed_at.is_(None),
            Organisation.id != actor.organisation.id,
        )
        .order_by(Organisation.name, Organisation.id)
        .limit(LIST_LIMIT)
    )
    return list(db.session.scalars(query))


def stands(delegation: Delegation, *, at: datetime) -> bool:
    """Whether it may be used at this moment."""
    return delegation.ended_at is None and delegation.since <= at < delegation.until
