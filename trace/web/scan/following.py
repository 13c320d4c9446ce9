"""`/follow`: to be told when a lot is recalled, held or advised about, without an account.

These pages set no cookie, know nobody and load one small module, which offers messages of the
browser where there are such; all else works without. A form is taken unless the browser says that
another site sent it; the button of a mail program (RFC 8058) says nothing.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request
from flask_babel import force_locale
from limits import parse

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import csrf, db
from trace.models import Thing
from trace.schemas.follows import BrowserForm, FollowForm
from trace.services import follows, senders, web_push
from trace.services.follows_words import Goods, goods_of
from trace.services.settings import current_settings
from trace.web import throttle
from trace.web.addresses import language_of
from trace.web.forms import Form
from trace.web.guessing import check_waiting, count_unknown
from trace.web.resume import ForeignForm, from_our_page
from trace.web.scan import rows
from trace.web.scan.pages import content_security_policy, render

follow = Blueprint("follow", __name__, url_prefix="/follow")
csrf.exempt(follow)

# Many phones share one address behind a mobile operator.
ASKING = parse("30/1 hour")
FOLLOWED = frozenset({"lot", "cycle", "logistic", "unit"})


@follow.before_request
def same_site() -> None:
    """Refuses a form that the browser says another site sent."""
    if request.method == "POST" and request.headers.get("Origin") and not from_our_page():
        raise ForeignForm


@follow.route("/", methods=["GET", "POST"])
def ask() -> Response:
    """Asks for an e-mail address, or has the browser ask for its own messages."""
    thing, language = _asked(), _language()
    form = Form(FollowForm())
    with force_locale(language):
        if form.sent:
            with form.attempt():
                throttle.check(ASKING, "follow", throttle.address())
                throttle.count(ASKING, "follow", throttle.address())
                typed = form.load()["email"]
                follows.ask(thing.id, typed, locale=language, at=clock.now())
                db.session.commit()
                return _page(thing, language, "sent")
        elif (over := _too_old(thing)) is not None:
            form.refuse(over)
    return _page(thing, language, "ask", form)


@follow.post("/browser")
def browser() -> Response:
    """Keeps what this browser gave (static/scan/follow.js fills it in)."""
    thing, language = _asked(), _language()
    form = Form(BrowserForm())
    with force_locale(language):
        if form.sent:
            with form.attempt():
                throttle.check(ASKING, "follow", throttle.address())
                throttle.count(ASKING, "follow", throttle.address())
                code = follows.follow_by_push(
                    thing.id, **form.load(), locale=language, at=clock.now()
                )
                db.session.commit()
                return _page(thing, language, "told", leave=_leave(code, language))
    return _page(thing, language, "ask", form)


@follow.route("/confirm/<code>", methods=["GET", "POST"])
def confirm(code: str) -> Response:
    """The address of the letter: one press, so that no program that looks at letters confirms."""
    language = _language()
    try:
        row = follows.find(code, at=clock.now())
        if request.method == "POST":
            follows.confirm(code, at=clock.now())
            db.session.commit()
    except TraceError as error:
        db.session.rollback()
        return _over(error, language)
    state = "told" if row.confirmed_at is not None else "confirm"
    return _page(row.thing, language, state, leave=_leave(code, language))


@follow.route("/leave/<code>", methods=["GET", "POST"])
def leave(code: str) -> Response:
    """One press; a mail program's own button posts here. Who has left already is told the same."""
    language = _language()
    if request.method == "POST":
        follows.leave(code, at=clock.now())
        db.session.commit()
    state = "left" if request.method == "POST" else "leave"
    return _page(None, language, state)


# -- pages -----------------------------------------------------------------------------------------


def _language() -> str:
    return language_of(request)[0]


def _asked() -> Thing:
    """What `of` names: a lot, or the lot of a package. Raises NotFound, TooManyCodes, Gs1Error."""
    check_waiting()
    path = quote(request.args.get("of", "")[:600], safe="/%", errors="replace")
    asked = rows.ask(path, current_settings().id_base)
    found = rows.find(db.engine, asked, 0)
    if found is None or found.kind not in FOLLOWED or found.level > 0:
        count_unknown()
        raise NotFound
    return db.session.get_one(Thing, found.passport)


def _too_old(thing: Thing) -> TraceError | None:
    try:
        follows.forget_at(thing.id, at=clock.now())
    except follows.TooOldToFollow as error:
        return error
    return None


def _leave(code: str, language: str) -> str:
    return f"/follow/leave/{code}?lang={language}"


def _over(error: TraceError, language: str) -> Response:
    """An address that is no longer good says so in the reader's language."""
    with force_locale(language):
        form = Form()
        form.refuse(error)
    return _page(None, language, "over", form)


def _page(
    thing: Thing | None, language: str, state: str, form: Form | None = None, leave: str = ""
) -> Response:
    goods = goods_of(thing) if thing is not None else Goods("", "", "", "")
    of = f"/follow/?of={quote(goods.path, safe='')}" if thing is not None else ""
    key = web_push.public_key(at=clock.now()) if state == "ask" and web_push.is_on() else ""
    html = render(
        "scan/follow.html",
        language,
        goods.path or "/",
        address=of or request.path,
        state=state,
        form=form or Form(),
        goods=goods,
        by_email=senders.is_on("email"),
        push_key=key,
        action=f"{of}&lang={language}" if of else "",
        browser_action=f"/follow/browser?of={quote(goods.path, safe='')}&lang={language}",
        leave=leave,
        back=f"/t{goods.path}?lang={language}" if goods.path else "/",
    )
    db.session.commit()  # the platform's key, where this page was the first to need one
    response = Response(html, content_type="text/html; charset=utf-8")
    response.status_code = form.status if form is not None else 200
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language
    response.headers["Content-Security-Policy"] = content_security_policy(runs=True)
    response.headers["Referrer-Policy"] = "same-origin"  # codes leave with no link
    return response
