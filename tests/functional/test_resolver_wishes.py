"""The resolver's requirements that a test suite of GS1's would miss, each by its number."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, id_base, make_farm, make_product, path_of
from tests.support.pages import PageClient
from tests.support.stamps import bind_stamps, make_stamps, stamp_path
from trace.core.gs1 import check_digit
from trace.extensions import db
from trace.models import Organisation

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
GTIN = "08936000000011"
GLN = "8936000000028"
PHONE = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "vi"}
LINKSET = "application/linkset+json"

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    farm = make_farm(START)
    make_product(farm.organisation, "Gạo Demo 5 kg", START, gtin=GTIN, category="rice")
    db.session.get_one(Organisation, farm.organisation.id).gln = GLN
    db.session.commit()
    farm.place("Kho Demo", "packhouse", gln="8936000000035")
    return farm


@pytest.fixture
def lot(farm: Farm) -> str:
    return path_of(farm.register(10, lot=f"{id_base()}/01/{GTIN}/10/L1"))


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        # R16: only who prefers the linkset gets it unasked
        (LINKSET, 200, LINKSET),
        (f"{LINKSET};q=0.9", 200, LINKSET),
        (f"{LINKSET} ; q=0.9 , text/html;q=0.9", 200, LINKSET),
        (f"text/html, {LINKSET};q=0.9", 307, ""),
        (f"{LINKSET};q=0, */*", 307, ""),
        ("*/*", 307, ""),
        ("application/json", 307, ""),
        ("", 307, ""),
        ("text/html, application/json", 307, ""),
    ],
)
@pytest.mark.one_database
def test_r16_accept_decides_between_the_page_and_the_linkset(
    client: FlaskClient, lot: str, accept: str, status: int, media_type: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = client.get(lot, headers=headers)
    assert answer.status_code == status
    assert status == 307 or answer.mimetype == media_type
    head = client.head(lot, headers=headers)  # R1
    assert (head.status_code, head.data) == (status, b"")
    kept = ("Location", "Link", "Vary", "Content-Type", "ETag", "Cache-Control")
    assert [head.headers.get(name) for name in kept] == [answer.headers.get(name) for name in kept]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", LINKSET),
        ("application/json", LINKSET),
        (PHONE["Accept"], "text/html"),
        (f"text/html;q=0.5, {LINKSET};q=0.6", LINKSET),
        ("application/ld+json", "application/ld+json"),
        ("application/ld+json, application/json", "application/ld+json"),
        ("image/png", LINKSET),
    ],
)
@pytest.mark.one_database
def test_r17_and_r29_a_linkset_is_json_json_ld_or_a_page(
    client: FlaskClient, lot: str, accept: str, media_type: str
) -> None:
    for value in ("linkset", "LINKSET"):
        answer = client.get(f"{lot}?LinkType={value}", headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (200, media_type)
        # R21, its quoting exact
        assert answer.headers["Link"] == (
            "<https://ref.gs1.org/standards/resolver/linkset-context.jsonld>; "
            'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
        )
    if media_type == "application/ld+json":
        assert set(answer.get_json()) == {"@context", "linkset"}
    if media_type == LINKSET:
        assert set(answer.get_json()) == {"linkset"}


def test_r29_the_linksets_page_has_every_link_in_words_and_as_json_ld(
    pages: PageClient, lot: str
) -> None:
    page = pages.get(f"{lot}?linkType=linkset")
    assert page.h1 == "Các liên kết của mã này"
    [script] = page.find("//script[@type='application/ld+json']")
    data = json.loads(script.text)
    assert [one["anchor"] for one in data["linkset"]] == [
        f"{id_base()}{lot}",
        f"{id_base()}/01/{GTIN}",
    ]
    listed = {link.get("href") for link in page.find("//main//li/a")}
    assert {f"/t{lot}", f"/t{lot}?view=proof", f"/t{lot}?format=json", f"/t/01/{GTIN}"} <= listed
    english = pages.get(page.link("English"))
    assert english.h1 == "The links of this code"
    assert english.root.get("lang") == "en"


def test_r20_the_link_header_is_quoted_exactly_whatever_the_path_holds(
    client: FlaskClient, farm: Farm
) -> None:
    path = path_of(farm.register(1, lot=f"{id_base()}/01/{GTIN}/10/A%2FB%22%2C%3E"))
    for asked in (path, f"{path}/", f"{path}?x=%22"):
        answer = client.get(asked, headers=PHONE)
        assert answer.headers["Link"] == (
            f'<http://localhost{path}?linkType=linkset>; rel="linkset"; '
            'type="application/linkset+json"'
        )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("10=L2", "repeated"),
        ("01=08936000000011", "repeated"),
        ("21=S1", "qualifier-in-query"),
        ("9999=1", "unknown-identifier"),
        ("17=", "empty-value"),
        ("17=261399", ""),
        ("3103=500", ""),
        ("17=261231&17=261231", "repeated"),
        ("x=1;9999=1", "unknown-identifier"),
        ("17=%00", ""),
    ],
)
@pytest.mark.one_database
def test_r6_attributes_are_part_of_the_address(
    client: FlaskClient, lot: str, query: str, code: str
) -> None:
    answer = client.get(f"{lot}?{query}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    said = answer.get_json()["code"]
    assert said == code or not code
    page = client.get(f"{lot}?{query}", headers=PHONE)
    assert page.status_code == 400
    assert said in page.get_data(as_text=True)
    assert "Gạo Demo" not in page.get_data(as_text=True)  # R9


@pytest.mark.parametrize(
    "query",
    [
        *("17=261231", "3103=000500&15=261231", "fbclid=x|y&utm=á", "a=1&&b", "=&;", "lang=en"),
        *("10a=1", "x" * 6000, "sig=abc%", "%31%30=L2"),
    ],
)
@pytest.mark.one_database
def test_what_is_somebody_elses_in_a_query_refuses_nothing(
    client: FlaskClient, lot: str, query: str
) -> None:
    answer = client.get(f"{lot}?{query}", headers=PHONE)
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(f"/t{lot}?")


def test_r5_every_qualifier_of_every_key_is_read(client: FlaskClient, farm: Farm) -> None:
    keys = client.get("/.well-known/gs1resolver").get_json()["supportedPrimaryKeys"]
    tails = {
        "01": (
            "",
            "/22/2A",
            "/22/2A/10/L1",
            "/10/KL8G",
            "/10/L1/21/S",
            "/22/A/10/L/21/S",
            "/235/X",
        ),
        "414": ("", "/254/32A", "/7040/1ABC"),
        "417": ("", "/7040/1ABC"),
    }
    known = {"01": GTIN, "414": "8936000000035", "417": GLN}
    for key, value in known.items():
        assert key in keys
        for tail in tails[key]:
            answer = client.get(f"/{key}/{value}{tail}", headers=PHONE)
            assert answer.status_code == 307, (key, tail)
            led = client.get(answer.headers["Location"], headers=PHONE).status_code
            assert led in (200, 404), (key, tail)
            assert client.get(f"/{key}/{value}{tail}", headers={"Accept": LINKSET}).get_json()
    others = {
        "00": f"00614141123456789{check_digit('00614141123456789')}",
        "253": "8936000000028DOC",
        "255": "8936000000028",
        "401": "8936ABC",
        "402": f"8936000000000001{check_digit('8936000000000001')}",
        "8003": "08936000000028A",
        "8004": "8936A/7040/1ABC",
        "8006": f"{GTIN}0102/10/L/21/S",
        "8010": "8936A/8011/1",
        "8013": "1987654Ad4X4bL5ttr2310c2K",
        "8017": f"01234567890123456{check_digit('01234567890123456')}/8019/5",
        "8018": f"01234567890123456{check_digit('01234567890123456')}/8019/5",
        "415": "8936000000028/8020/R1",
    }
    assert set(others) | set(known) == set(keys)
    for key, value in others.items():
        status = client.get(f"/{key}/{value}", headers=PHONE).status_code
        assert status in (307, 404), (key, status)


def test_r13_a_package_is_one_anchor_above_its_lot(client: FlaskClient, farm: Farm) -> None:
    lot = farm.register(5)
    roll = make_stamps(farm.actor, 1)
    bind_stamps(farm, roll, 1, 1, lot)
    path = stamp_path(roll, 1)
    body = client.get(path, headers={"Accept": LINKSET}).get_json()
    anchors = [one["anchor"].removeprefix(id_base()) for one in body["linkset"]]
    assert anchors[0] == path
    assert len(anchors) == len(set(anchors))
    farm.notify("hold", lot, reason="Chờ kết quả")
    held = client.get(path, headers={"Accept": LINKSET}).get_json()["linkset"][0]
    assert held["https://gs1.org/voc/recallStatus"][0]["title"] == "Đang bị tạm giữ"


def test_r15_the_digital_passport_is_led_to_as_a_page_and_as_data(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    body = client.get(lot, headers={"Accept": LINKSET}).get_json()
    listed = body["linkset"][0]["https://gs1.org/voc/dpp"]
    assert [(one["href"].removeprefix("http://localhost"), one["type"]) for one in listed] == [
        (f"/t{lot}?view=passport", "text/html"),
        (f"/t{lot}?format=passport", "application/json"),
    ]
    for accept, query, kind in (
        (PHONE["Accept"], "view", "text/html"),
        ("application/json", "format", "application/json"),
    ):
        led = client.get(f"{lot}?linkType=gs1:dpp", headers={"Accept": accept})
        assert led.status_code == 307
        assert led.location.startswith(f"/t{lot}?{query}=passport")
        answer = client.get(led.location, headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (200, kind)
    assert answer.get_json()["kind"] == "passport"
    # Of a product, and of goods without a GTIN, there is a record and no passport.
    for other in (f"/01/{GTIN}", path_of(farm.register(5))):
        assert client.get(f"{other}?linkType=gs1:dpp", headers=PHONE).status_code == 404


def test_r15_and_r8_machines_are_told_in_their_own_form(client: FlaskClient, lot: str) -> None:
    for path, status in (
        (f"{lot}?linkType=gs1:epil", 404),
        (f"{lot}?linkType=gs1:", 404),
        (f"{lot}?linkType=all", 404),
        ("/01/00000000000017?linkType=linkset", 404),
        ("/01/00000000000018?linkType=linkset", 400),
    ):
        answer = client.get(path, headers={"Accept": LINKSET})
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
        assert answer.headers["Access-Control-Allow-Origin"] == "*"  # R3
    assert client.get(f"{lot}?linkType=", headers=PHONE).status_code == 307


@pytest.mark.one_database
def test_r15_people_are_told_in_words_whatever_they_asked_for(pages: PageClient, lot: str) -> None:
    for wish in ("gs1:epil", "gs1:%00%01", "%ED%A0%80", "gs1:<b>", "x" * 500, "gs1:%E2%80%AE"):
        page = pages.get(f"{lot}?linkType={wish}", status=404)
        assert "no-such-link" in page.text
        assert page.find("//main//b") == []


def test_r4_the_description_names_what_its_schema_asks_for(client: FlaskClient) -> None:
    answer = client.get("/.well-known/gs1resolver", headers={"Origin": "https://a.example"})
    body = answer.get_json()
    assert (answer.mimetype, body["resolverRoot"]) == ("application/json", "http://localhost")
    assert all(key.isdigit() for key in body["supportedPrimaryKeys"])
    assert body["supportedLinkType"][0]["prefix"] == "gs1:"
    assert body["linkTypeDefaultCanBeLinkset"] is False
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "\x80\xff", "Accept-Language": ",;q=,"},
        {"Accept": "a/b;q=" * 900, "Accept-Language": "x-" * 2000},
        {"Accept": f"{LINKSET};q=nan", "Accept-Language": "vi;q=1e999"},
        {"Accept": "text/html;q=0, */*;q=0"},
    ],
)
@pytest.mark.one_database
def test_no_header_breaks_the_answer(
    client: FlaskClient, lot: str, headers: dict[str, str]
) -> None:
    for path in (lot, f"{lot}?linkType=linkset", f"{lot}?linkType=gs1:traceability&context=%00"):
        assert client.get(path, headers=headers).status_code in (200, 300, 307)


def test_the_page_of_a_choice_is_whole(client: FlaskClient, lot: str) -> None:
    answer = client.get(f"{lot}?linkType=gs1:traceability", headers={"Accept": "*/*"})
    assert answer.status_code == 300  # the page, and its data: a browser and a machine are told
    page = client.get(f"{lot}?linkType=gs1:traceability", headers=PHONE)
    assert page.headers["Location"].startswith(f"/t{lot}?linkType=")
    assert html.fromstring(client.get(page.headers["Location"], headers=PHONE).data) is not None


def test_r28_a_tag_is_answered_as_the_address_it_stands_for(
    client: FlaskClient, farm: Farm
) -> None:
    path = "/01/80614141123458"
    make_product(farm.organisation, "Thùng Demo", START, gtin="80614141123458")
    db.session.commit()
    same = f'<{id_base()}{path}/21/6789>; rel="owl:sameAs"'
    for written in (
        "eh3074257BF7194E4000001A85",
        "exMHQle_cZTkAAABqF",
        "eh3074257bf7194e4000001a85/",
    ):
        answer = client.get(f"/{written}?17=261231", headers=PHONE)
        assert answer.status_code == 307
        assert answer.headers["Location"] == f"/t{path}/21/6789?17=261231"
        assert same in answer.headers.getlist("Link")
        assert client.head(f"/{written}", headers=PHONE).status_code == 307
    answer = client.get("/eh3074257BF7194E4000001A85", headers={"Accept": LINKSET})
    assert answer.get_json()["linkset"][0]["anchor"] == f"{id_base()}{path}"  # R18: never the tag
    for written, status in (
        ("eh3674257BF6B7A659B2C2BF1000000000000000000000000000", 404),  # nobody registered it
        ("eh303C00000000000000000000", 400),
        ("ehFF74257BF7194E4000001A85", 400),
        ("ehello", 404),
        ("exports-of-somebody-else-", 404),
        ("ex%00", 404),
        ("eh" + "3" * 4000, 404),
    ):
        refused = client.get(f"/{written}", headers={"Accept": "application/json"})
        assert refused.status_code == status, written
    assert client.options("/eh00").headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
