"""Questions to random worlds: answers are those of asking every event one by one, for each caller,
and nothing that is withheld from a caller can be asked about."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.epcis_worlds import (
    EX,
    PLACES,
    UNITS,
    World,
    plain,
    random_world,
    things,
    uri_of,
)
from tests.support.factories import amount, event, make_actor, new_lot, registered
from tests.support.farms import make_farm
from trace.clock import rfc3339
from trace.core.epcis import JsonObject
from trace.core.epcis.query import Query, QueryTooComplex, QueryTooLarge
from trace.core.epcis.query_matching import Subject, matches
from trace.core.epcis.query_parsing import parse_query
from trace.extensions import db
from trace.models import Thing
from trace.services import epcis_queries, epcis_queries_sql, log_times
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.epcis_queries import run, since
from trace.services.epcis_queries_scope import known_things, scope_of
from trace.services.epcis_queries_tokens import BadPageToken
from trace.services.epcis_resources import list_places, list_things
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings
from trace.services.timelines import visible

pytestmark = pytest.mark.usefixtures("db_session")
AHEAD = timedelta(days=1)


def base() -> str:
    return current_settings().id_base


def query_of(given: dict[str, Any]) -> Query:
    return parse_query({"@context": EX, **given}, id_base=base())


def all_pages(actor: Actor, query: Query, at: datetime, per_page: int) -> list[JsonObject]:
    """Every page of an answer, one after the other."""
    found, token = [], ""
    for _ in range(200):
        page = run(actor, query, at=at, per_page=per_page, token=token)
        assert len(page.documents) <= per_page
        found += page.documents
        if page.next_token is None:
            return found
        token = page.next_token
    raise AssertionError("pages without end")


def counted(documents: list[JsonObject]) -> Counter[str]:
    return Counter(json.dumps(plain(one), sort_keys=True) for one in documents)


def asked_of(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Up to three parameters, with values that stand somewhere in the world, shown or withheld."""
    lots = st.lists(st.sampled_from(world.lots), min_size=1, max_size=3)
    units = st.lists(st.sampled_from(UNITS), min_size=1, max_size=2)
    places = st.lists(st.sampled_from(PLACES), min_size=1, max_size=2)
    keys = [one.document["eventID"] for one in world.told]
    moments = st.sampled_from([one.document["eventTime"] for one in world.told])
    recorded = st.sampled_from(
        [one.record_time.isoformat() for one in world.told if one.record_time]
    )
    parties = st.lists(st.sampled_from([uri_of(actor) for actor in world.actors]), min_size=1)
    steps = st.lists(st.sampled_from(("shipping", "storing", "trace:washing")), min_size=1)
    numbers = st.sampled_from((1, 2, 2.5, 26.5, 1000))
    listed: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("MATCH_anyEPCClass", "MATCH_epcClass", "MATCH_inputEPCClass"), lots),
        "MATCH_outputEPCClass": lots,
        **dict.fromkeys(("MATCH_epc", "MATCH_anyEPC"), units),
        "EQ_bizStep": steps,
        "eventType": st.just(["ObjectEvent", "TransformationEvent"]),
        "EQ_action": st.just(["ADD"]),
        "EQ_disposition": st.just(["recalled"]),
        **dict.fromkeys(("EQ_readPoint", "WD_readPoint", "EQ_bizLocation"), places),
        **dict.fromkeys(("GE_eventTime", "LT_eventTime"), moments),
        **dict.fromkeys(("GE_recordTime", "LT_recordTime"), recorded),
        "EQ_eventID": st.lists(st.sampled_from(keys), min_size=1, max_size=4),
        "EQ_transformationID": st.just(["urn:x:batch:1"]),
        "EQ_bizTransaction_po": st.just(["urn:x:po:1", "urn:x:po:2"]),
        **dict.fromkeys(("EQ_source_owning_party", "EQ_destination_owning_party"), parties),
        "EQ_ILMD_cbvmda:lotNumber": st.just("X"),
        "EXISTS_ex:grade": st.just(None),
        "EQ_ex:grade": st.just("A"),
        "EQ_INNER_ex:letter": st.just("A"),
        **dict.fromkeys(
            ("GE_ex:weight", "LT_quantity", "GT_quantity_KGM", "GE_value_CEL"), numbers
        ),
        "EXISTS_sensorElementList": st.just(None),
    }
    one = st.sampled_from(sorted(listed)).flatmap(
        lambda name: listed[name].map(lambda value: (name, value))
    )
    order = st.sampled_from(
        (
            {},
            {},
            *({"orderBy": by, "orderDirection": way} for by in ORDERS for way in ("ASC", "DESC")),
        )
    )
    pairs = st.lists(one, max_size=3).map(dict)
    return st.tuples(pairs, order).map(lambda both: {**both[0], **both[1]})


