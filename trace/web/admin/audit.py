"""The audit log: searched, paged by key, taken away. The platform's whole, an office's own."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace.errors import Refused
from trace.schemas.base import load
from trace.schemas.standings import AuditForm
from trace.services import audit_reading
from trace.services.audit_reading import Line
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.lists import csv_response

blueprint = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")
local = Blueprint("audit_log", __name__, url_prefix="/inspection/audit")
DESKS = (blueprint, local)


def index() -> ResponseReturnValue:
    """Who did what, to what, when; the newest first."""
    names = ("who", "action", "subject", "since", "until")
    typed = {name: request.args.get(name, "")[:300] for name in names}
    form = Form(AuditForm(), typed)
    wanted: dict[str, Any] = {}
    try:
        wanted = load(AuditForm(), typed)
    except Refused as refused:
        form.refuse(refused)
    asked = request.args.get("before", "")[:15]
    before = int(asked) if asked.isascii() and asked.isdecimal() else None
    if request.args.get("format") == "csv" and not form.summary:
        head = [gettext("Lúc"), gettext("Tổ chức"), gettext("Người"), gettext("Việc")]
        head += [gettext("Đối tượng"), gettext("Chi tiết")]
        return csv_response("audit", head, map(_line, audit_reading.export(actor(), wanted)))
    lines, more = (
        ([], None) if form.summary else audit_reading.search(actor(), wanted, before=before)
    )
    kept: dict[str, Any] = {name: value for name, value in typed.items() if value}
    return render_template(
        "admin/audit/index.html",
        form=form,
        failed=bool(form.summary),
        lines=lines,
        detail=_detail,
        narrowed=bool(kept),
        more=url_for(".index", **kept, before=more) if more else "",
        newest=url_for(".index", **kept) if before else "",
        csv=url_for(".index", **kept, format="csv"),
    ), (400 if form.summary else 200)


def _line(line: Line) -> list[Any]:
    row = line.row
    return [row.at, line.organisation, line.person, row.action, row.subject, row.detail]


def _detail(line: Line) -> list[tuple[str, str]]:
    told: dict[str, Any] = orjson.loads(line.row.detail or "{}")
    return [
        (name, value if isinstance(value, str) else orjson.dumps(value).decode())
        for name, value in told.items()
    ]


for _desk in DESKS:
    _desk.add_url_rule("/", view_func=index)
