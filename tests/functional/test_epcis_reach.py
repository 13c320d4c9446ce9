"""Questions of authorities to random worlds: by jurisdiction, as on the desk, whatever is asked."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.functional.test_epcis_queries import AHEAD, all_pages, asked_of, base, counted, query_of
from tests.support.epcis_worlds import LISTS, PLACES, Told, World, random_world, things, without
from tests.support.factories import amount, event, make_actor, new_lot
from trace.clock import rfc3339
from trace.core.epcis import JsonObject
from trace.core.epcis.query_matching import Subject, matches
from trace.core.epcis.query_names import same_thing
from trace.extensions import db
from trace.models import Audit, Event, EventThing, Thing
from trace.models.events import PUBLIC
from trace.services import epcis_queries_reach, jurisdictions
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.epcis_queries import get_events, run, since
from trace.services.epcis_resources import list_things
from trace.services.jurisdictions import reach
from trace.services.sets import is_sqlite

pytestmark = pytest.mark.usefixtures("db_session")
HANOI, DAN_PHUONG, HUE = "01", "09784", "46"
NAMES = ("MATCH_", "EQ_transformationID")


def inspector(now: datetime, area: str) -> Actor:
    """A token of an authority that inspects."""
    made = make_actor(now, f"Cơ quan {area}", "authority", "confirmed", "supervisor", area)
    return Actor(made.organisation, None, "token", frozenset({"inspect"}))


def world_of(now: datetime, count: int) -> World:
    """Two of the three sit in the commune, the third nowhere near."""
    world = random_world(Random(11), now, count)
    for actor in world.actors[:2]:
        actor.organisation.ward_code = DAN_PHUONG
    world.actors[2].organisation.ward_code = "19774"
    # The random ones share crates and units, so that all are within reach: some of far away, and
    # some where goods of both kinds meet.
    far = [new_lot() for _ in range(4)]
    for number in range(12):
        lots = [far[number % 4], *([world.lots[0]] if number % 3 == 0 else [])]
        made = event(
            "ObjectEvent",
            action="ADD" if number < 4 else "OBSERVE",
            bizStep=("shipping", "storing")[number % 2],
            eventTime=rfc3339(now - timedelta(hours=number)),
            readPoint={"id": PLACES[number % 2]},
            quantityList=[amount(lot, number + 1) for lot in lots],
        )
        hidden: list[str] = [[], ["readPoint"], ["quantityList"]][number % 3]
        at = now + timedelta(hours=1, seconds=number)
        done = capture(world.actors[2], [made], at=at, private=hidden).events[0]
        kept = {**made, "eventID": done.event_key}
        owner = world.actors[2].organisation.id
        world.told.append(Told(owner, kept, hidden, done.event_id, record_time=at))
    world.lots += far
    db.session.commit()
    return world


def shown(world: World, authority: Actor, *, named: bool) -> list[tuple[Told, JsonObject]]:
    """What the authority may be told, event by event: the slow and obvious way."""
    rows = {row.identity: row.id for row in db.session.execute(select(Thing.identity, Thing.id))}
    within = reach(authority, list(rows.values()))
    found = []
    for one in world.told:
        if any(within.get(rows.get(thing, 0)) for thing in things(one.document)):
            outside = {t for t in things(one.document) if not within.get(rows.get(t, 0))}
            found.append((one, without_amounts(one, outside)))
        elif named and any_public(one.row):
            found.append((one, without(one.document, one.private)))
    return found


def without_amounts(told: Told, outside: set[str]) -> JsonObject:
    """No amounts of what is outside, unless the public is told of it."""
    public = things(without(told.document, told.private))
    document = copy.deepcopy(told.document)
    for name in LISTS:
        for element in document.get(name, ()):
            identity = same_thing(element["epcClass"], base())
            if identity in outside - public:
                element.pop("quantity", None)
                element.pop("uom", None)
    return document


def any_public(row: int) -> bool:
    seen = select(EventThing.thing_id).where(
        EventThing.event_id == row, EventThing.visibility == PUBLIC
    )
    return db.session.scalar(seen.limit(1)) is not None


def test_an_authority_is_told_what_lies_in_its_reach_and_the_public_part_of_what_it_names(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of(now, 12)
    callers = [inspector(now, area) for area in (HANOI, HUE, "*")]
    led = db.session.scalars(
        select(Thing.id).where(Thing.identity == same_thing(world.lots[-1], base()))
    ).one()
    monkeypatch.setattr(jurisdictions, "LEADS", [lambda office, some: set(some) & {led}])
    monkeypatch.setattr(
        jurisdictions, "LED", [lambda office: select(Thing.id).where(Thing.id == led)]
    )
    monkeypatch.setattr(epcis_queries_reach, "LED", jurisdictions.LED)
    told = [{named: shown(world, one, named=named) for named in (True, False)} for one in callers]
    counts = [len(one[False]) for one in told]
    assert min(counts[:2]) > 0
    assert max(counts[:2]) < counts[2] == len(world.told)

    @settings(
        max_examples=30 if is_sqlite() else 10,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(asked_of(world), st.sampled_from(range(3)), st.sampled_from((4, 30)), st.booleans())
    def check(given: dict[str, Any], who: int, per_page: int, few: bool) -> None:
        # From the area's things, or asking about every event: the answer is the same.
        monkeypatch.setattr(epcis_queries_reach, "FEW", 2_000 if few else 0)
        query = query_of(given)
        named = any(name.startswith(NAMES) for name in given)
        expected = [
            seen
            for one, seen in told[who][named]
            if matches(query, Subject(seen, id_base=base(), record_time=one.record_time))
        ]
        step = per_page if len(expected) < 5 else max(per_page, 9)
        found = all_pages(callers[who], query, now + AHEAD, step)
        assert counted(found) == counted(expected)

    check()
    for who, caller in enumerate(callers):
        news, _ = since(caller, query_of({}), after=-1, at=now + AHEAD, limit=1000)
        assert counted([one for _, one in news]) == counted([d for _, d in told[who][False]])
    inside = set(reach(callers[0], [row.id for row in db.session.query(Thing.id)]).items())
    listed = {thing for thing, _ in list_things(callers[0], after=0, limit=200)}
    assert listed == {thing for thing, way in inside if way}


def looks() -> list[str]:
    rows = db.session.scalars(select(Audit).where(Audit.action == "look-outside"))
    return [row.subject for row in rows]


def test_a_look_outside_leaves_a_line_and_a_token_that_does_not_inspect_is_a_partners(
    now: datetime,
) -> None:
    here, there = make_actor(now), make_actor(now, "HTX Xa")
    here.organisation.ward_code, there.organisation.ward_code = DAN_PHUONG, "19774"
    lots = {who: new_lot() for who in (here, there)}
    for who, lot in lots.items():
        made = event("ObjectEvent", action="ADD", quantityList=[amount(lot, 5)])
        capture(who, [made], at=now)
    hidden = event("ObjectEvent", quantityList=[amount(lots[there], 7)])
    capture(there, [hidden], at=now, private=["quantityList"])
    db.session.commit()
    caller = inspector(now, HANOI)
    at = now + timedelta(minutes=1)
    near, far = (query_of({"MATCH_epcClass": [lots[who]]}) for who in (here, there))
    assert len(run(caller, query_of({}), at=at).documents) == 1
    assert len(run(caller, near, at=at).documents) == 1
    assert looks() == []
    page = run(caller, far, at=at)
    assert [len(page.documents), page.looked] == [1, True], "what it hides is not told"
    assert looks() == [same_thing(lots[there], base())]
    partner = Actor(caller.organisation, None, "token")
    for query in (near, far, query_of({})):
        assert run(partner, query, at=at).documents == []
    key = db.session.scalars(select(Event).where(Event.issuer_id == here.organisation.id)).one()
    told = run(caller, near, at=at).documents[0]
    assert get_events(caller, told["eventID"], at=at) == [told]
    assert key.id > 0
    assert len(looks()) == 1
