"""Signing in by passkey, and a person's own passkeys and sign-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.schemas.members import PasskeyForm
from trace.services import factors, person_passkeys, sessions
from trace.web import throttle
from trace.web.access import safe_next
from trace.web.auth.entering import enter
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

signing = Blueprint("passkey", __name__, url_prefix="/sign-in/passkey")
blueprint = Blueprint("passkeys", __name__, url_prefix="/account/passkeys")
sign_ins = Blueprint("sign_ins", __name__, url_prefix="/account/sign-ins")
KEY: Final = "passkey"


def _ask(purpose: str) -> str:
    """A new challenge, remembered in this browser."""
    challenge = person_passkeys.new_challenge()
    session[KEY] = {"for": purpose, "challenge": challenge, "at": clock.now().isoformat()}
    return challenge


def _asked(purpose: str) -> str:
    """The challenge this browser was given, once; "" for another purpose or after five minutes."""
    kept = session.pop(KEY, None) or {}
    if kept.get("for") != purpose:
        return ""
    age = clock.now() - datetime.fromisoformat(kept["at"])
    return str(kept["challenge"]) if abs(age) <= person_passkeys.LIFE else ""


@signing.route("", methods=["GET", "POST"])
def enter_by_passkey() -> ResponseReturnValue:
    """No name and no password: the device says who it is."""
    form = Form()
    if form.sent:
        with form.attempt():
            throttle.check(throttle.BY_ADDRESS, "passkey", throttle.address())
            throttle.count(throttle.BY_ADDRESS, "passkey", throttle.address())
            answer = request.form.get("assertion", "")
            person = person_passkeys.authenticate(answer, _asked("enter"), at=clock.now())
            return enter(person, shown=True)
    options = person_passkeys.sign_in_options(_ask("enter"))
    return form.page("auth/passkeys/enter.html", options=options, next=safe_next(""))


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """A person's passkeys."""
    return render_template(
        "auth/passkeys/index.html", passkeys=person_passkeys.list_passkeys(g.person)
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """A passkey more, made on this device."""
    form = Form(PasskeyForm())
    if form.sent:
        with form.attempt():
            name = form.load()["name"]
            confirm_person(enrolling=True)
            person_passkeys.add_passkey(
                g.person,
                name,
                request.form.get("credential", ""),
                _asked("add"),
                at=clock.now(),
            )
            factors.shown_in(g.session, at=clock.now())
            decides = factors.decides(g.person)
            if decides:  # from now on asked of every sign-in: those without it end
                sessions.end_other_sessions(g.person, g.session)
            address = url_for("factors.index" if decides else "passkeys.index")
            return form.done(address, gettext("Đã thêm khoá vân tay."))
    options = person_passkeys.creation_options(g.person, _ask("add"))
    return form.page("auth/passkeys/new.html", options=options, ask_password=password_asked())


@blueprint.route("/<int:passkey_id>/remove", methods=["GET", "POST"])
def remove(passkey_id: int) -> ResponseReturnValue:
    """Forgets a passkey, after asking once."""
    found = person_passkeys.get_passkey(g.person, passkey_id)
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person()
            person_passkeys.remove_passkey(g.person, passkey_id, at=clock.now())
            factors.lost_one(g.person, g.session)
            return form.done(url_for("passkeys.index"), gettext("Đã bỏ khoá vân tay."))
    return form.page(
        "auth/passkeys/remove.html",
        found=found,
        act=gettext("Bỏ khoá này"),
        cancel=url_for("passkeys.index"),
        danger=True,
        ask_password=password_asked(),
    )


@sign_ins.get("/")
def show() -> ResponseReturnValue:
    """Where one is signed in."""
    return render_template(
        "auth/passkeys/sign_ins.html", found=sessions.list_sessions(g.person, at=clock.now())
    )


@sign_ins.post("/end")
def end() -> ResponseReturnValue:
    """Ends every sign-in but this one."""
    sessions.end_other_sessions(g.person, g.session)
    db.session.commit()
    flash(gettext("Các máy khác đã bị đăng xuất."))
    return redirect(url_for("sign_ins.show"), 303)
