"""The first steps of a new organisation, and which of them are done: read off what it has."""

from __future__ import annotations

from typing import Final

from sqlalchemy import exists, select

from trace.extensions import db
from trace.models import Household, Place, Product, Thing
from trace.services.actors import Actor

# Who grows something begins a season; who only trades or carries begins with a lot; who certifies,
# examines or inspects has nothing to register.
GROWERS: Final = frozenset({"producer", "co-operative"})
HANDLERS: Final = frozenset({"trader", "processor", "carrier", "retailer"})


def first_steps(actor: Actor) -> list[tuple[str, bool]]:
    """(step, done) in the order they are best done: address, place, product, household, season,
    label. One query."""
    actor.check("read")
    organisation = actor.organisation
    if organisation.closed_at is not None:
        return []
    mine = organisation.id
    steps = {"address": bool(organisation.ward_code and organisation.address)}
    asked = {
        "place": exists().where(Place.organisation_id == mine),
        "product": exists().where(Product.organisation_id == mine),
        "household": exists().where(Household.organisation_id == mine),
        "season": exists().where(Thing.owner_id == mine, Thing.kind.in_(("cycle", "lot"))),
        "label": exists().where(Thing.owner_id == mine, Thing.labelled_at.is_not(None)),
    }
    if organisation.kind not in GROWERS | HANDLERS:
        return list(steps.items())
    if organisation.kind != "co-operative":
        del asked["household"]
    if organisation.kind not in GROWERS:
        del asked["season"]
    row = db.session.execute(select(*(there.label(name) for name, there in asked.items()))).one()
    return [*steps.items(), *((name, bool(getattr(row, name))) for name in asked)]
