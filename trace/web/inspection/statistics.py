"""Reports of a period, to read and to take away; the same figures as open data."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import AuthorityReport
from trace.models.figures import PERIODS
from trace.schemas.base import Choice, FormSchema
from trace.services import open_data, report_files, scheduled_reports
from trace.services.figures import day_of
from trace.services.jurisdictions import scope_of
from trace.services.report_words import area_name, tables, title_of
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.inspection.area import area_words
from trace.web.lists import csv_response

blueprint = Blueprint("statistics", __name__, url_prefix="/inspection/statistics")


class PeriodForm(FormSchema):
    """Which report to make now."""

    period = Choice(PERIODS, required=True)


@blueprint.route("/", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """The reports there are, and making the last period's now."""
    scope = scope_of(actor())
    form = Form(PeriodForm(), {"period": "month"})
    form.outbox = False
    if form.sent:
        with form.attempt():
            now = clock.now()
            scheduled_reports.ask_now(actor(), form.load()["period"], at=now)
            words = gettext("Đang lập báo cáo; có ngay sau ít phút, và bạn được báo.")
            return form.done(url_for(".index"), words)
    return form.page(
        "inspection/statistics/index.html",
        reports=scheduled_reports.list_reports(actor()),
        periods=[(one, title_of(one)) for one in PERIODS],
        title_of=title_of,
        day_of=day_of,
        area=area_words(" ".join(scope.areas)),
    )


@blueprint.get("/<int:report_id>")
def show(report_id: int) -> ResponseReturnValue:
    """One report: its tables, and its files."""
    report = scheduled_reports.get_report(actor(), report_id)
    figures = scheduled_reports.figures_of(report)
    return render_template(
        "inspection/statistics/show.html",
        report=report,
        figures=figures,
        tables=tables(figures),
        area=area_name(figures["areas"]),
        title=title_of(report.period),
        first=day_of(report.first_day),
        last=day_of(report.last_day),
        suppressed=sum(count is None for _, _, _, count in figures["cells"]),
        dictionary=[(name, words) for name, words in open_data.DICTIONARY.items()],
    )


@blueprint.get("/<int:report_id>/<kind>")
def take(report_id: int, kind: str) -> ResponseReturnValue:
    """A file of a report: `report.xlsx` and `report.pdf` (`?lang=en` for English), `data.csv` and
    `data.json`."""
    report = scheduled_reports.get_report(actor(), report_id)
    language = "en" if request.args.get("lang") == "en" else "vi"
    figures = scheduled_reports.figures_of(report)
    if kind == "report.xlsx":
        return _file(report, report_files.workbook(report, language), report_files.XLSX, "xlsx")
    if kind == "report.pdf":
        return _file(report, report_files.paper(report, language), report_files.PDF, "pdf")
    if kind == "data.csv":
        return csv_response(_name(report), open_data.COLUMNS, open_data.table(figures))
    if kind == "data.json":
        data = orjson.dumps(open_data.document(figures), option=orjson.OPT_INDENT_2)
        return _file(report, data, "application/json", "json")
    raise NotFound


def _name(report: AuthorityReport) -> str:
    return f"trace-{report.period}-{day_of(report.first_day).isoformat()}"


def _file(report: AuthorityReport, data: bytes, media: str, ending: str) -> Response:
    response = Response(data, mimetype=media)
    response.headers.set("Content-Disposition", "attachment", filename=f"{_name(report)}.{ending}")
    return response
