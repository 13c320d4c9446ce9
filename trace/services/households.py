"""Member households of a co-operative: a code in public, a name in private, no account.

Pages tell a code that is registered, also where it was written down before that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Household
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.versions import check_version


class HouseholdCodeTaken(TraceError):
    code = "household-code-taken"
    status = 409
    message = "Another household of yours has the code “%(value)s”."


def list_households(actor: Actor, *, active: bool | None = None) -> list[Household]:
    """The organisation's households by code; `active` picks those in use or out of use."""
    actor.check("read")
    query = select(Household).where(Household.organisation_id == actor.organisation.id)
    if active is not None:
        query = query.where(Household.active == active)
    return sorted(db.session.scalars(query), key=lambda one: _natural(one.code))


def get_household(actor: Actor, household_id: int) -> Household:
    """One of the organisation's households. Raises NotFound."""
    actor.check("read")
    household = db.session.get(Household, household_id)
    if household is None or household.organisation_id != actor.organisation.id:
        raise NotFound
    return household


def suggest_code(actor: Actor) -> str:
    """The next code after the organisation's own habit: H07 after H06; H01 for the first."""
    codes = [one.code for one in list_households(actor)]
    for code in reversed(codes):
        if match := re.fullmatch(r"(.*?)(\d{1,6})", code):
            number = str(int(match[2]) + 1).zfill(len(match[2]))
            if f"{match[1]}{number}" not in codes:
                return f"{match[1]}{number}"
    return "H01"


def register_household(actor: Actor, values: Mapping[str, Any], *, at: datetime) -> Household:
    """Adds a household. Raises NotAllowed, HouseholdCodeTaken."""
    actor.check("record")
    _check_code(actor, values["code"], None)
    household = Household(organisation_id=actor.organisation.id, created_at=at, **values)
    db.session.add(household)
    db.session.flush()
    write_audit(actor, "household.create", f"household:{household.code}", at=at)
    freshness.household_registered(actor.organisation, at=at)
    return household


def update_household(
    actor: Actor, household: Household, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Changes a household. Raises NotAllowed, ChangedMeanwhile, HouseholdCodeTaken."""
    actor.check("record")
    check_version(household, version)
    _check_code(actor, values["code"], household)
    changed = apply(household, dict(values))
    if changed:
        write_audit(actor, "household.change", f"household:{household.code}", at=at, fields=changed)
    if "code" in changed:  # nothing else of it is public
        freshness.organisation_changed(actor.organisation, at=at)


def _check_code(actor: Actor, code: str, own: Household | None) -> None:
    query = select(Household).where(
        Household.organisation_id == actor.organisation.id, Household.code == code
    )
    with db.session.no_autoflush:
        other = db.session.scalar(query)
    if other is not None and other is not own:
        raise HouseholdCodeTaken(path="code", value=code)


def _natural(code: str) -> list[tuple[int, str]]:
    """Sorts H2 before H10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", code)]
