"""A correction before the first label or handover leaves no noise; afterwards both stand there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import notice
from tests.support.farms import Farm, id_base, item, make_farm, new, path_of, thing_id, uri_of
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from tests.support.statements import statements
from trace.core.epcis import JsonObject
from trace.core.history import Fact, in_time
from trace.extensions import db
from trace.models import Audit, Thing
from trace.services import sequencer
from trace.services.batches import facts_of
from trace.services.capture import Captured
from trace.services.corrections import went_out
from trace.services.diary import diary_entry
from trace.services.harvests import register_lot
from trace.services.labels import Sheet, issue_labels, label_of
from trace.services.passports import passport_of
from trace.services.processing import pack
from trace.services.records import declare_error, transformed
from trace.services.shipments import Parties, ship
from trace.services.timelines import timeline

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
Session = scoped_session[Any]
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: Session) -> Farm:
    return make_farm(START)


def publish() -> None:
    """The sequencer's next checkpoint."""
    db.session.rollback()
    sequencer.publish(now=TODAY)
    db.session.commit()


def read(uri: str) -> JsonObject:
    db.session.rollback()
    return passport_of(thing_id(uri), at=TODAY).document


def labelled(farm: Farm, uri: str, at: datetime | None = None) -> None:
    """A sheet of labels of the thing is printed."""
    thing = db.session.get_one(Thing, thing_id(uri))
    label = label_of(thing, facts_of(timeline(farm.actor, thing), thing))
    issue_labels(farm.actor, thing, Sheet(label, 24, "3x8"), at=at or farm.at)
    db.session.commit()
    farm.at += timedelta(hours=1)


def registered(farm: Farm, kilos: float, lot: str = "") -> tuple[str, JsonObject, Captured]:
    lot = lot or new("b")
    event = register_lot(farm.record(), item(lot, kilos), farm.facts())
    return lot, event, farm.tell(event)


# -- the line that decides -------------------------------------------------------------------------


def nothing(farm: Farm, lot: str) -> None:
    """The lot stays where it is: watered, cooled, moved between the farm's own places."""
    farm.cool(lot, 4.0)
    own = uri_of(farm.organisation)
    farm.tell(ship(farm.record(), [item(lot, 480)], Parties(giver=own, taker=own)))


def a_label(farm: Farm, lot: str) -> None:
    labelled(farm, lot)


def a_label_of_its_box(farm: Farm, lot: str) -> None:
    labelled(farm, farm.box(lot))


def a_handover(farm: Farm, lot: str) -> None:
    farm.send(lot, make_farm(START, "Cửa hàng Demo"), 480)


def a_handover_that_names_nobody(farm: Farm, lot: str) -> None:
    farm.send(lot, None, 100)


def a_receipt_that_only_the_taker_declares(farm: Farm, lot: str) -> None:
    taker = make_farm(START, "Cửa hàng Demo")
    taker.at = farm.at
    taker.take(lot, farm, 480)
    farm.at = taker.at


def a_handover_of_its_box(farm: Farm, lot: str) -> None:
    farm.send(farm.box(lot), None)


def an_offer(farm: Farm, lot: str) -> None:
    farm.offer(lot, farm.place("Sạp 12, chợ Demo"), 480)


def a_label_of_what_was_made_of_it(farm: Farm, lot: str) -> None:
    labelled(farm, farm.mix([lot], 100))


def a_handover_that_was_voided(farm: Farm, lot: str) -> None:
    event = ship(farm.record(), [item(lot, 480)], Parties(giver=uri_of(farm.organisation)))
    farm.correct(farm.tell(event), event)


OUT: tuple[Callable[[Farm, str], None], ...] = (
    a_label,
    a_label_of_its_box,
    a_handover,
    a_handover_that_names_nobody,
    a_receipt_that_only_the_taker_declares,
    a_handover_of_its_box,
    an_offer,
    a_label_of_what_was_made_of_it,
    a_handover_that_was_voided,
)


