"""Organisations as the desk sees them, and suspending one: the platform's, and an authority's for
its area."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import Gs1Error, check_code
from trace.errors import NotFound
from trace.models import Organisation
from trace.models.organisations import KINDS, STATUSES
from trace.schemas.standings import ReasonForm
from trace.services import accrediting, confirming, prefixes
from trace.services.deadlines import local_day
from trace.services.platform_settings import text_of
from trace.services.same_records import same_as
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor
from trace.web.admin.reasons import asked_with_reason
from trace.web.admin.standing_words import accreditation_tag, decision_name
from trace.web.lists import csv_response

blueprint = Blueprint("admin_organisations", __name__, url_prefix="/admin/organisations")
local = Blueprint("organisations", __name__, url_prefix="/inspection/organisations")
DESKS = (blueprint, local)


def _page() -> int:
    asked = request.args.get("page", "1")[:6]
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() else 1


def _asked(name: str, offered: tuple[str, ...]) -> str:
    value = request.args.get(name, "")
    return value if value in offered else ""


def index() -> ResponseReturnValue:
    """Everybody in reach, by name; searched, filtered, paged."""
    text = "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:100]
    kind, status = _asked("kind", KINDS), _asked("status", STATUSES)
    found = confirming.find(actor(), text=text, kind=kind, status=status, page=_page())
    if request.args.get("format") == "csv":
        head = [gettext("Mã tổ chức"), gettext("Tổ chức"), gettext("Loại")]
        head += [gettext("Xã, phường"), gettext("Tình trạng")]
        return csv_response("organisations", head, map(_line, found.rows))
    return render_template(
        "admin/organisations/index.html",
        found=found,
        text=text,
        kind=kind,
        status=status,
        kinds=words.organisation_kinds([one for one in KINDS if one != "platform"]),
        statuses=[(one, words.organisation_status(one)[1]) for one in STATUSES],
        status_tag=words.organisation_status,
        kind_name=words.organisation_kind,
    )


def _line(one: Organisation) -> list[str]:
    return [
        one.code,
        one.name,
        words.organisation_kind(one.kind),
        ward_name(one.ward_code) if one.ward_code else "",
        words.organisation_status(one.status)[1],
    ]


def _find(code: str) -> Organisation:
    try:
        return confirming.get(actor(), check_code(code))
    except Gs1Error:
        raise NotFound from None


def show(code: str) -> ResponseReturnValue:
    """One: how it stands, what was decided about it, its accreditations and prefix."""
    organisation = _find(code)
    today = local_day(clock.now())
    return render_template(
        "admin/organisations/show.html",
        organisation=organisation,
        decisions=confirming.decisions_about(organisation),
        decision_name=decision_name,
        accreditations=accrediting.of_organisation(organisation),
        accreditation_tag=lambda one: accreditation_tag(accrediting.state_of(one, today)),
        claim=prefixes.claim_of(organisation),
        same=same_as(organisation),
        may_judge=confirming.may_judge(actor(), organisation),
        status=words.organisation_status(organisation.status),
        kind_name=words.organisation_kind,
    )


def suspend(code: str) -> ResponseReturnValue:
    """Suspends, with the reason everybody will read; after a fresh sign-in."""
    return asked_with_reason(
        _find(code),
        ReasonForm(),
        confirming.suspend,
        gettext("Đã tạm đình chỉ."),
        "admin/organisations/suspend.html",
        appeal=text_of("appeal"),
    )


def reinstate(code: str) -> ResponseReturnValue:
    """Takes a suspension back."""
    organisation = _find(code)
    return asked_with_reason(
        organisation,
        ReasonForm(),
        confirming.reinstate,
        gettext("Đã bỏ đình chỉ."),
        "admin/organisations/reinstate.html",
        standing=confirming.suspension_of(organisation),
    )


for _desk in DESKS:
    _desk.add_url_rule("/", view_func=index)
    _desk.add_url_rule("/<code>", view_func=show)
    _desk.add_url_rule("/<code>/suspend", view_func=suspend, methods=["GET", "POST"])
    _desk.add_url_rule("/<code>/reinstate", view_func=reinstate, methods=["GET", "POST"])
