"""The pages of one's own account: which organisation, name and address, password."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.models import Person
from trace.schemas.people import AccountForm, PasswordForm
from trace.services import people, sessions
from trace.web import throttle
from trace.web.access import safe_next
from trace.web.forms import Form
from trace.web.pages import front_door

blueprint = Blueprint("account", __name__, url_prefix="/account")


def _person() -> Person:
    return cast("Person", g.person)


@blueprint.route("/organisation", methods=["GET", "POST"])
def choose() -> ResponseReturnValue:
    """Which organisation to act for."""
    if request.method == "POST":
        chosen = request.form.get("organisation", "")
        # At most 18 digits: what surely fits a row id.
        known = chosen.isdecimal() and len(chosen) <= 18
        sessions.choose_organisation(g.session, int(chosen) if known else 0)
        db.session.commit()
        return redirect(safe_next(front_door(g.session.organisation)), 303)
    memberships = sessions.memberships_of(_person())
    return render_template("auth/choose.html", memberships=memberships, next=safe_next(""))


@blueprint.route("/", methods=["GET", "POST"])
def show() -> ResponseReturnValue:
    """Name and language. How one signs in is changed under contact, by a code and the password."""
    person = _person()
    form = Form(AccountForm(), {"name": person.name, "locale": person.locale})
    if form.sent:
        with form.attempt():
            people.change_account(person, form.load(), at=clock.now())
            return form.done(url_for("account.show"), gettext("Đã lưu tài khoản."))
    return form.page("auth/account.html", person=person)


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """A new password; every other sign-in of this person ends."""
    person = _person()
    form = Form(PasswordForm())
    if form.sent:
        with form.attempt():
            throttle.check(throttle.BY_ACCOUNT, "password", str(person.id))
            data = form.load()
            try:
                people.change_password(
                    person, data["present"], data["password"], at=clock.now(), kept=g.session
                )
            except people.WrongPassword:
                throttle.count(throttle.BY_ACCOUNT, "password", str(person.id))
                raise
            db.session.commit()
            flash(gettext("Đã đổi mật khẩu. Các máy khác đã bị đăng xuất."))
            return redirect(url_for("account.show"), 303)
    return form.page("auth/password.html")
