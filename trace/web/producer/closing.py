"""The pages of an organisation's end: what it means, asking, taking back, what stays."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound, TraceError
from trace.models import Organisation
from trace.schemas.closings import ClosingForm
from trace.services import closing, exports
from trace.services.idle import STAYING_KINDS
from trace.services.successors import contact_of, whole_successor
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

blueprint = Blueprint("closing", __name__, url_prefix="/producer/closing")


class NotSaved(TraceError):
    code = "data-not-saved"
    message = "Say that you have your data, or that you do not need them."
    next_step = "Collect “My data” first; it stays possible for two years."


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """How it stands with the organisation, and what an end would mean."""
    organisation = actor().organisation
    return render_template(
        "producer/closing/show.html",
        organisation=organisation,
        row=closing.waiting(organisation),
        stays=organisation.kind in STAYING_KINDS,
        read_until=_read_until(organisation),
        contact=contact_of(organisation),
        **outlook_of(organisation),
    )


def outlook_of(organisation: Organisation) -> dict[str, object]:
    """What stands open, for the pages of an owner and of the desk."""
    return {
        "open": closing.outlook(organisation),
        "successor": whole_successor(organisation),
        "wait": closing.WAIT.days,
        "read_years": closing.READ_FOR.days // 365,
    }


def _read_until(organisation: Organisation) -> object:
    return organisation.closed_at + closing.READ_FOR if organisation.closed_at else None


@blueprint.route("/ask", methods=["GET", "POST"])
@needs("manage")
def ask() -> ResponseReturnValue:
    """Asks for the end, after a fresh sign-in."""
    organisation = actor().organisation
    form = Form(ClosingForm())
    if form.sent:
        with form.attempt():
            told = form.load()
            if not told["saved"]:
                raise NotSaved(path="saved")
            confirm_person()
            closing.ask(actor(), told["reason"], at=clock.now())
            message = gettext("Đã nhận. Trước ngày ngừng, mọi việc vẫn như cũ và còn rút lại được.")
            return form.done(url_for("closing.show"), message)
    ready = [job for job in exports.list_exports(actor()) if job.state == "done"]
    return form.page(
        "producer/closing/ask.html",
        organisation=organisation,
        exported=ready[0].finished_at if ready else None,
        ends_at=clock.now() + closing.WAIT,
        ask_password=password_asked(),
        **outlook_of(organisation),
    )


@blueprint.route("/back", methods=["GET", "POST"])
@needs("manage")
def back() -> ResponseReturnValue:
    """Takes the asking back."""
    row = closing.waiting(actor().organisation)
    if row is None:
        raise NotFound
    form = Form(version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            confirm_person()
            closing.take_back(actor(), version=form.version, at=clock.now())
            return form.done(url_for("closing.show"), gettext("Đã rút lại. Tổ chức tiếp tục."))
    return form.page(
        "producer/closing/back.html",
        row=row,
        act=gettext("Tiếp tục hoạt động"),
        cancel=url_for("closing.show"),
        ask_password=password_asked(),
    )
