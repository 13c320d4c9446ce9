"""Pages of member households."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Household
from trace.schemas.households import HouseholdForm
from trace.services import households
from trace.services.places import list_places
from trace.services.wards import ward_name
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import Listing

blueprint = Blueprint("households", __name__, url_prefix="/producer/households")


def _ward(code: str | None) -> str:
    return ward_name(code) if code else ""


def _values(household: Household) -> dict[str, object]:
    return {
        "code": household.code,
        "name": household.name,
        "phone": household.phone,
        "hamlet": household.hamlet,
        "ward_code": _ward(household.ward_code),
        "active": household.active,
    }


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All households; `?format=csv` for a spreadsheet."""
    listing = Listing(
        households.list_households(actor()),
        words=lambda one: (one.code, one.name, one.phone, one.hamlet, _ward(one.ward_code)),
        filters={"state": lambda one: "active" if one.active else "ended"},
    )
    if listing.wants_csv:
        head = [gettext("Mã hộ"), gettext("Tên hộ"), gettext("Điện thoại")]
        head += [gettext("Thôn, xóm"), gettext("Xã, phường"), gettext("Đang tham gia")]
        return listing.csv(
            "households",
            head,
            lambda one: [
                one.code,
                one.name,
                one.phone,
                one.hamlet,
                _ward(one.ward_code),
                one.active,
            ],
        )
    return render_template("producer/households/index.html", listing=listing)


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A household more."""
    form = Form(HouseholdForm(), {"code": households.suggest_code(actor()), "active": True})
    if form.sent:
        with form.attempt():
            household = households.register_household(actor(), form.load(), at=clock.now())
            address = url_for("households.show", household_id=household.id)
            return form.done(address, gettext("Đã thêm hộ %(code)s.", code=household.code))
    return form.page("producer/households/form.html", household=None)


@blueprint.get("/<int:household_id>")
def show(household_id: int) -> ResponseReturnValue:
    """One household and its plots."""
    household = households.get_household(actor(), household_id)
    plots = [place for place in list_places(actor()) if place.household_id == household.id]
    return render_template("producer/households/show.html", household=household, plots=plots)


@blueprint.route("/<int:household_id>/edit", methods=["GET", "POST"])
@needs("record")
def edit(household_id: int) -> ResponseReturnValue:
    """Changes to one household."""
    household = households.get_household(actor(), household_id)
    form = Form(HouseholdForm(), _values(household), version=household.version)
    if form.sent:
        with form.attempt():
            households.update_household(
                actor(), household, form.load(), version=form.version, at=clock.now()
            )
            address = url_for("households.show", household_id=household_id)
            return form.done(address, gettext("Đã lưu."))
    return form.page("producer/households/form.html", household=household)
