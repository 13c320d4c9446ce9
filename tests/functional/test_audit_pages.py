"""The audit's pages: pressed, read, taken over, printed; and the numbers of its rules."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from tests.support.factories import make_actor
from tests.support.farms import make_farm, path_of
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import KeptAudit, Organisation
from trace.services import desk_rules
from trace.services.actors import Actor
from trace.services.chain_audit import RULES, get_kept, parameters
from trace.services.chain_audit.ceilings import ceiling_for, default_ceilings
from trace.services.inspections_ending import needs_supervisor
from trace.services.recalls.rules import powers_of
from trace.web.inspection.audit_rule_words import rule_words
from trace.web.inspection.audit_words import MISSING_KEYS, SENTENCE_KEYS, finding_words

START = datetime(2026, 10, 20, 1, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
CROPS = "//*[@id='r-crop-ceilings']//form"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def lot(db_session: Any) -> str:
    """A lot that was gathered too early and sent twice."""
    farm = make_farm(START)
    cycle = farm.sow()
    farm.wait(10).spray(cycle, 7)
    made = farm.wait(3).reap(cycle)
    for shop in ("Cửa hàng Demo 1", "Cửa hàng Demo 2"):
        farm.send(made, make_farm(START, shop), 480)
    publish("test")
    return made


def desk(app: Flask, client: FlaskClient, role: str = "inspector", area: str = "*") -> PageClient:
    """The desk of a confirmed authority."""
    member = make_member(app, role=role, kind="authority", name="Chi cục Demo")
    organisation = db.session.get_one(Organisation, member.organisation_id)
    organisation.status, organisation.jurisdiction = "confirmed", area
    db.session.commit()
    sign_in(app, client, member)
    return PageClient(client)


def kept_by(row: KeptAudit) -> Actor:
    return Actor(row.authority, row.person, "inspector")


def test_one_press_judges_keeps_and_shows(app: Flask, client: FlaskClient, lot: str) -> None:
    pages = desk(app, client)
    assert "Chưa rà chuỗi nào" in pages.get("/inspection/audits/").text
    start = pages.get(f"/inspection/audits/?of={path_of(lot)}")
    page = pages.submit(start, {})
    assert page.h1.startswith("Rà chuỗi Cải ngọt")
    for words in (
        "Thu hoạch 3 ngày sau khi dùng Thuốc Demo 1.8EC; nhãn yêu cầu 7 ngày.",
        "đã dùng và giao 960 kg của lô chỉ có 480 kg: thừa 480 kg",
        "Thời gian cách ly · 3 ngày < 7",
        "chưa đủ dữ liệu",
        "không áp dụng",
        "Chưa xét: chưa có nhân chứng nào ký",
    ):
        assert words in page.text
    # Each line opens its evidence, and may be taken over into an inspector's finding.
    assert page.find("//a[contains(@href, '/inspection/chain/events/')]")
    over = [one.get("href") for one in page.find("//a[contains(@href, 'findings/new')]")]
    assert any("rule=interval" in one and "evidence=urn%3Auuid%3A" in one for one in over)
    taken = pages.get(next(one for one in over if "rule=interval" in one))
    assert taken.find("//select[@name='rule']/option[@value='interval'][@selected]") or taken.find(
        "//input[@name='rule'][@value='interval'][@checked]"
    )
    row = db.session.query(KeptAudit).one()
    assert (row.high, row.person_id is not None) == (2, True)
    again = pages.get("/inspection/audits/")
    assert "2 nặng" in again.text
    printed = pages.get(f"/inspection/audits/{row.id}?print=1")
    assert not printed.find("//main//details[not(@open)]")
    told = client.get(f"/inspection/audits/{row.id}.json").get_json()
    assert told["v"] == 1
    assert {one["rule"] for one in told["findings"]} >= {"interval", "balance"}
    with force_locale("en"):
        said = [finding_words(one) for one in get_kept(kept_by(row), row.id)[1].findings]
    assert any(one.startswith("Harvested 3 days after") for one in said)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "khong co gi",
        "7K3QM-P2XV4",
        "/01/09520010010048/10/" + "9" * 400,
        "a\0b",
        "https://khac.example/b/1",
    ],
)
def test_what_is_no_code_of_goods_is_refused_beside_its_box(
    app: Flask, client: FlaskClient, lot: str, typed: str
) -> None:
    pages = desk(app, client)
    start = pages.get("/inspection/audits/")
    page = pages.submit(start, {"of": typed}, status=400)
    assert page.find("//*[@id='e-of']")
    assert not db.session.query(KeptAudit).count()


def test_goods_out_of_reach_are_not_found(app: Flask, client: FlaskClient, lot: str) -> None:
    pages = desk(app, client, area="96")
    page = pages.submit(pages.get("/inspection/audits/"), {"of": path_of(lot)}, status=400)
    assert "Không có hàng nào trong phạm vi của cơ quan mang mã này." in page.text
    assert client.get("/inspection/audits/1").status_code == 404
    assert client.get(f"/inspection/audits/{2**70}").status_code == 404


def test_a_supervisor_sets_numbers_within_bounds_and_the_change_is_told(
    app: Flask, client: FlaskClient, lot: str
) -> None:
    pages = desk(app, client, "supervisor")
    page = pages.get("/inspection/rules/")
    assert "Bảng minh họa" in page.text
    late = "//*[@id='r-late']//form"
    refused = pages.submit(page, {"days": "900"}, which=late, status=400)
    assert "Cần một số nguyên từ 1 đến 90." in refused.text
    assert refused.find("//input[@name='days'][@value='900']")
    for typed in ("", "-1", "1.5", "٣", "9" * 300, "a\0"):
        pages.submit(page, {"days": typed}, which=late, status=400)
    done = pages.submit(refused, {"days": "30"}, which=late)
    assert "Đã đặt tham số." in done.text
    assert "Muộn khi quá: 30" in done.text
    authority = db.session.query(Organisation).filter_by(kind="authority").one()
    assert parameters.parameters_of(authority)["late"] == {"days": 30}
    hours = "//*[@id='r-hours']//form"
    pages.submit(done, {"from": "10", "to": "4"}, which=hours, status=400)


def test_an_inspector_reads_the_numbers_and_sets_none(
    app: Flask, client: FlaskClient, lot: str
) -> None:
    pages = desk(app, client, "inspector")
    page = pages.get("/inspection/rules/")
    assert "Chỉ người duyệt được đặt." in page.text
    assert not page.find("//main//form")
    assert client.post("/inspection/rules/late", data={"days": "30"}).status_code in (400, 403)
    assert client.get("/inspection/rules/crops.csv").status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"crop,tonnes\nC\xe1i,1\n",
        b"\xff\xfe\x00",
        b"crop,tonnes,days,source\n,10,90,x\n",
        "crop,tonnes,days,source\nCải,1e9,90,x\n".encode(),
        "crop,tonnes,days,source\nCải,NaN,90,x\n".encode(),
        "crop,tonnes,days,source\nCải,10,-1,x\n".encode(),
        b"crop,tonnes,days,source\n" + b"a,1,1,x\n" * 501,
    ],
)
def test_a_table_of_crops_that_is_wrong_is_refused_by_line_and_nothing_is_set(
    app: Flask, client: FlaskClient, lot: str, data: bytes
) -> None:
    pages = desk(app, client, "supervisor")
    form = pages.get("/inspection/rules/")
    page = pages.submit(form, {"table": (io.BytesIO(data), "crops.csv")}, which=CROPS, status=400)
    assert page.find("//*[@id='e-table']")
    authority = db.session.query(Organisation).filter_by(kind="authority").one()
    assert parameters.table_of(authority) == default_ceilings()


def test_an_authoritys_own_table_of_crops_counts_and_comes_back(
    app: Flask, client: FlaskClient, lot: str
) -> None:
    pages = desk(app, client, "supervisor")
    form = pages.get("/inspection/rules/")
    data = "crop;tonnes;days;source\nCải ngọt;12,5;60;Sở Demo\n".encode()
    page = pages.submit(form, {"table": (io.BytesIO(data), "crops.csv")}, which=CROPS)
    assert "Sở Demo" in page.text
    assert "Bảng minh họa" not in page.text
    authority = db.session.query(Organisation).filter_by(kind="authority").one()
    [row] = parameters.table_of(authority)
    assert ceiling_for(["Cải ngọt, gói 300 g"], [row]) == row
    assert "Cải ngọt,12.5,60,Sở Demo" in client.get("/inspection/rules/crops.csv").text


@pytest.mark.one_database
def test_every_rule_has_words_and_every_sentence_a_rule(app: Flask) -> None:
    with app.test_request_context():
        for code in RULES:
            words = rule_words(code)
            assert words.title != code
            assert words.why
            assert words.how
    assert {"spent-more", "interval-short", "area-overclaim"} <= SENTENCE_KEYS
    assert {"cut", "no-witness", "no-ceiling"} <= MISSING_KEYS


@pytest.mark.one_database
def test_the_reference_names_every_rule_with_its_worst_severity_and_its_numbers() -> None:
    page = (ROOT / "docs" / "reference" / "audit-rules.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    told = {row.split("`")[1]: row for row in rows}
    assert told.keys() == RULES.keys()
    for code, rule in RULES.items():
        assert told[code].split("|")[2].strip() == rule.worst
        for one in rule.parameters:
            assert f"`{one.name}` {one.default}" in told[code], (code, one.name)
            assert f"{one.least:,}–{one.most:,}" in told[code], (code, one.name)


def test_powers_and_who_concludes_are_set_within_bounds_for_those_below(
    app: Flask, client: FlaskClient, lot: str
) -> None:
    pages = desk(app, client, "supervisor", "01")
    city = db.session.query(Organisation).filter_by(kind="authority").one()
    ward = make_actor(START, "Xã Demo", "authority", "confirmed", "supervisor", "09784")
    db.session.commit()
    page = pages.get("/inspection/rules/")
    powers, concluding = (f"//*[@id='r-{one}']//form" for one in desk_rules.CODES)
    assert "mặc định: chỉ đề xuất" in page.text
    assert not page.find(f"{powers}//*[@name='province.recall']")  # nobody sets its own
    wrong = {"most.ward": "0", "second_hours": "x", "confirm_from": "50"}
    refused = pages.submit(page, wrong, which=powers, status=400)
    assert refused.find("//*[@name='most.ward'][@value='0'][@aria-invalid]")
    assert refused.find("//*[@name='second_hours'][@aria-invalid]")
    assert refused.find("//*[@name='confirm_from'][@value='50']")
    assert powers_of(ward.organisation).may("recall") == "propose"
    told = {"ward.recall": "decide", "most.ward": "300", "second_hours": "6"}
    done = pages.submit(refused, told, which=powers)
    assert "Xã, phường: Thu hồi: tự quyết định" in done.text
    assert powers_of(ward.organisation).may("recall") == "decide"
    assert (powers_of(ward.organisation).most, powers_of(city).most) == (300, None)
    assert done.find(f"{powers}//*[@name='second_hours'][@value='6']")
    crafted = {"supervisor_from": "none"}
    token = {"csrf_token": done.form(concluding).filled({})["csrf_token"]}
    answer = client.post("/inspection/rules/inspection-decide", data=crafted | token)
    assert answer.status_code == 400
    pages.submit(done, {"supervisor_from": "major"}, which=concluding)
    assert needs_supervisor(ward, "major")
    assert not needs_supervisor(ward, "minor")
    # A ward reads the powers and sets none; it sets who concludes for itself.
    db.session.get_one(Organisation, city.id).jurisdiction = "00070"
    db.session.commit()
    page = pages.get("/inspection/rules/")
    assert not page.find(powers)
    assert "Cơ quan cấp trên đặt." in page.text
    answer = client.post("/inspection/rules/recall-powers", data=told | token)
    assert answer.status_code == 404
