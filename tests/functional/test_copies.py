"""From scans to a page that warns, a queue for inspectors, and what they find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import event, make_actor
from tests.support.farms import Farm, id_base, make_farm, make_product, path_of
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.stamps import bind_stamps, make_stamps, stamp_page, stamp_path
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Audit, Copy, Organisation, UnitScan
from trace.models.types import to_millis
from trace.services import copies, scans
from trace.services.actors import Actor
from trace.web.copy_words import total_words
from trace.web.scan import rows

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WARNED = "Mã này đã được quét ở nơi khác trước bạn"
HUE, CAMAU = "46", "96"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def labelled(farm: Farm, *, sent: bool = True) -> tuple[str, str]:
    """A lot and the page of one package of it."""
    lot = farm.register(480)
    roll = make_stamps(farm.actor, 2)
    bind_stamps(farm, roll, 1, 2, lot)
    if sent:
        farm.send(lot, make_farm(START, "Cửa hàng Demo"), 480)
    return lot, stamp_path(roll, 1)


def scanned(path: str, *places: str, every: timedelta = timedelta(hours=12)) -> None:
    """A phone in each of these places, in order; a place that comes again is the same phone."""
    letter, value, *_, serial = path.strip("/").split("/")
    taken = []
    for number, place in enumerate(places):
        at = to_millis(NOW - timedelta(days=20) + number * every)
        again = place in places[:number]
        mark = number.to_bytes(16, "big")
        unit = (f"{letter}/{value}", serial)
        taken.append(scans.Seen(rows.ask(path, id_base()).texts, unit, at, mark, place, again))
    scans.store(taken)
    db.session.commit()


def test_a_code_scanned_here_there_and_here_again_says_so_on_its_own_page_only(
    farm: Farm, pages: PageClient
) -> None:
    lot, package = labelled(farm)
    other = package.rpartition("/")[0]
    before = pages.get("/t" + package)
    assert WARNED not in before.text
    scanned(package, HUE, CAMAU)
    assert db.session.scalars(select(Copy)).all() == []  # carried away, as goods are
    scanned(package, HUE, CAMAU, HUE)
    page = pages.get("/t" + package)
    assert page.text.startswith(WARNED)
    assert page.response.headers["ETag"] != before.response.headers["ETag"]
    assert "This code was scanned elsewhere before you" in pages.get(f"/t{package}?lang=en").text
    for text in (page.text, pages.get(f"/t{package}?lang=en").text):
        for word in ("giả", "fake", "counterfeit", "genuine"):
            assert word not in text
    # The lot's page and the other package's say nothing of it.
    assert WARNED not in pages.get("/t" + path_of(lot)).text
    sibling = next(one for one in (stamp_page(1, 1), stamp_page(1, 2)) if not one.endswith(package))
    assert other in sibling
    assert WARNED not in pages.get(sibling).text
    # The same version in the same language is the same page, whoever asks.
    again = pages.get("/t" + package)
    assert again.response.data == page.response.data


def test_scans_of_a_lot_never_make_a_copy(farm: Farm, pages: PageClient) -> None:
    lot = farm.register(480)
    for number, place in enumerate([HUE, CAMAU] * 6):
        at = to_millis(NOW) + number * 3_600_000
        seen = scans.Seen((lot,), None, at, number.to_bytes(16, "big"), place)
        scans.store([seen])
    db.session.commit()
    assert db.session.scalars(select(Copy)).all() == []
    assert db.session.scalars(select(UnitScan)).all() == []
    assert WARNED not in pages.get("/t" + path_of(lot)).text


def test_a_package_that_its_maker_recorded_is_judged_like_one_printed_here(
    farm: Farm, pages: PageClient
) -> None:
    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    base = f"{id_base()}/01/08936000000011"
    farm.register(10, lot=f"{base}/10/L1", lot_number="L1")
    told: dict[str, Any] = {"epcList": [f"{base}/21/S1"], "ilmd": {"cbvmda:lotNumber": "L1"}}
    told["eventTime"] = farm.at.isoformat()
    farm.tell(event("ObjectEvent", action="ADD", bizStep="commissioning", **told))
    scanned("/01/08936000000011/21/S1", HUE, CAMAU, HUE)
    page = "/01/08936000000011/10/L1/21/S1"
    assert WARNED in pages.get("/t" + page).text
    assert WARNED in pages.get("/t/01/08936000000011/21/S1").text
    scanned("/01/08936000000011/21/S2", HUE, CAMAU, HUE)  # nobody issued it
    assert len(db.session.scalars(select(Copy)).all()) == 1


def test_a_package_scanned_before_its_lot_left_is_told_so_without_colour(
    farm: Farm, pages: PageClient
) -> None:
    lot, package = labelled(farm, sent=False)
    page = pages.get("/t" + package)
    title = "Theo sổ, lô này chưa rời nơi làm ra"
    assert title in page.text
    assert [box.get("class").split() for box in page.find("//section[contains(@class, 'al')]")] == [
        ["al"],
        ["al"],
    ]
    assert title not in pages.get("/t" + path_of(lot)).text  # of the lot it says nothing
    farm.offer(lot, farm.place("Sạp Demo"), 480)
    assert title not in pages.get("/t" + package).text


# -- the inspectors' queue -------------------------------------------------------------------------


def office(jurisdiction: str = "*", role: str = "supervisor") -> Actor:
    actor = make_actor(START, "Chi cục Minh họa", "authority", "confirmed", "owner", jurisdiction)
    return Actor(actor.organisation, None, role)


def test_the_queue_is_the_offices_whose_ward_or_province_it_is(farm: Farm) -> None:
    _, package = labelled(farm)
    scanned(package, HUE, CAMAU, HUE)
    # The maker's ward is in Hà Nội; scans came from Huế and Cà Mau.
    for jurisdiction, there in (("*", 1), ("01", 1), ("09895", 1), (HUE, 1), ("79", 0)):
        assert len(copies.suspects(office(jurisdiction))) == there
    (one,) = copies.suspects(office())
    assert one.reasons == (("returns", 1),)
    assert set(one.places) == {HUE, CAMAU}
    for status in ("unconfirmed", "suspended"):
        nobody = office()
        nobody.organisation.status = status
        assert copies.suspects(nobody) == []
        with pytest.raises(NotFound):
            copies.get_suspect(nobody, one.row.key, one.row.serial)


def test_however_many_wait_elsewhere_none_of_an_offices_own_is_pushed_out(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LIST_LIMIT", 3)
    _, package = labelled(farm)
    scanned(package, HUE, CAMAU, HUE)
    for number in range(7):  # somebody scans made-up copies of his own: a higher score, far away
        db.session.add(
            Copy(
                key="b/elsewhere",
                serial=str(number),
                score=90,
                said=True,
                state="open",
                reasons="returns:9",
                places="79",
                words="",
                since=NOW,
                last_at=NOW,
            )
        )
    db.session.commit()
    assert [set(one.places) for one in copies.suspects(office("01"))] == [{CAMAU, HUE}]
    assert len(copies.suspects(office("79"))) == len(copies.suspects(office())) == 3


def test_what_an_inspector_finds_ends_the_warning_or_makes_it_stay(
    app: Flask, client: FlaskClient, farm: Farm, pages: PageClient
) -> None:
    (_, first), (_, second) = labelled(farm), labelled(farm)
    for package in (first, second):
        scanned(package, HUE, CAMAU, HUE)
    member = make_member(app, role="supervisor", kind="authority")
    with app.app_context():
        row = db.session.scalars(select(Organisation).where(Organisation.kind == "authority")).one()
        row.jurisdiction, row.status = "*", "confirmed"
        db.session.commit()
    sign_in(app, client, member)
    desk = PageClient(client)
    listed = desk.get("/inspection/copies/")
    assert "lại nơi này: 1 lần" in listed.text
    assert "Huế" in listed.text
    page = desk.get(f"/inspection/copies{first}")
    assert "đang nói với người mua" in page.text
    colleague = desk.get(f"/inspection/copies{first}")
    missing = desk.submit(page, {"state": "cleared", "words": ""}, status=400)
    assert missing.find("//a[@href='#f-words']")
    assert missing.find("//input[@value='cleared' and @checked]")
    done = desk.submit(missing, {"state": "cleared", "words": "Đã xem: một gói, hai mạng"})
    assert "Đã ghi kết luận" in done.text
    desk.submit(desk.get(f"/inspection/copies{second}"), {"state": "confirmed", "words": "Hai gói"})
    assert "Không có mã nào đáng ngờ" in desk.get("/inspection/copies/").text
    assert WARNED not in pages.get("/t" + first).text
    assert WARNED in pages.get("/t" + second).text
    # Whatever is scanned later.
    scanned(first, HUE, CAMAU, HUE, CAMAU, HUE)
    assert WARNED not in pages.get("/t" + first).text
    late = desk.submit(colleague, {"state": "confirmed", "words": "Không phải"}, status=409)
    assert "đã có kết luận" in late.text
    settled = desk.get(f"/inspection/copies{first}")
    assert "một gói, hai mạng" in settled.text
    assert not settled.find("//main//form")
    actions = set(db.session.scalars(select(Audit.action).where(Audit.action.like("copies.%"))))
    assert actions == {"copies.cleared", "copies.confirmed"}


@pytest.mark.one_database
def test_strange_addresses_in_the_queue_are_not_found(app: Flask, client: FlaskClient) -> None:
    sign_in(app, client, make_member(app, role="supervisor", kind="authority"))
    for path in ("b", "b/x", "b/0000000000/0000", "01/%00/x", "x/y/z/w", "%E2%80%8B"):
        assert client.get(f"/inspection/copies/{path}").status_code == 404


@pytest.mark.one_database
def test_how_often_a_product_was_scanned_is_said_as_far_as_known(app: Flask) -> None:
    with app.test_request_context():
        words = [total_words(scans.Total(*one)) for one in ((84, 3, 2), (5, 0, 2), (1, 0, 0))]
        assert words == [
            "84 lần; biết được 3 phường, xã",
            "5 lần; biết được 2 tỉnh, thành phố",
            "1 lần",
        ]
        assert total_words(None) == ""
