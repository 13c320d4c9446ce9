"""Registering from a phone, start to finish: contact, code, organisation.

Three short pages. What is under way is kept in the browser (trace.web.auth.codes); nothing is
stored of a registration that is not finished.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Person
from trace.schemas.applications import ContactForm, RegistrationForm
from trace.services import applications, contacts, people
from trace.services.actors import Actor
from trace.services.organisations import OPEN_KINDS, create_organisation
from trace.services.places import register_place
from trace.web import throttle
from trace.web.application_words import paper_kinds
from trace.web.auth import codes
from trace.web.auth.entering import enter
from trace.web.forms import Form
from trace.web.pages import page_language
from trace.web.words import organisation_kinds, place_kinds

blueprint = Blueprint("register", __name__, url_prefix="/register")
PURPOSE = "register"


@blueprint.route("", methods=["GET", "POST"])
def start() -> ResponseReturnValue:
    """Which phone number or e-mail address: a code is sent there."""
    form = Form(ContactForm())
    if form.sent:
        with form.attempt():
            codes.send_code(form.load()["login"], PURPOSE)
            return redirect(url_for("register.code"), 303)
    return form.page("auth/register.html", step=1)


@blueprint.route("/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    """The six digits."""
    return codes.code_page(
        PURPOSE,
        start="register.start",
        go_on=lambda _: redirect(url_for("register.details"), 303),
    )


@blueprint.route("/details", methods=["GET", "POST"])
def details() -> ResponseReturnValue:
    """The person, the organisation, its first place, its papers: done when this is sent."""
    proving = codes.under_way(PURPOSE)
    if proving is None or not proving.proven:
        return redirect(url_for("register.start"), 303)
    holder = people.find_person(proving.login)
    passes = holder is not None and contacts.may_pass_on(holder, proving.login, at=clock.now())
    form = Form(RegistrationForm(), {"kind": "producer", "place_kind": "plot"})
    if form.sent:
        with form.attempt():
            throttle.check(throttle.REGISTRATIONS, "register", throttle.address())
            data = form.load()
            throttle.count(throttle.REGISTRATIONS, "register", throttle.address())
            person = _register(proving, data)
            codes.forget()
            answer = enter(person, fallback=url_for("application.show"))
            flash(gettext("Đã tạo tài khoản và tổ chức. Bạn ghi chép được ngay."))
            return answer
    return form.page(
        "auth/details.html",
        proving=proving,
        holder=holder,
        passes=passes,
        kinds=organisation_kinds(OPEN_KINDS),
        place_kinds=place_kinds(),
        paper_kinds=paper_kinds(),
    )


def _register(proving: codes.Proving, data: dict[str, object]) -> Person:
    """Everything in one transaction; the caller commits."""
    now = clock.now()
    contacts.pass_on(proving.login, at=now, claimed=bool(data["claim"]))
    person = people.register_person(
        str(data["name"]),
        proving.login,
        str(data["password"]),
        at=now,
        locale=page_language(),
        proven=True,
    )
    organisation = create_organisation(
        {
            "name": data["organisation"],
            "kind": data["kind"],
            "ward_code": data["ward_code"],
            "phone": person.phone or "",
        },
        at=now,
        owner=person,
    )
    acting = Actor(organisation, person, "owner")
    if data["place"]:
        place = {
            "name": data["place"],
            "kind": data["place_kind"] or "plot",
            "ward_code": data["ward_code"],
            "public": True,
        }
        register_place(acting, place, at=now)
    file = applications.open_application(acting, at=now)
    photos = [one.stream for one in request.files.getlist("papers") if one.filename]
    kind = str(data["paper_kind"] or "other")
    applications.add_papers(acting, file, kind, photos, at=now)
    return person
