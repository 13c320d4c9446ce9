"""What became of what was held for a passkey: a phone that sent it asks until it knows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import orjson
from sqlalchemy import select

from trace.extensions import db
from trace.models import IdempotencyKey
from trace.services.actors import Actor
from trace.services.approvals import list_waiting


def fates(actor: Actor, keys: Collection[str], *, at: datetime) -> dict[str, str]:
    """What became of what was held under these idempotency keys: "waits", "recorded", or "gone"
    when it was dropped or nobody approved it in time."""
    waiting = {orjson.loads(row.body)["key"] for row in list_waiting(actor, at=at)}
    recorded = set(
        db.session.scalars(
            select(IdempotencyKey.key).where(
                IdempotencyKey.organisation_id == actor.organisation.id,
                IdempotencyKey.key.in_(keys),
            )
        )
    )
    return {
        key: "recorded" if key in recorded else "waits" if key in waiting else "gone"
        for key in keys
    }