@pytest.mark.parametrize("happens", [nothing, *OUT], ids=lambda one: str(one.__name__))
def test_what_happened_first_decides_whether_the_old_value_is_told(
    farm: Farm, happens: Callable[[Farm, str], None]
) -> None:
    lot, wrong, captured = registered(farm, 480)
    happens(farm, lot)
    right = register_lot(farm.record(), item(lot, 408), farm.facts())
    farm.correct(captured, wrong, {**right, "eventTime": wrong["eventTime"]})
    [line] = [one for one in read(lot)["lines"] if one["step"] == wrong["bizStep"]]
    assert line["things"][0]["quantity"] == "408"
    assert line["edited"] is True
    assert ("was" in line) is (happens is not nothing)


@pytest.mark.one_database
@pytest.mark.parametrize("happens", [a_label, a_handover], ids=lambda one: str(one.__name__))
def test_what_happens_after_the_correction_brings_nothing_back(
    farm: Farm, happens: Callable[[Farm, str], None]
) -> None:
    lot, wrong, captured = registered(farm, 480)
    farm.correct(captured, wrong, register_lot(farm.record(), item(lot, 408), farm.facts()))
    happens(farm, lot)
    assert "was" not in read(lot)["lines"][-1]
    assert "'480'" not in str(read(lot)["lines"][-1])


@pytest.mark.one_database
def test_goods_put_later_into_a_box_that_had_its_label_were_mended_in_time(farm: Farm) -> None:
    """Nobody could have read the error by the box's label: the goods were not in it."""
    crate = farm.box(farm.register(10))
    lot, wrong, captured = registered(farm, 480)
    labelled(farm, crate)
    farm.correct(captured, wrong, register_lot(farm.record(), item(lot, 408), farm.facts()))
    farm.tell(pack(farm.record(), crate, [item(lot, 408)]))
    [line] = [one for one in read(lot)["lines"] if one["step"] == wrong["bizStep"]]
    assert "was" not in line


@pytest.mark.one_database
@pytest.mark.parametrize("out", [True, False])
def test_what_came_of_the_goods_after_the_correction_is_not_walked(
    app: Flask, farm: Farm, out: bool
) -> None:
    lot, wrong, captured = registered(farm, 480)
    if out:
        a_label(farm, lot)
    right = register_lot(farm.record(), item(lot, 408), farm.facts())
    declaration = farm.correct(captured, wrong, right)
    event = captured.events[0].event_id
    error = Fact(
        statement=declaration.events[0].statement_id,
        issuer="",
        type="ObjectEvent",
        event_time=farm.at,
        uses=(),
        declares_error=True,
        index=declaration.events[0].index,
        record_time=farm.at,
    )
    asked = []
    for _ in range(2):
        with statements(app) as seen:
            found = went_out(db.session.connection(), {event: error})
        asked.append(len(seen))
        assert in_time(error, error, found[event]) is not out
        mixed = farm.mix([lot], 100)
        farm.box(farm.mix([mixed], 50))
    assert asked[0] == asked[1]


@pytest.mark.one_database
def test_what_an_event_says_of_its_own_time_decides_nothing(farm: Farm) -> None:
    """Declared as of before the handover, recorded after it."""
    lot, wrong, captured = registered(farm, 480)
    a_handover(farm, lot)
    later, farm.at = farm.at, START
    right = register_lot(farm.record(), item(lot, 408), farm.facts())
    farm.at = later
    farm.correct(captured, wrong, right)
    assert read(lot)["lines"][-1]["was"][0]["things"][0]["quantity"] == "480"


