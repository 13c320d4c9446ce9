""" "My data": everything the organisation owns in one file."""

from __future__ import annotations

import orjson
from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.models import Job
from trace.schemas.import_forms import NothingForm
from trace.schemas.kept_files import send_kept
from trace.services import exports
from trace.web.access import actor, needs
from trace.web.forms import Form

blueprint = Blueprint("exports", __name__, url_prefix="/producer/my-data")


@blueprint.route("/", methods=["GET", "POST"])
@needs("export")
def index() -> ResponseReturnValue:
    """The button, and the files that wait."""
    form = Form(NothingForm())
    if form.sent:
        with form.attempt():
            exports.ask(actor(), at=clock.now())
            message = gettext("Đã nhận lời xin. Gom xong, tệp hiện ở đây.")
            return form.done(url_for("exports.index"), message)
    rows = [(job, *_state(job)) for job in exports.list_exports(actor())]
    return form.page(
        "producer/exports/index.html",
        rows=rows,
        busy=next((job for job, state, *_ in rows if state == "wait"), None),
        kept=exports.KEPT,
    )


def _state(job: Job) -> tuple[str, str, int]:
    """(kind of tag, words, bytes) of one collection."""
    if job.state == "failed":
        return "stop", gettext("không gom được"), 0
    if job.state != "done":
        return "wait", gettext("đang gom"), 0
    if exports.is_over(job, at=clock.now()) or exports.find_file(job.public_id) is None:
        return "neutral", gettext("đã hết hạn"), 0
    told = orjson.loads(job.result or "{}")
    words = gettext("sẵn sàng")
    if told.get("missing"):
        words = gettext("sẵn sàng; thiếu %(count)d thứ, lý do ở trong tệp", count=told["missing"])
    return "ok", words, int(told.get("bytes", 0))


@blueprint.get("/<public_id>.zip")
@needs("export")
def download(public_id: str) -> ResponseReturnValue:
    """The file, for the organisation's own."""
    name = exports.fetch(actor(), public_id, at=clock.now())
    db.session.commit()
    return send_kept(name, "application/zip", "du-lieu.zip", attached=True)
