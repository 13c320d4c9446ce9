"""Open cases of other authorities on a chain: nothing of them is told, not even that there is one.

An authority reads its own cases and those of authorities below it (`services.inspections`); that
goods lie in its area opens nobody else's. The conclusion is public and stays.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import select

from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, Finding, Inspection, Organisation
from trace.models.events import PUBLIC, ROLES
from trace.services.chains_walk import Told
from trace.services.competence import contains
from trace.services.sets import among
from trace.services.timelines import open_event
from trace.services.visibility import is_open_case

STEPS: Final = frozenset({"inspecting", "sampling"})
EPC: Final = ROLES.index("epc")


def cases_of_others(authority: Organisation, told: Collection[Told]) -> set[int]:
    """Those of the events (rows' ids) that are of an open case this authority may not read: visits,
    findings, samples, what was said of them, and their answers. What only claims a case that nobody
    has, or moves goods, is told."""
    asked = [one.id for one in told if one.issuer != authority.id and _may_be_a_case(one)]
    if not asked:
        return set()
    named: dict[int, str] = {}
    for row in db.session.scalars(select(Event).where(among(Event.id, asked))):
        try:
            document, _ = open_event(row)
        except TraceError:
            continue
        if is_open_case(document):
            named[row.id] = str(document["trace:inspection"].get("case", ""))
    whose = _whose(set(named.values())) if named else {}
    return {
        event
        for event, code in named.items()
        if code in whose
        and whose[code].id != authority.id
        and not contains(authority.jurisdiction, whose[code].jurisdiction)
    }


def _may_be_a_case(one: Told) -> bool:
    return one.step in STEPS and not any(
        use.visibility == PUBLIC or use.role != EPC for use in one.uses
    )


def _whose(codes: set[str]) -> dict[str, Organisation]:
    """Which authority has the case, or the finding without one, of each code."""
    found: dict[str, Organisation] = {}
    for model in (Inspection, Finding):
        rows = db.session.execute(
            select(model.code, Organisation)
            .join(Organisation, Organisation.id == model.authority_id)
            .where(model.code.in_(sorted(codes)))
        )
        found |= {row.code: row.Organisation for row in rows}
    return found
