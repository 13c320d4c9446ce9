"""Every kind of record is a valid EPCIS 2.0 event of the standard's own rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from trace.core.epcis import check_event, thing_refs
from trace.services import diary, harvests, processing, shipments, storage
from trace.services.records import Draw, Item, LotFacts, Record, declare_error, local_time, number
from trace.services.vocabulary import Amount, amount, bare_step, step_label

BASE = "https://trace.example"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CYCLE = f"{BASE}/c/JH9VHJK66C"
LOT = f"{BASE}/b/JH9VHJK66C"
GTIN_LOT = f"{BASE}/01/08936012340013/10/L2611"
CRATE = f"{BASE}/h/JH9VHJK66C"


def a_record(**changes: Any) -> Record:
    draw = Draw("secret", "ORG", "form")
    plain = Record(
        id_base=BASE,
        event_id=draw.event_id(),
        event_time=NOW - timedelta(hours=1),
        place=f"{BASE}/l/JH9VHJK66C",
        performed_by="H12",
        recorded_by=f"{BASE}/o/JH9VHJK66C",
    )
    return replace(plain, **changes)


def refs(event: dict[str, Any]) -> list[tuple[str, str, Decimal | None, str | None]]:
    checked = check_event(event, now=NOW, id_base=BASE)
    return [(ref.role, ref.uri, ref.quantity, ref.uom) for ref in thing_refs(checked)]


def kg(text: str) -> Amount:
    return Amount(Decimal(text), "KGM")


def test_a_sowing_begins_a_cycle_and_says_what_grows_where_and_from_what() -> None:
    facts = diary.CycleFacts(
        product=f"{BASE}/q/JH9VHJK66C",
        product_name="Cải ngọt",
        variety="Cải ngọt cọng xanh",
        area=(Decimal("1.5"), "sao"),
        seed_source="Cửa hàng Demo",
    )
    event = diary.start_cycle(a_record(), CYCLE, "sowing", facts)
    assert refs(event) == [("epc", CYCLE, None, None)]
    assert event["bizStep"] == "trace:sowing"
    assert event["ilmd"]["trace:area"] == {"value": 1.5, "unit": "sao"}
    assert event["trace:performedBy"] == "H12"


def test_a_flock_and_a_pond_begin_with_the_standards_own_step() -> None:
    event = diary.start_cycle(
        a_record(), CYCLE, "commissioning", diary.CycleFacts(), amount=Amount(Decimal(500), "HEA")
    )
    assert refs(event) == [("epc", CYCLE, Decimal(500), "HEA")]
    assert "ilmd" not in event


def test_a_spraying_keeps_what_the_label_asks_for_and_nothing_that_was_not_said() -> None:
    product = diary.Input(
        "Thuốc Demo 10EC", Decimal("0.25"), "lít", interval_days=7, reason="sâu tơ"
    )
    event = diary.diary_entry(a_record(), CYCLE, "spraying", inputs=[product])
    check_event(event, now=NOW, id_base=BASE)
    assert event["trace:inputs"] == [
        {
            "name": "Thuốc Demo 10EC",
            "amount": 0.25,
            "unit": "lít",
            "intervalDays": 7,
            "reason": "sâu tơ",
        }
    ]


def test_declaring_that_nothing_was_used_is_an_event_of_its_own() -> None:
    event = diary.declare_none(a_record(), CYCLE, ["pesticide", "fertiliser"])
    check_event(event, now=NOW, id_base=BASE)
    assert event["trace:declaredNone"] == ["fertiliser", "pesticide"]


@pytest.mark.parametrize("lot", [LOT, GTIN_LOT])
def test_a_harvest_leads_from_its_cycle_to_the_lot_with_its_amount(lot: str) -> None:
    day = date(2026, 11, 20)
    facts = LotFacts(
        lot_number="L2611",
        product=f"{BASE}/q/JH9VHJK66C",
        harvest=(day, day),
        use_by=date(2026, 11, 24),
    )
    event = harvests.harvest(a_record(), [CYCLE], Item(lot, amount(Decimal("4.8"), "ta")), facts)
    assert refs(event) == [("input", CYCLE, None, None), ("output", lot, Decimal(480), "KGM")]
    assert event["ilmd"]["cbvmda:harvestStartDate"] == "2026-11-20"
    assert event["ilmd"]["cbvmda:itemExpirationDate"] == "2026-11-24"


def test_a_lot_without_a_diary_is_registered_by_itself() -> None:
    event = harvests.register_lot(
        a_record(), Item(LOT, kg("20")), LotFacts(product_name="Rau muống")
    )
    assert refs(event) == [("epc", LOT, Decimal(20), "KGM")]
    assert event["action"] == "ADD"


def test_crates_are_packed_and_unpacked() -> None:
    packed = processing.pack(
        a_record(), CRATE, [Item(LOT, kg("12")), Item(f"{BASE}/h/SABEAS3AZW", single=True)]
    )
    assert {(role, uri) for role, uri, _, _ in refs(packed)} == {
        ("parent", CRATE),
        ("child", LOT),
        ("child", f"{BASE}/h/SABEAS3AZW"),
    }
    unpacked = processing.unpack(a_record(), CRATE)
    assert refs(unpacked) == [("parent", CRATE, None, None)]


def test_outputs_alike_share_their_facts_in_one_event() -> None:
    facts = LotFacts(product_name="Gạo", variety="ST25")
    outputs = [
        processing.Output(Item(f"{BASE}/b/{code}", kg("10")), facts)
        for code in ("96SCTVMA23", "KT7XQ1QKFZ")
    ]
    events = processing.process(
        a_record(),
        "splitting",
        [Item(LOT, kg("20"))],
        outputs,
        new_event_id=Draw("s", "o", "f").event_id,
    )
    assert len(events) == 1
    assert events[0]["ilmd"] == facts.ilmd()


def test_outputs_that_differ_are_introduced_one_by_one_without_an_amount() -> None:
    rice, bran = LotFacts(product_name="Gạo"), LotFacts(product_name="Cám")
    outputs = [
        processing.Output(Item(f"{BASE}/b/JH9VHJK66C", kg("13")), rice),
        processing.Output(Item(f"{BASE}/b/96SCTVMA23", kg("2")), bran),
    ]
    events = processing.process(
        a_record(),
        "milling",
        [Item(LOT, kg("20"))],
        outputs,
        new_event_id=Draw("s", "o", "f").event_id,
    )
    assert [event["type"] for event in events] == [
        "ObjectEvent",
        "ObjectEvent",
        "TransformationEvent",
    ]
    assert events[1]["ilmd"] == {"trace:productName": "Cám"}
    assert "quantity" not in events[1]["quantityList"][0]
    assert "ilmd" not in events[2]
    assert len({event["eventID"] for event in events}) == 3
    for event in events:
        check_event(event, now=NOW, id_base=BASE)


def test_readings_are_kept_oldest_first_and_not_after_the_event() -> None:
    readings = [
        storage.Reading(NOW - timedelta(hours=2), Decimal("4.5")),
        storage.Reading(NOW - timedelta(hours=5), Decimal(-1)),
    ]
    event = storage.keep(a_record(), [Item(LOT, kg("12"))], readings)
    check_event(event, now=NOW, id_base=BASE)
    first, second = event["sensorElementList"]
    assert first["sensorReport"] == [{"type": "Temperature", "value": -1, "uom": "CEL"}]
    assert second["sensorMetadata"]["time"] == "2026-11-22T08:00:00+07:00"


def test_being_on_sale_and_being_sold_are_told_apart() -> None:
    on_sale = storage.put_on_sale(a_record(), [Item(LOT)])
    sold = storage.sell(a_record(), [Item(LOT, kg("3"))])
    assert on_sale["disposition"] == "sellable_accessible"
    assert sold["disposition"] == "retail_sold"
    for event in (on_sale, sold, storage.destroy(a_record(), [Item(LOT, kg("1"))])):
        check_event(event, now=NOW, id_base=BASE)


PARTIES = shipments.Parties(
    giver=f"{BASE}/o/KT7XQ1QKFZ",
    taker=f"{BASE}/o/301B944M79",
    from_place=f"{BASE}/l/301B944M79",
    note=f"{BASE}/n/JH9VHJK66C",
)


def test_a_shipment_names_both_sides_and_its_note() -> None:
    event = shipments.ship(a_record(), [Item(LOT, kg("480"))], PARTIES)
    check_event(event, now=NOW, id_base=BASE)
    assert event["bizTransactionList"] == [
        {"type": "desadv", "bizTransaction": f"{BASE}/n/JH9VHJK66C"}
    ]
    assert event["destinationList"] == [
        {"type": "owning_party", "destination": f"{BASE}/o/301B944M79"}
    ]


def test_what_came_as_sent_is_one_event_and_each_difference_another() -> None:
    lines = [
        shipments.Line(Item(LOT, kg("480")), kg("480")),
        shipments.Line(Item(GTIN_LOT, kg("90")), kg("100"), "dập nát"),
        shipments.Line(Item(f"{BASE}/b/JKM3RX3JDJ", kg("21")), kg("20")),
        shipments.Line(Item(CRATE, single=True)),
    ]
    events = shipments.receive(
        a_record(), lines, PARTIES, new_event_id=Draw("s", "o", "f").event_id
    )
    for event in events:
        check_event(event, now=NOW, id_base=BASE)
    same, short, more = events
    assert [role_uri[1] for role_uri in refs(same)] == [CRATE, LOT]
    assert short["trace:difference"] == {"reason": "dập nát", "quantity": -10, "uom": "KGM"}
    assert more["trace:difference"] == {"quantity": 1, "uom": "KGM"}
    assert short["disposition"] == "mismatch_quantity"
    assert len({event["eventID"] for event in events}) == 3


def test_goods_without_a_code_become_a_lot_that_says_who_declared_its_origin() -> None:
    source = shipments.External(supplier="Chợ đầu mối Demo", date=date(2026, 11, 21))
    event = shipments.receive_unrecorded(
        a_record(),
        Item(LOT, kg("30")),
        LotFacts(product_name="Cà chua"),
        source,
        shipments.Parties(),
    )
    assert refs(event) == [("epc", LOT, Decimal(30), "KGM")]
    assert event["trace:externalSource"] == {"supplier": "Chợ đầu mối Demo", "date": "2026-11-21"}


def test_an_error_declaration_repeats_the_event_and_keeps_its_hash() -> None:
    from trace.core.epcis import event_hash

    original = harvests.register_lot(a_record(), Item(LOT, kg("20")), LotFacts(lot_number="L1"))
    declared = declare_error(
        original,
        "urn:uuid:1d8f3c1e-8a39-4a35-9d7e-0a8b6f4a2b11",
        id_base=BASE,
        at=NOW,
        reason="incorrect_data",
        corrective=["urn:uuid:2d8f3c1e-8a39-4a35-9d7e-0a8b6f4a2b12"],
    )
    check_event(declared, now=NOW, id_base=BASE)
    assert declared["eventID"] == original["eventID"]
    assert declared["trace:corrects"] == "urn:uuid:1d8f3c1e-8a39-4a35-9d7e-0a8b6f4a2b11"
    bare = {name: value for name, value in declared.items() if name != "trace:corrects"}
    assert event_hash(bare) == event_hash(original)


def test_the_same_form_draws_the_same_codes_and_another_form_others() -> None:
    first, again = Draw("secret", "ORG", "key"), Draw("secret", "ORG", "key")
    drawn = (first.event_id(), first.code(), first.serial())
    assert drawn == (again.event_id(), again.code(), again.serial())
    others = (
        Draw("other", "ORG", "key"),
        Draw("secret", "ORX", "key"),
        Draw("secret", "ORG", "kez"),
    )
    assert len({drawn[1], *(draw.code() for draw in others)}) == 4


def test_amounts_are_kept_in_the_standards_units() -> None:
    assert amount(Decimal("1.2"), "ta") == Amount(Decimal(120), "KGM")
    assert amount(Decimal("0.5"), "tan") == Amount(Decimal(500), "KGM")
    assert amount(Decimal(40), "goi") == Amount(Decimal(40), "")
    assert number(Decimal("2.50")) == 2.5
    assert isinstance(number(Decimal("3.00")), int)


def test_a_naive_time_is_refused_and_a_foreign_one_is_told_in_local_time() -> None:
    assert local_time(NOW) == "2026-11-22T10:00:00+07:00"
    with pytest.raises(ValueError, match="naive"):
        local_time(datetime(2026, 11, 22))  # noqa: DTZ001


def test_steps_have_words_in_whichever_way_they_are_written() -> None:
    assert bare_step("trace:spraying") == bare_step(f"{BASE}/voc/spraying") == "spraying"
    assert bare_step("https://ref.gs1.org/cbv/BizStep-shipping") == "shipping"
    assert step_label("trace:spraying") == "Phun thuốc"
    assert step_label("https://elsewhere.example/steps/polishing").endswith("polishing")