@pytest.mark.one_database
def test_of_several_corrections_those_after_the_goods_went_out_are_told(farm: Farm) -> None:
    lot, first, captured = registered(farm, 111)
    second = register_lot(farm.record(), item(lot, 222), farm.facts())
    third = register_lot(farm.record(), item(lot, 333), farm.facts())
    fourth = register_lot(farm.record(), item(lot, 444), farm.facts())
    two = farm.tell(second)
    farm.tell(*declared(farm, first, captured, second))
    a_label(farm, lot)
    three = farm.tell(third, *declared(farm, second, two, third))
    farm.tell(fourth, *declared(farm, third, three, fourth))
    [line] = read(lot)["lines"]
    assert line["things"][0]["quantity"] == "444"
    assert [old["things"][0]["quantity"] for old in line["was"]] == ["333", "222"]
    assert "'111'" not in str(line)


def declared(
    farm: Farm, wrong: JsonObject, captured: Captured, *instead: JsonObject
) -> list[JsonObject]:
    return [
        declare_error(
            wrong,
            captured.events[0].statement_id,
            id_base=id_base(),
            at=farm.at,
            reason="incorrect_data" if instead else "did_not_occur",
            corrective=[str(one["eventID"]) for one in instead],
        )
    ]


# -- both, with both signers -----------------------------------------------------------------------


@pytest.mark.one_database
def test_old_and_new_are_told_with_their_signers_and_their_proofs(
    farm: Farm, pages: PageClient
) -> None:
    lot, wrong, captured = registered(farm, 480)
    a_handover(farm, lot)
    day = f"{farm.at + timedelta(hours=7):%d/%m/%Y}"
    right = register_lot(farm.record(at=START), item(lot, 408), farm.facts())
    made = farm.correct(captured, wrong, right)
    line = read(lot)["lines"][-1]
    [old] = line["was"]
    error = old["corrected"]
    for one, index in ((line, made.events[1]), (old, captured.events[0]), (error, made.events[0])):
        assert one["statement"] == index.statement_id
        assert one["proof"] == f"/log/proof/{index.index}"
        assert one["who"]["name"] == "HTX Demo Đan Phượng"
        assert one["signed"] is True
        assert one["custody"] == "server"
        assert one["record_time"]
    assert error["reason"] == "incorrect_data"
    name = "HTX Demo Đan Phượng"
    publish()
    for language, now_, before, by in (
        ("vi", "Nay", "Trước khi sửa", f"{name} · sửa ngày {day} · đã ký"),
        (
            "en",
            "Now",
            "Before the correction",
            f"{name} · corrected on {day} · signed",
        ),
    ):
        page = pages.get(f"/t{path_of(lot)}?lang={language}")
        [both] = page.find("//div[@class='both']")
        present, past = both.xpath("./div")
        assert present.xpath("string(h4)") == now_
        assert past.xpath("string(h4)") == before
        assert "408 kg" in present.xpath("string()")
        assert "480 kg" in past.xpath("string()")
        assert by in past.xpath("string()")
        assert past.xpath(".//a/@href") == [old["proof"], error["proof"]]
        assert present.xpath(".//a/@href")[-1] == line["proof"]
        proof = pages.get(f"/t{path_of(lot)}?view=proof&lang={language}")
        for one in (line, old, error):
            assert one["statement"] in proof.text
            assert one["proof"] in [a.get("href") for a in proof.find("//a")]


@pytest.mark.one_database
def test_mended_in_time_a_page_says_corrected_and_nothing_of_the_error(
    farm: Farm, pages: PageClient
) -> None:
    lot, wrong, captured = registered(farm, 480)
    right = register_lot(farm.record(), item(lot, 408), farm.facts())
    farm.correct(captured, wrong, right)
    for language, word in (("vi", "đã sửa"), ("en", "corrected")):
        page = pages.get(f"/t{path_of(lot)}?lang={language}")
        assert word in page.text
        assert "480" not in page.text
        assert "408 kg" in page.text
        assert "chưa bị sửa" not in page.text  # it says "corrected" further down
        assert not page.find("//div[@class='both']")
    document = read(lot)
    assert document["cancelled"] == 0
    assert document["record"]["statements"] == 1


