"""Notices (recall, hold, release, advice): whom they reach, and what later events inherit.

Alerts follow every edge downstream, voided events' edges as well: neither a correction nor a void
ever lifts an alert (formats §2). What is computed before the log lock is completed under it, so
that a recall and a concurrent mixing cannot miss each other (formats §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Alert, Event, EventThing, LogEntry, Organisation, Thing
from trace.services.capture.prepare import CHILD, EPC, INPUT, OUTPUT, PARENT, Prepared
from trace.services.sets import among, is_sqlite

Reached = dict[int, bool]  # thing id: reached only through mixes ("may contain")
ALERTING = frozenset({"recall", "hold", "advice"})


def descendants(start: Mapping[int, bool], since_index: int | None = None) -> Reached:
    """Everything downstream of `start`, itself included, breadth first and set-based.

    Edges: transformation input to output; content to the container it was put in; container to
    the units and containers in it; lot to its units. With `since_index` the first step looks only
    at events logged from that index on (what came after a snapshot).
    """
    reached: Reached = dict(start)
    frontier: Reached = dict(start)
    first = since_index
    while frontier:
        found: Reached = {}
        for target, source, mixed in _step(frontier, first):
            through = frontier[source] or mixed
            found[target] = found.get(target, True) and through
        first = None
        # A thing reached again by an unmixed way is worse off than known: walk on from it anew.
        frontier = {
            thing: mixed
            for thing, mixed in found.items()
            if thing not in reached or (reached[thing] and not mixed)
        }
        reached |= frontier
    return reached


def _step(frontier: Iterable[int], since_index: int | None) -> list[tuple[int, int, bool]]:
    here, there = aliased(EventThing), aliased(EventThing)
    inputs = aliased(EventThing)
    many = (
        select(func.count())
        .select_from(inputs)
        .where(inputs.event_id == here.event_id, inputs.role == INPUT)
        .scalar_subquery()
    )
    small = select(Thing.id).where(Thing.kind.in_(("unit", "logistic")))
    query = (
        select(there.thing_id, here.thing_id, (here.role == INPUT) & (many > 1))
        .join(there, there.event_id == here.event_id)
        .where(
            among(here.thing_id, frontier),
            or_(
                (here.role == INPUT) & (there.role == OUTPUT),
                (here.role == CHILD) & (there.role == PARENT),
                (here.role == PARENT) & (there.role == CHILD) & there.thing_id.in_(small),
            ),
        )
        .distinct()
    )
    if since_index is not None:
        query = query.join(LogEntry, LogEntry.event_id == here.event_id).where(
            LogEntry.index >= since_index
        )
    rows = [(target, source, bool(mixed)) for target, source, mixed in db.session.execute(query)]
    if since_index is None:
        units = select(Thing.id, Thing.lot_id).where(among(Thing.lot_id, frontier))
        rows += [(unit, lot, False) for unit, lot in db.session.execute(units) if lot is not None]
    return rows


def may_notify(issuer: Organisation, owner_id: int | None) -> bool:
    """Whether an organisation's notice about a thing reaches pages: its creator, or an authority
    that has been confirmed (formats §7)."""
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
    for mention in event.things:
        thing_id, owner_id = ids[mention.name.identity]
        if mention.role in (EPC, PARENT, CHILD, OUTPUT) and may_notify(issuer, owner_id):
            reach[thing_id] = descendants({thing_id: False})
    return reach


def raise_alerts(event: Prepared, event_id: int, reach: Mapping[int, Reached], since: int) -> None:
    """Under the log lock: completes each reach with what was logged since, and writes alerts."""
    rows = []
    for source, reached in reach.items():
        whole = reached | {
            thing: mixed
            for thing, mixed in descendants(reached, since_index=since).items()
            if thing not in reached
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


def inherit_alerts(sources: Iterable[int]) -> None:
    """Under the log lock: alerts standing on things that have just been used reach what came of
    them, however far that has travelled already."""
    standing = db.session.execute(
        select(Alert).where(among(Alert.thing_id, set(sources)))
    ).scalars()
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
            for thing, mixed in descendants(start).items()
            if thing not in start
        ]
    _write(rows)


def _write(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    dialect = sqlite.insert if is_sqlite() else postgresql.insert
    statement = dialect(Alert).on_conflict_do_nothing(index_elements=["thing_id", "event_id"])
    db.session.execute(statement, list(rows))


def lift_alerts(issuer: Organisation, event: Prepared, event_id: int) -> None:
    """A release ends the notices it names, if its issuer made them or is a competent authority."""
    if event.notice != "release" or event.error_declaration:
        return
    named = []
    for text in event.ends:
        try:
            named.append(UUID(text.removeprefix("urn:uuid:")).bytes)
        except ValueError:
            continue
    if not named:
        return
    notices = db.session.execute(
        select(Event.id, Event.issuer_id).where(
            Event.statement_id.in_(named), Event.notice.in_(ALERTING)
        )
    )
    competent = issuer.kind == "authority" and issuer.status == "confirmed"
    ended = [row.id for row in notices if competent or row.issuer_id == issuer.id]
    if ended:
        db.session.execute(
            update(Alert)
            .where(Alert.event_id.in_(ended), Alert.lifted_by.is_(None))
            .values(lifted_by=event_id)
            .execution_options(synchronize_session=False)
        )


__all__ = [
    "descendants",
    "inherit_alerts",
    "lift_alerts",
    "may_notify",
    "raise_alerts",
    "reach_of",
]
