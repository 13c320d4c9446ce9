"""What a scan costs, what is sent and what is not; on both databases."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy.orm import scoped_session

from tests.support.farms import (
    Farm,
    id_base,
    make_farm,
    make_product,
    path_of,
)
from tests.support.pages import PageClient
from tests.support.stamps import bind_stamps, make_stamps, stamp_page, void_stamps
from trace.extensions import db
from trace.models import Organisation
from trace.services import sequencer
from trace.web.statics import FOR_EVER

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def publish() -> None:
    """The sequencer's next checkpoint."""
    db.session.rollback()
    sequencer.publish(now=LATER)
    db.session.commit()


def grown(farm: Farm, **facts: Any) -> str:
    """A lot with a field behind it."""
    cycle = farm.sow(performed_by="H07")
    farm.wait(1)
    farm.spray(cycle, interval=7)
    farm.wait(10)
    lot = farm.reap(cycle, kilos=480, **facts)
    publish()
    return lot


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that reach the database."""
    seen: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)


# -- what the row decides --------------------------------------------------------------------------


def test_a_health_recall_stands_above_everything_and_says_what_to_do(
    farm: Farm, pages: PageClient
) -> None:
    lot = grown(farm)
    farm.notify("recall", lot, hazard="health", reason="Dư lượng thuốc vượt mức")
    page = pages.get("/t" + path_of(lot))
    first = page.find("//main/*")[0]
    assert first.get("class") == "al stop"
    assert page.text.startswith(
        "Không ăn. Hàng bị thu hồi Trả lại nơi bán. Dư lượng thuốc vượt mức"
    )


def test_a_recall_reaches_a_mix_at_the_next_scan_as_may_contain(
    farm: Farm, pages: PageClient
) -> None:
    lots = [grown(farm), grown(farm)]
    mixed = farm.mix(lots, 100)
    address = "/t" + path_of(mixed)
    assert "thu hồi" not in pages.get(address).text
    farm.notify("recall", lots[0], hazard="health")
    text = pages.get(address).text
    assert text.startswith("Có thể chứa hàng bị thu hồi")
    assert "Gộp từ 2 nơi trồng" in text


def test_a_lifted_recall_is_gone_from_the_top(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    captured = farm.notify("recall", lot, hazard="health")
    farm.notify("release", lot, ends=[captured.events[0].statement_id])
    text = pages.get("/t" + path_of(lot)).text
    assert not text.startswith("Không ăn")
    assert "Gỡ thông báo" in text


def test_a_divided_lot_says_to_how_many_places(farm: Farm, pages: PageClient) -> None:
    lot = farm.register(480)
    for number in range(2):
        farm.send(lot, make_farm(START, f"Cửa hàng Demo {number}"), 100)
    text = pages.get("/t" + path_of(lot)).text
    assert "Sau đó lô được chia, đi tới 2 nơi" in text
    assert "Cửa hàng Demo" not in text


def test_the_newest_line_says_that_it_enters_the_log_in_a_moment(
    farm: Farm, pages: PageClient
) -> None:
    lot = farm.register(480)
    address = "/t" + path_of(lot)
    assert "Vào sổ công khai trong giây lát" in pages.get(address).text
    publish()
    assert "Hồ sơ chưa bị sửa từ 08/11/2026 theo sổ" in pages.get(address).text


def test_a_serial_of_another_lot_is_called_out(farm: Farm, pages: PageClient) -> None:
    from tests.support.factories import event

    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    base = f"{id_base()}/01/08936000000011"
    for lot in ("L1", "L2"):
        farm.register(10, lot=f"{base}/10/{lot}", lot_number=lot)
    farm.tell(
        event(
            "ObjectEvent",
            action="ADD",
            bizStep="commissioning",
            epcList=[f"{base}/21/S1"],
            eventTime=farm.at.isoformat(),
            ilmd={"cbvmda:lotNumber": "L1"},
        )
    )
    right = pages.get("/t/01/08936000000011/10/L1/21/S1").text
    wrong = pages.get("/t/01/08936000000011/10/L2/21/S1").text
    assert "không thuộc lô này" not in right
    assert wrong.startswith("Số trên tem không thuộc lô này")


def test_an_unknown_lot_of_a_known_product_names_who_registered_the_code_and_no_product(
    farm: Farm, pages: PageClient
) -> None:
    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    page = pages.get("/t/01/08936000000011/10/NOLOT", status=404)
    assert "HTX Demo Đan Phượng" in page.text
    assert "Gạo Demo" not in page.text


def test_a_stall_lists_what_its_holder_put_on_sale_and_warns(farm: Farm, pages: PageClient) -> None:
    stall = farm.place("Sạp 12, chợ Demo")
    empty = farm.place("Sạp 13, chợ Demo")
    lot = grown(farm)
    farm.offer(lot, stall, 480)
    page = pages.get(f"/t/p/{stall.code}")
    assert page.h1 == "Sạp 12, chợ Demo"
    assert "Cải ngọt, gói 300 g" in page.text
    assert pages.get(page.find("//ul[@class='list']//a")[0].get("href")).h1 == "Cải ngọt, gói 300 g"
    assert "Trang này không đoán thay" in pages.get(f"/t/p/{empty.code}").text
    farm.notify("recall", lot, hazard="health")
    assert "Không ăn" in pages.get(f"/t/p/{stall.code}").text


def test_a_place_shows_its_public_part_and_never_its_position(
    farm: Farm, pages: PageClient
) -> None:
    open_place = farm.place("Ruộng Demo", "plot", latitude=21.0931, longitude=105.6689)
    hidden = farm.place("Ruộng kín", "plot", public=False, latitude=21.1, longitude=105.7)
    page = pages.get(f"/t/l/{open_place.code}")
    assert page.h1 == "Ruộng Demo"
    assert "21.09" not in page.response.get_data(as_text=True)
    secret = pages.get(f"/t/l/{hidden.code}")
    assert secret.h1 == "Nơi không công khai"
    assert "Ruộng kín" not in secret.response.get_data(as_text=True)


def test_an_organisation_says_whether_it_was_confirmed(farm: Farm, pages: PageClient) -> None:
    address = f"/t/o/{farm.organisation.code}"
    assert "Tổ chức chưa được xác nhận" in pages.get(address).text
    row = db.session.get(Organisation, farm.organisation.id)
    assert row is not None
    row.status = "confirmed"
    db.session.commit()
    page = pages.get(address)
    assert "chưa được xác nhận" not in page.text
    assert pages.get(page.link("Cải ngọt, gói 300 g")).h1 == "Cải ngọt, gói 300 g"


# -- machines --------------------------------------------------------------------------------------


def test_the_same_document_as_json_with_its_alerts(farm: Farm, client: FlaskClient) -> None:
    lot = grown(farm)
    farm.notify("hold", lot, reason="Chờ kiểm nghiệm")
    answer = client.get(f"/t{path_of(lot)}?format=json")
    body = answer.get_json()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert body["passport"]["product"]["name_vi"] == "Cải ngọt, gói 300 g"
    assert [alert["kind"] for alert in body["alerts"]] == ["hold"]
    assert body["alerts"][0]["reason"] == "Chờ kiểm nghiệm"


# -- cost ------------------------------------------------------------------------------------------


def test_a_scan_costs_one_query_and_the_first_of_a_version_two(
    farm: Farm, client: FlaskClient
) -> None:
    lot = grown(farm)
    farm.notify("recall", lot, hazard="health")
    address = "/t" + path_of(lot)
    client.get(address)  # built
    with counted() as seen:
        assert client.get(address).status_code == 200
    assert len(seen) == 1, seen
    with counted() as seen:
        english = client.get(address + "?lang=en")
    assert len(seen) <= 2, seen
    assert b"Do not eat" in english.data


def test_a_lot_costs_one_query_and_a_unit_one_more_whatever_became_of_it(
    farm: Farm, client: FlaskClient
) -> None:
    lot = grown(farm)
    roll = make_stamps(farm.actor, 3, farm.product)
    bind_stamps(farm, roll, 1, 1, lot)
    void_stamps(farm.actor, roll, 2, 2)
    addresses = [
        ("/t" + path_of(lot), 200, 1),
        (f"/t{path_of(lot)}/0123456789ABCDEF", 404, 2),
        (stamp_page(roll, 1), 200, 2),
        (stamp_page(roll, 2), 410, 2),
        (stamp_page(roll, 3), 200, 2),
    ]
    for address, status, queries in addresses:
        client.get(address)
        with counted() as seen:
            assert client.get(address).status_code == status
        assert len(seen) == queries, (address, seen)


def test_what_the_client_has_already_is_not_sent_again(farm: Farm, client: FlaskClient) -> None:
    lot = grown(farm)
    address = "/t" + path_of(lot)
    first = client.get(address)
    assert first.headers["Cache-Control"] == "no-cache"
    assert "Accept-Language" in first.headers["Vary"]
    assert "Accept-Encoding" in first.headers["Vary"]
    etag = first.headers["ETag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert client.get(address + "?lang=en").headers["ETag"] != etag
    farm.notify("recall", lot, hazard="health")
    after = client.get(address, headers={"If-None-Match": etag})
    assert after.status_code == 200
    assert after.headers["ETag"] != etag


def test_every_encoding_holds_the_same_page(farm: Farm, client: FlaskClient) -> None:
    address = "/t" + path_of(grown(farm))
    plain = client.get(address).data
    squeezed = client.get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert brotli.decompress(squeezed.data) == plain
    zipped = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(zipped.data) == plain
    refused = client.get(address, headers={"Accept-Encoding": "br;q=0, gzip;q=0"})
    assert refused.data == plain


def test_one_small_module_of_ours_and_nothing_from_anywhere_else(
    farm: Farm, client: FlaskClient
) -> None:
    answer = client.get("/t" + path_of(grown(farm)))
    html = answer.get_data(as_text=True)
    (module,) = re.findall(r'<script type="module" src="([^"]+)"></script>', html)
    # The other is a list of facts: nothing of it runs.
    assert re.findall(r"<script ([^>]+)>", html)[:-1] == ['type="application/ld+json"']
    asked = client.get(module, headers={"Accept-Encoding": "br"})
    assert asked.headers["Cache-Control"] == FOR_EVER
    assert len(asked.data) < 1000
    assert re.findall(r"""(?:src|href|action|url\()=?["']?(?:https?:)?//""", html) == []
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src 'self'; connect-src 'self';" in policy


def test_a_head_request_has_the_headers_and_no_body(farm: Farm, client: FlaskClient) -> None:
    answer = client.head("/t" + path_of(grown(farm)))
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"]


def test_the_page_turns_at_midnight_after_its_date_without_any_event(
    farm: Farm, app: Flask
) -> None:
    lot = farm.register(10, use_by=date(2026, 11, 24))
    client = app.test_client()
    with time_machine.travel(datetime(2026, 11, 24, 16, 59, tzinfo=UTC), tick=False):
        assert "Đã quá hạn" not in client.get("/t" + path_of(lot)).get_data(as_text=True)
    with time_machine.travel(datetime(2026, 11, 24, 17, 1, tzinfo=UTC), tick=False):
        assert "Đã quá hạn" in client.get("/t" + path_of(lot)).get_data(as_text=True)


def test_a_page_forgotten_is_made_again_just_the_same(farm: Farm, app: Flask) -> None:
    address = "/t" + path_of(grown(farm))
    first = app.test_client().get(address)
    app.extensions["trace.scan"].bodies.clear()
    again = app.test_client().get(address)
    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
