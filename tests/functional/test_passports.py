"""The public document of a lot: what is in it, what is never in it, and when it is built anew."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import event as listening
from sqlalchemy import select, update
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, id_base, item, make_farm, make_product, new, thing_id
from trace.core.epcis import JsonObject
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Event, Passport
from trace.services import passports
from trace.services.harvests import register_lot
from trace.services.passports import mark_stale, passport_of

Session = scoped_session[Any]
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def read(uri: str, at: datetime = TODAY) -> JsonObject:
    db.session.rollback()
    return passport_of(thing_id(uri), at=at).document


def steps(document: JsonObject) -> list[str]:
    return [line["step"] for line in document["lines"]]


def everything(document: JsonObject) -> str:
    return orjson.dumps(document).decode()


@pytest.fixture
def farm(db_session: Session) -> Farm:
    return make_farm(START)


def test_a_lot_tells_its_field_its_product_and_who_said_so(farm: Farm) -> None:
    cycle = farm.sow()
    farm.wait(2)
    farm.spray(cycle, interval=7)
    farm.wait(10)
    lot = farm.reap(cycle, kilos=480, use_by=date(2026, 11, 24))
    document = read(lot)
    assert steps(document) == ["harvesting", "spraying", "sowing"]
    assert document["product"]["name_vi"] == "Cải ngọt, gói 300 g"
    assert document["organisation"]["name"] == "HTX Demo Đan Phượng"
    assert document["organisation"]["confirmed"] is False
    assert document["facts"]["harvest"] == ["2026-11-20", "2026-11-20"]
    assert document["facts"]["use_by"] == "2026-11-24"
    assert (document["facts"]["quantity"], document["facts"]["uom"]) == ("480", "KGM")
    assert document["interval"]["state"] == "kept"
    assert (document["interval"]["days"], document["interval"]["required"]) == (10, 7)
    assert [thing["kind"] for thing in document["ancestors"]] == ["cycle"]
    line = document["lines"][1]
    assert line["who"]["name"] == "HTX Demo Đan Phượng"
    assert line["where"]["name"] == "Vườn B2"
    assert line["signed"] is True
    assert line["custody"] == "server"
    assert line["details"][0]["name"] == "Thuốc Demo 1.8EC"
    assert document["record"]["signed"] == document["record"]["statements"] == 3


def test_nobodys_name_is_in_it_and_a_household_stands_as_its_code(farm: Farm) -> None:
    lot = new("b")
    farm.tell(register_lot(farm.record(performed_by="H07"), item(lot, 10), farm.facts()))
    farm.tell(
        register_lot(farm.record(performed_by="Trần Thị Bí Mật"), item(new("b")), farm.facts())
    )
    document = read(lot)
    assert document["lines"][0]["performed_by"] == "H07"
    assert "Nguyễn Văn Demo" not in everything(document)
    other = read(str(farm.told[-1]["quantityList"][0]["epcClass"]))
    assert "Bí Mật" not in everything(other)
    assert other["lines"][0]["performed_by"] is None


def test_who_trades_with_whom_stays_private_and_is_said_to_be_withheld(farm: Farm) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    lot = farm.register(480)
    farm.send(lot, shop, 480)
    document = read(lot)
    assert document["lines"][0]["step"] == "shipping"
    assert "destinationList" in document["lines"][0]["withheld"]
    assert shop.organisation.code not in everything(document)
    assert "urn:trace:person" not in everything(document)


def test_a_divided_lot_says_how_many_places_it_went_to_and_not_which(farm: Farm) -> None:
    lot = farm.register(480)
    shops = [make_farm(START, f"Cửa hàng Demo {n}", kind="retailer") for n in range(3)]
    for shop in shops:
        farm.send(lot, shop, 100)
        shop.at = farm.at
        shop.take(lot, farm, 100)
    document = read(lot)
    assert document["went_to"] == 3
    assert steps(document) == ["creating_class_instance"]
    # It travelled: the legs are elsewhere, not undeclared.
    assert "transport" not in {gap["rule"] for gap in document["gaps"]}
    assert not any(shop.organisation.name in everything(document) for shop in shops)


def test_a_box_tells_its_leg_and_the_shop_that_received_it(farm: Farm) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    lot = farm.register(480)
    box = farm.box(lot, kilos=20)
    farm.cool(box, 4.5, 5.0, 6.0)
    farm.send(box, shop)
    shop.at = farm.at
    shop.take(box, farm)
    document = read(box)
    assert steps(document)[:4] == ["receiving", "shipping", "storing", "packing"]
    assert document["lines"][0]["who"]["name"] == "Cửa hàng Demo"
    sensor = document["lines"][2]["sensor"]
    assert (sensor["min"], sensor["max"], sensor["count"]) == (4.5, 6.0, 3)
    assert [thing["path"] for thing in document["contents"]] == [lot.removeprefix(id_base())]


def test_a_strangers_words_are_not_on_the_page(farm: Farm) -> None:
    rival = make_farm(START, "Đối thủ Demo", kind="trader")
    lot = farm.register(480)
    rival.tell(register_lot(rival.record(), item(lot, 1), rival.facts()))
    rival.send(lot, None, 1)
    rival.mix([lot, new("b")], 10)
    document = read(lot)
    assert [line["who"]["name"] for line in document["lines"]] == ["HTX Demo Đan Phượng"]
    assert document["facts"]["quantity"] == "480"


def test_goods_of_another_owners_gtin_do_not_borrow_his_picture(farm: Farm) -> None:
    owner = farm.organisation
    product = make_product(owner, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    rival = make_farm(START, "Đối thủ Demo", kind="trader")
    lot = f"{id_base()}/01/{product.gtin}/10/L1"
    rival.register(10, lot=lot)
    document = read(lot)
    assert document["product"]["same_owner"] is False
    assert document["product"]["picture"] is None
    assert document["organisation"]["name"] == "Đối thủ Demo"


def test_a_mix_says_so_and_its_claims_carry_coverage(farm: Farm) -> None:
    certified = make_farm(START, "HTX Chứng nhận Demo")
    certifier = make_farm(START, "Tổ chức chứng nhận Demo", kind="certifier", status="confirmed")
    certified.certify(by=certifier)
    farm.certify("VietGAP", end=date(2026, 11, 1))  # ran out before the harvest
    lots = []
    for grower in (farm, certified, certified):
        cycle = grower.sow()
        grower.used_none(cycle, "pesticide")
        lots.append(grower.reap(cycle, kilos=100))
    packer = make_farm(START + timedelta(days=1), "Nhà đóng gói Demo", kind="processor")
    mixed = packer.mix(lots, 150)
    document = read(mixed)
    assert document["facts"]["mixed"] is True
    assert document["facts"]["sources"] == 3
    [certificate] = document["certificates"]
    assert (certificate["standard"], certificate["covers"], certificate["of"]) == ("VietGAP", 2, 3)
    assert certificate["confirmed"] is True
    assert document["interval"]["state"] == "none-used"
    assert len([a for a in document["ancestors"] if a["kind"] == "lot"]) == 3


def test_goods_that_came_without_a_record_say_whose_word_it_is(farm: Farm) -> None:
    lot = farm.take_unrecorded("Vựa rau Demo")
    document = read(lot)
    details = {d["label"]: d["value"] for d in document["lines"][0]["details"]}
    assert details["externalSource"]["supplier"] == "Vựa rau Demo"
    assert document["interval"]["state"] == "undeclared"
    assert document["facts"]["harvest"] is None


def test_silence_is_told_in_four_kinds(farm: Farm) -> None:
    cycle = farm.sow()
    farm.used_none(cycle, "fertiliser")
    farm.tell(*[_spraying(farm, cycle)], private=["trace:inputs"])
    lot = farm.reap(cycle)
    gaps = {gap["rule"]: gap["state"] for gap in read(lot)["gaps"]}
    assert gaps["fertiliser"] == "none"
    assert gaps["pesticide"] == "private"
    assert gaps["irrigation"] == "undeclared"
    assert "seed" not in gaps


def _spraying(farm: Farm, cycle: str) -> JsonObject:
    from trace.services.diary import Input, diary_entry

    return diary_entry(farm.record(), cycle, "spraying", inputs=[Input("Thuốc giấu tên")])


def test_what_is_private_is_nowhere_in_the_document(farm: Farm) -> None:
    cycle = farm.sow()
    farm.tell(_spraying(farm, cycle), private=["trace:inputs", "trace:note"])
    document = read(farm.reap(cycle))
    assert "Thuốc giấu tên" not in everything(document)
    assert document["interval"]["state"] == "private"


def test_hidden_ingredients_are_no_ancestors(farm: Farm) -> None:
    secret, other = farm.register(10), farm.register(10)
    made = new("b")
    from trace.services.records import transformed

    mixing = transformed(
        farm.record(), "mixing", [item(secret, 5), item(other, 5)], [item(made, 10)]
    )
    farm.tell(mixing, private=["inputQuantityList/0"])
    document = read(made)
    assert secret.removeprefix(id_base()) not in everything(document)
    assert other.removeprefix(id_base()) in everything(document)
    farm.tell(
        transformed(farm.record(), "mixing", [item(secret, 5)], [item(made, 1)]),
        private=["inputQuantityList"],
    )
    assert secret.removeprefix(id_base()) not in everything(read(made))


def test_a_correction_shows_the_present_value_and_keeps_the_old_line(farm: Farm) -> None:
    lot = new("b")
    wrong = register_lot(farm.record(), item(lot, 480), farm.facts())
    captured = farm.tell(wrong)
    farm.send(lot, None, 480)
    right = register_lot(farm.record(), item(lot, 408), farm.facts())
    farm.correct(captured, wrong, right)
    document = read(lot)
    [line] = [one for one in document["lines"] if one["step"] == "creating_class_instance"]
    assert line["things"][0]["quantity"] == "408"
    assert line["was"][0]["things"][0]["quantity"] == "480"
    assert line["was"][0]["corrected"]["reason"] == "incorrect_data"
    assert document["facts"]["quantity"] == "408"


def test_a_voided_line_stays_and_says_so(farm: Farm) -> None:
    lot = farm.register(480)
    harvested = _spraying(farm, lot)
    captured = farm.tell(harvested)
    farm.send(lot, None, 480)
    farm.correct(captured, harvested)
    document = read(lot)
    assert steps(document) == ["shipping", "spraying", "creating_class_instance"]
    assert document["lines"][1]["voided"]["reason"] == "did_not_occur"
    assert "voided" not in document["lines"][2]


def test_a_late_record_says_by_how_many_days(farm: Farm) -> None:
    lot = new("b")
    farm.tell(register_lot(farm.record(), item(lot, 1), farm.facts()), late=timedelta(days=5))
    [line] = read(lot)["lines"]
    assert line["late_days"] == 5
    assert line["findings"] == ["late"]


def test_a_changed_row_is_shown_as_not_matching_its_signature(farm: Farm) -> None:
    lot = farm.register(480)
    row = db.session.scalars(select(Event)).one()
    disclosed: list[list[str]] = orjson.loads(row.disclosures)
    # What the append-only triggers would refuse, someone with the database's own tools could do.
    _without_guards(row.id, orjson.dumps([*disclosed[:-1], disclosed[0]]).decode())
    [line] = read(lot)["lines"]
    assert line["signed"] is False
    assert "bad-signature" in line["findings"]


def _without_guards(event_id: int, disclosures: str) -> None:
    db.session.rollback()
    with db.engine.begin() as connection:
        if db.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER events_only_erase")
        else:
            connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER events_only_erase")
        connection.execute(
            update(Event).where(Event.id == event_id).values(disclosures=disclosures)
        )
        if db.engine.dialect.name != "sqlite":
            connection.exec_driver_sql("ALTER TABLE events ENABLE TRIGGER events_only_erase")


# -- built once, and anew --------------------------------------------------------------------------


def test_an_unread_change_makes_one_new_version_and_reading_again_none(farm: Farm) -> None:
    cycle = farm.sow()
    lot = farm.reap(cycle)
    first = passport_of(thing_id(lot), at=TODAY)
    assert first.version == 1
    assert passport_of(thing_id(lot), at=TODAY).version == 1
    farm.cool(lot, 4)
    farm.cool(lot, 5)
    second = passport_of(thing_id(lot), at=TODAY)
    assert second.version == 2
    assert steps(second.document)[:2] == ["storing", "storing"]


def test_what_happens_to_a_box_is_news_for_what_lies_in_it(farm: Farm) -> None:
    lot = farm.register(20)
    box = farm.box(lot, kilos=20)
    assert "storing" not in steps(read(lot))
    farm.cool(box, 4)
    assert "storing" in steps(read(lot))


def test_a_page_turns_at_the_midnight_after_its_use_by_date(farm: Farm) -> None:
    lot = farm.register(10, use_by=date(2026, 11, 24))
    before = datetime(2026, 11, 24, 16, 59, tzinfo=UTC)  # a minute to midnight in Hà Nội
    assert read(lot, before)["facts"]["past_use_by"] is False
    after = read(lot, before + timedelta(minutes=1))
    assert after["facts"]["past_use_by"] is True
    assert after["valid_until"] is None


def test_two_readers_build_it_once(app: Flask) -> None:
    with app.app_context():
        lot = make_farm(START).register(10)
        holder = thing_id(lot)
        db.session.rollback()
    versions: list[int] = []
    gate = threading.Barrier(4)

    def reader() -> None:
        with app.app_context():
            gate.wait()
            versions.append(passport_of(holder, at=TODAY).version)

    threads = [threading.Thread(target=reader) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [1, 1, 1, 1]


def test_a_builder_that_died_is_replaced_when_its_claim_runs_out(farm: Farm) -> None:
    lot = farm.register(10)
    holder = thing_id(lot)
    read(lot)
    claimed = {"stale": False, "building_until": TODAY + timedelta(seconds=30)}
    db.session.execute(update(Passport).where(Passport.thing_id == holder).values(**claimed))
    db.session.commit()
    assert passport_of(holder, at=TODAY + timedelta(seconds=29)).version == 1
    assert passport_of(holder, at=TODAY + timedelta(seconds=31)).version == 2


def test_a_builder_that_slept_beyond_its_claim_writes_over_nothing(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = farm.register(10)
    holder = thing_id(lot)
    db.session.rollback()
    real, built = vars(passports)["build_document"], 0

    def slow(*given: Any, **more: Any) -> JsonObject:
        nonlocal built
        document: JsonObject = real(*given, **more)
        built += 1
        if built == 1:
            farm.cool(lot, 4)
            db.session.rollback()
            assert passport_of(holder, at=TODAY + timedelta(seconds=31)).version == 1
        return document

    monkeypatch.setattr(passports, "build_document", slow)
    assert "storing" in steps(passport_of(holder, at=TODAY).document)
    kept = passport_of(holder, at=TODAY + timedelta(seconds=32))
    assert (kept.version, built) == (1, 2)
    assert "storing" in steps(kept.document)


def test_an_event_during_the_build_is_seen_by_the_next_reader(farm: Farm) -> None:
    lot = farm.register(10)
    holder = thing_id(lot)
    db.session.rollback()
    told = False

    def meanwhile(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        nonlocal told
        if not told and "disclosures" in statement and statement.startswith("SELECT"):
            told = True
            db.session.execute(
                update(Passport).where(Passport.thing_id == holder).values(stale=True)
            )
            db.session.commit()

    listening.listen(db.engine, "before_cursor_execute", meanwhile)
    try:
        assert passport_of(holder, at=TODAY).version == 1
    finally:
        listening.remove(db.engine, "before_cursor_execute", meanwhile)
    assert told
    assert passport_of(holder, at=TODAY).version == 2


def test_a_unit_is_told_by_its_lot_until_events_name_the_unit(farm: Farm) -> None:
    from tests.support.factories import event

    lot = farm.register(10)
    unit = f"{lot}/0123456789ABCDEF"
    farm.tell(
        event(
            "ObjectEvent",
            action="ADD",
            bizStep="commissioning",
            epcList=[unit],
            eventTime=farm.at.isoformat(),
        )
    )
    assert passport_of(thing_id(unit), at=TODAY).thing_id == thing_id(lot)
    farm.tell(
        event("ObjectEvent", bizStep="storing", epcList=[unit], eventTime=farm.at.isoformat())
    )
    own = passport_of(thing_id(unit), at=TODAY)
    assert own.thing_id == thing_id(unit)
    assert steps(own.document) == ["storing", "commissioning", "creating_class_instance"]
    assert own.document["organisation"]["name"] == "HTX Demo Đan Phượng"


def test_an_unknown_thing_has_no_passport(db_session: Session) -> None:
    with pytest.raises(NotFound):
        passport_of(999, at=TODAY)


def test_the_number_of_queries_does_not_grow_with_the_history(farm: Farm) -> None:
    def queries(lot: str) -> int:
        count = 0

        def counting(*_: Any) -> None:
            nonlocal count
            count += 1

        holder = thing_id(lot)
        db.session.rollback()
        listening.listen(db.engine, "before_cursor_execute", counting)
        try:
            passport_of(holder, at=TODAY)
        finally:
            listening.remove(db.engine, "before_cursor_execute", counting)
        return count

    small_cycle = farm.sow()
    small = farm.reap(small_cycle)
    lots = []
    for _ in range(3):
        cycle = farm.sow()
        farm.water(cycle)
        farm.spray(cycle)
        lots.append(farm.reap(cycle))
    big = farm.mix(lots, 100)
    assert queries(big) == queries(small)


def test_building_again_without_news_builds_the_same_document(farm: Farm) -> None:
    lot = farm.register(10)
    first = read(lot)
    mark_stale([thing_id(lot)])
    db.session.commit()
    later = read(lot, TODAY + timedelta(days=3))
    assert later["built"] != first["built"]
    assert {**later, "built": ""} == {**first, "built": ""}
