"""Where an open case leads: an authority sees what its own recalls reach, and is noted looking."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select, union_all

from trace.extensions import db
from trace.models import Alert, Recall, RecallNotice, RecallThing
from trace.services import jurisdictions
from trace.services.sets import among


def leads(authority_id: int, thing_ids: Collection[int]) -> set[int]:
    """Those of the things that an open recall or rehearsal of this authority reaches; what it
    proposed counts for the proposer as well."""
    if not thing_ids:
        return set()
    warned, played = _reached(authority_id)
    return {
        *db.session.scalars(warned.where(among(Alert.thing_id, thing_ids))),
        *db.session.scalars(played.where(among(RecallThing.thing_id, thing_ids))),
    }


def led(authority_id: int) -> Select[Any]:
    """All of them."""
    return select(union_all(*_reached(authority_id)).subquery().c.thing_id)


def _reached(authority_id: int) -> tuple[Select[Any], Select[Any]]:
    cases = select(Recall.id).where(
        (Recall.organisation_id == authority_id) | (Recall.proposer_id == authority_id),
        Recall.state == "open",
    )
    notices = select(RecallNotice.event_id).where(RecallNotice.recall_id.in_(cases))
    return (
        select(Alert.thing_id).where(Alert.event_id.in_(notices)),
        select(RecallThing.thing_id).where(RecallThing.recall_id.in_(cases)),
    )


def register() -> None:
    """Puts `leads` among those the jurisdictions ask."""
    if leads not in jurisdictions.LEADS:
        jurisdictions.LEADS.append(leads)
        jurisdictions.LED.append(led)


register()
