"""What the shopper's page must never do, where no other test of the page says it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of
from tests.support.pages import PageClient
from trace.extensions import db

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.one_database]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def test_a_gap_is_not_filled_from_another_lot_of_the_same_plot(
    farm: Farm, pages: PageClient
) -> None:
    told, silent = farm.sow(), farm.sow()
    farm.wait(1)
    farm.spray(told, interval=7)
    farm.wait(10)
    first = farm.reap(told, kilos=10)
    second = path_of(farm.reap(silent, kilos=10))
    db.session.commit()
    assert "Thuốc Demo" in pages.get("/t" + path_of(first)).text
    page = pages.get("/t" + second).text
    assert "Thuốc Demo" not in page
    assert "Phun lần cuối" not in page
    assert "Thuốc bảo vệ thực vật" in page
    assert "chưa khai báo" in page


@pytest.mark.parametrize(
    "query",
    [
        "name=Hàng%20xịn",
        "17=991231",  # use-by as an attribute of GS1 Digital Link
        "15=991231&3103=009999",
        "lang=vi&title=Hàng%20xịn&og:title=Hàng%20xịn",
        "view=Hàng%20xịn&page=Hàng%20xịn",
    ],
)
def test_nothing_written_in_the_address_is_shown(
    farm: Farm, client: FlaskClient, query: str
) -> None:
    path = path_of(farm.reap(farm.sow()))
    db.session.commit()
    plain = client.get(f"/t{path}?lang=vi").get_data(as_text=True)
    shown = client.get(f"/t{path}?{query}" + ("" if "lang" in query else "&lang=vi"))
    assert shown.get_data(as_text=True) == plain


def test_no_page_for_shoppers_sets_a_cookie(farm: Farm, client: FlaskClient) -> None:
    path = path_of(farm.reap(farm.sow()))
    db.session.commit()
    for address in (
        *(f"/t{path}{query}" for query in ("", "?view=proof", "?format=json", "?lang=en")),
        *("/", "/search?q=cai", "/scan", "/about", "/verify", f"/t/o/{farm.organisation.code}"),
        *(path, "/t/b/7K3QMP2XV4", "/t/b/HGJ4RN3CGE", "/robots.txt"),
    ):
        assert "Set-Cookie" not in client.get(address).headers, address


def test_a_page_is_the_same_to_the_byte_for_everyone_who_asks(
    farm: Farm, client: FlaskClient
) -> None:
    path = path_of(farm.reap(farm.sow()))
    db.session.commit()
    headers = {"Cookie": "lang=en; who=me", "User-Agent": "x", "Referer": "https://x.example"}
    address = f"/t{path}?lang=vi"
    assert client.get(address).data == client.get(address, headers=headers).data


def test_numbers_in_a_row_are_nobodys_package(farm: Farm, client: FlaskClient) -> None:
    """Serials that can be guessed tell no story: eighty random bits or none."""
    path = path_of(farm.reap(farm.sow()))
    db.session.commit()
    assert path.startswith("/b/"), "the farm's lots carry codes of ours"
    for serial in ("0000000000000001", "0000000000000002", "1", "A" * 16):
        answer = client.get(f"/t{path}/{serial}")
        assert answer.status_code in (400, 404)
        assert "Cải ngọt" not in answer.get_data(as_text=True)
