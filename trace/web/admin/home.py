"""The platform's own desk: every page of it, and how much waits there."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace.services import jobs_aside, prefixes
from trace.web.access import actor

blueprint = Blueprint("admin_home", __name__, url_prefix="/admin")
PAGES: Final = (
    ("admin_applications.index", "paper"),
    ("admin_organisations.index", "people"),
    ("accreditations.index", "check"),
    ("prefixes.index", "tag"),
    ("same_records.index", "list"),
    ("admin_requests.index", "person"),
    ("admin_requests.takedowns_index", "stop"),
    ("admin_closings.index", "house"),
    ("admin_keys.index", "key"),
    ("second_steps.index", "phone"),
    ("admin_audit.index", "clock"),
    ("admin_jobs.index", "warn"),
    ("platform_settings.index", "edit"),
)


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """Links, with what waits."""
    words = {
        "admin_applications.index": gettext("Hồ sơ đăng ký"),
        "admin_organisations.index": gettext("Tổ chức: xác nhận, đình chỉ"),
        "accreditations.index": gettext("Công nhận bên thứ ba, cán bộ kiểm tra"),
        "prefixes.index": gettext("Tiền tố GS1"),
        "same_records.index": gettext("Hồ sơ trùng"),
        "admin_requests.index": gettext("Yêu cầu và báo cáo"),
        "admin_requests.takedowns_index": gettext("Nội dung đã gỡ"),
        "admin_closings.index": gettext("Tổ chức ngừng hoạt động"),
        "admin_keys.index": gettext("Khoá ký"),
        "second_steps.index": gettext("Bỏ xác nhận hai bước của một người"),
        "admin_audit.index": gettext("Nhật ký thao tác"),
        "admin_jobs.index": gettext("Việc gác lại"),
        "platform_settings.index": gettext("Tham số"),
    }
    waiting = {
        "prefixes.index": prefixes.count_waiting(actor()),
        "admin_jobs.index": sum(count for _, count in jobs_aside.count_aside()),
    }
    items = [(url_for(name), words[name], icon, waiting.get(name, 0)) for name, icon in PAGES]
    return render_template("admin/home.html", items=items)
