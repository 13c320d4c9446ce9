"""Jobs set aside: done again or left, by the platform's administrators."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.services import jobs_aside
from trace.services.jobs_aside import AWAY, WORKER_DIED, Aside
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.lists import Listing

blueprint = Blueprint("admin_jobs", __name__, url_prefix="/admin/jobs")


def reason_name(one: Aside) -> str:
    """Why it was set aside, in words."""
    if one.reason == WORKER_DIED:
        return str(gettext("làm chết tiến trình mỗi lần chạy"))
    if one.reason == AWAY:
        return str(gettext("chờ tệp, khoá hoặc sổ cả ngày không được"))
    return str(gettext("hỏng vì lỗi của chương trình"))


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The newest first."""
    listing = Listing(
        jobs_aside.list_aside(actor()),
        words=lambda one: (one.kind, one.organisation, one.public_id),
        filters={"reason": lambda one: one.reason},
    )
    if listing.wants_csv:
        head = [gettext("Việc"), gettext("Của"), gettext("Vì sao"), gettext("Lúc")]
        return listing.csv(
            "jobs",
            [*head, gettext("Mã")],
            lambda one: [one.kind, one.organisation, reason_name(one), one.at, one.public_id],
        )
    return render_template("admin/jobs/index.html", listing=listing, reason_name=reason_name)


@blueprint.route("/<public_id>", methods=["GET", "POST"])
def settle(public_id: str) -> ResponseReturnValue:
    """Does it again or leaves it, after saying what either means."""
    job = jobs_aside.get_aside(actor(), public_id)
    form = Form()
    if form.sent:
        with form.attempt():
            if request.form.get("act") == "again":
                jobs_aside.try_again(actor(), job.public_id, at=clock.now())
                return form.done(url_for(".index"), gettext("Đã xếp lại vào hàng chờ."))
            jobs_aside.leave(actor(), job.public_id, at=clock.now())
            return form.done(url_for(".index"), gettext("Đã bỏ: việc này không chạy nữa."))
    return form.page("admin/jobs/settle.html", job=job, reason=reason_name(job))
