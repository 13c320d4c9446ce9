"""The resolver: GS1-conformant for every printed key (R numbers: docs/reference/addresses.md)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy import select
from sqlalchemy.orm import scoped_session
from werkzeug.test import TestResponse

from tests.support.farms import Farm, id_base, make_farm, make_product, new, path_of
from tests.support.stamps import bind_stamps, make_stamps, stamp_path
from trace.core.gs1 import check_code, check_digit
from trace.extensions import db
from trace.models import Organisation, Product

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
GTIN = "08936000000011"
GLN = "8936000000028"
PHONE = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "vi"}
SCHEMA = Path(__file__).parents[3] / "shared" / "vectors" / "gs1" / "gs1-linkset-schema.json"
VOC = "https://gs1.org/voc/"

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    """A farm with a product that has a GTIN, a place and itself with GLNs."""
    farm = make_farm(START)
    make_product(farm.organisation, "Gạo Demo 5 kg", START, gtin=GTIN, category="rice")
    row = db.session.get(Organisation, farm.organisation.id)
    assert row is not None
    row.gln = GLN
    db.session.commit()
    farm.place("Kho Demo", "packhouse", gln="8936000000035")
    return farm


@pytest.fixture
def lot(farm: Farm) -> str:
    return path_of(farm.register(10, lot=f"{id_base()}/01/{GTIN}/10/L1"))


def ask(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, headers={**PHONE, **headers})


# -- the default answer ----------------------------------------------------------------------------


def test_a_printed_lot_leads_to_its_history_on_the_same_origin(
    client: FlaskClient, lot: str
) -> None:
    answer = ask(client, lot)
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"/t{lot}"
    assert client.get(answer.headers["Location"]).status_code == 200


def test_every_kind_of_printed_address_answers(client: FlaskClient, farm: Farm, lot: str) -> None:
    plain, box = farm.register(5), None
    box = farm.box(plain, kilos=5)
    cycle = farm.sow()
    pallet = f"{id_base()}/00/89360000000000011{check_digit('89360000000000011')}"
    farm.told.clear()
    from tests.support.farms import item
    from trace.services.processing import pack

    farm.tell(pack(farm.record(), pallet, [item(plain, 1)]))
    code = farm.organisation.code
    roll = make_stamps(farm.actor, 1)
    bind_stamps(farm, roll, 1, 1, plain)
    for path in (
        f"/01/{GTIN}",
        lot,
        path_of(plain),
        stamp_path(roll, 1),
        path_of(box),
        path_of(cycle),
        path_of(pallet),
        f"/q/{farm.product.code}",
        f"/l/{farm.plot.code}",
        f"/p/{farm.plot.code}",
        "/414/8936000000035",
        f"/417/{GLN}",
        f"/o/{code}",
    ):
        answer = ask(client, path)
        assert (answer.status_code, answer.headers.get("Location")) == (307, f"/t{path}"), path
        assert client.get(f"/t{path}", headers=PHONE).status_code == 200, path


def test_no_wish_needs_no_header_at_all(client: FlaskClient, lot: str) -> None:
    answer = client.get(lot, headers={"Accept": "*/*"})
    assert answer.status_code == 307
    assert client.get(lot, headers={"Accept-Language": "ja"}).status_code == 307  # R10


def test_the_query_is_forwarded_as_it_came(client: FlaskClient, lot: str) -> None:
    for query in ("foo=bar", "17=261130&foo=a%20b+c&foo=%E1%BA%A3", "a=1&&b"):  # R25
        answer = ask(client, f"{lot}?{query}")
        assert answer.headers["Location"] == f"/t{lot}?{query}"


def test_a_trailing_slash_changes_nothing(client: FlaskClient, lot: str) -> None:
    bare, slashed = ask(client, lot), ask(client, lot + "/")  # R26
    assert slashed.status_code == bare.status_code
    assert slashed.headers["Location"] == bare.headers["Location"]


def test_head_is_get_without_a_body(client: FlaskClient, lot: str) -> None:
    answer = client.head(lot, headers=PHONE)  # R1
    assert (answer.status_code, answer.data) == (307, b"")
    assert answer.headers["Location"] == f"/t{lot}"


def test_options_names_the_methods_and_lets_other_sites_ask(client: FlaskClient, lot: str) -> None:
    answer = client.options(lot, headers={"Origin": "https://elsewhere.example"})  # R1, R3
    for method in ("GET", "HEAD", "OPTIONS"):
        assert method in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    got = ask(client, lot, Origin="https://elsewhere.example")
    assert got.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Link", "Location"} <= set(
        got.headers["Access-Control-Expose-Headers"].replace(" ", "").split(",")
    )


def test_other_methods_are_refused(client: FlaskClient, lot: str) -> None:
    assert client.post(lot, headers={"Accept": "application/json"}).status_code in (400, 405)


def test_an_encoded_slash_in_a_lot_survives_the_whole_way(client: FlaskClient, farm: Farm) -> None:
    path = path_of(farm.register(1, lot=f"{id_base()}/01/{GTIN}/10/A%2FB"))
    answer = ask(client, path)
    assert answer.headers["Location"] == f"/t/01/{GTIN}/10/A%2FB"
    assert client.get(answer.headers["Location"]).status_code == 200


def test_a_resolver_never_sends_anyone_elsewhere(client: FlaskClient, lot: str) -> None:
    for path in (f"//evil.example{lot}", f"{lot}?linkType=https://evil.example/x"):
        location = ask(client, path).headers.get("Location", "/t")
        assert location.startswith("/t")


def test_one_query_resolves_all_levels(client: FlaskClient, lot: str) -> None:
    seen: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    ask(client, lot)
    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        ask(client, f"{lot}/21/UNKNOWN")
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)
    assert len(seen) == 1, seen


def test_answers_vary_by_what_they_depend_on(client: FlaskClient, lot: str) -> None:
    vary = ask(client, lot).headers["Vary"]  # R30
    assert "Accept" in vary
    assert "Accept-Language" in vary


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/01/08936000000016", "check-digit"),
        ("/01/8936000000011", ""),
        (f"/01/{GTIN}/foo", ""),
        (f"/01/{GTIN}/10", ""),
        (f"/01/{GTIN}/10/L1/10/L2", ""),
        (f"/01/{GTIN}/21/S/10/L", ""),
        (f"/01/{GTIN}/17/261231", ""),
        (f"/01/{GTIN}/10/%C3%A1", ""),
        (f"/01/{GTIN}/10/%00", ""),
        ("/b/7K3QMP2XV5", "code-check"),
        ("/b/short", ""),
        ("/00/123", ""),
    ],
)
def test_broken_syntax_is_400_with_the_rules_code(
    client: FlaskClient, farm: Farm, path: str, code: str
) -> None:
    answer = ask(client, path)  # R6, R7, R9
    assert answer.status_code == 400
    assert answer.mimetype == "text/html"
    problem = client.get(path, headers={"Accept": "application/json"})
    assert problem.status_code == 400
    assert problem.mimetype == "application/problem+json"
    said = problem.get_json()["code"]
    assert said == code or not code
    assert said in answer.get_data(as_text=True)
    assert farm.organisation.name not in answer.get_data(as_text=True)


def test_the_page_of_links_is_in_the_readers_language_and_data_are_not(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    product = db.session.scalars(select(Product).where(Product.gtin == GTIN)).one()
    product.name_en = "Mustard greens"
    db.session.commit()
    path = f"{lot}?linkType=linkset"
    english = {"Accept": "text/html", "Accept-Language": "en"}
    page = client.get(path, headers=english).get_data(as_text=True)
    assert "<h2>Lot " in page
    assert "<h2>Mustard greens</h2>" in page
    shown = page.partition("<script")[0]
    for ours in ("Hồ sơ truy xuất", "Bằng chứng", "Thông báo thu hồi", "Lô hàng", "Hộ chiếu"):
        assert ours not in shown
    data = [
        client.get(
            path, headers={"Accept": "application/linkset+json", "Accept-Language": one}
        ).data
        for one in ("en", "vi")
    ]
    assert data[0] == data[1]


@pytest.mark.parametrize(
    "path", ["/01/00000000000017/10/L1", "/b/0000000000", "/414/0000000000017", "/n/0000000000"]
)
def test_an_unknown_code_is_a_plain_404_with_words(client: FlaskClient, path: str) -> None:
    if path.startswith("/b/"):
        check_code(path[3:])
    answer = ask(client, path)  # R8
    assert answer.status_code == 404
    assert "Không có mã này trong sổ" in answer.get_data(as_text=True)
    problem = client.get(path, headers={"Accept": "application/json"})
    assert (problem.status_code, problem.get_json()["code"]) == (404, "not-found")


@pytest.mark.usefixtures("farm")
def test_an_unknown_lot_of_a_known_product_walks_up(client: FlaskClient) -> None:
    answer = ask(client, f"/01/{GTIN}/10/KL8G")  # R5, R12
    assert answer.status_code == 307
    assert client.get(answer.headers["Location"], headers=PHONE).status_code == 404


# -- linksets --------------------------------------------------------------------------------------


def linkset(client: FlaskClient, path: str, **headers: str) -> dict[str, Any]:
    given = headers or {"Accept": "application/linkset+json"}
    answer = client.get(path, headers=given)
    assert answer.status_code == 200
    assert answer.mimetype == "application/linkset+json"
    assert "<https://ref.gs1.org/" in answer.headers["Link"]
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in answer.headers["Link"]
    body: dict[str, Any] = answer.get_json()
    check_shape(body)
    return body


def check_shape(body: dict[str, Any]) -> None:
    """R11, R17, R18, R19, in our own words."""
    assert set(body) == {"linkset"}
    assert body["linkset"]
    for member in body["linkset"]:
        assert member["anchor"].startswith(f"{BASE}/")
        assert member["itemDescription"]
        relations = {name for name in member if name.startswith("http")}
        assert set(member) == relations | {"anchor", "itemDescription"}
        [default] = member[VOC + "defaultLink"]
        assert set(default) == {"href", "title"}
        others = [link for name in relations - {VOC + "defaultLink"} for link in member[name]]
        assert default["href"] in [link["href"] for link in others]
        for link in others:
            assert {"href", "title", "hreflang", "type"} <= set(link)
            assert set(link["hreflang"]) <= {"vi", "en"}


BASE = "https://trace.example"


def test_a_linkset_is_the_union_of_the_levels(client: FlaskClient, lot: str) -> None:
    body = linkset(client, f"{lot}/21/S1")
    anchors = [member["anchor"] for member in body["linkset"]]
    assert anchors == [f"{BASE}{lot}", f"{BASE}/01/{GTIN}"]
    relations = {name.removeprefix(VOC) for member in body["linkset"] for name in member}
    assert {"traceability", "pip", "recallStatus", "verificationService"} <= relations


def test_every_way_to_ask_for_a_linkset(client: FlaskClient, lot: str) -> None:
    expected = linkset(client, lot)
    accept_with_weight = {"Accept": "application/linkset+json;q=0.9"}
    assert linkset(client, lot, **accept_with_weight) == expected
    assert linkset(client, lot + "?linkType=linkset", Accept="*/*") == expected
    assert linkset(client, lot + "?linktype=linkset", Accept="application/json") == expected


def test_linksets_of_all_kinds_fit_the_published_schema(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    bodies = [
        linkset(client, path)
        for path in (
            lot,
            f"/01/{GTIN}",
            f"/q/{farm.product.code}",
            "/414/8936000000035",
            f"/l/{farm.plot.code}",
            f"/417/{GLN}",
            f"/o/{farm.organisation.code}",
            path_of(farm.register(1)),
        )
    ]
    if not SCHEMA.exists():
        pytest.skip("the published schema is not beside the project")
    schema = json.loads(SCHEMA.read_text())
    for body in bodies:
        jsonschema.validate(body, schema)


def test_a_browser_never_gets_a_linkset_unasked(client: FlaskClient, lot: str) -> None:
    mixed = {"Accept": "text/html, application/linkset+json;q=0.5"}
    assert client.get(lot, headers=mixed).status_code == 307


def test_the_redirect_tells_where_the_linkset_is(client: FlaskClient, lot: str) -> None:
    link = ask(client, lot).headers["Link"]  # R20
    assert link.startswith(f"<http://localhost{lot}?linkType=linkset>")
    assert 'rel="linkset"' in link
    assert 'type="application/linkset+json"' in link


@pytest.mark.parametrize("form", ["gs1:pip", VOC + "pip", "https://ref.gs1.org/voc/pip"])
def test_a_link_of_a_type_we_have_is_followed(client: FlaskClient, lot: str, form: str) -> None:
    answer = client.get(lot, query_string={"linkType": form}, headers=PHONE)  # R14
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(f"/t/01/{GTIN}?linkType=")


def test_the_default_link_may_be_asked_for_by_name(client: FlaskClient, lot: str) -> None:
    answer = ask(client, f"{lot}?linkType=gs1:defaultLink")
    assert answer.headers["Location"] == f"/t{lot}?linkType=gs1:defaultLink"


@pytest.mark.parametrize("wish", ["gs1:nosuchlt", "nonsense", "gs1:hasRetailers"])
def test_a_link_of_a_type_we_lack_is_404(client: FlaskClient, lot: str, wish: str) -> None:
    answer = client.get(f"{lot}?linkType={wish}", headers={"Accept": "application/json"})  # R15
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "no-such-link"


@pytest.mark.usefixtures("farm")
def test_a_linkset_of_nothing_is_404_and_of_nonsense_400(client: FlaskClient) -> None:
    wanted = {"Accept": "application/linkset+json"}
    assert client.get("/01/00000000000017", headers=wanted).status_code == 404
    assert client.get("/01/00000000000018", headers=wanted).status_code == 400


# -- discovery -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("farm")
def test_the_resolver_describes_itself_honestly(client: FlaskClient) -> None:
    body = client.get("/.well-known/gs1resolver").get_json()  # R4, R5
    assert body["resolverRoot"] == "http://localhost"
    for key in body["supportedPrimaryKeys"]:
        # A key we name is a key we read: nonsense under it is refused, never "no such page".
        assert client.get(f"/{key}/*", headers={"Accept": "application/json"}).status_code == 400


def test_an_organisations_did_document_names_its_valid_keys(
    client: FlaskClient, farm: Farm
) -> None:
    code = farm.organisation.code
    answer = client.get(f"/o/{code}/did.json")
    body = answer.get_json()
    assert body["id"] == f"did:web:trace.example:o:{code}"
    [method] = body["verificationMethod"]
    assert method["publicKeyJwk"]["crv"] == "Ed25519"
    assert "d" not in method["publicKeyJwk"]
    assert body["assertionMethod"] == [method["id"]]
    assert client.get(f"/o/{new('o')[-10:]}/did.json").status_code == 404


def test_a_stall_and_its_place_are_two_cards(client: FlaskClient, farm: Farm) -> None:
    stall = farm.place("Sạp 12")
    assert "Đang bán ở đây" in client.get(f"/t/p/{stall.code}").get_data(as_text=True)
    assert "Đang bán ở đây" not in client.get(f"/t/l/{stall.code}").get_data(as_text=True)
