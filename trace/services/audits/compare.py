"""What the fold gives against the tables: things, holdings, alerts, and rows that hang on nothing.

Not covered, since they copy nothing: row ids and `things.labelled_at`. Whether an authority was
competent depended on how organisations stood then: its release may have lifted an alert or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from trace.core.statements.times import moment_text
from trace.extensions import db
from trace.models import Alert, Event, EventKey, EventThing, Holding, LogEntry, Thing
from trace.models.types import to_micro
from trace.services.audits.folded import Fold, FoldedHolding, FoldedThing
from trace.services.audits.found import Difference
from trace.services.audits.logged import Logged
from trace.services.capture.things import CHAINED
from trace.services.descent import descendants


@dataclass(slots=True)
class Things:
    """Row ids of things by identity, and back."""

    ids: dict[str, int]
    names: dict[int, str]


def audit_things(fold: Fold, logged: Logged, things: Things) -> Iterator[Difference]:
    """Every thing follows from the events that name it, and every thing named has its row."""
    query = select(
        Thing.id,
        Thing.identity,
        Thing.kind,
        Thing.lot_id,
        Thing.product_id,
        Thing.owner_id,
        Thing.salt,
        Thing.created_at,
    )
    rows = db.session.execute(query.order_by(Thing.id)).all()
    for row in rows:
        things.ids[row.identity], things.names[row.id] = row.id, row.identity
    for row in rows:
        made = fold.things.get(row.identity)
        if made is None:
            yield Difference("things", str(row.id), "identity", "a thing events name", row.identity)
            continue
        expected: dict[str, Any] = {
            "kind": made.kind,
            "lot_id": things.ids.get(made.lot) if made.lot is not None else None,
            "product_id": made.product_id,
            "owner_id": made.owner_id,
            "salt": "32 bytes" if made.kind in CHAINED else None,
            "created_at": _created(made, row.created_at, logged),
        }
        got = row._asdict() | {"created_at": moment_text(row.created_at)}
        got["salt"] = None if row.salt is None else f"{len(row.salt)} bytes"
        for column, value in expected.items():
            if got[column] != value:
                yield Difference("things", str(row.id), column, str(value), str(got[column]))
    for identity in fold.things.keys() - things.ids.keys():
        yield Difference("things", identity, "identity", "a row", "none")


def _created(made: FoldedThing, created_at: datetime, logged: Logged) -> str:
    """The time of the capture that named it; earlier only where record time stood still."""
    expected, created = moment_text(made.moment), moment_text(created_at)
    return created if made.place in logged.standing and created < expected else expected


def audit_holdings(fold: Fold, things: Things) -> Iterator[Difference]:
    """Every amount, place and mark follows from the events, in the log's order. A place that was
    erased from its event cannot be told."""
    missing = {
        (things.ids.get(identity), holder, unit): held
        for (identity, holder), rows in fold.holdings.items()
        for unit, held in rows.items()
    }
    for row in db.session.scalars(select(Holding)):
        name = f"thing {row.thing_id} of {row.holder_id} in {row.unit or 'pieces'}"
        held = missing.pop((row.thing_id, row.holder_id, row.unit), None)
        if held is None:
            yield Difference("holdings", name, "row", "none", "one")
            continue
        stored = FoldedHolding(to_micro(row.quantity) or 0, row.place, row.on_sale)
        for column, expected, got in (
            ("quantity", held.quantity, stored.quantity),
            ("place", held.where, stored.where),
            ("on_sale", held.on_sale, stored.on_sale),
        ):
            if expected != got and not (held.hidden and column != "quantity"):
                yield Difference("holdings", name, column, str(expected), str(got))
    for thing, holder, unit in missing:
        name = f"thing {thing} of {holder} in {unit or 'pieces'}"
        yield Difference("holdings", name, "row", "one", "none")


def audit_alerts(fold: Fold, things: Things) -> Iterator[Difference]:
    """Every alert stands on what its notice may reach, and what it surely reaches has one."""
    may: dict[tuple[int, int], set[int]] = {}  # (thing, event): sources
    must: dict[tuple[int, int], bool] = {}  # "may contain"
    for event_id, notice in fold.notices.items():
        for identity in notice.sources:
            source = things.ids.get(identity)
            if source is None:
                continue
            for thing in descendants({source: False}):
                may.setdefault((thing, event_id), set()).add(source)
            if identity in notice.sure:
                for thing, mixed in descendants({source: False}, spoken=True).items():
                    key = (thing, event_id)
                    must[key] = must.get(key, True) and mixed
    missing = set(must)
    for row in db.session.scalars(select(Alert)):
        name, key = f"thing {row.thing_id} by event {row.event_id}", (row.thing_id, row.event_id)
        missing.discard(key)
        known, sources = fold.notices.get(row.event_id), may.get(key)
        if known is None or sources is None:
            yield Difference("alerts", name, "row", "none", "one")
            continue
        lifts = known.may_be_lifted_by(fold.withdrawn)
        for column, expected in (
            ("kind", {known.kind}),
            ("hazard", {known.hazard}),
            ("source_id", sources),
            ("lifted_by", lifts),
            ("mixed", {must.get(key, row.mixed)}),
        ):
            got = getattr(row, column)
            if got not in expected:
                wanted = " or ".join(sorted(map(str, expected)))
                yield Difference("alerts", name, column, wanted, str(got))
    for thing, event_id in sorted(missing):
        yield Difference("alerts", f"thing {thing} by event {event_id}", "row", "one", "none")


def audit_orphans() -> Iterator[Difference]:
    """Rows of the index whose event is not there: only possible where constraints were lifted."""
    for table, column in (
        ("event_things", EventThing.event_id),
        ("event_keys", EventKey.event_id),
        ("alerts", Alert.event_id),
        ("log_entries", LogEntry.event_id),
    ):
        found = select(column).where(column.is_not(None), ~_exists(column)).distinct().limit(100)
        for event_id in db.session.scalars(found):
            yield Difference(table, f"event {event_id}", "event_id", "an event", "none")
    for thing in db.session.scalars(
        select(EventThing.thing_id)
        .where(~select(Thing.id).where(Thing.id == EventThing.thing_id).exists())
        .distinct()
        .limit(100)
    ):
        yield Difference("event_things", f"thing {thing}", "thing_id", "a thing", "none")


def _exists(column: Any) -> Any:
    return select(Event.id).where(Event.id == column).exists()
