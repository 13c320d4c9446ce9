"""Pages of what is sent to other programs: subscriptions, and what they did not take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import DeadLetter, Subscription
from trace.services import subscriptions
from trace.web.access import actor, needs
from trace.web.forms import Form

blueprint = Blueprint("subscriptions", __name__, url_prefix="/producer/subscriptions")


@blueprint.get("/")
@needs("manage")
def index() -> ResponseReturnValue:
    """The organisation's subscriptions, and what could not be delivered."""
    return render_template(
        "producer/subscriptions/index.html",
        rows=subscriptions.list_subscriptions(actor(), limit=subscriptions.MOST),
        letters=subscriptions.list_dead_letters(actor()),
        host_of=_host_of,
        when=_when,
        why=_why,
    )


@blueprint.route("/<public_id>/<act>", methods=["GET", "POST"])
@needs("manage")
def change(public_id: str, act: str) -> ResponseReturnValue:
    """Pauses, resumes or ends one, after asking once. Raises NotFound."""
    row = subscriptions.find_subscription(actor(), public_id)
    acts = {"pause": subscriptions.pause, "resume": subscriptions.resume}
    acts["remove"] = subscriptions.unsubscribe
    if act not in acts:
        abort(404)
    return _asked(act, _name(row), lambda at: acts[act](actor(), row, at=at))


@blueprint.route("/letters/<int:letter_id>/<act>", methods=["GET", "POST"])
@needs("manage")
def answer_letter(letter_id: int, act: str) -> ResponseReturnValue:
    """Sends a dead letter again or puts it aside, after asking once. Raises NotFound."""
    letter = subscriptions.get_dead_letter(actor(), letter_id)
    acts = {"replay": subscriptions.replay, "put-aside": subscriptions.put_aside}
    if act not in acts:
        abort(404)
    name = _name(letter.subscription)
    return _asked(act, name, lambda at: acts[act](actor(), letter, at=at))


def _asked(act: str, name: str, do: Callable[[datetime], None]) -> ResponseReturnValue:
    """Asks once, then does it."""
    form = Form()
    if form.sent:
        with form.attempt():
            do(clock.now())
            return form.done(url_for("subscriptions.index"), _done(act))
    return _ask(form, act, name)


def _ask(form: Form, act: str, name: str) -> ResponseReturnValue:
    title, says, button = _words(name)[act]
    return form.page(
        "producer/subscriptions/change.html",
        title=title,
        says=says,
        act=button,
        cancel=url_for("subscriptions.index"),
        danger=act in ("remove", "put-aside"),
    )


def _words(name: str) -> dict[str, tuple[str, str, str]]:
    """Of each act: the question, what will happen, the button."""
    return {
        "pause": (
            gettext("Tạm ngừng gửi cho %(name)s?", name=name),
            gettext("Không gửi gì cho tới khi bật lại. Sự kiện ghi trong lúc ngừng sẽ gửi sau."),
            gettext("Tạm ngừng gửi"),
        ),
        "resume": (
            gettext("Gửi tiếp cho %(name)s?", name=name),
            gettext("Gửi ngay từ chỗ đã ngừng, kể cả những sự kiện ghi trong lúc ngừng."),
            gettext("Gửi tiếp"),
        ),
        "remove": (
            gettext("Thôi gửi cho %(name)s?", name=name),
            gettext("Phần mềm ấy không nhận được gì nữa; muốn nhận lại, nó phải đăng ký lại."),
            gettext("Thôi gửi"),
        ),
        "replay": (
            gettext("Gửi lại cho %(name)s?", name=name),
            gettext("Gửi lại những sự kiện chưa nhận, theo nội dung hiện nay của chúng."),
            gettext("Gửi lại"),
        ),
        "put-aside": (
            gettext("Bỏ qua phần chưa gửi cho %(name)s?", name=name),
            gettext("Phần này không gửi nữa. Sự kiện vẫn còn nguyên; phần mềm ấy có thể tự hỏi."),
            gettext("Bỏ qua phần này"),
        ),
    }


def _done(act: str) -> str:
    words: dict[str, str] = {
        "pause": gettext("Đã tạm ngừng gửi."),
        "resume": gettext("Đang gửi tiếp."),
        "remove": gettext("Đã thôi gửi."),
        "replay": gettext("Đang gửi lại."),
        "put-aside": gettext("Đã bỏ qua."),
    }
    return words[act]


def _name(row: Subscription) -> str:
    return f"{row.query.name} → {_host_of(row)}"


def _host_of(row: Subscription) -> str:
    return urlsplit(row.dest).hostname or row.dest


def _when(row: Subscription) -> str:
    """When a subscriber is told, in words."""
    if not row.schedule:
        return str(gettext("ngay khi có"))
    fields: dict[str, Any] = orjson.loads(row.schedule)
    told = ", ".join(f"{_field(name)} {value}" for name, value in fields.items())
    return str(gettext("theo lịch: %(fields)s", fields=told))


def _field(name: str) -> str:
    words: dict[str, str] = {
        "second": gettext("giây"),
        "minute": gettext("phút"),
        "hour": gettext("giờ"),
        "dayOfMonth": gettext("ngày"),
        "month": gettext("tháng"),
        "dayOfWeek": gettext("thứ (1 là thứ Hai)"),
        "timeZone": gettext("múi giờ"),
    }
    return words[name]


def _why(one: Subscription | DeadLetter) -> str:
    """Why something was not taken, in words."""
    reason = one.reason if isinstance(one, DeadLetter) else one.failure
    if reason == "token-revoked":
        return str(gettext("mã truy cập đã đăng ký nhận không còn: đã bị thu lại"))
    if reason == "token-expired":
        return str(gettext("mã truy cập đã đăng ký nhận đã hết hạn"))
    if reason == "http-413":
        return str(gettext("máy nhận nói là quá lớn"))
    if reason == "http-410":
        return str(gettext("máy nhận nói là không cần nữa"))
    if reason.startswith("http-"):
        return str(gettext("máy nhận trả lời mã lỗi %(code)s", code=reason[5:]))
    if reason in ("private-address", "bad-destination"):
        return str(gettext("địa chỉ nhận không dùng được"))
    if reason.startswith(("query-", "no-")):
        return str(gettext("không trả lời được truy vấn này nữa"))
    return str(gettext("không kết nối được với máy nhận"))
