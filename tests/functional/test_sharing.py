"""What other sites show of a page: a link passed on, facts for machines, a shop's badge."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy.orm import scoped_session

from tests.support.factories import notice
from tests.support.farms import Farm, make_farm, path_of
from tests.support.pages import PageClient
from trace.extensions import db
from trace.services import sequencer
from trace.services.capture import capture

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.one_database]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def grown(farm: Farm) -> str:
    """A lot with a field behind it."""
    lot = farm.reap(farm.sow(performed_by="H07"), kilos=480, use_by=date(2026, 11, 24))
    publish()
    return lot


def recalled(farm: Farm, lot: str) -> None:
    words = notice("recall", lot, hazard="health", reason="Mẫu vượt mức")
    capture(farm.actor, [words], at=LATER)
    publish()


def publish() -> None:
    db.session.commit()
    sequencer.publish(now=LATER)
    db.session.commit()


def meta(pages: PageClient, path: str) -> dict[str, str]:
    found = pages.get("/t" + path).root.xpath("//meta[@property]")
    return {one.get("property"): one.get("content") for one in found}


def test_a_link_passed_on_names_the_goods_and_shows_a_picture(
    farm: Farm, pages: PageClient, client: FlaskClient
) -> None:
    path = path_of(grown(farm))
    told = meta(pages, path)
    assert told["og:title"] == "Cải ngọt, gói 300 g"
    assert told["og:url"] == f"http://localhost/t{path}"
    assert "HTX Demo Đan Phượng" in told["og:description"]
    assert "Hạn dùng 24/11/2026" in told["og:description"]
    answer = client.get(told["og:image"])
    picture = Image.open(io.BytesIO(answer.data))
    assert (picture.format, picture.size) == ("JPEG", (1200, 630))
    assert not picture.getexif()
    assert len(answer.data) < 200_000
    again = client.get(told["og:image"], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_recall_stands_first_wherever_the_link_goes(
    farm: Farm, pages: PageClient, client: FlaskClient
) -> None:
    lot = grown(farm)
    before = meta(pages, path_of(lot))
    plain = client.get(before["og:image"]).data
    recalled(farm, lot)
    after = meta(pages, path_of(lot))
    assert after["og:title"] == "Không ăn. Hàng bị thu hồi: Cải ngọt, gói 300 g"
    # Messengers keep pictures by their address.
    assert after["og:image"] != before["og:image"]
    image = Image.open(io.BytesIO(client.get(after["og:image"]).data)).convert("RGB")
    assert client.get(before["og:image"]).data != plain
    red, green, blue = image.getpixel((5, 5))  # type: ignore[misc]  # an RGB pixel is a triple
    assert red > 140
    assert max(green, blue) < 60


def test_machines_read_what_was_declared_and_no_more(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    page = pages.get("/t" + path_of(lot))
    [script] = page.root.xpath("//script[@type='application/ld+json']")
    told = json.loads(script.text)
    assert told["@type"] == "Product"
    assert told["manufacturer"]["name"] == "HTX Demo Đan Phượng"
    assert set(told) <= {
        *("@context", "@type", "name", "image", "sku", "gtin", "manufacturer"),
        *("productionDate", "weight"),
    }


def test_a_name_cannot_break_out_of_the_facts(farm: Farm, pages: PageClient) -> None:
    farm.product.name = '</script><img src=x onerror=alert(1)>"'
    lot = grown(farm)
    page = pages.get("/t" + path_of(lot))
    [script] = page.root.xpath("//script[@type='application/ld+json']")
    assert json.loads(script.text)["name"] == farm.product.name
    assert not page.root.xpath("//img[@onerror]")


@pytest.mark.parametrize(("language", "words"), [("vi", "Xem hồ sơ"), ("en", "See the record")])
def test_a_badge_says_what_the_strip_says(
    farm: Farm, client: FlaskClient, language: str, words: str
) -> None:
    lot = grown(farm)
    address = f"/t{path_of(lot)}?format=badge&lang={language}"
    answer = client.get(address)
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    texts = [
        one.text or "" for one in ET.fromstring(answer.data).iter() if one.tag.endswith("text")
    ]
    assert texts[0].startswith(words)
    assert "08/11/2026" in texts[1]
    recalled(farm, lot)
    text = client.get(address).get_data(as_text=True)
    assert ("Hàng bị thu hồi" if language == "vi" else "Recalled") in text


def test_what_is_unknown_has_neither(client: FlaskClient) -> None:
    for form in ("preview", "badge"):
        answer = client.get(f"/t/b/HGJ4RN3CGE?format={form}")
        assert answer.status_code == 404
        assert answer.content_type.startswith("text/html")