# -- voids -----------------------------------------------------------------------------------------


def sprayed(farm: Farm) -> tuple[str, str, JsonObject, Captured]:
    cycle = farm.sow()
    entry = diary_entry(farm.record(), cycle, "weeding")
    captured = farm.tell(entry)
    return cycle, farm.reap(cycle), entry, captured


@pytest.mark.one_database
def test_a_void_in_time_leaves_a_note_and_no_line(farm: Farm, pages: PageClient) -> None:
    cycle, lot, entry, captured = sprayed(farm)
    farm.correct(captured, entry)
    for uri in (cycle, lot):
        document = read(uri)
        assert "weeding" not in [line["step"] for line in document["lines"]]
        assert document["cancelled"] == 1
    vi, en = (pages.get(f"/t{path_of(lot)}?lang={one}").text for one in ("vi", "en"))
    assert "Đã huỷ 1 dòng ghi nhầm trước khi in tem, giao hàng" in vi
    assert "Làm cỏ" not in vi
    assert "1 entry made by mistake was voided" in en


@pytest.mark.one_database
def test_a_late_void_strikes_the_line_and_names_who_voided_it(
    farm: Farm, pages: PageClient
) -> None:
    cycle, lot, entry, captured = sprayed(farm)
    a_label(farm, lot)
    made = farm.correct(captured, entry)
    for uri in (cycle, lot):
        document = read(uri)
        [line] = [one for one in document["lines"] if one["step"] == "weeding"]
        assert line["voided"]["who"]["name"] == "HTX Demo Đan Phượng"
        assert line["voided"]["statement"] == made.events[0].statement_id
        assert document["cancelled"] == 0
    publish()
    page = pages.get("/t" + path_of(lot))
    [struck] = page.find("//li[@class='off']")
    assert "HTX Demo Đan Phượng · huỷ ngày" in struck.xpath("string()")
    assert f"/log/proof/{made.events[0].index}" in struck.xpath(".//a/@href")
    proof = pages.get(f"/t{path_of(lot)}?view=proof")
    assert made.events[0].statement_id in proof.text


@pytest.mark.one_database
def test_a_correction_whose_other_half_is_missing_is_no_void_in_time(farm: Farm) -> None:
    _, lot, entry, captured = sprayed(farm)
    missing = {"eventID": f"urn:uuid:{uuid.uuid4()}"}
    farm.tell(*declared(farm, entry, captured, missing))
    [line] = [one for one in read(lot)["lines"] if one["step"] == "weeding"]
    assert line["voided"]["corrective_missing"] is True


@pytest.mark.one_database
def test_a_notice_is_told_for_ever_even_when_mended_at_once(farm: Farm) -> None:
    lot = farm.register(10)
    event = {
        **notice("recall", lot),
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": farm.at.isoformat(),
    }
    captured = farm.tell(event)
    farm.correct(captured, event)
    [line] = [one for one in read(lot)["lines"] if "notice" in one]
    assert "voided" in line
    assert read(lot)["cancelled"] == 0


@pytest.mark.one_database
def test_a_making_corrected_before_its_product_went_out_is_mended_there_and_not_above(
    farm: Farm,
) -> None:
    """The lot it was made of went out long ago; nobody had read of the product."""
    lot, _, _ = registered(farm, 480)
    a_label(farm, lot)
    made = new("b")
    wrong = transformed(farm.record(), "mixing", [item(lot, 10)], [item(made, 10)])
    captured = farm.tell(wrong)
    right = transformed(farm.record(), "mixing", [item(lot, 10)], [item(made, 9)])
    farm.correct(captured, wrong, right)
    mixing = {
        uri: next(line for line in read(uri)["lines"] if line["step"] == "mixing")
        for uri in (lot, made)
    }
    assert "was" not in mixing[made]
    assert "was" in mixing[lot]


