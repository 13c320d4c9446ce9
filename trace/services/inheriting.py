"""What a lot made by packing, sorting or mixing has from the lots it was made of: days.

`core.history.dates` has the rules. A day typed later than a source's is refused with that day
named: it would record younger goods than there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from trace.core.history.dates import KEEPING, earliest
from trace.errors import TraceError
from trace.models import Thing
from trace.services import batches
from trace.services.actors import Actor
from trace.services.records import LotFacts


class YoungerThanSource(TraceError):
    code = "younger-than-its-source"
    message = "Packing makes nothing younger: the lot it comes from is good until %(day)s."
    next_step = "Leave this empty to keep that day, or choose processing for a new product."


def facts_of_sources(actor: Actor, things: Sequence[Thing]) -> list[batches.LotFacts]:
    """What is known of the lots that go in."""
    lots = [thing for thing in things if thing.kind == "lot"]
    return list(batches.read_facts(actor, lots).values())


def inherit(
    step: str, facts: LotFacts, sources: Sequence[batches.LotFacts], path: str = ""
) -> LotFacts:
    """The facts of what comes out, with the days of what went in. Raises YoungerThanSource with
    the path `{path}use_by` or `{path}best_before`."""
    if step not in KEEPING or not sources:
        return facts
    use_by = _kept(facts.use_by, [one.use_by for one in sources], f"{path}use_by")
    best = _kept(facts.best_before, [one.best_before for one in sources], f"{path}best_before")
    harvests = [one.harvest for one in sources]
    known = [one for one in harvests if one is not None]
    harvest = facts.harvest
    # Days of harvest are told only where every source tells its own.
    if harvest is None and known and len(known) == len(harvests):
        harvest = (min(first for first, _ in known), max(last for _, last in known))
    return replace(facts, use_by=use_by, best_before=best, harvest=harvest)


def _kept(typed: date | None, days: Sequence[date | None], path: str) -> date | None:
    first = earliest(days)
    if typed is not None and first is not None and typed > first:
        raise YoungerThanSource(path=path, day=f"{first:%d/%m/%Y}")
    return earliest([typed, first])
