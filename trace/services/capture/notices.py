"""Notices (recall, hold, release, advice): whom they reach, and what later events inherit.

Alerts follow every edge downstream that its issuer may speak of (formats §7), voided events' edges
as well: neither a correction nor a void ever lifts an alert (formats §2; lifting them is
`releases`). What is computed before the log lock is completed under it, so that a recall and a
concurrent mixing cannot miss each other (formats §3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Alert, Event, EventThing, Organisation, Thing
from trace.services.capture.prepare import CHILD, EPC, OUTPUT, PARENT, Prepared
from trace.services.capture.releases import ALERTING
from trace.services.descent import Reached, descendants
from trace.services.histories import contents
from trace.services.sets import among, among_given, given, is_sqlite
from trace.services.successors import voices_of


def may_notify(issuer: Organisation, owner_id: int | None) -> bool:
    """Whether an organisation's notice about a thing reaches pages: its creator, or an authority
    that has been confirmed (formats §7). Whoever succeeded the creator is asked in `reach_of`."""
    if owner_id == issuer.id or issuer.kind == "platform":
        return True
    return issuer.kind == "authority" and issuer.status == "confirmed"


def reach_of(
    issuer: Organisation, event: Prepared, ids: Mapping[str, tuple[int, int | None]]
) -> dict[int, Reached]:
    """For each thing an alerting notice names and may reach: everything downstream.

    `ids` maps identities to (thing id, owner id). Computed before the log lock.
    """
    if event.notice not in ALERTING or event.error_declaration:
        return {}
    reach: dict[int, Reached] = {}
    others = {owner for _, owner in ids.values() if not may_notify(issuer, owner)}
    voices = voices_of(others)
    for mention in event.things:
        thing_id, owner_id = ids[mention.name.identity]
        speaks = may_notify(issuer, owner_id) or voices.speak(issuer.id, owner_id, thing_id, None)
        if mention.role in (EPC, PARENT, CHILD, OUTPUT) and speaks:
            reach[thing_id] = descendants({thing_id: False}, spoken=True)
    return reach


def raise_alerts(event: Prepared, event_id: int, reach: Mapping[int, Reached], since: int) -> None:
    """Under the log lock: completes each reach with what was logged since, and writes alerts."""
    rows = []
    for source, reached in reach.items():
        whole = reached | {
            thing: mixed
            for thing, mixed in descendants(reached, since_index=since, spoken=True).items()
            if _is_news(thing, mixed, reached)
        }
        rows += [
            {
                "thing_id": thing,
                "event_id": event_id,
                "source_id": source,
                "kind": event.notice,
                "hazard": event.hazard,
                "mixed": mixed,
            }
            for thing, mixed in whole.items()
        ]
    _write(rows)


@lru_cache(maxsize=2)
def _standing(sqlite: bool) -> Select[Any]:
    return select(Alert).where(among_given(Alert.thing_id, "things", sqlite=sqlite))


def inherit_alerts(sources: Iterable[int]) -> set[int]:
    """Under the log lock: alerts standing on things that have just been used reach what came of
    them, however far that has travelled already. Returns the notices (event ids) that stand on
    them: whoever has the goods now must know."""
    standing = db.session.scalars(_standing(is_sqlite()), {"things": given(set(sources))})
    groups: dict[tuple[int, int], tuple[Alert, Reached]] = {}
    for alert in standing:
        _, start = groups.setdefault((alert.event_id, alert.source_id), (alert, {}))
        start[alert.thing_id] = alert.mixed
    rows = []
    for alert, start in groups.values():
        rows += [
            {
                "thing_id": thing,
                "event_id": alert.event_id,
                "source_id": alert.source_id,
                "kind": alert.kind,
                "hazard": alert.hazard,
                "mixed": mixed,
                "lifted_by": alert.lifted_by,
            }
            for thing, mixed in descendants(start, spoken=True).items()
            if _is_news(thing, mixed, start)
        ]
    _write(rows)
    return {alert.event_id for alert, _ in groups.values() if alert.lifted_by is None}


def doubted_sources(moved: Collection[int]) -> set[int]:
    """Under the log lock: what others than the owners said to lie in the things moved here, or with
    them in something. Who holds a thing from now on may have spoken of it before: a packing may be
    recorded ahead of the receipt that makes it believed, and notices travel along it then."""
    here, there = aliased(EventThing), aliased(EventThing)
    boxes = contents(db.session.connection(), moved)
    query = (
        select(there.thing_id)
        .select_from(here)
        .join(there, there.event_id == here.event_id)
        .join(Event, Event.id == here.event_id)
        .join(Thing, Thing.id == here.thing_id)
        .where(
            among(here.thing_id, boxes),
            or_(
                (here.role == PARENT) & (there.role == CHILD),
                (here.role == CHILD) & (there.role == PARENT),
            ),
            Event.issuer_id != Thing.owner_id,
        )
        .distinct()
    )
    return set(db.session.scalars(query))


def _is_news(thing: int, mixed: bool, known: Reached) -> bool:
    """Whether a thing was not reached yet, or through mixes only ("may contain") and now surely."""
    return thing not in known or (known[thing] and not mixed)


def _write(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    dialect = sqlite.insert if is_sqlite() else postgresql.insert
    statement = dialect(Alert)
    # "May contain" gives way to "is"; never the other way round.
    statement = statement.on_conflict_do_update(
        index_elements=["thing_id", "event_id"],
        set_={"mixed": False},
        where=and_(Alert.mixed, statement.excluded.mixed.is_(False)),
    )
    db.session.execute(statement, list(rows))


__all__ = [
    "descendants",
    "doubted_sources",
    "inherit_alerts",
    "may_notify",
    "raise_alerts",
    "reach_of",
]
