"""From the simulator into the database: master data as rows, every event through capture.

Record time is the moment the world says somebody typed it, so a demo log tells of months that
never were: such an instance is for showing, never for real goods, and loading refuses where real
organisations are. Loading commits as it goes, as jobs do; a load that was interrupted is taken up
again by idempotency keys and ends as if it had not been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time, timedelta

from trace.extensions import db
from trace.models import Organisation
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.demo import masters
from trace.services.demo.stage import Timed
from trace.services.demo.world import World
from trace.services.platform import initialise
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.sets import batched

Sitting = tuple[datetime, str, list[JsonObject]]
Organisations = dict[str, Organisation]
SITTING = timedelta(hours=1)
# A commit waits for the disk; a load that stops repeats no more than this.
SITTINGS_A_COMMIT = 20


def sittings(events: Iterable[Timed], size: int = 1) -> Iterator[Sitting]:
    """(moment, organisation, events) to capture together, moments never falling.

    With size 1 these are what one organisation typed within an hour. Larger sizes take so many
    events at a time, whenever they were typed, and sort them by organisation: quicker, with later
    record times.
    """
    for chunk in batched(events, size) if size > 1 else _hours(events):
        by_organisation: dict[str, list[Timed]] = {}
        for timed in chunk:
            by_organisation.setdefault(timed.organisation, []).append(timed)
        # Whoever finished typing first is captured first.
        for some in sorted(by_organisation.values(), key=lambda timed: timed[-1].moment):
            yield some[-1].moment, some[0].organisation, [timed.event for timed in some]


def _hours(events: Iterable[Timed]) -> Iterator[list[Timed]]:
    chunk: list[Timed] = []
    for timed in events:
        if chunk and timed.moment - chunk[0].moment > SITTING:
            yield chunk
            chunk = []
        chunk.append(timed)
    if chunk:
        yield chunk


def write_masters(world: World) -> Organisations:
    """Log, organisations and all they have, as of the day before the world begins; gives the
    world its photos. The caller commits."""
    at = datetime.combine(world.start, time(), LOCAL_ZONE) - timedelta(days=1)
    initialise(at=at)
    organisations = masters.write_organisations(world.casts, at=at)
    world.photos = masters.write_pictures(organisations["coop"], at=at)
    masters.write_belongings(world.casts, organisations, world.photos, at=at)
    return organisations


def load_world(
    world: World,
    *,
    batch: int = 1,
    admit: Callable[[Organisations], None] = lambda organisations: None,
    progress: Callable[[int], None] = lambda count: None,
) -> int:
    """Writes the whole world and commits; the number of events. Takes up an interrupted load of
    the same world. `admit` is called once with the organisations, in the transaction that makes
    them. The log is published by whoever calls."""
    organisations = write_masters(world)
    admit(organisations)
    ids = {key: row.id for key, row in organisations.items()}
    db.session.commit()
    statements: dict[str, str] = {}  # of notices, by eventID
    count = 0
    for number, (moment, key, events) in enumerate(sittings(world.events(), batch), start=1):
        organisation = db.session.get(Organisation, ids[key])
        if organisation is None:
            raise LookupError(key)
        captured = capture(
            Actor(organisation, None, "recorder"),
            [_ending(event, statements) for event in events],
            at=moment,
            idempotency_key=f"demo/{world.seed}/{batch}/{count}",
        )
        if number % SITTINGS_A_COMMIT == 0:
            db.session.commit()
        for event, answer in zip(events, captured.events, strict=True):
            if "trace:notice" in event:
                statements[event["eventID"]] = answer.statement_id
        count += len(events)
        progress(count)
    db.session.commit()
    return count


def _ending(event: JsonObject, statements: dict[str, str]) -> JsonObject:
    """A release names the statements of the notices it ends, not their eventIDs."""
    ends = event.get("trace:notice", {}).get("ends")
    if not ends:
        return event
    named = [statements.get(end, end) for end in ends]
    return {**event, "trace:notice": {**event["trace:notice"], "ends": named}}
