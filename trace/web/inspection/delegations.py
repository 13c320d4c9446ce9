"""What the authority lends others and was lent."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.authorities import DelegationSchema
from trace.services.deadlines import LOCAL
from trace.services.delegations import lend, list_delegations, stands, take_back, takers
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.inspection.area import act_options, area_words, sector_options, sector_words

blueprint = Blueprint("delegations", __name__, url_prefix="/inspection/delegations")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Both sides of every loan, what stands first."""
    now = clock.now()
    rows = list_delegations(actor())
    own = actor().organisation.id
    return render_template(
        "inspection/delegations/index.html",
        given=[(one, stands(one, at=now)) for one in rows if one.giver_id == own],
        taken=[(one, stands(one, at=now)) for one in rows if one.taker_id == own],
        decides=actor().may("decide"),
        acts=dict(act_options()),
        area_words=area_words,
        sector_words=sector_words,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("decide")
def new() -> ResponseReturnValue:
    """Lends an act, until the end of a day."""
    form = Form(DelegationSchema(), {"act": "inspect"})
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            until = datetime.combine(told["until"] + timedelta(days=1), time(), LOCAL)
            lend(
                actor(),
                told["taker"],
                told["act"],
                told["areas"],
                told["sectors"],
                told["reason"],
                until=until,
                at=clock.now(),
            )
            return form.done(url_for("delegations.index"), gettext("Đã uỷ quyền."))
    return form.page(
        "inspection/delegations/new.html",
        takers=[(one.code, one.name) for one in takers(actor())],
        acts=act_options(),
        sectors=sector_options(),
        ask_password=password_asked(),
    )


@blueprint.route("/<int:delegation_id>/end", methods=["POST"])
@needs("decide")
def end(delegation_id: int) -> ResponseReturnValue:
    """Takes a loan back."""
    take_back(actor(), delegation_id, at=clock.now())
    return Form().done(url_for("delegations.index"), gettext("Đã rút uỷ quyền."))
