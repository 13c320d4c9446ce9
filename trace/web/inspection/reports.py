"""Citizens' reports on the desk: the queue, one report, and everything done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import Schema
from werkzeug.routing import BuildError

from trace import clock
from trace.extensions import needs
from trace.models import Report
from trace.schemas.reports import (
    AnswerReportForm,
    BulkForm,
    CaseForm,
    DaysForm,
    ForwardForm,
    MergeForm,
    PassForm,
    RoutingForm,
    WordsForm,
)
from trace.services import organisations
from trace.services.choices import UnknownOrganisation
from trace.services.citizen_reports import acts, desk, figures, open_rows
from trace.services.citizen_reports.intake import what
from trace.services.citizen_reports.photos import photos_of, read_photo_of
from trace.services.citizen_reports.reading import late, main_of, merged_into, same_lot, steps_of
from trace.services.citizen_reports.routing import (
    DEADLINES,
    ROUTING,
    days_of,
    next_authorities,
    table_of,
)
from trace.services.deadlines import local_day
from trace.services.jurisdictions import scope_of, set_rule
from trace.services.wards import ward_name
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.inspection.menu import WAITING
from trace.web.lists import Listing, csv_response
from trace.web.report_words import (
    outcome_name,
    outcome_options,
    problem_filter,
    problem_name,
    sector_name,
    state_name,
    words,
)

blueprint = Blueprint("citizen_reports", __name__, url_prefix="/inspection/citizen-reports")
WAITING["citizen_reports.index"] = desk.count_waiting
FOLDER = "inspection/reports"
# Of the kinds of cases: the page of one, by its code.
CASES = {"inspection": "inspections.show", "finding": "findings.show", "recall": "recalls.show"}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The queue: illness and lots with several reports first, then what is due first. `?view=held`
    for bursts, `?view=closed` for what is over."""
    asked = request.args.get("view", "")
    view: desk.View = "held" if asked == "held" else "closed" if asked == "closed" else "open"
    rows = desk.list_reports(actor(), view, at=clock.now())
    mine = actor().organisation.id
    listing = Listing(
        rows,
        words=lambda row: (str(row.report.id), *_told(row.report)),
        filters={
            "problem": lambda row: row.report.problem,
            "state": lambda row: row.report.state,
            "late": lambda row: "yes" if row.late else "no",
            "mine": lambda row: "yes" if row.report.authority_id == mine else "no",
            "view": lambda _row: view if asked else "",
        },
    )
    if listing.wants_csv:
        return _csv(listing)
    return render_template(
        f"{FOLDER}/index.html",
        listing=listing,
        form=Form(),
        view=view,
        problems=problem_filter(),
        limited=len(rows) >= desk.LIST_LIMIT,
        what=what,
        mine=mine,
        **words(),
    )


def _told(report: Report) -> tuple[str, ...]:
    maker = report.maker.name if report.maker else ""
    ward = ward_name(report.ward_code) if report.ward_code else ""
    return (problem_name(report.problem), what(report), maker, report.bought_at, report.words, ward)


def _csv(listing: Listing[desk.Row]) -> ResponseReturnValue:
    """The list without words and without contacts."""
    head = [gettext("Số"), gettext("Có chuyện gì"), gettext("Hàng"), gettext("Người làm ra")]
    head += [gettext("Nơi"), gettext("Nhận ngày"), gettext("Tình trạng"), gettext("Kết quả")]
    head += [gettext("Quá hạn"), gettext("Cùng lô trong tuần"), gettext("Đang ở")]
    return listing.csv(
        "citizen-reports",
        head,
        lambda row: [
            row.report.id,
            problem_name(row.report.problem),
            what(row.report),
            row.report.maker.name if row.report.maker else "",
            ward_name(row.report.ward_code) if row.report.ward_code else "",
            local_day(row.report.received_at),
            state_name(row.report.state),
            outcome_name(row.report.outcome),
            row.late,
            row.same,
            row.report.authority.name if row.report.authority else "",
        ],
    )


@blueprint.route("/<int:report_id>", methods=["GET", "POST"])
def show(report_id: int) -> ResponseReturnValue:
    """One report: what was told, who has it, everything that happened; and what it came to."""
    one = desk.get_report(actor(), report_id)
    form = Form(CaseForm())
    if form.sent:
        with form.attempt():
            acts.link(actor(), one, form.load()["case"], at=clock.now())
            return form.done(_address(one), gettext("Đã gắn."))
    now = clock.now()
    chain = "chain.index" in current_app.view_functions and one.lot is not None
    return form.page(
        f"{FOLDER}/show.html",
        one=one,
        main=main_of(one),
        merged=merged_into(one),
        others=desk.others_on_lot(one, actor()),
        same=same_lot([one.lot_id], at=now).get(one.lot_id, 0) if one.lot_id else 0,
        photos=photos_of(one),
        steps=list(reversed(steps_of(one))),
        contact=desk.reachable(one, actor()),
        has_it=desk.has_it(actor(), one),
        may_take_over=desk.may_take_over(actor(), one),
        late=late(one, at=now),
        what=what(one),
        ward=ward_name(one.ward_code) if one.ward_code else "",
        bought_ward=ward_name(one.bought_ward) if one.bought_ward else "",
        chain=url_for("chain.index", of=one.about) if chain else "",
        case_address=_case_address,
        **words(),
    )


