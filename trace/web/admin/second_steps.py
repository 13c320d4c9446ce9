"""Taking somebody's second step away: one administrator asks, another does it."""

from __future__ import annotations

from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.factors import ResetForm
from trace.services import factor_resets
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

blueprint = Blueprint("second_steps", __name__, url_prefix="/admin/second-steps")


@blueprint.route("/", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """What waits, asking for one, and what was decided."""
    now = clock.now()
    form = Form(ResetForm())
    form.outbox = False
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            factor_resets.ask(actor(), told["login"], told["reason"], at=now)
            words = gettext("Đã gửi. Một quản trị viên khác phải đồng ý trong ba ngày.")
            return form.done(url_for(".index"), words)
    return form.page(
        "admin/second_steps/index.html",
        waiting=factor_resets.waiting(actor(), at=now),
        decided=factor_resets.decided(actor()),
        ask_password=password_asked(),
    )


@blueprint.route("/<int:reset_id>", methods=["GET", "POST"])
def show(reset_id: int) -> ResponseReturnValue:
    """One of them, for the second administrator."""
    row = factor_resets.get_reset(actor(), reset_id)
    form = Form()
    form.outbox = False
    if form.sent:
        with form.attempt():
            do = bool(form.value("do"))
            confirm_person()
            factor_resets.decide(actor(), row, do, at=clock.now())
            words = gettext("Đã bỏ; người ấy được báo.") if do else gettext("Đã từ chối.")
            return form.done(url_for(".index"), words)
    return form.page(
        "admin/second_steps/show.html",
        one=row,
        open=row in factor_resets.waiting(actor(), at=clock.now()),
        second=factor_resets.may_decide(actor(), row),
        mine=g.person.id == row.asked_by,
        ask_password=password_asked(),
    )
