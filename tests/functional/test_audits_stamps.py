"""The audit knows of which lot a unit is that carries a stamp of ours: by its binding, not by its
address."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.factories import event, new_crate
from tests.support.farms import Farm, make_farm
from tests.support.stamps import AT, bind_stamps, make_stamps, stamp_path
from trace import clock
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Thing
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.settings import current_settings


@pytest.fixture
def farm(db_session: Session) -> Farm:
    return make_farm(AT)


def packed(farm: Farm, roll: int, numbers: range) -> None:
    units = [current_settings().id_base + stamp_path(roll, number) for number in numbers]
    told = event(
        "AggregationEvent", action="ADD", bizStep="packing", parentID=new_crate(), childEPCs=units
    )
    capture(farm.actor, [told], at=farm.at)
    db.session.commit()


@pytest.mark.parametrize("order", ["bound first", "named first"])
def test_units_with_stamps_differ_in_nothing(farm: Farm, order: str) -> None:
    lot = farm.register(40.0)
    roll = make_stamps(farm.actor, 6)
    if order == "bound first":
        bind_stamps(farm, roll, 1, 4, lot)
    packed(farm, roll, range(3, 6))
    if order == "named first":
        bind_stamps(farm, roll, 1, 4, lot)
    publish("test")
    found = "\n".join(map(str, audit(Summary(), now=clock.now())))
    assert found == ""
    units = select(Thing).where(Thing.kind == "unit", Thing.lot_id.is_not(None))
    unit = db.session.scalars(units).first()
    assert unit is not None
    unit.lot_id = None
    db.session.commit()
    [one] = audit(Summary(), now=clock.now())
    assert (one.table, one.column) == ("things", "lot_id")
