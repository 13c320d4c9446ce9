"""Samples, their hands and results; why a place is looked at first; what a scan leads to."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.functional.test_inspections import Site, found, planned, site, somebody, status
from tests.support.fields import errors
from tests.support.members import make_member
from tests.support.pages import PageClient
from trace import clock
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Event, Finding, Inspection, Organisation, Risk, Sample
from trace.services.accrediting import grant
from trace.services.actors import Actor
from trace.services.inspections_risks import ask, ask_when_due, count
from trace.services.platform import platform_organisation

__all__ = ["site"]
RESULT = {
    "findings-0-substance": "Salmonella",
    "findings-0-value": "0",
    "findings-0-limit": "0",
    "findings-0-unit": "CFU/25 g",
}


def laboratory(app: Flask, name: str, standing: str) -> tuple[PageClient, int]:
    member = make_member(app, kind="laboratory", name=name)
    with app.app_context():
        db.session.get_one(Organisation, member.organisation_id).status = standing
        db.session.commit()
    return somebody(app, member, "Kiểm nghiệm viên"), member.organisation_id


def taken(site: Site, case: str, **told: str) -> str:
    """A sample taken in the case; its address."""
    form = site.inspector.get(f"/inspection/samples/new/{case.rpartition('/')[2]}")
    entries = {"seal": "NP-001", "quantity": "0,5", **told}
    page = site.inspector.submit(form, entries)
    return page.link(f"Niêm phong {entries['seal']}")


def test_a_sample_goes_to_the_laboratory_and_its_result_comes_back_to_the_lot(site: Site) -> None:
    confirmed, number = laboratory(site.app, "Phòng Minh họa", "confirmed")
    case = planned(site)
    address = taken(site, case, laboratory=str(number))
    again = site.inspector.get(f"/inspection/samples/new/{case.rpartition('/')[2]}")
    twice = {"seal": "NP-001", "laboratory": str(number)}
    assert errors(site.inspector.submit(again, twice, status=409)).keys() == {"seal"}
    waiting = confirmed.get("/producer/samples/")
    confirmed.submit(confirmed.get(waiting.link("Đã nhận mẫu")), {"intact": "yes"})
    form = confirmed.get(confirmed.get("/producer/samples/").link("Ký kết quả"))
    wrong = {**RESULT, "findings-0-unit": "mg/kg"}
    refused = errors(confirmed.submit(form, wrong, status=400))
    assert "CFU/g, CFU/ml, CFU/25 g" in refused["findings-0-unit"]
    unsealed = errors(confirmed.submit(form, {**RESULT, "sample": "NP-999"}, status=400))
    assert unsealed.keys() == {"sample"}
    confirmed.submit(form, {**RESULT, "findings-0-unit": "cfu/25g"})
    shown = site.inspector.get(address).text
    assert "Salmonella, 0 CFU/25 g, giới hạn 0 CFU/25 g, không vượt giới hạn" in shown
    assert "phòng kiểm nghiệm đã được xác nhận" in shown
    assert "Phòng kiểm nghiệm nhận" in shown
    public = site.owner.get(site.page).text
    assert "Kết quả kiểm nghiệm do Phòng Minh họa ký" in public
    assert "NP-001" not in public
    assert "NP-001" in site.owner.get(f"/producer/inspections/{case.rpartition('/')[2]}").text


def test_an_unaccredited_result_is_recorded_and_said_not_to_be_confirmed(site: Site) -> None:
    plain, number = laboratory(site.app, "Phòng Chưa Xác Nhận", "unconfirmed")
    case = planned(site)
    address = taken(site, case, laboratory=str(number))
    form = plain.get(plain.get("/producer/samples/").link("Ký kết quả"))
    plain.submit(form, RESULT)
    shown = site.inspector.get(address).text
    assert "Salmonella, 0 CFU/25 g" in shown
    assert "chưa được cơ quan nào xác nhận" in shown
    assert "Phòng Chưa Xác Nhận" not in site.owner.get(site.page).text
    # From a laboratory without an account: copied from its paper, with the same units.
    other = taken(site, case, seal="NP-002", laboratory_name="Phòng ngoài hệ thống")
    paper = site.inspector.get(f"{other}/result")
    bad = site.inspector.submit(paper, {**RESULT, "findings-0-unit": "ppm"}, status=400)
    assert "CFU/g" in errors(bad)["findings-0-unit"]
    assert bad.form().fields["findings-0-substance"] == "Salmonella"
    assert "chép từ giấy" in site.inspector.submit(paper, RESULT).text
    with site.app.app_context():
        assert set(db.session.scalars(select(Sample.state))) == {"resulted"}


def test_what_comes_first_is_explained_and_weighed_by_the_authority(site: Site) -> None:
    with site.app.app_context():
        assert ask_when_due(at=db.session.scalars(select(Organisation.created_at)).first())  # type: ignore[arg-type]
        run_pending()
    case = planned(site)
    found(site, case, severity="critical")
    with site.app.app_context():
        run_pending()
        rows = {row.factor: row for row in db.session.scalars(select(Risk))}
        assert rows["findings"].share == 1000
    page = site.inspector.get("/inspection/queue/")
    assert "+30 điểm chưa khắc phục: 1" in page.text
    assert "Kiểm tra ngày" in page.text  # the case that is planned already
    assert site.inspector.get(page.link("điểm 1")).h1 == "Nhật ký, sổ sách không đúng"
    assert status(site.inspector, "/inspection/queue/weights") == 403
    weights = site.supervisor.get("/inspection/queue/weights")
    refused = site.supervisor.submit(weights, {"w_findings": "9" * 40}, status=400)
    assert errors(refused).keys() == {"w_findings"}
    site.supervisor.submit(weights, {"w_findings": "80"})
    assert "+80 điểm chưa khắc phục" in site.inspector.get("/inspection/queue/").text
    elsewhere = make_member(site.app, kind="authority", role="inspector")
    with site.app.app_context():
        office = db.session.get_one(Organisation, elsewhere.organisation_id)
        office.status, office.jurisdiction = "confirmed", "79"
        db.session.commit()
    far = somebody(site.app, elsewhere, "Xa")
    assert "HTX Demo" not in far.get("/inspection/queue/").text
    assert status(far, case) == 404


def test_reasons_are_counted_from_what_is_recorded(site: Site) -> None:
    with site.app.app_context():
        farm = db.session.get_one(Organisation, site.farm)
        now = farm.created_at + timedelta(days=400)
        count([site.farm], at=now)
        db.session.commit()
        rows = {row.factor: row for row in db.session.scalars(select(Risk))}
        assert rows["idle"].share == 1000
        assert rows["unconfirmed"].share == 1000
        assert "findings" not in rows
        db.session.execute(update(Organisation).values(status="confirmed"))
        count([site.farm], at=now)
        assert "unconfirmed" not in set(db.session.scalars(select(Risk.factor)))
        assert ask(now, [site.farm]) == 1


def told(answer: TestResponse) -> dict[str, str]:
    """The headers of an answer, but the name of the request."""
    return {name: value for name, value in answer.headers if name != "X-Request-Id"}


def test_a_scan_leads_an_inspector_to_the_desk_and_nobody_elses_answer_varies(site: Site) -> None:
    path = site.page.removeprefix("/t")
    alone = site.app.test_client().get(path)
    signed_in = site.owner.client.get(path)
    assert alone.status_code == 307
    assert alone.headers["Location"] == site.page
    assert told(signed_in) == told(alone)
    assert signed_in.data == alone.data
    assert "Cookie" not in alone.headers["Vary"]
    assert alone.headers["Cache-Control"] == "no-cache"
    mine = site.inspector.client.get(path)
    assert mine.headers["Location"] == f"/inspection/chain/?of={path.replace('/', '%2F')}"
    assert mine.headers["Cache-Control"] == "private, no-store"
    # The page itself knows nobody.
    pages = [one.client.get(site.page) for one in (site.owner, site.inspector)]
    assert pages[0].data == pages[1].data
    assert told(pages[0]) == told(pages[1])
    # A wish for machine-readable links is answered as to anybody.
    links = f"{path}?linkType=linkset"
    assert site.inspector.client.get(links).data == site.owner.client.get(links).data


REFUSED: tuple[tuple[str, dict[str, str | None], set[str]], ...] = (
    ("/inspection/inspections/new", {"lots": "khôngcó"}, {"lots"}),
    ("/inspection/inspections/new", {}, {"organisation"}),
    ("/inspection/inspections/new", {"organisation": "x"}, {"organisation"}),
    ("/inspection/inspections/new", {"organisation": "a\x00b"}, {"organisation"}),
    ("/inspection/inspections/new", {"planned_on": "9" * 30}, {"planned_on"}),
    ("/inspection/inspections/new", {"planned_on": "2020-01-01"}, {"planned_on"}),
    (
        "/inspection/inspections/new",
        {"organisation": "HTX Demo", "assigned": "9" * 15},
        {"assigned"},
    ),
    ("/inspection/findings/new", {"words": "x", "rule": "other", "severity": "minor"}, {"lots"}),
    ("/inspection/findings/new", {}, {"rule", "severity", "words"}),
    ("{case}/visit", {}, {"note"}),
    ("{case}/visit", {"items-0-note": "chỉ ghi chú"}, {"items-0-answer"}),
    ("{case}/visit", {"latitude": "91"}, {"latitude"}),
    ("{case}/visit", {"longitude": "100"}, {"latitude"}),
    ("{case}/visit", {"note": "gọi 0912345678"}, {"note"}),
    ("{finding}", {"things": None}, {"things"}),
    ("{finding}", {"action": "làm lại"}, {"due_on"}),
    ("{finding}", {"due_on": "2020-01-01"}, {"due_on"}),
    ("{finding}", {"evidence": "không có"}, {"evidence"}),
    ("{finding}", {"lots": "7K3QM-P2XV4"}, {"lots"}),
    ("{sample}", {"seal": "A"}, {"laboratory"}),
    ("{sample}", {"seal": "", "laboratory_name": "X"}, {"seal"}),
    ("{sample}", {"quantity": "9" * 30, "seal": "A", "laboratory_name": "X"}, {"quantity"}),
)


def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_stored(site: Site) -> None:
    case = planned(site)
    number = case.rpartition("/")[2]
    places = {
        "case": case,
        "finding": f"/inspection/findings/new/{number}",
        "sample": f"/inspection/samples/new/{number}",
    }
    before = stored(site)
    for page, typed, fields in REFUSED:
        finding = page == "{finding}"
        base = {"rule": "other", "severity": "minor", "words": "Có điểm"} if finding else {}
        shown = site.inspector.get(page.format(**places))
        refused = site.inspector.submit(shown, {**base, **typed}, status=400)
        assert errors(refused).keys() == fields, (page, typed)
        kept = refused.form().fields
        for name, value in typed.items():
            if value and "\x00" not in value and name != "assigned":
                assert kept[name].strip() == value
    assert stored(site) == before
    # A lone surrogate, as only a machine sends it; a number that no row has.
    raw = {"words": b"\xed\xa0\x80", "rule": "other", "severity": "minor", "lots": site.code}
    token = site.inspector.get("/inspection/findings/new").form().fields["csrf_token"]
    answer = site.inspector.client.post(
        "/inspection/findings/new", data={**raw, "csrf_token": token}
    )
    assert answer.status_code < 500
    for address in ("inspections", "findings", "samples"):
        assert status(site.inspector, f"/inspection/{address}/{10**30}") == 404


def stored(site: Site) -> list[int]:
    with site.app.app_context():
        return [
            db.session.query(table).count() for table in (Event, Inspection, Finding, Sample, Risk)
        ]


def test_a_conclusion_on_a_result_that_is_not_accredited_says_why(site: Site) -> None:
    signs, number = laboratory(site.app, "Phòng Minh họa", "confirmed")
    case = planned(site)
    sample = taken(site, case, laboratory=str(number))
    signs.submit(signs.get(signs.get("/producer/samples/").link("Ký kết quả")), RESULT)
    words = "phòng kiểm nghiệm chưa được công nhận"
    assert words in site.inspector.get(case).text
    assert words in site.owner.get(site.page).text
    chain = site.inspector.get(f"/inspection/chain/?of={site.code}")
    assert words in chain.text
    line = chain.find(f"//tr[contains(., '{words}')]//a/@href")
    assert words in site.inspector.get(str(line[0])).text
    press = site.inspector.get(f"/inspection/audits/?of={site.code}")
    found = site.inspector.submit(press, {"of": site.code}, which="//main//form[@method='post']")
    assert f"Kết quả do Phòng Minh họa ký; {words}" in found.text
    ending = site.supervisor.get(f"{case}/conclude")
    told = {"conclusion": "met", "words": "Đạt yêu cầu"}
    refused = site.supervisor.submit(ending, told, status=400)
    assert errors(refused).keys() == {"without"}
    assert refused.form("//main//form").filled({})["words"] == "Đạt yêu cầu"
    done = site.supervisor.submit(refused, {"without": "Chưa phòng nào gần đây được công nhận"})
    assert "vì: Chưa phòng nào gần đây" in done.text
    again = site.supervisor.get(f"{case}/conclude")
    assert again.form("//main//form").filled({})["words"] == "Đạt yêu cầu"
    with site.app.app_context():
        office = platform_organisation()
        granted = {"valid_from": date(2026, 1, 1), "valid_until": date(2027, 1, 1)}
        lab = db.session.get_one(Organisation, number)
        grant(Actor(office, None, "admin"), lab, granted, at=clock.now())
        db.session.commit()
    assert words not in site.inspector.get(sample).text
    assert words not in site.inspector.get(f"/inspection/chain/?of={site.code}").text
    assert words not in site.owner.get(site.page).text
