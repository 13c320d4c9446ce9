"""The board of an area, its reports and open data: what they count, whose it is, what they hide."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import orjson
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor, new_lot, registered
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.jobs.figures import keep_up
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import AuthorityReport, Notification, Organisation
from trace.services import figures, open_data, report_files, scheduled_reports
from trace.services.capture import capture
from trace.services.dashboards import Period
from trace.services.open_data import Cell, protect

# Monday 23 November 2026, ten in the morning in Hà Nội.
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WARD, NEIGHBOUR, FAR = "09784", "09787", "26737"  # two of Hà Nội, one of elsewhere


@pytest.fixture
def inspector(app: Flask) -> Member:
    """A supervisor of Hà Nội's office, at work on NOW, over six growers of one ward, one of
    another, and one elsewhere."""
    member = make_member(app, role="supervisor", kind="authority", name="Sở Minh họa")
    with time_machine.travel(NOW, tick=False), app.app_context():
        office = db.session.get(Organisation, member.organisation_id)
        assert office is not None
        office.jurisdiction, office.status = "01", "confirmed"
        for place, ward in enumerate([WARD] * 6 + [NEIGHBOUR] + [FAR]):
            actor = make_actor(NOW, f"HTX {place}")
            actor.organisation.ward_code = ward
            when = NOW - timedelta(days=5)
            said: Any = {
                "eventTime": when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            }
            capture(actor, [registered(new_lot(), **said) for _ in range(place + 1)], at=NOW)
        keep_up(at=NOW)
    return member


@pytest.fixture
def desk(app: Flask, pages: PageClient, inspector: Member) -> PageClient:
    with time_machine.travel(NOW, tick=False):
        sign_in(app, pages.client, inspector)
    return pages


@time_machine.travel(NOW, tick=False)
def test_every_figure_of_the_board_leads_to_what_it_is_made_of(desk: PageClient) -> None:
    page = desk.get("/inspection/board/")
    assert page.texts("//ul[@class='figures']//li[1]/p[@class='amount']/a") == ["28 Dòng hồ sơ"]
    for link in page.find("//ul[@class='figures']//p[@class='amount']/a/@href"):
        behind = desk.get(str(link))
        assert "HTX 7" not in behind.text  # sits elsewhere
    rows = desk.get("/inspection/board/figures/lots?days=7").texts("//tbody/tr/td[3]")
    assert rows == ["7", "6", "5", "4", "3", "2", "1"]
    assert "HTX" in desk.get("/inspection/board/figures/late").text  # five days late, all of them
    assert "2 trên 126" not in page.text
    coverage = desk.get("/inspection/board/coverage")
    assert "Hợp tác xã" in coverage.text
    assert "Xã Đan Phượng" not in coverage.texts("//details")[0]
    desk.get("/inspection/board/figures/nothing", status=404)
    desk.get("/inspection/board/?days=%00&page=9999999999999999999999")
    answer = desk.client.get("/inspection/board/figures/lots?format=csv&page=99999999999999999")
    assert answer.status_code == 200
    assert "HTX 6" in answer.get_data(as_text=True)


@time_machine.travel(NOW, tick=False)
def test_a_report_is_made_once_told_and_drawn_the_same_for_ever(
    app: Flask, desk: PageClient, inspector: Member
) -> None:
    page = desk.get("/inspection/statistics/")
    desk.submit(page, {"period": "week"})
    with app.app_context():
        tidy(at=NOW)
        run_pending()
        reports = db.session.scalars(select(AuthorityReport)).all()
        assert {one.period for one in reports} == {"week", "month", "quarter"}
        assert all(one.authority_id == inspector.organisation_id for one in reports)
        [week] = [one for one in reports if one.period == "week"]
        assert figures.day_of(week.first_day) == date(2026, 11, 16)
        told = db.session.scalars(select(Notification).where(Notification.word == "report-ready"))
        assert f"/inspection/statistics/{week.id}" in {one.address for one in told}
        drawn = {
            (draw.__name__, language): draw(week, language)
            for draw in (report_files.workbook, report_files.paper)
            for language in report_files.LANGUAGES
        }
        grower = make_actor(NOW, "HTX muộn")
        grower.organisation.ward_code = WARD
        capture(grower, [registered(new_lot())], at=NOW)  # late, into the same week
        keep_up(at=NOW)
        scheduled_reports.make(inspector.organisation_id, "week", Period(week.first_day, 0), at=NOW)
        again = db.session.get_one(AuthorityReport, week.id)
        for (name, language), data in drawn.items():
            assert getattr(report_files, name)(again, language) == data
        book = openpyxl.load_workbook(io.BytesIO(drawn["workbook", "en"]))
        lines = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
        assert ["Statements recorded", 28, 0, "–"] in lines
        assert drawn["paper", "vi"].startswith(b"%PDF-")
        week_id = week.id
    shown = desk.get(f"/inspection/statistics/{week_id}")
    assert "28" in shown.texts("//tbody/tr[1]/td[2]")[0]
    for kind in ("report.xlsx", "report.pdf", "data.csv", "data.json"):
        assert desk.client.get(f"/inspection/statistics/{week_id}/{kind}").status_code == 200
    desk.get(f"/inspection/statistics/{week_id}/other", status=404)


@time_machine.travel(NOW, tick=False)
def test_open_data_tells_of_no_ward_with_fewer_than_five_behind_it(
    app: Flask, desk: PageClient, inspector: Member
) -> None:
    with app.app_context():
        period = scheduled_reports.last_period("week", at=NOW)
        made = scheduled_reports.make(inspector.organisation_id, "week", period, at=NOW)
        db.session.commit()
        address = f"/inspection/statistics/{made.id}/data.json"
    told = orjson.loads(desk.client.get(address).data)
    cells = {(row["area"], row["measure"]): row for row in told["rows"]}
    assert FAR not in {row["area"] for row in told["rows"]}
    assert cells[NEIGHBOUR, "lots"]["count"] is None  # seven lots of one grower
    # Alone it could be had back from the province's sum: the next one goes with it.
    assert cells[WARD, "lots"]["suppressed"]
    assert cells["01", "lots"]["count"] == 28
    assert cells["00004", "lots"]["count"] == 0
    assert set(told["rows"][0]) == set(told["dictionary"])
    assert told["licence"]
    assert "HTX" not in orjson.dumps(told).decode()


@pytest.mark.parametrize(
    ("wards", "total", "left"),
    [
        ((9, 9, None), 25, [None, 9, None]),
        ((None, None, 9), 25, [None, None, 9]),
        ((None, 0, 0), 9, [None, 0, 0]),
        ((9, 8, 7), 24, [9, 8, 7]),
    ],
)
def test_nothing_left_out_can_be_had_back_by_subtraction(
    wards: tuple[int | None, ...], total: int, left: list[int | None]
) -> None:
    given = [Cell("01", "", "lots", total)]
    given += [Cell(f"0000{place}", "01", "lots", count) for place, count in enumerate(wards)]
    found = protect(given)
    assert [cell.count for cell in found[1:]] == left
    hidden = sum(count is None for count in left)
    assert (found[0].count is None) == (hidden == 1)


@time_machine.travel(NOW, tick=False)
def test_another_authoritys_report_is_not_found(app: Flask, desk: PageClient) -> None:
    with app.app_context():
        other = make_actor(NOW, "Sở khác", kind="authority", status="confirmed").organisation
        period = scheduled_reports.last_period("month", at=NOW)
        made: Any = scheduled_reports.make(other.id, "month", period, at=NOW)
        db.session.commit()
        address = f"/inspection/statistics/{made.id}"
    desk.get(address, status=404)
    assert open_data.COLUMNS[-1] == "suppressed"
