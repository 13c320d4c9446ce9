"""A person's own contacts: proving a number or an address by a code, or changing to another."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.schemas.applications import ContactForm
from trace.services import contacts, people
from trace.web.auth import codes
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

blueprint = Blueprint("contact", __name__, url_prefix="/account/contact")
PURPOSE = "prove"


@blueprint.route("/", methods=["GET", "POST"])
def start() -> ResponseReturnValue:
    """Which number or address; the password again, because a contact recovers the account."""
    form = Form(ContactForm(), {"login": g.person.phone or g.person.email or ""})
    if form.sent:
        with form.attempt():
            login = form.load()["login"]
            confirm_person()
            codes.send_code(login, PURPOSE)
            return redirect(url_for("contact.code"), 303)
    return form.page("auth/contact.html", person=g.person, ask_password=password_asked())


@blueprint.route("/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    """The six digits; then the contact is this person's."""
    return codes.code_page(PURPOSE, start="contact.start", go_on=_prove)


def _prove(proving: codes.Proving) -> ResponseReturnValue:
    now = clock.now()
    holder = people.find_person(proving.login)
    if holder is not None and holder.id != g.person.id:
        claimed = contacts.may_pass_on(holder, proving.login, at=now)
        contacts.pass_on(proving.login, at=now, claimed=claimed)
    contacts.mark_proven(g.person, proving.login, at=now)
    db.session.commit()
    codes.forget()
    flash(gettext("Đã xác nhận."))
    return redirect(url_for("account.show"), 303)
