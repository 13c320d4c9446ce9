"""Pages for those who write on paper: a page per planting, a sheet of consent per household."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select

from trace.core.gs1 import Identity, canonical_uri, check_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Place, Thing
from trace.services.actors import Actor
from trace.services.diary import Input, diary_entry
from trace.services.records import Draw, JsonObject, Record
from trace.services.settings import current_settings
from trace.services.timelines import get_thing

# Lines of a hand-written page: as many as an A4 page holds in large handwriting.
RULED_LINES: Final = 14


def get_cycle(actor: Actor, code: str) -> Thing:
    """The cycle with this printed code that the organisation may see. Raises NotFound."""
    try:
        found = check_code(code)
    except TraceError:
        raise NotFound from None
    identity = canonical_uri(Identity("c", found), current_settings().id_base)
    thing_id = db.session.scalar(select(Thing.id).where(Thing.identity == identity))
    if thing_id is None:
        raise NotFound
    return get_thing(actor, thing_id, "cycle")


def typing_address(thing: Thing) -> str:
    """Where the code on a paper page leads whoever types it in."""
    code = thing.identity.rpartition("/")[2]
    return f"{current_settings().public_url.rstrip('/')}/producer/paper/{code}"


def typed_lines(
    record: Record, cycle: str, lines: Sequence[dict[str, Any]], draw: Draw
) -> list[JsonObject]:
    """One diary entry a line of the page, each at its own time."""
    found = []
    for line in lines:
        own = replace(
            record, event_id=draw.event_id(), event_time=line["when"], note=line.get("note") or ""
        )
        used = []
        if line.get("name"):
            used.append(
                Input(
                    line["name"],
                    line.get("amount"),
                    line.get("unit") or "kg",
                    interval_days=line.get("interval_days"),
                )
            )
        found.append(diary_entry(own, cycle, line["step"], inputs=used))
    return found


def plots_of(actor: Actor) -> dict[int, list[Place]]:
    """The places of each household, by the household's row."""
    actor.check("read")
    rows = db.session.scalars(
        select(Place)
        .where(Place.organisation_id == actor.organisation.id, Place.household_id.is_not(None))
        .order_by(Place.name)
    )
    found: dict[int, list[Place]] = {}
    for row in rows:
        found.setdefault(row.household_id or 0, []).append(row)
    return found
