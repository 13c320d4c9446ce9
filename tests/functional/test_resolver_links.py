"""Links that organisations add: who may, where to, what is given out, and what a request gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, id_base, make_farm, make_product, path_of
from trace.errors import NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Job, Link, Organisation, Product, Thing
from trace.services import links
from trace.services.actors import Actor

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
GTIN = "08936000000011"
PHONE = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "vi"}
SET = {"Accept": "application/linkset+json"}
VOC = "https://gs1.org/voc/"
RECIPE = {
    "link_type": "recipeInfo",
    "href": "https://nau.example.org/canh?x=1#buoc-2",
    "title": "Canh cải nấu tôm",
    "languages": "vi",
    "media_type": "text/html",
    "context": "",
}

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    """A confirmed farm; its product has a confirmed GTIN."""
    farm = make_farm(START, status="confirmed")
    farm.product = make_product(farm.organisation, "Gạo Demo 5 kg", START, gtin=GTIN)
    farm.product.gtin_confirmed = True
    db.session.commit()
    return farm


@pytest.fixture
def lot(farm: Farm) -> str:
    return path_of(farm.register(10, lot=f"{id_base()}/01/{GTIN}/10/L1"))


def add(farm: Farm, **values: Any) -> Link:
    link = links.add_link(farm.actor, farm.product, {**RECIPE, **values}, at=NOW)
    db.session.commit()
    return link


def thing_of(path: str) -> Thing:
    found = db.session.scalar(select(Thing).where(Thing.identity == f"https://id.gs1.org{path}"))
    assert found is not None
    return found


def told(client: FlaskClient, path: str) -> dict[str, dict[str, Any]]:
    """What each level links to, by bare type: {path: {type: [href, …]}}."""
    body = client.get(path, headers=SET).get_json()
    return {
        member["anchor"].removeprefix(id_base()): {
            name.removeprefix(VOC): [one["href"] for one in given]
            for name, given in member.items()
            if name.startswith(VOC)
        }
        for member in body["linkset"]
    }


# -- who may, and where to -------------------------------------------------------------------------


def test_a_link_hangs_at_the_own_product_or_the_own_lot_and_nowhere_else(
    farm: Farm, lot: str
) -> None:
    other = make_farm(START, "HTX Hai", status="confirmed")
    strange = make_product(other.organisation, "Trứng", START)
    db.session.commit()
    with pytest.raises(NotFound):
        links.add_link(farm.actor, strange, RECIPE, at=NOW)
    theirs = thing_of_code(other.register(3))
    for wrong in (theirs.id, 10**15, thing_of_code(farm.register(2, product="")).id):
        with pytest.raises(links.NotThisLot):
            links.add_link(farm.actor, farm.product, {**RECIPE, "lot": wrong}, at=NOW)
    with pytest.raises(NotAllowed):
        links.add_link(Actor(farm.organisation, None, "viewer"), farm.product, RECIPE, at=NOW)
    db.session.rollback()
    own = add(farm, lot=thing_of(lot).id)
    assert own.identity == f"https://id.gs1.org{lot}"
    with pytest.raises(NotFound):
        links.get_link(other.actor, farm.product, own.id)


def thing_of_code(uri: str) -> Thing:
    found = db.session.scalar(select(Thing).where(Thing.identity == uri))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *(
            ({"link_type": name}, "link-type-not-offered")
            for name in ("traceability", "recallStatus", "defaultLink", "nosuch", "smpc", "")
        ),
        *(
            ({"href": href}, "bad-link-address")
            for href in (
                "http://a.example.org/",
                "https://localhost/x",
                "https://10.0.0.1/x",
                "https://[::1]/",
                "https://a.example.org:8443/",
                "https://user@a.example.org/",
                "https://trace.example/01/" + GTIN,
                "https://TRACE.example/x",
                "javascript:alert(1)",
                "https://a.example.org/\r\nX: y",
                "https://a.example.org/món",
                "https://a.example.org/<b>",
                "https://a.example.org/" + "x" * 1000,
                "https://a.example.org\\@b.example.org/",
                "",
            )
        ),
    ],
)
@pytest.mark.one_database
def test_what_speaks_for_the_record_or_leads_nowhere_public_is_refused(
    farm: Farm, change: dict[str, str], code: str
) -> None:
    with pytest.raises(TraceError) as refused:
        links.add_link(farm.actor, farm.product, {**RECIPE, **change}, at=NOW)
    assert refused.value.code == code


def test_a_product_has_so_many_links_and_each_of_them_once(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = add(farm)
    with pytest.raises(links.LinkExists):
        add(farm)
    db.session.rollback()
    add(farm, link_type="pip")
    monkeypatch.setattr(links, "MOST", 2)
    with pytest.raises(links.TooManyLinks):
        add(farm, href="https://b.example.org/")
    db.session.rollback()
    monkeypatch.setattr(links, "MOST", 40)
    monkeypatch.setattr(links, "MOST_OF_ALL", 2)
    with pytest.raises(links.TooManyLinks):
        add(farm, href="https://b.example.org/")
    db.session.rollback()
    links.remove_link(farm.actor, first, at=NOW)
    add(farm)  # the one that was removed keeps nobody out
    with pytest.raises(links.TooManyLinks):
        links.restore_link(farm.actor, first, 1, at=NOW)
    monkeypatch.setattr(links, "MOST_OF_ALL", 9)
    with pytest.raises(links.LinkExists):
        links.restore_link(farm.actor, first, 1, at=NOW)


def test_everything_a_link_said_is_kept_and_can_be_brought_back(farm: Farm) -> None:
    link = add(farm)
    links.change_link(
        farm.actor, link, {**RECIPE, "title": "Canh chua"}, version=link.version, at=NOW
    )
    db.session.commit()
    with pytest.raises(TraceError) as late:
        links.change_link(farm.actor, link, RECIPE, version=1, at=NOW)
    assert late.value.code == "changed-meanwhile"
    links.remove_link(farm.actor, link, at=NOW)
    db.session.commit()
    links.restore_link(farm.actor, link, 1, at=NOW)
    db.session.commit()
    history = links.versions_of(link)
    assert [one.action for one, _ in history] == ["restored", "removed", "changed", "added"]
    assert [content["title"] for _, content in history] == [
        "Canh cải nấu tôm",
        "Canh chua",
        "Canh chua",
        "Canh cải nấu tôm",
    ]
    assert (link.state, link.title, link.check) == ("shown", "Canh cải nấu tôm", "waiting")
    with pytest.raises(NotFound):
        links.restore_link(farm.actor, link, 99, at=NOW)
    # each time that it may lead elsewhere, it is asked about
    assert len(list(db.session.scalars(select(Job).where(Job.kind == links.KIND)))) >= 2


# -- what is given out -----------------------------------------------------------------------------


def test_a_link_stands_at_its_own_level_of_the_linkset(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    add(farm)
    add(farm, lot=thing_of(lot).id, link_type="relatedVideo", href="https://v.example.org/1")
    found = told(client, f"{lot}/21/S1")
    assert found[lot]["relatedVideo"] == ["https://v.example.org/1"]
    assert "recipeInfo" not in found[lot]
    assert found[f"/01/{GTIN}"]["recipeInfo"] == [RECIPE["href"]]
    # the default is ours, whatever is added
    assert found[lot]["defaultLink"] == [f"http://localhost/t{lot}"]
    assert found[f"/01/{GTIN}"]["defaultLink"] == [f"http://localhost/t/01/{GTIN}"]


def test_links_are_given_out_only_for_who_is_confirmed_with_what_is_reached(
    client: FlaskClient, farm: Farm
) -> None:
    link = add(farm)
    path, product = f"/01/{GTIN}", farm.product
    other = make_farm(START, "HTX Hai", status="confirmed")

    def given() -> bool:
        db.session.commit()
        why = links.why_not_given(link, at=NOW)
        found = "recipeInfo" in told(client, path)[path]
        answer = client.get(f"{path}?linkType=gs1:recipeInfo", headers=PHONE)
        assert (answer.status_code == 307) == found == (why == "")
        return found

    assert given()
    for row, name, bad, good in (
        (
            db.session.get_one(Organisation, farm.organisation.id),
            "status",
            "suspended",
            "confirmed",
        ),
        (db.session.get_one(Organisation, farm.organisation.id), "closed_at", NOW, None),
        (product, "gtin_confirmed", False, True),
        (product, "organisation_id", other.organisation.id, farm.organisation.id),
        (link, "check", "refused", "reached"),
        (link, "failing_since", NOW - links.PATIENCE, NOW - links.PATIENCE + timedelta(hours=1)),
        (link, "state", "removed", "shown"),
    ):
        setattr(row, name, bad)
        assert not given(), name
        setattr(row, name, good)
        assert given(), name


def test_a_product_without_gtin_may_have_links_too(client: FlaskClient, farm: Farm) -> None:
    rice, farm.product = farm.product, make_product(farm.organisation, "Rau muống", START)
    add(farm)
    path = f"/q/{farm.product.code}"
    assert told(client, path)[path]["recipeInfo"] == [RECIPE["href"]]
    lot = farm.register(3)
    add(farm, lot=thing_of_code(lot).id, link_type="relatedVideo", href="https://v.example.org/")
    found = told(client, path_of(lot))
    assert found[path_of(lot)]["relatedVideo"] == ["https://v.example.org/"]
    assert "recipeInfo" not in told(client, f"/01/{rice.gtin}")[f"/01/{GTIN}"]


# -- what a request gets ---------------------------------------------------------------------------


def ask(client: FlaskClient, path: str, **headers: str) -> tuple[int, str]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get(path, headers={**PHONE, **given})
    return answer.status_code, answer.headers.get("Location", "")


def test_only_who_asks_for_its_type_is_sent_to_another_site(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    add(farm)
    assert ask(client, lot) == (307, f"/t{lot}")
    assert ask(client, f"/01/{GTIN}") == (307, f"/t/01/{GTIN}")
    assert ask(client, f"{lot}?linkType=gs1:defaultLink")[1].startswith(f"/t{lot}")
    # R25: the query goes along, before the fragment
    query = "linkType=gs1:recipeInfo&foo=a%20b"
    expected = f"https://nau.example.org/canh?x=1&{query}#buoc-2"
    assert ask(client, f"{lot}?{query}") == (307, expected)
    assert ask(client, f"{lot}?linkType=gs1:RecipeInfo")[0] == 404


def test_of_several_links_the_request_chooses_and_what_it_leaves_open_is_300(
    client: FlaskClient, farm: Farm
) -> None:
    path = f"/01/{GTIN}?linkType=gs1:recipeInfo"
    vi = str(add(farm, href="https://a.example.org/vi").href)
    en = str(add(farm, href="https://a.example.org/en", languages="en", title="Soup").href)
    pdf = str(
        add(farm, href="https://a.example.org/p", media_type="application/pdf", context="LA").href
    )

    def lead(**headers: str) -> str:
        status, location = ask(client, path, **headers)
        assert status == 307
        return location.partition("?")[0]

    assert lead(Accept_Language="en;q=0.1,vi;q=0.9") == vi  # R22
    assert lead(Accept_Language="en-GB") == en
    assert client.get(f"{path}&context=LA", headers=PHONE).headers["Location"].startswith(pdf)
    assert client.get(f"{path}&lang=en", headers=PHONE).headers["Location"].startswith(en)
    undecided = client.get(path, headers={"Accept": "*/*"})  # R23
    assert (undecided.status_code, undecided.mimetype) == (300, "application/linkset+json")
    [member] = undecided.get_json()["linkset"]
    assert member["anchor"] == f"{id_base()}/01/{GTIN}"
    assert [one["href"] for one in member[VOC + "recipeInfo"]] == [vi, en]
    page = client.get(path, headers={**PHONE, "Accept-Language": "ja"})
    assert (page.status_code, page.mimetype) == (300, "text/html")
    assert "hãy chọn" in page.get_data(as_text=True)
    assert "a.example.org" in page.get_data(as_text=True)
    for answer in (undecided, page):
        assert {"Accept", "Accept-Language"} <= set(answer.headers["Vary"].split(", "))  # R30


def test_under_a_recall_or_a_hold_nothing_leads_elsewhere(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    add(farm)
    path = f"{lot}?linkType=gs1:recipeInfo"
    before = client.get(lot, headers=SET)
    again = client.get(lot, headers={**SET, "If-None-Match": before.headers["ETag"]})
    assert again.status_code == 304
    assert ask(client, path)[1].startswith("https://nau.example.org/")
    farm.notify("recall", f"{id_base()}{lot}", hazard="health", reason="Mẫu vượt mức")
    after = client.get(lot, headers={**SET, "If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    [of_lot, of_product] = after.get_json()["linkset"]
    assert of_lot[VOC + "defaultLink"][0]["title"].startswith("Đang bị thu hồi")
    assert of_lot[VOC + "recallStatus"][0]["title"] == "Đang bị thu hồi"
    assert VOC + "recipeInfo" not in of_product
    assert ask(client, path) == (307, f"/t{path}")
    assert ask(client, f"{lot}?linkType=gs1:promotion")[0] == 404  # there was none before either
    page = client.get(ask(client, lot)[1], headers=PHONE).get_data(as_text=True)
    assert "Mẫu vượt mức" in page
    # the product itself is not recalled: only what names the lot is closed
    assert ask(client, f"/01/{GTIN}?linkType=gs1:recipeInfo")[1].startswith("https://nau.")


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)


def test_a_wish_costs_three_queries_however_many_links_there_are(
    client: FlaskClient, farm: Farm, lot: str
) -> None:
    for number in range(5):
        add(farm, href=f"https://a.example.org/{number}")
    for path in (lot, f"{lot}?linkType=gs1:traceability"):
        client.get(path, headers=SET)
        with counted() as seen:
            client.get(path, headers=SET)
        assert len(seen) == 3, seen


# -- pages -----------------------------------------------------------------------------------------


def test_the_products_card_lists_links_with_where_they_lead(
    client: FlaskClient, farm: Farm
) -> None:
    path = f"/t/01/{GTIN}"
    assert "Người bán giới thiệu thêm" not in client.get(path).get_data(as_text=True)
    add(farm, title="Canh <b>cải</b>")
    vi = client.get(path).get_data(as_text=True)
    assert "Người bán giới thiệu thêm" in vi
    assert "Canh &lt;b&gt;cải" in vi
    assert "Ra trang khác: nau.example.org" in vi
    assert 'rel="nofollow noopener ugc"' in vi
    assert "Leads to another site: nau.example.org" in client.get(f"{path}?lang=en").get_data(
        as_text=True
    )
    product = db.session.get_one(Product, farm.product.id)
    product.gtin_confirmed = False
    db.session.commit()
    assert "nau.example.org" not in client.get(path).get_data(as_text=True)
