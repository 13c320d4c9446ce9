"""Holds made by our own rule: a creator gives away more of a lot than it ever made.

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
from typing import Any

from sqlalchemy import BigInteger, case, cast, func, or_, select

from trace.clock import rfc3339
from trace.core.epcis import JsonObject, event_context
from trace.core.gs1 import local_uri, parse_identity
from trace.extensions import db
from trace.models import Alert, Event, EventThing, Holding, Organisation, Thing
from trace.models.events import ROLES, TYPES
from trace.models.types import from_micro
from trace.services.holds import reason_of
from trace.services.jobs import enqueue
from trace.services.sets import among
from trace.services.settings import current_settings

# Scales differ and leaves dry: two parts in a hundred are nobody's fault.
TOLERANCE = Decimal("0.02")
SETTLING = timedelta(hours=1)
KIND = "review-balances"


def ask_for_review(things: Collection[int], *, at: datetime) -> None:
    """Asks for a later look at those of `things` whose creator is below zero, or that our rule
    holds now. Called in the capture's transaction."""
    if not things:
        return
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
    found = db.session.scalars(
        select(Thing.id).where(among(Thing.id, sorted(things)), or_(below, held))
    ).all()
    if found:
        job = enqueue(KIND, {"things": sorted(found)}, at=at)
        job.run_after = at + SETTLING


def review(platform_id: int, things: Iterable[int], *, at: datetime) -> list[JsonObject]:
    """The notices that are due now: holds for what is overdrawn, releases for what has settled.

    The caller captures them as the platform.
    """
    notices: list[JsonObject] = []
    for thing_id in things:
        thing = db.session.get(Thing, thing_id)
        if thing is None or thing.owner_id is None:
            continue
        missing = overdrawn(thing)
        standing = _standing_hold(platform_id, thing_id)
        if missing and standing is None:
            notices.append(_notice(thing, {"kind": "hold", "reason": "balance"}, at))
        elif not missing and standing is not None:
            ends = [f"urn:uuid:{uuid.UUID(bytes=standing)}"]
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


def _standing_hold(platform_id: int, thing_id: int) -> bytes | None:
    """The statement of this rule's own hold; other rules' holds are not ours to end."""
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
    )
    return next((statement for statement, jwt in rows if reason_of(jwt) == "balance"), None)


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
