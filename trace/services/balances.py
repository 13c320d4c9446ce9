"""Holds made by our own rule: a creator gives away more of a lot than it ever made, or more comes
out of a step than can have come of what went in (`core.history.yields`).

Nothing is refused and nothing is held at once: truth may arrive late and out of order, so a lot is
looked at again an hour after it went below zero. What is then still missing beyond the tolerance
is held by a notice that the platform signs; when the missing record arrives, the platform releases
its own hold (formats §7).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, case, cast, func, or_, select
from sqlalchemy.orm import aliased

from trace.clock import rfc3339
from trace.core.epcis import JsonObject, event_context
from trace.core.gs1 import local_uri, parse_identity
from trace.core.history import bare_step
from trace.core.history.yields import TOLERANCE, judge
from trace.extensions import db
from trace.models import Alert, Event, EventThing, Holding, Organisation, Thing
from trace.models.events import ROLES, TYPES
from trace.models.types import from_micro
from trace.services.holds import reason_of
from trace.services.jobs import enqueue
from trace.services.sets import among, among_given, given, is_sqlite
from trace.services.settings import current_settings

SETTLING = timedelta(hours=1)
KIND = "review-balances"
INPUT, OUTPUT = ROLES.index("input"), ROLES.index("output")
WEIGHT = "KGM"


def ask_for_review(things: Collection[int], heavy: Collection[int], *, at: datetime) -> None:
    """Asks for a later look at those of `things` whose creator is below zero, or that our rule
    holds now, and at what came out of a step too heavy. Called in the capture's transaction."""
    due = set(heavy)
    if things:
        due.update(db.session.scalars(_doubted(is_sqlite()), {"things": given(sorted(things))}))
    if due:
        job = enqueue(KIND, {"things": sorted(due)}, at=at)
        job.run_after = at + SETTLING


@lru_cache(maxsize=2)
def _doubted(sqlite: bool) -> Select[int]:
    """Asked by every capture, so written once."""
    held = (
        select(Alert.thing_id)
        .join(Event, Event.id == Alert.event_id)
        .where(
            Alert.thing_id == Thing.id,
            Alert.source_id == Thing.id,
            Alert.lifted_by.is_(None),
            Event.issuer_id.in_(select(Organisation.id).where(Organisation.kind == "platform")),
        )
        .exists()
    )
    below = (
        select(Holding.thing_id)
        .where(
            Holding.thing_id == Thing.id, Holding.holder_id == Thing.owner_id, Holding.quantity < 0
        )
        .exists()
    )
    return select(Thing.id).where(among_given(Thing.id, "things", sqlite=sqlite), or_(below, held))


def review(platform_id: int, things: Iterable[int], *, at: datetime) -> list[JsonObject]:
    """The notices that are due now: holds for what is overdrawn, releases for what has settled.

    The caller captures them as the platform, under the log lock since before it asked: otherwise
    another may hold the same thing meanwhile.
    """
    notices: list[JsonObject] = []
    for thing_id in things:
        thing = db.session.get(Thing, thing_id)
        if thing is None or thing.owner_id is None:
            continue
        missing = overdrawn(thing) or outweighed(thing)
        standing = _standing_holds(platform_id, thing_id)
        if missing and not standing:
            notices.append(_notice(thing, {"kind": "hold", "reason": "balance"}, at))
        elif not missing and standing:
            ends = [f"urn:uuid:{uuid.UUID(bytes=statement)}" for statement in standing]
            notices.append(
                _notice(thing, {"kind": "release", "reason": "balance", "ends": ends}, at)
            )
    return notices


def overdrawn(thing: Thing) -> bool:
    """Whether the creator gave away more than it made, beyond the tolerance, in any unit."""
    rows = db.session.execute(
        select(Holding.unit, Holding.quantity).where(
            Holding.thing_id == thing.id, Holding.holder_id == thing.owner_id, Holding.quantity < 0
        )
    ).all()
    return any(-quantity > _made(thing, unit) * TOLERANCE for unit, quantity in rows)


def outweighed(thing: Thing) -> bool:
    """Whether its maker says more came out of a step that made it than can have come of what went
    in; steps with an amount untold or in another unit are not judged."""
    steps = db.session.scalars(
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(
            EventThing.thing_id == thing.id,
            EventThing.role == OUTPUT,
            Event.issuer_id == thing.owner_id,
            Event.corrects.is_(None),
        )
    ).all()
    return bool(_too_heavy(steps))


def _too_heavy(steps: Collection[int]) -> set[int]:
    """Those of the steps that stand and brought forth more than their kind can."""
    if not steps:
        return set()

    def total(role: int) -> Any:
        return func.sum(case((EventThing.role == role, cast(EventThing.quantity, BigInteger))))

    declared = aliased(Event)
    rows = db.session.execute(
        select(Event.id, Event.biz_step, total(INPUT), total(OUTPUT))
        .join(EventThing, EventThing.event_id == Event.id)
        .where(
            among(Event.id, sorted(set(steps))),
            ~select(declared.id).where(declared.corrects == Event.statement_id).exists(),
        )
        .group_by(Event.id, Event.biz_step)
        .having(
            func.min(case((EventThing.unit == WEIGHT, 1), else_=0)) == 1,
            func.count(EventThing.quantity) == func.count(),
        )
    ).all()
    return {
        row[0]
        for row in rows
        if row[2] is not None
        and row[3] is not None
        and judge(bare_step(row[1]), from_micro(int(row[2])), from_micro(int(row[3]))) == "high"
    }


def _made(thing: Thing, unit: str) -> Decimal:
    """How much of the lot came into being, by its creator's own events."""
    # A declared error takes back what the event it repeats had made.
    back = case((Event.corrects.is_not(None), -1), else_=1)
    total: Any = db.session.scalar(
        select(func.sum(cast(EventThing.quantity, BigInteger) * back))
        .join(Event, Event.id == EventThing.event_id)
        .where(
            EventThing.thing_id == thing.id,
            func.coalesce(EventThing.unit, "") == unit,
            Event.issuer_id == thing.owner_id,
            or_(
                EventThing.role == ROLES.index("output"),
                (Event.action == "ADD") & (Event.type == TYPES.index("ObjectEvent")),
            ),
        )
    )
    return from_micro(int(total)) if total is not None else Decimal(0)


def _standing_holds(platform_id: int, thing_id: int) -> list[bytes]:
    """The statements of this rule's own holds; other rules' holds are not ours to end."""
    rows = db.session.execute(
        select(Event.statement_id, Event.jwt)
        .join(Alert, Alert.event_id == Event.id)
        .where(
            Alert.thing_id == thing_id,
            Alert.source_id == thing_id,
            Alert.lifted_by.is_(None),
            Event.issuer_id == platform_id,
            Event.notice == "hold",
        )
        .order_by(Event.id)
    )
    return [statement for statement, jwt in rows if reason_of(jwt) == "balance"]


def _notice(thing: Thing, content: dict[str, Any], at: datetime) -> JsonObject:
    id_base = current_settings().id_base
    identity = parse_identity(thing.identity, id_base)
    uri = thing.identity if identity is None else local_uri(identity, id_base)
    return {
        "@context": event_context(id_base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(at),
        "eventTimeZoneOffset": "+07:00",
        "bizStep": "holding",
        "quantityList": [{"epcClass": uri}],
        "trace:notice": content,
    }
