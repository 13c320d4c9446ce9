"""The desk of requests: what came in, what is due, answering, extending, ending.

The same pages stand under three addresses: the platform's, an organisation's (requests about its
own data) and an authority's (reports of photos and texts). Which requests are seen, the service
decides.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Request
from trace.models.requests import CLOSED, REPORT
from trace.schemas.requests import AnswerForm, AssignForm, ClosingForm, ReasonForm
from trace.services import deadlines, organisations, requests, takedowns
from trace.services.choices import UnknownOrganisation
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.request_words import (
    kind_name,
    kind_options,
    letter_name,
    reason_name,
    state_name,
)

blueprint = Blueprint("admin_requests", __name__, url_prefix="/admin/requests")
own = Blueprint("own_requests", __name__, url_prefix="/producer/requests")
reports = Blueprint("reports", __name__, url_prefix="/inspection/reports")
DESKS = (blueprint, own, reports)


def index() -> ResponseReturnValue:
    """The queue, the most urgent first; `?closed=yes` for what is over."""
    today = deadlines.local_day(clock.now())
    closed = request.args.get("closed") == "yes"
    listing = Listing(
        requests.list_requests(actor(), closed=closed),
        words=lambda one: (str(one.id), kind_name(one.kind), _whose(one)),
        filters={
            "kind": lambda one: one.kind,
            "late": lambda one: "yes" if requests.overdue(one, today) else "no",
            "closed": lambda one: "yes" if one.state in CLOSED else "",
        },
    )
    if listing.wants_csv:
        head = [gettext("Số"), gettext("Yêu cầu"), gettext("Tình trạng"), gettext("Nhận ngày")]
        head += [gettext("Trả lời chậm nhất"), gettext("Xong chậm nhất"), gettext("Quá hạn")]
        return listing.csv(
            "requests",
            head,
            lambda one: [
                one.id,
                kind_name(one.kind),
                state_name(one.state),
                deadlines.local_day(one.received_at),
                one.reply_by,
                one.finish_by,
                bool(requests.overdue(one, today)),
            ],
        )
    return render_template(
        "admin/requests/index.html",
        listing=listing,
        closed=closed,
        kinds=kind_options(actor().organisation.kind),
        **_words(),
        late=lambda one: requests.overdue(one, today),
        next_day=requests.next_day,
        whose=_whose,
        takedowns=request.blueprint != own.name,
        known_until=deadlines.last_known_year(),
        year=today.year,
    )


def show(request_id: int) -> ResponseReturnValue:
    """One request: what was asked, by when, what was answered."""
    one = requests.get_request(actor(), request_id)
    today = deadlines.local_day(clock.now())
    return render_template(
        "admin/requests/show.html",
        one=one,
        content=requests.content_of(one),
        late=requests.overdue(one, today),
        closed=one.state in CLOSED,
        is_report=one.kind == REPORT,
        platform=actor().organisation.kind == "platform",
        statement=takedowns.statement_of(one.event),
        **_words(),
    )


def answer(request_id: int) -> ResponseReturnValue:
    """The reply within two working days."""
    one = requests.get_request(actor(), request_id)
    form = Form(AnswerForm(), {"processor": one.processor}, version=one.version)
    if form.sent:
        with form.attempt():
            told = form.load()
            requests.answer(
                actor(),
                one,
                told["text"],
                processor=told["processor"],
                version=form.version,
                at=clock.now(),
            )
            return form.done(_address(one), gettext("Đã trả lời."))
    return form.page("admin/requests/answer.html", one=one, back_to=_address(one), **_words())


def begin(request_id: int) -> ResponseReturnValue:
    """Says that the work has begun."""
    one = requests.get_request(actor(), request_id)
    address = _address(one)
    form = Form()
    if form.sent:
        with form.attempt():
            requests.begin(actor(), one, at=clock.now())
            return form.done(address, gettext("Đã ghi là đang làm."))
    for _, sentence in form.summary:
        flash(sentence, "info")
    return redirect(address, 303)


def extend(request_id: int) -> ResponseReturnValue:
    """More time, once, with the reason told to the asker."""
    one = requests.get_request(actor(), request_id)
    form = Form(ReasonForm(), version=one.version)
    days = deadlines.PERIODS[one.kind].extension
    if form.sent:
        with form.attempt():
            text = form.load()["text"]
            requests.extend(actor(), one, text, version=form.version, at=clock.now())
            return form.done(_address(one), gettext("Đã gia hạn."))
    return form.page(
        "admin/requests/extend.html", one=one, days=days, back_to=_address(one), **_words()
    )


def close(request_id: int) -> ResponseReturnValue:
    """Done, or refused with the reason."""
    one = requests.get_request(actor(), request_id)
    form = Form(ClosingForm(), {"outcome": request.args.get("outcome", "")}, version=one.version)
    if form.sent:
        with form.attempt():
            told = form.load()
            requests.close(
                actor(), one, told["outcome"], told["text"], version=form.version, at=clock.now()
            )
            return form.done(_address(one), gettext("Đã đóng yêu cầu."))
    return form.page("admin/requests/close.html", one=one, back_to=_address(one), **_words())


for _desk in DESKS:
    _desk.add_url_rule("/", view_func=index)
    _desk.add_url_rule("/<int:request_id>", view_func=show)
    _desk.add_url_rule("/<int:request_id>/answer", view_func=answer, methods=["GET", "POST"])
    _desk.add_url_rule("/<int:request_id>/begin", view_func=begin, methods=["POST"])
    _desk.add_url_rule("/<int:request_id>/extend", view_func=extend, methods=["GET", "POST"])
    _desk.add_url_rule("/<int:request_id>/close", view_func=close, methods=["GET", "POST"])


@blueprint.route("/<int:request_id>/assign", methods=["GET", "POST"])
def assign(request_id: int) -> ResponseReturnValue:
    """Whose data it is: that organisation then sees the request and may answer it."""
    one = requests.get_request(actor(), request_id)
    code = one.organisation.code if one.organisation is not None else ""
    form = Form(AssignForm(), {"organisation": code}, version=one.version)
    if form.sent:
        with form.attempt():
            typed = form.load()["organisation"].replace("-", "").upper()
            organisation = organisations.find_organisation(typed) if typed else None
            if typed and organisation is None:
                raise UnknownOrganisation(path="organisation", text=typed)
            requests.assign(actor(), one, organisation, at=clock.now())
            return form.done(_address(one), gettext("Đã lưu."))
    return form.page("admin/requests/assign.html", one=one, back_to=_address(one), **_words())


def _address(one: Request) -> str:
    return url_for(".show", request_id=one.id)


def _whose(one: Request) -> str:
    return one.organisation.name if one.organisation is not None else ""


def _words() -> dict[str, Any]:
    return {
        "kind_name": kind_name,
        "state_name": state_name,
        "reason_name": reason_name,
        "letter_name": letter_name,
    }