ORDERS = ("eventTime", "recordTime", "ex:weight")


def test_answers_are_those_of_asking_every_event_one_by_one(now: datetime) -> None:
    world = random_world(Random(7), now, 60 if is_sqlite() else 40)
    shown = [world.shown(actor) for actor in world.actors]
    assert min(map(len, shown)) < len(world.told)

    @settings(
        max_examples=60 if is_sqlite() else 15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(asked_of(world), st.sampled_from(range(3)), st.sampled_from((1, 4, 30, 200)))
    def check(given: dict[str, Any], who: int, per_page: int) -> None:
        query = query_of(given)
        expected = [
            seen
            for told, seen in shown[who]
            if matches(query, Subject(seen, id_base=base(), record_time=told.record_time))
        ]
        # A page of one is walked to the end only where that is short.
        step = per_page if len(expected) < 5 else max(per_page, 9)
        found = all_pages(world.actors[who], query, now + AHEAD, step)
        assert counted(found) == counted(expected)
        check_order(found, given)

    check()


def check_order(found: list[JsonObject], given: dict[str, Any]) -> None:
    by = given.get("orderBy")
    values = [one[by] for one in found if by in one] if by else []
    assert values == sorted(values, reverse=given.get("orderDirection") == "DESC")


def test_known_things_are_those_that_timelines_show(now: datetime) -> None:
    world = random_world(Random(3), now, 25)
    every = db.session.query(Thing.id).order_by(Thing.id).all()
    for actor in world.actors:
        found = set(db.session.scalars(known_things(scope_of(actor))))
        assert found == visible(actor, [row.id for row in every])
        listed = {text for _, text in list_things(actor, after=0, limit=100)}
        assert world.known(actor) <= listed


def test_subscribers_get_what_came_since_in_the_order_of_the_log(now: datetime) -> None:
    world = random_world(Random(5), now, 30)
    actor = world.actors[1]
    expected = [seen for _, seen in world.shown(actor)]
    got, looked = [], -1
    for _ in range(60):
        some, further = since(actor, Query(), after=looked, at=now, limit=4)
        indexes = [index for index, _ in some]
        assert indexes == sorted(indexes)
        assert all(looked < index <= further for index in indexes)
        got += [document for _, document in some]
        if further == looked:
            break
        looked = further
    assert [plain(one) for one in got] == [plain(one) for one in expected]


def test_a_walk_that_begins_in_the_middle_of_the_log_misses_nothing(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Otherwise five hundred entries more are looked at than need be, and there are not so many.
    monkeypatch.setattr(log_times, "NEAR", 0)
    maker, lot = make_actor(now), new_lot()
    moments, told = [], []
    for number in range(14):
        at = now + timedelta(hours=7 * number)
        # Told at once by a clock that is fast, in time, or days after.
        moment = at + (timedelta(minutes=4), timedelta(), -timedelta(days=2))[number % 3]
        made = registered(lot, number + 1, eventID=f"urn:uuid:{uuid4()}", eventTime=rfc3339(moment))
        moments.append(moment)
        told.append(capture(maker, [made], at=at).events[0])
    db.session.commit()
    later = now + timedelta(days=30)
    for moment in moments[::3] + moments[4:5]:
        expected = {n + 1 for n, one in enumerate(moments) if one >= moment}
        for more in ({}, own_lot(lot), {"orderBy": "eventTime"}, {"orderBy": "recordTime"}):
            query = query_of({"GE_eventTime": rfc3339(moment), **more})
            found = all_pages(maker, query, later, 5)
            assert {one["quantityList"][0]["quantity"] for one in found} == expected
            assert len(found) == len(expected)
    for one in told:
        assert len(since(maker, Query(), after=one.index, at=now)[0]) == len(
            [other for other in told if other.index > one.index]
        )
    for number in (0, 5, 13):
        at = now + timedelta(hours=7 * number)
        assert log_times.first_index_at(at) <= told[number].index
        for name, count in (("GE_recordTime", 14 - number), ("LT_recordTime", number)):
            assert len(outcome(maker, {name: rfc3339(at)}, later)) == count


# -- what is withheld ----------------------------------------------------------------------------

SECRET_LOT = "https://id.gs1.org/01/08936012345674/10/SECRET"
HIDDEN: dict[str, list[Any]] = {
    "readPoint": [{"id": PLACES[0]}, {"id": PLACES[1], "ex:door": 2}, None],
    "bizLocation": [{"id": PLACES[0]}, {"id": PLACES[1]}, None],
    "bizTransactionList": [
        [{"type": "po", "bizTransaction": "urn:x:po:1"}],
        [{"type": "inv", "bizTransaction": "urn:x:po:2"}],
        None,
    ],
    "ex:grade": ["A", {"ex:letter": "A"}, None],
    "ex:weight": [5, 7, None],
    "sensorElementList": [
        [{"sensorReport": [{"type": "Temperature", "value": 5, "uom": "CEL"}]}],
        [
            {
                "sensorMetadata": {"time": "2026-11-20T02:00:00Z", "deviceID": "urn:x:device:1"},
                "sensorReport": [{"type": "Pressure", "value": 7, "uom": "KPA"}],
            }
        ],
        None,
    ],
    "epcList": [[UNITS[0]], [UNITS[1], UNITS[2]], None],
    "quantityList/1": [amount(SECRET_LOT, 5), amount(SECRET_LOT + "2", 7, "GRM"), None],
    "ilmd/cbvmda:lotNumber": ["X", "Y", None],
}
BATTERY: list[dict[str, Any]] = [
    {},
    *({name: [place]} for name in ("EQ_readPoint", "WD_readPoint") for place in PLACES),
    *({"EQ_bizLocation": [place]} for place in PLACES),
    {"EXISTS_readPoint_ex:door": None},
    {"EQ_bizTransaction_po": ["urn:x:po:1"]},
    {"EQ_bizTransaction_inv": ["urn:x:po:2"]},
    {"EQ_ex:grade": "A"},
    {"EXISTS_ex:grade": None},
    {"EQ_INNER_ex:letter": "A"},
    {"GT_ex:weight": 6},
    {"EXISTS_ex:weight": None},
    {"orderBy": "ex:weight", "eventCountLimit": 2},
    {"orderBy": "ex:weight", "orderDirection": "ASC", "eventCountLimit": 2},
    {"EXISTS_sensorElementList": None},
    {"EQ_type": ["Temperature"]},
    {"GE_value_CEL": 5},
    {"GE_value_KPA": 1},
    {"EQ_deviceID": ["urn:x:device:1"]},
    {"GE_time": "2020-01-01T00:00:00Z"},
    *({"MATCH_epc": [unit]} for unit in UNITS),
    {"MATCH_anyEPC": list(UNITS)},
    *({name: [SECRET_LOT]} for name in ("MATCH_anyEPCClass", "MATCH_epcClass")),
    {"MATCH_anyEPCClass": [SECRET_LOT + "2"]},
    {"EQ_quantity_KGM": [5]},
    {"LT_quantity_KGM": 0.1},
    {"EQ_ILMD_cbvmda:lotNumber": "X"},
    {"EXISTS_ILMD_cbvmda:lotNumber": None},
    {"maxEventCount": 3},
]


def test_a_filter_on_what_is_withheld_behaves_as_if_it_were_absent(now: datetime) -> None:
    maker, reader = make_actor(now), make_actor(now, "Người đọc Demo", kind="trader")
    for path, values in HIDDEN.items():
        lot = new_lot()
        # Known to the reader, who told of it too; nothing is handed over to it.
        capture(reader, [event("ObjectEvent", quantityList=[amount(lot, 1)])], at=now)
        twins = []
        for value in values:
            made = registered(lot, eventID=f"urn:uuid:{uuid4()}", ilmd={"ex:a": "b"})
            made["@context"] = [*made["@context"], EX]
            twins.append(with_member(made, path, value))
        for twin in twins:
            capture(maker, [twin], at=now, private=[path] if holds(twin, path) else [])
        db.session.commit()
        own = {twin["eventID"] for twin in twins}
        asked = own_lot(lot)
        for question in BATTERY:
            answers = outcome(reader, {**question, **asked}, now)
            about = [one for one in answers if one.get("eventID") in own]
            seen = Counter(json.dumps(_anonymous(one), sort_keys=True) for one in about)
            assert "eventCountLimit" in question or len(about) in (0, 3), (path, question)
            assert len(seen) <= 1, (path, question)
        # The maker itself can ask: the battery does tell them apart.
        told = (len(outcome(maker, {**question, **asked}, now)) for question in BATTERY)
        assert any(count in (1, 2) for count in told), path
    places = [list_places(reader, name, after="", limit=9) for name in ("readPoint", "bizLocation")]
    assert places == [[], []]
    named = {text for _, text in list_things(reader, after=0, limit=99)}
    assert not named & {SECRET_LOT, SECRET_LOT + "2"}
    capture(reader, [event("ObjectEvent", quantityList=[amount(SECRET_LOT, 1)])], at=now)
    found = outcome(reader, {"MATCH_anyEPCClass": [SECRET_LOT]}, now)
    assert len(found) == 1, "an event is not seen through what it withholds"


def own_lot(lot: str) -> dict[str, Any]:
    return {"MATCH_epcClass": [lot]}


def with_member(made: JsonObject, path: str, value: Any) -> JsonObject:
    member, _, inner = path.partition("/")
    if value is None:
        return made
    if member == "ilmd":
        made["ilmd"][inner] = value
    elif inner:
        made[member] = [*made[member], value]
    else:
        made[member] = value
    return made


def holds(made: JsonObject, path: str) -> bool:
    member, _, inner = path.partition("/")
    if member == "ilmd":
        return inner in made["ilmd"]
    return len(made[member]) > 1 if inner else member in made


def _anonymous(document: JsonObject) -> JsonObject:
    return {n: v for n, v in document.items() if n not in ("eventID", "recordTime")}


def outcome(actor: Actor, given: dict[str, Any], now: datetime) -> list[JsonObject]:
    both = {**given}
    try:
        return all_pages(actor, query_of(both), now + AHEAD, 30)
    except QueryTooLarge:
        return []


def test_master_data_is_asked_about_as_far_as_it_is_public(now: datetime) -> None:
    farm, buyer = make_farm(now - timedelta(days=9)), make_farm(now - timedelta(days=9), "Chợ Demo")
    farm.plot.name, farm.plot.ward_code = "Vườn kín", "09895"
    farm.plot.latitude, farm.plot.longitude, farm.plot.address = 21.1, 105.5, "Ngõ 1"
    lot = farm.reap(farm.sow())
    farm.send(lot, buyer, kilos=10)
    db.session.commit()
    asked: dict[str, dict[str, Any]] = {
        "name": {"EQ_ATTR_bizLocation_name": ["Vườn kín"]},
        "place": {"EQATTR_bizLocation_cbvmda:state": ["Hà Nội"]},
        "street": {"HASATTR_bizLocation": ["streetAddressOne"]},
        "position": {"EQ_ATTR_bizLocation_latitude": ["21.10"]},
        "party": {"EQ_ATTR_destination_name": ["Chợ Demo"]},
        "product": {"EQ_ATTR_epcClass_descriptionShort": [farm.product.name]},
    }

    def told(actor: Actor) -> set[str]:
        return {
            name
            for name, one in asked.items()
            if all_pages(actor, query_of({**one, "MATCH_anyEPCClass": [lot]}), now + AHEAD, 30)
        }

    assert told(farm.actor) == set(asked)
    assert told(buyer.actor) == {"name", "place", "party", "product"}
    farm.plot.position_public = True
    db.session.commit()
    assert told(buyer.actor) == set(asked) - {"street"}
    farm.plot.public = False
    db.session.commit()
    assert told(buyer.actor) == {"party", "product"}
    assert told(farm.actor) == set(asked)


def test_an_event_id_that_is_a_hash_tells_nothing_of_what_it_covers(now: datetime) -> None:
    maker, reader = make_actor(now), make_actor(now, "Người đọc Demo", kind="trader")
    lot = new_lot()
    capture(reader, [event("ObjectEvent", quantityList=[amount(lot, 1)])], at=now)
    done = capture(maker, [registered(lot, trace__note="kín")], at=now, private=["trace:note"])
    db.session.commit()
    key = done.events[0].event_key
    assert key.startswith("ni:")
    (seen,) = outcome(reader, {"EQ_bizStep": ["commissioning"]}, now)
    assert "eventID" not in seen
    assert outcome(reader, {"EQ_eventID": [key]}, now) == []
    assert len(outcome(maker, {"EQ_eventID": [key]}, now)) == 1


# -- limits and tokens ---------------------------------------------------------------------------


def test_counts_are_kept_or_refused(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = make_actor(now)
    lot = new_lot()
    capture(maker, [registered(lot, n, eventID=f"urn:uuid:{uuid4()}") for n in range(1, 8)], at=now)
    db.session.commit()
    assert len(outcome(maker, {"maxEventCount": 7}, now)) == 7
    with pytest.raises(QueryTooLarge):
        run(maker, query_of({"maxEventCount": 6}), at=now)
    limited = query_of({"eventCountLimit": 5, "orderBy": "recordTime", "orderDirection": "ASC"})
    found = all_pages(maker, limited, now, 2)
    assert [one["quantityList"][0]["quantity"] for one in found] == [1, 2, 3, 4, 5]
    # What must be opened is bounded: a page comes short, and goes on.
    monkeypatch.setattr(epcis_queries, "MOST_OPENED", 3)
    rare = query_of({"EQ_quantity": [7]})
    first = run(maker, rare, at=now, per_page=1)
    assert first.documents == []
    assert first.next_token
    assert len(all_pages(maker, rare, now, 1)) == 1
    monkeypatch.setattr(epcis_queries, "MOST_SORTED", 3)
    with pytest.raises(QueryTooComplex):
        run(maker, query_of({"orderBy": "trace:note"}), at=now)


def test_a_token_is_good_for_its_caller_its_query_and_a_day(now: datetime) -> None:
    maker, other = make_actor(now), make_actor(now, "Khác Demo")
    made = [registered(new_lot(), eventID=f"urn:uuid:{uuid4()}") for _ in range(3)]
    capture(maker, made, at=now)
    db.session.commit()
    query = query_of({"EQ_action": ["ADD"]})
    page = run(maker, query, at=now, per_page=1)
    token = page.next_token or ""
    again = run(maker, query, at=now, per_page=2, token=token)
    assert len(again.documents) == 2
    assert again.next_token is None
    flipped = token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:]
    for actor, asked, text, at in (
        (other, query, token, now),
        (maker, query_of({"EQ_action": ["ADD", "DELETE"]}), token, now),
        (maker, query, flipped, now),
        (maker, query, "x" * 50, now),
        (maker, query, "\ud800", now),
        (maker, query, token, now + timedelta(days=2)),
    ):
        with pytest.raises(BadPageToken):
            run(actor, asked, at=at, token=text)
    assert things(made[0])  # the world was about something


def test_a_patterns_refusal_counts_only_what_the_caller_is_shown(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epcis_queries_sql, "MAX_THINGS", 3)
    maker, other = make_actor(now), make_actor(now, "Khác Demo")
    lots = [f"urn:epc:class:lgtin:8930000.012345.{number}" for number in range(9)]
    capture(maker, [registered(lot) for lot in lots[:8]], at=now)
    capture(other, [registered(lots[8])], at=now)
    db.session.commit()
    query = query_of({"MATCH_anyEPCClass": ["urn:epc:idpat:lgtin:8930000.012345.*"]})
    assert len(run(other, query, at=now).documents) == 1
    with pytest.raises(QueryTooComplex):
        run(maker, query, at=now)
