"""Every signing key and how it stands."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace.services import keys_overview
from trace.web.access import actor
from trace.web.admin.standing_words import custody_name, key_tag
from trace.web.lists import csv_response

blueprint = Blueprint("admin_keys", __name__, url_prefix="/admin/keys")
EXPORT = 20_000


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Searched by organisation, filtered, paged by key."""
    text = "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:100]
    custody, state = request.args.get("custody", ""), request.args.get("state", "")
    custody = custody if custody in keys_overview.CUSTODIES else ""
    state = state if state in keys_overview.STATES else ""
    asked = request.args.get("before", "")[:12]
    before = int(asked) if asked.isascii() and asked.isdecimal() else None
    export = request.args.get("format") == "csv"
    found = keys_overview.overview(
        actor(),
        text=text,
        custody=custody,
        state=state,
        before=before,
        limit=EXPORT if export else keys_overview.PAGE,
    )
    if export:
        head = [gettext("Tổ chức"), gettext("Khoá"), gettext("Ai giữ"), gettext("Tình trạng")]
        head += [gettext("Từ dòng sổ"), gettext("Tới dòng sổ"), gettext("Tạo ngày")]
        lines = [
            [
                key.organisation.name,
                key.kid,
                custody_name(key.custody),
                key_tag(keys_overview.state_of(key))[1],
                key.active_from,
                key.revoked_from,
                key.created_at,
            ]
            for key in found.rows
        ]
        return csv_response("keys", head, lines)
    return render_template(
        "admin/keys/index.html",
        found=found,
        text=text,
        custody=custody,
        state=state,
        custodies=[(one, custody_name(one)) for one in keys_overview.CUSTODIES],
        states=[(one, key_tag(one)[1]) for one in keys_overview.STATES],
        custody_name=custody_name,
        key_tag=lambda key: key_tag(keys_overview.state_of(key)),
    )