@pytest.mark.one_database
@pytest.mark.parametrize("out", [False, True])
@pytest.mark.parametrize("moved", ["to another cycle", "after the harvest"])
def test_a_correction_does_not_carry_a_line_off_a_page_unseen(
    farm: Farm, moved: str, out: bool
) -> None:
    cycle, other = farm.sow(), farm.sow()
    wrong = diary_entry(farm.record(), cycle, "weeding")
    captured = farm.tell(wrong)
    lot = farm.reap(cycle)
    if out:
        a_label(farm, lot)
    about = other if moved == "to another cycle" else cycle
    right = diary_entry(farm.record(), about, "weeding")
    made = farm.correct(captured, wrong, right)
    told = [line for line in read(lot)["lines"] if line["step"] == "weeding"]
    if out:
        assert [line["statement"] for line in told] == [captured.events[0].statement_id]
        assert told[0]["voided"]["statement"] == made.events[0].statement_id
    else:
        assert told == []
        assert read(lot)["cancelled"] == 1


# -- labels and the console ------------------------------------------------------------------------


@pytest.mark.one_database
def test_the_first_label_is_noted_once_with_who_printed_it(farm: Farm) -> None:
    lot = farm.register(10)
    labelled(farm, lot, START + timedelta(days=1))
    labelled(farm, lot, START + timedelta(days=2))
    db.session.rollback()
    thing = db.session.get_one(Thing, thing_id(lot))
    assert thing.labelled_at == START + timedelta(days=1)
    printed = db.session.scalars(select(Audit).where(Audit.action == "label.print")).all()
    assert [(one.subject, one.organisation_id) for one in printed] == [
        (thing.identity, farm.organisation.id)
    ] * 2


@pytest.fixture
def console(app: Any, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.mark.one_database
def test_the_console_shows_both_side_by_side_once_a_sheet_was_printed(console: Console) -> None:
    lot = console.lot("480")
    (line,) = console.events()
    sheet = console.pages.get(f"/producer/labels/{lot}").form().filled({"count": "24"})
    assert console.pages.client.post(f"/producer/labels/{lot}", data=sheet).status_code == 200
    form = console.pages.get(f"/producer/events/{line.event_id}/correct")
    page = console.pages.submit(form, {"things-0-quantity": "48,5"})
    original, instead, declared_ = console.events()
    [both] = page.find("//div[@class='beside']")
    present, past = both.xpath("./div")
    assert "48,5 kg" in present.xpath("string()")
    assert "480 kg" in past.xpath("string()")
    assert f"{line.issuer.name} sửa lúc" in past.xpath("string()")
    hrefs = both.xpath(".//a/@href")
    for one in (original, instead, declared_):
        assert f"/log/proof/{one.index}" in hrefs


@pytest.mark.one_database
def test_a_large_sheet_counts_from_when_it_was_asked_for(console: Console) -> None:
    lot = console.lot("480")
    sheet = console.pages.get(f"/producer/labels/{lot}").form().filled({"count": "500"})
    assert console.pages.client.post(f"/producer/labels/{lot}", data=sheet).status_code == 303
    with console.app.app_context():
        assert db.session.get_one(Thing, lot).labelled_at is not None


@pytest.mark.one_database
def test_the_console_leaves_a_note_of_what_was_voided_in_time(console: Console) -> None:
    console.lot("480")
    (line,) = console.events()
    form = console.pages.get(f"/producer/events/{line.event_id}/void")
    page = console.pages.submit(form, {"reason": "did_not_occur"})
    assert "Đã huỷ trước khi in tem, giao hàng: Đăng ký lô" in page.text
    assert not page.find("//h3[@class='struck']")
    told = console.pages.get(page.link("Đăng ký lô"))
    assert "Dòng này đã được huỷ" in told.text
    assert f"{line.issuer.name} huỷ lúc" in told.text
