"""The pages of signing in and out and of registering."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.models import Person
from trace.schemas.people import RegistrationForm
from trace.services import people, sessions
from trace.services.organisations import OPEN_KINDS, create_organisation
from trace.web import throttle
from trace.web.access import safe_next
from trace.web.forms import Form
from trace.web.pages import page_language
from trace.web.resume import send_again, unpack
from trace.web.words import organisation_kinds

blueprint = Blueprint("auth", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Phone number or e-mail address, and password."""
    if g.person is not None and request.method == "GET":
        return redirect(safe_next(url_for("account.choose")), 303)
    form = Form()
    if form.sent:
        typed, password = form.value("login"), request.form.get("password", "")
        with form.attempt():
            throttle.check_sign_in(typed)
            try:
                person = people.authenticate(typed, password)
            except people.WrongSignIn:
                throttle.count_failure(typed)
                raise
            throttle.forget_failures(typed)
            return _enter(person)
    return form.page("auth/sign_in.html", next=safe_next(""), resume=form.value("resume"))


def _enter(person: Person) -> ResponseReturnValue:
    """Opens a new sign-in; an old one in this browser ends."""
    if g.session is not None:
        sessions.end_session(g.session)
    opened, token = sessions.open_session(person, at=clock.now())
    sessions.forget_expired(at=clock.now())
    db.session.commit()
    # Whoever may have planted a cookie in this browser before knows nothing of what comes now.
    session.clear()
    g.session, g.session_token, g.person = opened, token, person
    waiting = unpack(request.form.get("resume", ""))
    if opened.organisation_id is None:
        return redirect(url_for("account.choose", next=safe_next("") or None), 303)
    if waiting is not None:
        g.actor = sessions.actor_of(opened)
        return send_again(waiting)
    return redirect(safe_next(url_for("today.show")), 303)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Ends this sign-in."""
    if g.session is not None:
        sessions.end_session(g.session)
        db.session.commit()
    session.clear()
    g.session = g.person = g.actor = None
    g.forget_session = True
    flash(gettext("Bạn đã đăng xuất."))
    return redirect(url_for("auth.sign_in"), 303)


@blueprint.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """A new person and their organisation, unconfirmed, ready to record at once."""
    form = Form(RegistrationForm(), {"kind": "producer"})
    if form.sent:
        with form.attempt():
            throttle.check(throttle.REGISTRATIONS, "register", throttle.address())
            data = form.load()
            now = clock.now()
            person = people.register_person(
                data["name"], data["login"], data["password"], at=now, locale=page_language()
            )
            create_organisation(
                {
                    "name": data["organisation"],
                    "kind": data["kind"],
                    "ward_code": data["ward_code"],
                    "phone": person.phone or "",
                },
                at=now,
                owner=person,
            )
            throttle.count(throttle.REGISTRATIONS, "register", throttle.address())
            answer = _enter(person)
            flash(gettext("Đã tạo tài khoản và tổ chức. Bạn ghi chép được ngay."))
            return answer
    return form.page("auth/register.html", kinds=organisation_kinds(OPEN_KINDS))
