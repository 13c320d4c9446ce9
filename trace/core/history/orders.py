"""What must come before what: goods are made before they are used, sent or sold.

`findings` marks receipts before their shipment and harvests before their planting; here it is the
thing itself that was not there yet. Both times are what people say: whichever of the two is wrong,
they cannot both be right. `tolerance` is for clocks and for rounding to the hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from trace.core.history.divisions import LEAVING, makes
from trace.core.history.facts import Fact, oldest_first

SELLING = frozenset({"retail_selling"})
# What goes into something; `source` is an input its user never held (speakers, rule 3).
USING = frozenset({"input", "child", "source"})


def used_before_made(live: Iterable[Fact], tolerance: timedelta) -> list[tuple[Fact, Fact, str]]:
    """(use, making, thing): things used, sent or sold before anybody made them."""
    ordered = oldest_first(live)
    made: dict[str, Fact] = {}
    for fact in ordered:
        for use in fact.uses:
            if makes(fact, use.role):
                made.setdefault(use.thing, fact)
    found = []
    for fact in ordered:
        for use in fact.uses:
            first = made.get(use.thing)
            if first is None or makes(fact, use.role):
                continue
            leaves = use.role == "epc" and fact.step in LEAVING | SELLING
            if (leaves or use.role in USING) and (fact.event_time + tolerance < first.event_time):
                found.append((fact, first, use.thing))
    return found


def never_made(live: Iterable[Fact]) -> list[tuple[Fact, str]]:
    """(use, thing): things that went into something and that nobody ever made, registered or
    received: the record of where they come from is missing."""
    ordered = oldest_first(live)
    begun = {
        use.thing
        for fact in ordered
        for use in fact.uses
        # A cycle begins with its first work, which names it.
        if use.role in ("output", "epc", "parent")
    }
    return [
        (fact, use.thing)
        for fact in ordered
        for use in fact.uses
        if use.role in USING and use.thing not in begun
    ]
