"""Accrediting laboratories, certifiers and inspectors."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.standings import AccreditationForm, ReasonForm
from trace.services import accrediting
from trace.services.choices import organisation_by_code
from trace.services.deadlines import local_day
from trace.services.organisations import find_organisation
from trace.web.access import actor
from trace.web.admin.standing_words import accreditation_tag, role_name
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import Listing

blueprint = Blueprint("accreditations", __name__, url_prefix="/admin/accreditations")
STATES = ("in-force", "ahead", "over", "withdrawn")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All of them, the newest first."""
    today = local_day(clock.now())
    listing = Listing(
        accrediting.list_accreditations(actor()),
        words=lambda one: (one.organisation.name, one.organisation.code, one.number, one.scope),
        filters={
            "state": lambda one: accrediting.state_of(one, today),
            "kind": lambda one: one.kind,
        },
    )
    if listing.wants_csv:
        head = [gettext("Tổ chức"), gettext("Được công nhận là"), gettext("Số"), gettext("Phạm vi")]
        head += [gettext("Từ ngày"), gettext("Đến ngày"), gettext("Tình trạng")]
        return listing.csv(
            "accreditations",
            head,
            lambda one: [
                one.organisation.name,
                role_name(one.kind),
                one.number,
                one.scope,
                one.valid_from,
                one.valid_until,
                accreditation_tag(accrediting.state_of(one, today))[1],
            ],
        )
    return render_template(
        "admin/accreditations/index.html",
        listing=listing,
        tag_of=lambda one: accreditation_tag(accrediting.state_of(one, today)),
        states=[(one, accreditation_tag(one)[1]) for one in STATES],
        kinds=[(one, role_name(one)) for one in sorted(set(accrediting.ROLES.values()))],
        role_name=role_name,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Accredits; `?organisation=` fills in whom, and for an authority which of its people."""
    asked = request.values.get("organisation", "")[:40].replace("-", "").replace(" ", "").upper()
    chosen = find_organisation(asked) if asked.isprintable() else None
    form = Form(AccreditationForm(), {"organisation": asked if chosen else ""})
    form.outbox = False
    if form.sent:
        with form.attempt():
            told = form.load()
            organisation = organisation_by_code(actor(), told["organisation"], path="organisation")
            confirm_person()
            accrediting.grant(actor(), organisation, told, at=clock.now())
            return form.done(url_for(".index"), gettext("Đã công nhận."))
    inspectors = accrediting.inspectors_of(chosen) if chosen else []
    return form.page(
        "admin/accreditations/new.html",
        chosen=chosen,
        people=[(str(person.id), person.name) for person in inspectors],
        ask_password=password_asked(),
    )


@blueprint.route("/<int:accreditation_id>/withdraw", methods=["GET", "POST"])
def withdraw(accreditation_id: int) -> ResponseReturnValue:
    """Withdraws one, from today on."""
    one = accrediting.get(actor(), accreditation_id)
    form = Form(ReasonForm(), version=one.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            reason = form.load()["reason"]
            confirm_person()
            accrediting.withdraw(actor(), one, reason, version=form.version, at=clock.now())
            return form.done(url_for(".index"), gettext("Đã rút công nhận."))
    return form.page(
        "admin/accreditations/withdraw.html",
        one=one,
        role_name=role_name,
        ask_password=password_asked(),
    )
