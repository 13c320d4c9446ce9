"""Notices that stand on things, as pages read them. Writing them is `services.capture.notices`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, select

from trace.core.signing import JsonObject
from trace.extensions import db
from trace.models import Alert, Event, Organisation, Thing
from trace.services.event_rows import payload_of
from trace.services.sets import among

HEALTH: Final = "health"
# The worst first (formats, section 9).
_KINDS: Final = ("recall", "hold", "advice")


@dataclass(frozen=True, slots=True)
class AlertView:
    """One notice on one thing: what it asks, who gave it, when, and why in his words.

    `mixed` means that the thing was reached through a mix only: it *may* contain recalled goods.
    `inherited` means that the notice names an ancestor.
    """

    thing_id: int
    kind: str
    hazard: str
    mixed: bool
    inherited: bool
    statement: str
    source: str
    issuer: str
    issuer_code: str
    given_at: datetime
    reason: str
    issuer_en: str = ""

    @property
    def rank(self) -> tuple[int, bool, bool, str]:
        """The worst alert first: health recalls, recalls, holds, advice; "may contain" last."""
        place = _KINDS.index(self.kind) if self.kind in _KINDS else len(_KINDS)
        return place, self.hazard != HEALTH, self.mixed, self.statement

    def to_json(self) -> JsonObject:
        return {
            "kind": self.kind,
            "hazard": self.hazard,
            "mixed": self.mixed,
            "inherited": self.inherited,
            "statement": self.statement,
            "source": self.source,
            "issuer": {"name": self.issuer, "code": self.issuer_code},
            "given_at": self.given_at.isoformat(),
            "reason": self.reason,
        }


def alert_columns() -> tuple[Any, ...]:
    """What `alert_view` reads, from alerts joined by `join_alerts`."""
    return (
        Alert.thing_id,
        Alert.kind,
        Alert.hazard,
        Alert.mixed,
        Alert.source_id,
        Event.statement_id,
        Event.event_time,
        Event.jwt,
        Thing.identity,
        Organisation.name,
        Organisation.name_en,
        Organisation.code,
    )


def alerts_of(
    thing_ids: Collection[int], connection: Connection | None = None
) -> dict[int, list[AlertView]]:
    """The alerts that stand on each of these things, the worst first; one query."""
    query = (
        select(*alert_columns())
        .join(Event, Event.id == Alert.event_id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .join(Thing, Thing.id == Alert.source_id)
        .where(among(Alert.thing_id, thing_ids), Alert.lifted_by.is_(None))
    )
    rows: Iterable[Any] = (connection or db.session).execute(query)
    found: dict[int, list[AlertView]] = {thing_id: [] for thing_id in thing_ids}
    for row in rows:
        found[row.thing_id].append(alert_view(row))
    for alerts in found.values():
        alerts.sort(key=lambda alert: alert.rank)
    return found


def alert_view(row: Any) -> AlertView:
    """One row of `alert_columns` as pages read it."""
    return AlertView(
        thing_id=row.thing_id,
        kind=row.kind,
        hazard=row.hazard,
        mixed=bool(row.mixed),
        inherited=row.source_id != row.thing_id,
        statement=f"urn:uuid:{UUID(bytes=bytes(row.statement_id))}",
        source=row.identity,
        issuer=row.name,
        issuer_code=row.code,
        given_at=row.event_time,
        reason=_reason(row.jwt),
        issuer_en=row.name_en,
    )


def _reason(jwt: str) -> str:
    """A notice is core and always in the clear, its reason with it (formats, section 2)."""
    notice = payload_of(jwt)["credentialSubject"].get("trace:notice")
    reason = notice.get("reason", "") if isinstance(notice, dict) else ""
    return reason if isinstance(reason, str) else ""
