"""What was taken down or erased of the statements of a page, so that the page says so.

Of a removal a page tells that there was something, the day, and which kind of reason; never what it
said, and never who asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Select, or_, select

from trace.core.signing import JsonObject
from trace.models import Erasure, Takedown
from trace.services.deadlines import local_day
from trace.services.sets import among_given, given, is_sqlite


@dataclass(frozen=True, slots=True)
class Removals:
    """Takedowns of photos by digest; of texts, and erasures, by event row id."""

    photos: Mapping[str, JsonObject] = field(default_factory=dict)
    texts: Mapping[int, list[JsonObject]] = field(default_factory=dict)
    erased: Mapping[int, list[JsonObject]] = field(default_factory=dict)


def removals_of(connection: Connection, event_ids: Collection[int]) -> Removals:
    """All photos taken down, texts taken down of these events, and their erasures; two queries."""
    photos: dict[str, JsonObject] = {}
    texts: dict[int, list[JsonObject]] = {}
    erased: dict[int, list[JsonObject]] = {}
    events = {"events": given(sorted(event_ids))}
    for row in connection.execute(_standing(is_sqlite()), events):
        told = {"kind": row.kind, "reason": row.reason, "day": _day(row.created_at)}
        if row.kind == "photo":
            photos[row.digest] = {**told, "digest": row.digest}
        else:
            texts.setdefault(row.event_id, []).append({**told, "member": row.member})
    for event_id, members, why, at in connection.execute(_erasures(is_sqlite()), events):
        erased.setdefault(event_id, []).append(
            {"members": orjson.loads(members), "why": why, "day": _day(at)}
        )
    return Removals(photos, texts, erased)


@cache
def _standing(sqlite: bool) -> Select[*tuple[Any, ...]]:
    inside = among_given(Takedown.event_id, "events", sqlite=sqlite)
    return select(
        Takedown.kind,
        Takedown.digest,
        Takedown.event_id,
        Takedown.member,
        Takedown.reason,
        Takedown.created_at,
    ).where(Takedown.lifted_at.is_(None), or_(Takedown.kind == "photo", inside))


@cache
def _erasures(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return select(Erasure.event_id, Erasure.members, Erasure.kind, Erasure.created_at).where(
        among_given(Erasure.event_id, "events", sqlite=sqlite)
    )


def _day(moment: datetime) -> str:
    return local_day(moment).isoformat()
