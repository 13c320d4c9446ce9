"""The pages of signing in and out, and of a forgotten password."""

from __future__ import annotations

import structlog
from flask import Blueprint, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.schemas.applications import ContactForm, NewPasswordForm
from trace.services import contacts, factors, people, sessions
from trace.services.notifications import notify_people
from trace.web import throttle
from trace.web.access import safe_next
from trace.web.auth import codes
from trace.web.auth.entering import enter
from trace.web.forms import Form

blueprint = Blueprint("auth", __name__)
log = structlog.get_logger()


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
                log.warning("sign-in-failed", endpoint=request.endpoint)
                raise
            # Whoever knows the password and not the second step has not succeeded yet.
            if not factors.asked_after_password(person):
                throttle.forget_failures(typed)
            return enter(person)
    return form.page("auth/sign_in.html", next=safe_next(""), resume=form.value("resume"))


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Ends this sign-in."""
    if g.session is not None:
        log.info("signed-out", person=g.session.person_id)
        sessions.end_session(g.session)
        db.session.commit()
    session.clear()
    g.session = g.person = g.actor = None
    g.forget_session = True
    flash(gettext("Bạn đã đăng xuất."))
    return redirect(url_for("auth.sign_in"), 303)


RECOVER = "recover"


@blueprint.route("/recover", methods=["GET", "POST"])
def recover() -> ResponseReturnValue:
    """A forgotten password: a code is sent to the contact, if it has an account."""
    form = Form(ContactForm())
    if form.sent:
        with form.attempt():
            codes.send_code(form.load()["login"], RECOVER)
            return redirect(url_for("auth.recover_code"), 303)
    return form.page("auth/recover.html")


@blueprint.route("/recover/code", methods=["GET", "POST"])
def recover_code() -> ResponseReturnValue:
    """The six digits."""
    return codes.code_page(
        RECOVER,
        start="auth.recover",
        go_on=lambda _: redirect(url_for("auth.recover_password"), 303),
    )


@blueprint.route("/recover/password", methods=["GET", "POST"])
def recover_password() -> ResponseReturnValue:
    """A new password for the account of the proven contact; every sign-in of it ends."""
    proving = codes.under_way(RECOVER)
    person = people.find_person(proving.login) if proving and proving.proven else None
    if proving is None or person is None or not person.active:
        return redirect(url_for("auth.recover"), 303)
    now = clock.now()
    form = Form(NewPasswordForm())
    try:
        contacts.check_recoverable(person, proving.login, at=now)
    except contacts.NotByPhone as error:
        form.refuse(error)
        unproven = isinstance(error, contacts.NotProven)
        return form.page("auth/recover_not.html", unproven=unproven)
    if form.sent:
        with form.attempt():
            people.reset_password(person, form.load()["password"], at=now)
            notify_people([person], "access-renewed", {}, at=now)
            contacts.mark_proven(person, proving.login, at=now)
            codes.forget()
            answer = enter(person)
            flash(gettext("Đã đặt mật khẩu mới. Các máy khác đã bị đăng xuất."))
            return answer
    return form.page("auth/recover_password.html", proving=proving)
