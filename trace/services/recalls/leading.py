"""Where an open case leads: an authority sees what its own recalls reach, and is noted looking."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from trace.extensions import db
from trace.models import Alert, Recall, RecallNotice, RecallThing
from trace.services import jurisdictions
from trace.services.sets import among


def leads(authority_id: int, thing_ids: Collection[int]) -> set[int]:
    """Those of the things that an open recall or rehearsal of this authority reaches; what it
    proposed counts for the proposer as well."""
    if not thing_ids:
        return set()
    cases = select(Recall.id).where(
        (Recall.organisation_id == authority_id) | (Recall.proposer_id == authority_id),
        Recall.state == "open",
    )
    notices = select(RecallNotice.event_id).where(RecallNotice.recall_id.in_(cases))
    warned = db.session.scalars(
        select(Alert.thing_id).where(among(Alert.thing_id, thing_ids), Alert.event_id.in_(notices))
    )
    played = db.session.scalars(
        select(RecallThing.thing_id).where(
            among(RecallThing.thing_id, thing_ids), RecallThing.recall_id.in_(cases)
        )
    )
    return {*warned, *played}


def register() -> None:
    """Puts `leads` among those the jurisdictions ask."""
    if leads not in jurisdictions.LEADS:
        jurisdictions.LEADS.append(leads)


register()
