"""How long a page says that goods keep: their own word, or an earlier one of their sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from trace.core.history import Fact
from trace.core.history.dates import last_day
from trace.core.signing import JsonObject
from trace.services.passports_corrections import Told


def iso_date(value: Any) -> date | None:
    """The day a member names, None for anything else."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def kept_until(
    member: str, own: JsonObject, target: str, live: Sequence[Fact], told: Told
) -> date | None:
    """The day of the thing itself or an earlier one of what it was packed or mixed from."""
    said: dict[str, date | None] = {}
    for fact in live:
        opened = told[fact.statement][0]
        ilmd = opened.event.get("ilmd") if opened is not None else None
        day = iso_date(ilmd.get(member)) if isinstance(ilmd, dict) else None
        if day is None:
            continue
        makes = fact.type == "TransformationEvent" or fact.action == "ADD"
        for thing in fact.things("output", "epc") if makes else ():
            # Of several words about one thing the latest counts; `live` begins with the newest.
            said.setdefault(thing, day)
    mine = iso_date(own.get(member))
    if mine is not None:
        said[target] = mine
    return last_day(target, said, live)
