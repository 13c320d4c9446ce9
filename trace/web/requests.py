"""`/requests`: what people ask about their own data, and what they report; no account needed.

These pages set no cookie and need none: nothing is done for whoever is signed in, so there is
nothing a foreign page could borrow. A form is taken unless the browser says that another site sent
it. How often is limited by network address, which is counted in memory and not kept.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from limits import parse

from trace import clock
from trace.errors import TraceError
from trace.extensions import csrf, db
from trace.models import Request
from trace.models.requests import CLOSED, REPORT
from trace.schemas.requests import CodeForm, ReportForm, SubjectForm
from trace.services import deadlines, reports, requests
from trace.services.erasures import get_event
from trace.web import throttle
from trace.web.forms import Form, showable
from trace.web.pages import page_language
from trace.web.request_words import kind_name, letter_name, reason_options, subject_options
from trace.web.resume import ForeignForm, from_our_page

blueprint = Blueprint("requests", __name__, url_prefix="/requests")
csrf.exempt(blueprint)

# Many phones share one address behind a mobile operator.
SUBMISSIONS = parse("20/1 hour")
LOOKUPS = parse("60/15 minutes")


class RequestCodeUnreadable(TraceError):
    code = "request-code-unreadable"
    message = "A code has 16 letters and digits, such as 7K3Q-MP2X-V4TN-08FW."


@blueprint.before_request
def same_site() -> None:
    """Refuses a form that the browser says another site sent."""
    if request.method == "POST" and request.headers.get("Origin") and not from_our_page():
        raise ForeignForm


@blueprint.route("/", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    """What is held about me, and the other rights of a person."""
    asked = request.args.get("kind", "")
    form = Form(SubjectForm(), {"kind": asked})
    if form.sent:
        with form.attempt():
            throttle.check(SUBMISSIONS, "request", throttle.address())
            values = form.load()
            made, code = requests.submit(
                values["kind"], values, at=clock.now(), once=form.key, locale=page_language()
            )
            return _received(made, code)
    return form.page("requests/ask.html", kinds=subject_options(), days=requests.KEPT_DAYS)


@blueprint.route("/report", methods=["GET", "POST"])
def report() -> ResponseReturnValue:
    """A photo or words on a page that should not be there."""
    about = showable(request.args.get("about", ""))[:300]
    form = Form(ReportForm(), {"about": about})
    items: list[Any] = []
    if form.value("about"):
        try:
            items = reports.items_of(form.value("about"), at=clock.now())
        except TraceError as error:
            form.refuse(error.at("about"))
    if form.sent and not form.summary:
        with form.attempt():
            throttle.check(SUBMISSIONS, "request", throttle.address())
            values = form.load()
            item = next((one for one in items if one.key == values["item"]), None)
            made, code = requests.submit(
                REPORT,
                values,
                at=clock.now(),
                once=form.key,
                locale=page_language(),
                event=get_event(item.statement) if item else None,
                digest=item.digest if item else None,
                reason=values["reason"],
            )
            return _received(made, code)
    return form.page("requests/report.html", items=items, reasons=reason_options())


def _received(made: Request, code: str) -> ResponseReturnValue:
    """Keeps the request and tells its code, once: we keep a digest of it only."""
    db.session.commit()
    throttle.count(SUBMISSIONS, "request", throttle.address())
    page = render_template(
        "requests/received.html", request_made=made, request_code=code, kind=kind_name(made.kind)
    )
    return page, 201, {"Cache-Control": "no-store"}


@blueprint.route("/state", methods=["GET", "POST"])
def state() -> ResponseReturnValue:
    """How a request stands and what was answered, for whoever has its code. The code travels in
    the body of a form, never in an address that servers and browsers write down."""
    form = Form(CodeForm())
    if form.sent:
        with form.attempt():
            throttle.check(LOOKUPS, "request-code", throttle.address())
            throttle.count(LOOKUPS, "request-code", throttle.address())
            typed = form.load()["code"]
            try:
                found = requests.find_by_code(typed)
            except requests.UnknownRequest as error:
                form.refuse(error)
            except TraceError:
                raise RequestCodeUnreadable(path="code") from None
            else:
                return _state(found)
    return form.page("requests/find.html")


def _state(found: Request) -> ResponseReturnValue:
    today = deadlines.local_day(clock.now())
    page = render_template(
        "requests/state.html",
        one=found,
        kind=kind_name(found.kind),
        letters=requests.content_of(found).letters,
        letter_name=letter_name,
        late=requests.overdue(found, today),
        steps=_steps(found),
        closed=found.state in CLOSED,
        days=requests.KEPT_DAYS,
    )
    return page, 200, {"Cache-Control": "no-store"}


def _steps(found: Request) -> list[tuple[str, str, bool]]:
    """(name, when, whether it is behind us) of each state on the way."""
    closed = found.state in CLOSED
    ending = gettext("Từ chối") if found.state == "refused" else gettext("Đã xong")
    return [
        (gettext("Đã nhận"), _day(found.received_at), True),
        (gettext("Đã trả lời"), _day(found.answered_at), found.answered_at is not None),
        (gettext("Đang làm"), "", closed or found.state == "working"),
        (ending, _day(found.closed_at), closed),
    ]


def _day(moment: Any) -> str:
    return deadlines.local_day(moment).strftime("%d/%m/%Y") if moment is not None else ""
