"""The authority's queue of held lots, and releasing one on its laboratory result."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.laboratory import ReleaseSchema
from trace.services.batches import short_name
from trace.services.held_goods import movements, owner_holds
from trace.services.labels import printed_address
from trace.services.laboratory import get_held, held_lots, release
from trace.services.vocabulary import Amount, step_label
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.hold_words import finding_words, notice_words, show_amount
from trace.web.pages import day

blueprint = Blueprint("holds", __name__, url_prefix="/inspection/holds")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Lots held by our rules in this jurisdiction, the longest held first."""
    return render_template(
        "inspection/holds/index.html",
        lots=[(one, owner_holds(one.thing)) for one in held_lots(actor())],
        show_amounts=_amounts,
        short_name=short_name,
        notice_words=notice_words,
    )


def _amounts(values: list[Amount]) -> str:
    return " · ".join(show_amount(value) for value in values)


@blueprint.route("/<int:event_id>", methods=["GET", "POST"])
def show(event_id: int) -> ResponseReturnValue:
    """One hold: why, what laboratories found, and the release."""
    hold = get_held(actor(), event_id)
    form = Form(
        ReleaseSchema(), {"words": gettext("Kết quả kiểm nghiệm của lô không vượt giới hạn")}
    )
    if form.sent:
        with form.attempt():
            clean = form.load()
            release(actor(), hold, clean["result"], clean["words"], at=clock.now())
            return form.done(url_for("holds.index"), gettext("Đã ký gỡ tạm giữ."))
    return form.page(
        "inspection/holds/show.html",
        hold=hold,
        short_name=short_name,
        notice_words=notice_words,
        finding_words=finding_words,
        movements=movements(hold.thing.id),
        public=printed_address(hold.thing.identity),
        left=_amounts(owner_holds(hold.thing)),
        step_label=step_label,
        show_amount=show_amount,
        options=[
            (one.event_id, f"{one.laboratory.name} · {day(one.at)}")
            for one in hold.results
            if one.passes
        ],
    )
