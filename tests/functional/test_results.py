"""A laboratory signs a result about a lot; the authority releases the held lot on it."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.support.farms import Farm, make_farm
from tests.support.fields import errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient
from tests.support.photos import a_photo
from trace.core.gs1 import format_code
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Event, Organisation, Person, Thing
from trace.services.factors import NO_TIME_LEFT
from trace.services.holds import held
from trace.services.labels import printed_address

QUEUE = "/inspection/holds/"
NEW = "/producer/results/new"
FINDING = {
    "findings-0-substance": "hoạt chất Demo",
    "findings-0-value": "0,02",
    "findings-0-limit": "0,05",
    "findings-0-method": "LC-MS/MS",
}


@pytest.fixture
def lot(app: Flask, now: datetime) -> str:
    """The printed code of a held lot."""
    with app.app_context():
        farm: Farm = make_farm(now - timedelta(days=20))
        cycle = farm.sow()
        farm.spray(cycle, interval=7)
        uri = farm.wait(1).reap(cycle)
        run_pending()
        return format_code(uri.rpartition("/")[2])


def somebody(app: Flask, kind: str, role: str, **values: object) -> PageClient:
    member = make_member(app, kind=kind, role=role, name=f"Tổ chức {kind}")
    with app.app_context():
        organisation = db.session.get(Organisation, member.organisation_id)
        assert organisation is not None
        for name, value in {"status": "confirmed", **values}.items():
            setattr(organisation, name, value)
        db.session.commit()
    client = app.test_client()
    sign_in(app, client, member)
    return PageClient(client)


def sign(lab: PageClient, lot: str, told: dict[str, str] | None = None, status: int = 200) -> Page:
    entries = {"lot": lot, **FINDING, **(told or {})}
    return lab.submit(lab.get(NEW), entries, status=status)


def is_held(app: Flask) -> bool:
    with app.app_context():
        lots = db.session.query(Thing.id).filter(Thing.kind == "lot").all()
        return bool(held([row.id for row in lots]))


def test_the_authority_releases_the_lot_on_the_laboratorys_result(app: Flask, lot: str) -> None:
    office = somebody(app, "authority", "supervisor", jurisdiction="01")
    page = office.get(QUEUE)
    assert "thu hoạch 1 ngày sau khi dùng Thuốc Demo 1.8EC, nhãn yêu cầu 7 ngày" in page.text
    hold = page.link(next(text for text in page.texts("//main//a") if lot in text))
    assert "Chưa gỡ được" in office.get(hold).text
    lab = somebody(app, "laboratory", "recorder")
    assert "không vượt giới hạn" in sign(lab, lot).text
    public = lab.get(f"/t/b/{lot.replace('-', '')}")
    assert "Kết quả kiểm nghiệm do Tổ chức laboratory ký" in public.text
    assert "hoạt chất Demo, 0,02 mg/kg, giới hạn 0,05 mg/kg, không vượt giới hạn" in public.text
    english = lab.get(f"/t/b/{lot.replace('-', '')}?lang=en")
    assert "Laboratory result signed by Tổ chức laboratory" in english.text
    assert "0.02 mg/kg" in english.text
    release = office.get(hold)
    assert "giới hạn 0,05 mg/kg" in release.text
    assert errors(office.submit(release, {"words": ""}, status=400)).keys() == {"words", "result"}
    assert is_held(app)
    result = release.root.xpath("//input[@name='result']/@value")[0]
    done = office.submit(release, {"result": str(result)})
    assert "Không có lô nào đang tạm giữ" in done.text
    assert not is_held(app)
    assert office.get(QUEUE + "?lang=en").h1 == "Lots on hold"


def test_a_result_above_the_limit_releases_nothing(app: Flask, lot: str) -> None:
    lab = somebody(app, "laboratory", "owner")
    assert "có chất vượt giới hạn" in sign(lab, lot, {"findings-0-value": "0,06"}).text
    office = somebody(app, "authority", "supervisor", jurisdiction="01")
    page = office.get(QUEUE)
    hold = office.get(page.link(next(text for text in page.texts("//main//a") if lot in text)))
    assert "có chất vượt giới hạn" in hold.text
    assert not hold.root.xpath("//main//form")
    assert is_held(app)


def test_an_authority_elsewhere_sees_nothing_and_an_inspector_cannot_release(
    app: Flask, lot: str
) -> None:
    elsewhere = somebody(app, "authority", "supervisor", jurisdiction="79")
    assert lot not in elsewhere.get(QUEUE).text
    sign(somebody(app, "laboratory", "owner"), lot)
    inspector = somebody(app, "authority", "inspector", jurisdiction="*")
    page = inspector.get(QUEUE)
    hold = page.link(next(text for text in page.texts("//main//a") if lot in text))
    assert not inspector.get(hold).root.xpath("//main//form")
    token = str(page.root.xpath("//input[@name='csrf_token']/@value")[0])
    told = {"result": "1", "words": "x", "csrf_token": token}
    assert inspector.client.post(hold, data=told).status_code == 403
    assert elsewhere.client.get(hold).status_code == 404


def test_only_laboratories_sign_results_and_every_box_is_checked(app: Flask, lot: str) -> None:
    farmer = somebody(app, "co-operative", "owner")
    assert farmer.client.get(NEW).status_code == 404
    lab = somebody(app, "laboratory", "owner")
    page = sign(lab, "7K3QM-P2XV4", status=400)
    assert errors(page).keys() == {"lot"}
    assert page.form().fields["findings-0-value"] == "0,02"  # nothing typed is lost
    page = sign(lab, lot, {"findings-0-value": "", "sampled": "2027-01-01"}, 400)
    assert errors(page).keys() == {"findings-0-value", "sampled"}
    page = sign(lab, lot, {"findings-0-missing": "yes", "findings-0-value": ""})
    assert "không phát hiện" in page.text


@pytest.mark.parametrize(
    ("end", "step", "words"),
    [
        ("destroyed", "destroying", "Tiêu huỷ"),
        ("compost", "decommissioning", "Chuyển mục đích sử dụng"),
    ],
)
def test_a_held_lot_comes_to_an_end_before_a_witness_and_stays_held(
    app: Flask, pages: PageClient, now: datetime, end: str, step: str, words: str
) -> None:
    console = open_console(app, pages)
    with app.app_context():
        db.session.get_one(Organisation, console.organisation).ward_code = "09895"
        db.session.commit()
    pages.submit(pages.get("/producer/cycles/new/sowing"), {"product": str(console.greens)})
    (cycle,) = console.things("cycle")
    spray = {"inputs-0-name": "Thuốc Demo", "inputs-0-interval_days": "7"}
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    pages.submit(pages.get(f"/producer/cycles/{cycle}/harvest"), {"quantity": "480"})
    (lot,) = console.things("lot")
    form = pages.get(f"/producer/batches/{lot}/destroy")
    told = {"end": end, "note": "ủ tại chỗ", "quantity": "480"}
    none = {"photos": (io.BytesIO(b""), "")}  # as a browser sends an empty box
    asked = pages.submit(form, {**told, **none}, status=400)
    assert errors(asked).keys() == {"witness", "photos"}
    assert asked.form().fields["note"] == "ủ tại chỗ"
    photo = {"photos": (io.BytesIO(a_photo()), "anh.jpg")}
    pages.submit(asked, {"witness": "Bà Chứng Kiến, trưởng thôn", **photo})
    document = console.events()[-1].document
    assert (document["action"], document["bizStep"]) == ("DELETE", step)
    assert document["trace:witness"] == "Bà Chứng Kiến, trưởng thôn"
    assert len(document["trace:attachments"]) == 1
    if end != "destroyed":
        assert document["trace:diversion"] == {"use": end}
    assert "Bà Chứng Kiến" in pages.get(f"/producer/batches/{lot}").text
    with app.app_context():
        thing = db.session.get_one(Thing, lot)
        assert held([lot])  # nothing but the authority's release ends it
        path = printed_address(thing.identity).partition("//")[2].partition("/")[2]
    public = PageClient(app.test_client()).get(f"/t/{path}")
    assert words in public.text
    assert "Bà Chứng Kiến" not in public.text
    office = somebody(app, "authority", "supervisor", jurisdiction="01")
    queue = office.get(QUEUE)
    assert "không còn" in queue.text
    hold = office.get(queue.link(queue.texts("//main//table//a")[0]))
    assert f"{words} " in hold.text
    assert "480 kg" in hold.text


def test_goods_that_are_not_held_end_without_a_witness(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    console = open_console(app, pages)
    lot = console.lot("480")
    form = pages.get(f"/producer/batches/{lot}/destroy")
    pages.submit(form, {"end": "feed", "note": "héo", "quantity": "100"})
    assert "380 kg" in pages.get(f"/producer/batches/{lot}").text
    form = pages.get(f"/producer/batches/{lot}/destroy")
    bad = pages.submit(form, {"end": "nonsense", "note": "héo", "quantity": "1"}, status=400)
    assert errors(bad).keys() == {"end"}


def test_a_result_is_not_taken_back_without_the_second_step_that_signing_it_needs(
    app: Flask, lot: str
) -> None:
    lab = somebody(app, "laboratory", "recorder")
    sign(lab, lot, {"findings-0-value": "0,06"})
    with app.app_context():
        mine = db.session.scalar(select(func.max(Event.id)))
        db.session.execute(update(Person).values(factor_asked_at=NO_TIME_LEFT))
        db.session.commit()
    for act in ("void", "correct"):
        answer = lab.client.get(f"/producer/events/{mine}/{act}")
        assert answer.headers.get("Location", "").startswith("/account/second-step/needed"), act
