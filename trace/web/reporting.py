"""`/report`: a problem with goods, told without an account, and how it stands.

As on `/requests`, these pages set no cookie and need none: nothing is done for whoever is signed
in. A form is taken unless the browser says that another site sent it. The page of one report has
its code in its address, so that people can keep it: it is never cached, indexed, or named to
another site.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from limits import parse

from trace import clock
from trace.errors import TraceError
from trace.extensions import csrf, db, limiter
from trace.models import Report
from trace.networks import network_of
from trace.schemas.reports import ProblemForm, ReportCodeForm, WordsForm, check_problem
from trace.services import counters
from trace.services.batches import short_name
from trace.services.citizen_reports import KEPT_DAYS, find_by_code, photos, reply, submit
from trace.services.citizen_reports.days import QUIET_DAYS
from trace.services.citizen_reports.goods import Goods, find_goods
from trace.services.citizen_reports.intake import forget_contact, what
from trace.services.citizen_reports.reading import UnknownReport, late, main_of, steps_of
from trace.services.citizen_reports.routing import DEFAULT_DEADLINES
from trace.services.deadlines import local_day
from trace.services.tracking_codes import read_code
from trace.web import guessing, throttle
from trace.web.forms import Form, showable
from trace.web.pages import page_language
from trace.web.report_words import problem_options, words
from trace.web.resume import ForeignForm, from_our_page

blueprint = Blueprint("reporting", __name__, url_prefix="/report")
csrf.exempt(blueprint)

# Of one network, which many phones share: from HELD on they are held apart, at STOPPED it is over.
STOPPED: Final = parse("60/1 hour")
HELD: Final = 12
# Photos are kept before a form is read; sent again and again with one that is refused, they would
# fill the disk.
UPLOADS: Final = parse("120/1 hour")
LOOKUPS: Final = parse("60/15 minutes")
# A phone that sends a video must hear that it cannot, with what was typed still there: more than
# that is cut off by the server in front.
MAX_REQUEST: Final = 120 * 2**20


class TooManyReports(TraceError):
    code = "too-many-reports"
    status = 429
    message = (
        "Very many reports came from this network within an hour. Wait %(minutes)d minutes and "
        "send again; what you typed is still here. If somebody is seriously ill, call 115."
    )


class ReportCodeUnreadable(TraceError):
    code = "report-code-unreadable"
    message = "A tracking code has 16 letters and digits, such as 7K3Q-MP2X-V4TN-08FW."


@blueprint.before_request
def same_site() -> None:
    """Refuses a form that the browser says another site sent; lets a video come in to be told."""
    if request.method == "POST":
        request.max_content_length = MAX_REQUEST
        if request.headers.get("Origin") and not from_our_page():
            raise ForeignForm


@blueprint.after_request
def private(response: Response) -> Response:
    """Kept by no cache and no search engine."""
    response.headers["Cache-Control"] = "no-store"
    # Not "no-referrer": the form would then come without naming the page it comes from.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.route("", methods=["GET", "POST"])
def tell() -> ResponseReturnValue:
    """What is wrong with the goods; `?of=` is the page or the code it is about."""
    of = showable(request.args.get("of", ""))[:300]
    form = Form(ProblemForm(), {"about": of, "problem": request.args.get("problem", "")})
    kept: photos.Kept = ()
    if form.sent:
        kept = _photos(form)
        with form.attempt():
            network = network_of(request.remote_addr or "")
            count = _count(network)
            values = check_problem(form.load(), photos=len(kept), today=local_day(clock.now()))
            if not form.summary:
                made, code = submit(
                    values,
                    kept,
                    at=clock.now(),
                    once=form.key,
                    locale=page_language(),
                    held=count >= HELD,
                )
                return _received(made, code, network)
    goods = _goods(form)
    return form.page(
        "reporting/form.html",
        goods=goods,
        problems=problem_options(),
        goods_code=short_name(goods.lot.identity) if goods.lot else goods.about.rpartition("/")[2],
        kept=[digest for digest, _ in kept],
        limit=photos.LIMIT,
        days=DEFAULT_DEADLINES,
        kept_days=KEPT_DAYS,
    )


def _photos(form: Form) -> photos.Kept:
    came = [one.stream for one in request.files.getlist("photos") if one.filename]
    network = network_of(request.remote_addr or "")
    try:
        if came:
            throttle.check(UPLOADS, "report-photos", network)
            throttle.count(UPLOADS, "report-photos", network)
    except throttle.TooManyTries as refusal:
        form.refuse(refusal)
        came = []
    kept, wrong = photos.keep(came, form.all("kept"))
    for error in wrong:
        form.refuse(error)
    return kept


def _goods(form: Form) -> Goods:
    """What the page says the report is about. Unknown codes are counted as elsewhere: a network
    that tries codes is told nothing of any."""
    about = form.value("about")
    if not about or guessing.seconds_to_wait():
        return Goods(about)
    found = find_goods(about)
    if not found.known:
        guessing.count_unknown()
    return found


def _count(network: str) -> int:
    """How many came from a network within the hour. Raises TooManyReports."""
    if not limiter.enabled:
        return 0
    key = counters.counter_key(str(STOPPED), "report", network)
    count, ends = counters.tries(key, at=clock.now(), window=throttle.window_of(STOPPED))
    if count >= STOPPED.amount:
        left = (ends - clock.now()).total_seconds()
        raise TooManyReports(minutes=guessing.minutes(int(left)))
    return count


def _received(made: Report, code: str, network: str) -> ResponseReturnValue:
    """Keeps the report and shows its code, big: of the code we keep a digest only."""
    db.session.commit()
    throttle.count(STOPPED, "report", network)
    page = render_template(
        "reporting/received.html", report=made, report_code=code, kept_days=KEPT_DAYS, **words()
    )
    return page, 201


@blueprint.route("/state", methods=["GET", "POST"])
def find() -> ResponseReturnValue:
    """Type the tracking code."""
    form = Form(ReportCodeForm())
    if form.sent:
        with form.attempt():
            typed = form.load()["code"]
            try:
                _find(typed)
            except UnknownReport as error:
                form.refuse(error)
            else:
                return redirect(url_for(".state", code=read_code(typed)), 303)
    return form.page("reporting/find.html")


@blueprint.route("/state/<code>", methods=["GET", "POST"])
def state(code: str) -> ResponseReturnValue:
    """How a report stands: who has it, what was asked and answered; and adding something."""
    report = _find(code)
    form = Form(WordsForm())
    if form.sent:
        with form.attempt():
            reply(report, form.load()["text"], at=clock.now(), once=form.key)
            address = url_for(".state", code=code, told="yes", _anchor="told")
            return form.done(address)
    main = main_of(report)
    return form.page(
        "reporting/state.html",
        report=report,
        main=main,
        report_code=code,
        goods=what(report),
        photo_count=len(photos.photos_of(report)),
        steps=list(reversed(steps_of(report, "reporter"))),
        late=late(main, at=clock.now()),
        told=request.args.get("told") == "yes",
        quiet_days=QUIET_DAYS,
        kept_days=KEPT_DAYS,
        **words(),
    )


@blueprint.post("/state/<code>/forget")
def forget(code: str) -> ResponseReturnValue:
    """The reporter takes the contact back: nobody is told of an answer any more."""
    forget_contact(_find(code), at=clock.now())
    db.session.commit()
    return redirect(url_for(".state", code=code), 303)


def _find(typed: str) -> Report:
    """The report of a code; who tries codes has to wait. Raises TooManyTries and what
    `find_by_code` raises."""
    network = network_of(request.remote_addr or "")
    throttle.check(LOOKUPS, "report-code", network)
    try:
        return find_by_code(typed)
    except UnknownReport:
        throttle.count(LOOKUPS, "report-code", network)
        raise
    except TraceError:
        raise ReportCodeUnreadable(path="code") from None
