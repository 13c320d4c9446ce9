"""Measurements of a place that name no goods: whose place it is, whose goods lie there and who
inspects there find them; nobody else does, and nobody where the place is withheld."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.functional.test_epcis_queries import all_pages, query_of
from tests.functional.test_epcis_reach import DAN_PHUONG, HANOI, HUE, inspector
from tests.support.factories import amount, event, make_actor, new_lot
from tests.support.farms import make_place
from trace.clock import rfc3339
from trace.extensions import db
from trace.models import Audit
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.epcis_queries import NoSuchEvent, get_events, since

pytestmark = pytest.mark.usefixtures("db_session")


def measured(now: datetime, place: str, **members: Any) -> dict[str, Any]:
    report = {"type": "Temperature", "value": 4.5, "uom": "CEL"}
    return event(
        "ObjectEvent",
        action="OBSERVE",
        bizStep="sensor_reporting",
        eventTime=rfc3339(now),
        sensorElementList=[{"sensorReport": [report]}],
        **{"readPoint": {"id": place}, **members},
    )


def ids(actor: Actor, now: datetime, **query: Any) -> set[str]:
    asked = query_of({"EQ_bizStep": ["sensor_reporting"], **query})
    return {one["eventID"] for one in all_pages(actor, asked, now, 2)}


def test_measurements_of_no_goods_are_found_by_the_place(now: datetime) -> None:
    keeper, carrier, stranger = (make_actor(now, name) for name in ("Kho", "Xe", "Khác"))
    partner = make_actor(now, "Bạn hàng")
    place = make_place(keeper.organisation, "Kho", "warehouse", now, ward_code=DAN_PHUONG).identity
    elsewhere = make_place(
        stranger.organisation, "Bãi", "warehouse", now, ward_code="19774"
    ).identity
    at = now - timedelta(hours=1)
    stored = event(
        "ObjectEvent",
        action="ADD",
        bizStep="storing",
        eventTime=rfc3339(at),
        readPoint={"id": place},
        bizLocation={"id": place},
        quantityList=[amount(new_lot(), 10)],
    )
    capture(partner, [stored], at=now)
    told = [
        measured(at, place),
        measured(at - timedelta(minutes=5), elsewhere, bizLocation={"id": place}),
        measured(at - timedelta(minutes=9), elsewhere),
    ]
    done = [capture(carrier, [one], at=now).events[0] for one in told]
    hidden = capture(
        carrier, [measured(at - timedelta(minutes=1), place)], at=now, private=["readPoint"]
    ).events[0]
    db.session.commit()
    both, third = {done[0].event_key, done[1].event_key}, done[2].event_key
    everything = {*both, third, hidden.event_key}
    assert ids(carrier, now) == everything
    assert ids(keeper, now) == both
    assert ids(partner, now) == both
    assert ids(stranger, now) == {done[1].event_key, third}
    assert ids(make_actor(now, "Người lạ"), now) == set()
    # As the index of times and the log's order walk them, and one by one.
    assert ids(keeper, now, orderBy="eventTime", orderDirection="ASC") == both
    found, _ = since(keeper, query_of({}), after=-1, at=now)
    assert both <= {one["eventID"] for _, one in found}
    assert get_events(partner, done[0].event_key, at=now)
    with pytest.raises(NoSuchEvent):
        get_events(keeper, hidden.event_key, at=now)
    # Who inspects there reads it whole, withheld place and all; a look within leaves no line.
    lines = len(db.session.scalars(select(Audit.id)).all())
    for area in (HANOI, DAN_PHUONG, "*"):
        authority = inspector(now, area)
        expected = everything if area == "*" else {*both, hidden.event_key}
        assert ids(authority, now) == expected, area
        (whole,) = get_events(authority, hidden.event_key, at=now)
        assert whole["readPoint"] == {"id": place}
    assert ids(inspector(now, HUE), now) == {third, done[1].event_key}
    assert len(db.session.scalars(select(Audit.id)).all()) == lines
