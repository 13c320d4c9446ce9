"""What people reported about this organisation's goods, as far as the maker may know, and what it
answers the authority."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.reports import WordsForm
from trace.services.citizen_reports.makers import answer_desk, part_of, parts_of, photo_for_maker
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.report_words import outcome_name, problem_filter, problem_name, state_name, words

blueprint = Blueprint("goods_reports", __name__, url_prefix="/producer/citizen-reports")
FOLDER = "producer/reports"


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Reports on our goods, the newest first."""
    listing = Listing(
        parts_of(actor()),
        words=lambda one: (str(one.id), problem_name(one.problem), one.lot, one.product),
        filters={"problem": lambda one: one.problem},
    )
    if listing.wants_csv:
        head = [gettext("Số"), gettext("Có chuyện gì"), gettext("Hàng"), gettext("Nhận ngày")]
        head += [gettext("Tình trạng"), gettext("Kết quả")]
        return listing.csv(
            "reports-on-goods",
            head,
            lambda one: [
                one.id,
                problem_name(one.problem),
                one.lot or one.product,
                one.day,
                state_name(one.state),
                outcome_name(one.outcome),
            ],
        )
    return render_template(
        f"{FOLDER}/index.html", listing=listing, problems=problem_filter(), **words()
    )


@blueprint.route("/<int:report_id>", methods=["GET", "POST"])
def show(report_id: int) -> ResponseReturnValue:
    """One report: what concerns the goods, what the authority asks, and our answer."""
    one = part_of(actor(), report_id)
    form = Form(WordsForm())
    if form.sent:
        with form.attempt():
            answer_desk(actor(), report_id, form.load()["text"], at=clock.now())
            return form.done(url_for(".show", report_id=report_id), gettext("Đã gửi cơ quan."))
    return form.page(f"{FOLDER}/show.html", one=one, **words())


@blueprint.get("/<int:report_id>/photos/<int:number>.jpg")
def photo(report_id: int, number: int) -> Response:
    """A photo the authority shared, kept by no cache."""
    data = photo_for_maker(actor(), report_id, number)
    return Response(data, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})
