""" "Tuần này": what the week brought so far, and the weeks before; the weekly word's page."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models.reports import PROBLEMS
from trace.models.requests import STATES
from trace.services import weekly
from trace.web.access import actor
from trace.web.report_words import problem_name
from trace.web.report_words import state_name as report_state
from trace.web.request_words import kind_name, state_name

blueprint = Blueprint("weeks", __name__, url_prefix="/producer/week")

DAYS = timedelta(days=7)
FIRST_YEAR = 2000  # nobody has a notebook here from before
NAMED = 5  # goods named in a table; the rest together


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The present week, or the one of `?monday=`; never one to come."""
    this = weekly.monday_of(clock.now())
    monday = min(_asked_for(this), this)
    week = weekly.figures(actor(), monday)
    first = weekly.monday_of(actor().organisation.created_at)
    return render_template(
        "producer/week.html",
        week=week,
        present=monday == this,
        named=week.scans.things[:NAMED],
        others=sum(count for _, count in week.scans.things[NAMED:]),
        before=monday - DAYS if monday > first else None,
        after=monday + DAYS if monday < this else None,
        open=weekly.open_now(actor(), at=clock.now()) if monday == this else None,
        asked_name=asked_name,
        asked_state=asked_state,
        waits_name=waits_name,
    )


def _asked_for(this: date) -> date:
    """The Monday of the day asked for; the present week where that is no day."""
    try:
        day = date.fromisoformat(request.args.get("monday", ""))
    except ValueError:
        return this
    return day - timedelta(days=day.weekday()) if day.year >= FIRST_YEAR else this


def asked_name(kind: str) -> str:
    """The word for what was asked."""
    if kind == "takedown":
        taken: str = gettext("Ảnh hoặc lời của bạn bị gỡ")
        return taken
    return problem_name(kind) if kind in PROBLEMS else kind_name(kind)


def asked_state(state: str) -> str:
    """The word for how it stands."""
    if state == "lifted":
        again: str = gettext("đã hiện lại")
        return again
    return state_name(state) if state in STATES else report_state(state)


def waits_name(what: str) -> str:
    """The word for what waits."""
    words: dict[str, str] = {
        "approvals": gettext("Việc chờ duyệt bằng khoá truy cập"),
        "certificates": gettext("Chứng nhận chờ bạn trả lời"),
        "application": gettext("Hồ sơ đăng ký được hỏi thêm"),
        "requests": gettext("Yêu cầu về dữ liệu cá nhân"),
    }
    return words.get(what, what)
