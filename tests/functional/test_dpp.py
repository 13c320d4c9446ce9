"""The digital product passport: what it says, what it does not, and what it calls missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, id_base, make_farm, make_product, new, path_of, uri_of
from tests.support.pages import PageClient
from trace.core.gs1 import check_digit
from trace.extensions import db
from trace.services import sequencer

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
GTIN = "0893850100005"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def grown(farm: Farm, lot: str = "") -> str:
    cycle = farm.sow(performed_by="H07")
    lot = farm.wait(12).reap(cycle, lot=lot)
    db.session.rollback()
    sequencer.publish(now=LATER)
    db.session.commit()
    return lot


def with_gtin(farm: Farm) -> str:
    gtin = GTIN + str(check_digit(GTIN))
    farm.product = make_product(farm.organisation, "Cải ngọt, gói 300 g", START, gtin=gtin)
    db.session.commit()
    return f"{id_base()}/01/{gtin}/10/L2611"


def told(client: FlaskClient, lot: str) -> dict[str, Any]:
    """A lot's passport as anybody gets it."""
    paper: dict[str, Any] = client.get(f"/t{path_of(lot)}?format=passport").get_json()
    return paper


def states(paper: dict[str, Any], rule: str) -> dict[str, str]:
    told = next(one for one in paper["rules"] if one["rule"] == rule)
    return {item["item"]: item["state"] for item in told["items"]}


def test_goods_with_a_gtin_have_a_passport_with_what_the_decree_asks(
    farm: Farm, client: FlaskClient, pages: PageClient
) -> None:
    farm.certify()
    lot = grown(farm, with_gtin(farm))
    paper = told(client, lot)
    assert paper["kind"] == "passport"
    assert paper["id"] == lot
    assert paper["product"]["gtin"] == GTIN + str(check_digit(GTIN))
    assert paper["producer"]["name"] == farm.organisation.name
    assert paper["producer"]["id"] == uri_of(farm.organisation)
    assert [one["step"] for one in paper["trace"]] == ["sowing", "harvesting"]
    assert {one["place"] for one in paper["trace"]} == {farm.plot.identity}
    assert paper["dates"]["produced"] == ["2026-11-20", "2026-11-20"]
    assert paper["certificates"][0]["standard"] == "VietGAP"
    decree = states(paper, "nd-37-2026-32")
    assert decree["gtin"] == decree["origin"] == decree["certificates"] == "given"
    assert "missing" not in decree.values()
    assert states(paper, "tt-02-2024")["picture"] == "missing"
    page = pages.get(f"/t{path_of(lot)}?view=passport")
    assert page.h1 == "Hộ chiếu số: Cải ngọt, gói 300 g"
    assert "Hình ảnh sản phẩm: còn thiếu" in page.text
    # From the proof, one link leads there and back; the history's first view has none.
    proof = pages.get(f"/t{path_of(lot)}?view=proof")
    assert proof.link("Hộ chiếu số và phần còn thiếu").endswith("?view=passport")
    assert "view=passport" not in client.get(f"/t{path_of(lot)}").get_data(as_text=True)


def test_goods_without_a_gtin_have_a_record_and_nobody_calls_the_number_missing(
    farm: Farm, client: FlaskClient, pages: PageClient
) -> None:
    lot = grown(farm)
    paper = told(client, lot)
    assert paper["kind"] == "record"
    assert paper["title"] == "Hồ sơ truy xuất"
    assert states(paper, "nd-37-2026-32")["gtin"] == "not-yet"
    page = pages.get(f"/t{path_of(lot)}?view=passport")
    assert page.h1.startswith("Hồ sơ truy xuất")
    assert "Mã GTIN: chưa có (chưa bắt buộc)" in page.text
    assert "Mã GTIN: còn thiếu" not in page.text
    english = pages.get(f"/t{path_of(lot)}?view=passport&lang=en")
    assert english.h1.startswith("Traceability record")
    assert "GTIN: not there (not yet required)" in english.text


def test_a_private_place_stays_private_and_is_told_as_kept_not_as_missing(
    app: Flask, farm: Farm, client: FlaskClient
) -> None:
    farm.plot.public = False
    farm.plot.name = "Vườn kín Canary"
    db.session.commit()
    lot = grown(farm)
    answer = client.get(f"/t{path_of(lot)}?format=passport")
    text = answer.get_data(as_text=True)
    assert farm.plot.code not in text
    assert "Canary" not in text
    assert states(told(client, lot), "tt-02-2024")["trace_places"] == "private"


def test_a_recall_is_a_safety_warning_of_the_passport_at_once(
    farm: Farm, client: FlaskClient
) -> None:
    lot = grown(farm)
    assert told(client, lot)["warnings"] == []
    farm.notify("recall", lot, hazard="health", reason="dư lượng")
    paper = told(client, lot)
    assert paper["warnings"][0]["kind"] == "recall"
    # A notice is no stage: that it has no place makes nothing missing.
    assert [one["step"] for one in paper["trace"]] == ["sowing", "harvesting"]
    assert states(paper, "tt-02-2024")["trace_places"] == "given"
    assert states(paper, "nd-37-2026-32")["warnings"] == "given"


def test_an_unknown_or_broken_address_has_no_passport(farm: Farm, client: FlaskClient) -> None:
    unknown = path_of(new("b"))
    for path, status in ((unknown, 404), ("/b/%00", 400), ("/01/1/10/%ED%A0%80", 400)):
        for query in ("?format=passport", "?view=passport"):
            assert client.get(f"/t{path}{query}").status_code == status
