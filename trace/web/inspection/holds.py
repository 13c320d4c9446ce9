"""The authority's queue of held lots, and releasing one on its laboratory result."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.laboratory import ReleaseSchema
from trace.services.batches import short_name
from trace.services.laboratory import get_held, held_lots, release
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.hold_words import finding_words, notice_words
from trace.web.pages import day

blueprint = Blueprint("holds", __name__, url_prefix="/inspection/holds")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Lots held by our rules in this jurisdiction, the longest held first."""
    return render_template(
        "inspection/holds/index.html",
        lots=held_lots(actor()),
        short_name=short_name,
        notice_words=notice_words,
    )


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
        options=[
            (one.event_id, f"{one.laboratory.name} · {day(one.at)}")
            for one in hold.results
            if one.passes
        ],
    )