@blueprint.get("/<int:report_id>/photos/<int:number>.jpg")
def photo(report_id: int, number: int) -> Response:
    """A photo of a report, kept by no cache."""
    data = read_photo_of(desk.get_report(actor(), report_id), number)
    return Response(data, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})


# -- acts of one press -----------------------------------------------------------------------------


def _press(report_id: int, act: Callable[[Report, Form], None], said: str) -> ResponseReturnValue:
    one = desk.get_report(actor(), report_id)
    form = Form()
    if form.sent:
        with form.attempt():
            act(one, form)
            return form.done(_address(one), said)
    return form.page(f"{FOLDER}/refused.html", one=one, back_to=_address(one))


@blueprint.post("/<int:report_id>/take")
def take(report_id: int) -> ResponseReturnValue:
    """I look into it."""
    return _press(
        report_id,
        lambda one, _form: acts.take(actor(), one, at=clock.now()),
        gettext("Bạn đang xem xét phản ánh này; người báo thấy tên cơ quan."),
    )


@blueprint.post("/<int:report_id>/admit")
def admit(report_id: int) -> ResponseReturnValue:
    """Out of the list of bursts."""
    return _press(
        report_id,
        lambda one, _form: acts.admit(actor(), one, at=clock.now()),
        gettext("Đã nhận vào danh sách chung."),
    )


@blueprint.post("/held")
def held() -> ResponseReturnValue:
    """The chosen ones of the list of bursts: into the common list, or closed."""
    form = Form(BulkForm())
    if form.sent:
        with form.attempt():
            ends = form.load()["act"] == "end"
            chosen = [int(one) for one in form.all("report") if one.isdecimal() and len(one) < 16]
            for number in chosen[: desk.LIST_LIMIT]:
                one = desk.get_report(actor(), number)
                if not one.held:
                    continue
                if ends:
                    acts.end_burst(actor(), one, at=clock.now())
                else:
                    acts.admit(actor(), one, at=clock.now())
            return form.done(url_for(".index", view="held"), gettext("Đã xong các mục đã chọn."))
    return form.page(f"{FOLDER}/refused.html", back_to=url_for(".index", view="held"))


@blueprint.post("/<int:report_id>/split")
def split(report_id: int) -> ResponseReturnValue:
    """Looked into by itself again."""
    return _press(
        report_id,
        lambda one, _form: acts.split(actor(), one, at=clock.now()),
        gettext("Đã tách ra."),
    )


@blueprint.post("/<int:report_id>/close")
@needs("decide")
def close(report_id: int) -> ResponseReturnValue:
    """Ends an answered report."""
    return _press(
        report_id,
        lambda one, form: acts.close(actor(), one, version=form.version, at=clock.now()),
        gettext("Đã đóng."),
    )


@blueprint.post("/<int:report_id>/merge")
def merge(report_id: int) -> ResponseReturnValue:
    """Into another report on the same lot."""
    one = desk.get_report(actor(), report_id)
    form = Form(MergeForm())
    if form.sent:
        with form.attempt():
            into = acts.merge(actor(), one, form.load()["into"], at=clock.now())
            return form.done(_address(into), gettext("Đã gộp; mọi người báo cùng nhận trả lời."))
    return form.page(f"{FOLDER}/refused.html", one=one, back_to=_address(one))


# -- acts with words -------------------------------------------------------------------------------


def _worded(
    report_id: int,
    schema: Schema,
    template: str,
    act: Callable[[Report, Form], None],
    said: str,
    **context: object,
) -> ResponseReturnValue:
    one = desk.get_report(actor(), report_id)
    form = Form(schema, version=one.version)
    form.outbox = False  # what is told to people is decided on what stands now
    if form.sent:
        with form.attempt():
            act(one, form)
            return form.done(_address(one), said)
    return form.page(
        f"{FOLDER}/{template}.html",
        one=one,
        what=what(one),
        back_to=_address(one),
        photos=photos_of(one),
        merged=merged_into(one),
        **words(),
        **context,
    )


@blueprint.route("/<int:report_id>/ask", methods=["GET", "POST"])
def ask(report_id: int) -> ResponseReturnValue:
    """A question on the reporter's page."""

    def act(one: Report, form: Form) -> None:
        text = form.load()["text"]
        acts.ask(actor(), one, text, version=form.version, at=clock.now())

    return _worded(report_id, WordsForm(), "ask", act, gettext("Đã hỏi."))


@blueprint.route("/<int:report_id>/pass", methods=["GET", "POST"])
def pass_on(report_id: int) -> ResponseReturnValue:
    """Asks the maker of the goods, in the desk's own words."""

    def act(one: Report, form: Form) -> None:
        told = form.load()
        numbers = [int(number) for number in told["photos"]]
        acts.pass_on(actor(), one, told["text"], numbers, version=form.version, at=clock.now())

    return _worded(report_id, PassForm(), "pass", act, gettext("Đã gửi cho bên làm ra hàng."))


@blueprint.route("/<int:report_id>/forward", methods=["GET", "POST"])
@needs("decide")
def forward(report_id: int) -> ResponseReturnValue:
    """To another authority, or taken over from a narrower one."""

    def act(one: Report, form: Form) -> None:
        told = form.load()
        code = told["to"].replace("-", "").replace(" ", "").upper()
        to = organisations.find_organisation(code)
        if to is None:
            raise UnknownOrganisation(path="to", text=told["to"][:60])
        acts.forward(actor(), one, to, told["text"], typed=told["to"], at=clock.now())

    one = desk.get_report(actor(), report_id)
    return _worded(
        report_id,
        ForwardForm(),
        "forward",
        act,
        gettext("Đã chuyển; người báo thấy chuyển đi đâu và vì sao."),
        candidates=next_authorities(one, actor().organisation),
        takes_over=desk.may_take_over(actor(), one),
    )


@blueprint.route("/<int:report_id>/answer", methods=["GET", "POST"])
@needs("decide")
def answer(report_id: int) -> ResponseReturnValue:
    """What the reporters read."""

    def act(one: Report, form: Form) -> None:
        told = form.load()
        acts.answer(
            actor(),
            one,
            told["text"],
            told["outcome"],
            ends=told["ends"],
            version=form.version,
            at=clock.now(),
        )

    return _worded(
        report_id,
        AnswerReportForm(),
        "answer",
        act,
        gettext("Đã trả lời."),
        outcomes=outcome_options(),
    )


# -- figures and rules -----------------------------------------------------------------------------


@blueprint.get("/figures")
def numbers() -> ResponseReturnValue:
    """Sums of the last days (`?days=`), and the open data: `?format=csv` or `json`."""
    asked = request.args.get("days", "")
    days = min(max(int(asked), 1), 3660) if asked.isdecimal() and len(asked) < 6 else 90
    until = clock.now()
    since = until - timedelta(days=days)
    scope = scope_of(actor())
    form = request.args.get("format", "")
    if form in ("csv", "json"):
        return _open_data(open_rows(scope, since, until), form, since, until)
    found = figures(scope, since, until)
    wards = list(found.by_ward.items())[:20]
    return render_template(
        f"{FOLDER}/figures.html",
        found=found,
        days=days,
        places=[(ward_name(code) if code else "", n) for code, n in wards],
        **words(),
    )


def _open_data(
    rows: list[dict[str, object]], form: str, since: datetime, until: datetime
) -> Response:
    if form == "csv":
        head = ["province", "problem", "outcome", "reports"]
        return csv_response("reports-open", head, [[row[name] for name in head] for row in rows])
    told = {"since": since.isoformat(), "until": until.isoformat(), "reports": rows}
    headers = {"Content-Disposition": 'attachment; filename="reports-open.json"'}
    return Response(orjson.dumps(told), mimetype="application/json", headers=headers)


@blueprint.route("/rules", methods=["GET", "POST"])
@needs("decide")
def rules() -> ResponseReturnValue:
    """To which branch a problem goes, and by when: for this authority and those within its area."""
    mine = actor().organisation
    table = {name.replace(".", "_"): sector for name, sector in table_of(mine).items()}
    form = Form(_RulesForm(), {**table, **days_of(mine)})
    if form.sent:
        with form.attempt():
            told = form.load()
            routes = {name: told[name.replace(".", "_")] for name in table_of(mine)}
            set_rule(actor(), ROUTING, routes, at=clock.now())
            days = {name: told[name] for name in days_of(mine)}
            set_rule(actor(), DEADLINES, days, at=clock.now())
            return form.done(url_for(".index"), gettext("Đã lưu. Áp dụng cho phản ánh mới."))
    return form.page(
        f"{FOLDER}/rules.html",
        routes=list(table_of(mine)),
        sectors=[(one, sector_name(one)) for one in ("agriculture", "trade", "health")],
        **words(),
    )


class _RulesForm(RoutingForm, DaysForm):  # type: ignore[valid-type,misc]  # made from tables
    """Both at once."""


def _address(report: Report) -> str:
    return url_for(".show", report_id=report.id)


def _case_address(reference: str) -> str:
    """The page of a case, "" where there is none."""
    kind, _, code = reference.partition(":")
    try:
        return url_for(CASES.get(kind, "-"), code=code)
    except BuildError:
        return ""
