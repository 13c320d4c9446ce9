"""The bell: what a person was told, what they want to be told and how, and stopping e-mails."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.errors import NotFound
from trace.extensions import csrf, db
from trace.models.notifications import CHANNELS, KINDS
from trace.services import notifications, senders
from trace.web.forms import Form
from trace.web.pages import page_language

blueprint = Blueprint("notifications", __name__, url_prefix="/account/notifications")
leaving = Blueprint("unsubscribe", __name__, url_prefix="/notifications/unsubscribe")
csrf.exempt(leaving)  # the token in the address is the permission (RFC 8058, section 3.1)


def kind_name(kind: str) -> str:
    """The word for a kind of notification."""
    words: dict[str, str] = {
        "application": gettext("Hồ sơ đăng ký"),
        "members": gettext("Thành viên và mật khẩu"),
        "handover": gettext("Giao nhận hàng"),
        "alert": gettext("Thu hồi, tạm giữ hàng bạn giữ"),
        "key": gettext("Khoá ký của tổ chức"),
        "weekly": gettext("Tin tuần"),
    }
    return words.get(kind, kind)


def channel_name(channel: str) -> str:
    """The word for a channel."""
    words: dict[str, str] = {
        "email": gettext("Thư điện tử"),
        "sms": gettext("Tin nhắn"),
        "push": gettext("Thông báo trên máy"),
    }
    return words.get(channel, channel)


def _channels() -> list[str]:
    """Those that can be used at all; web push waits for a browser that asked for it."""
    return [one for one in CHANNELS if one != "push" and senders.is_on(one)]  # type: ignore[arg-type]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What one was told, the newest first."""
    rows = notifications.list_notifications(g.person)
    told = [(row, *notifications.words_of(row, page_language())) for row in rows]
    return render_template("auth/notifications/index.html", told=told, kind_name=kind_name)


@blueprint.post("/<int:notification_id>/open")
def follow(notification_id: int) -> ResponseReturnValue:
    """Marks one as seen and leads to the page about it."""
    row = next(
        (one for one in notifications.list_notifications(g.person) if one.id == notification_id),
        None,
    )
    if row is None:
        raise NotFound
    notifications.mark_read(g.person, at=clock.now(), notification_id=row.id)
    db.session.commit()
    return redirect(row.address or url_for("notifications.index"), 303)


@blueprint.post("/read")
def read() -> ResponseReturnValue:
    """Marks all as seen."""
    notifications.mark_read(g.person, at=clock.now())
    db.session.commit()
    return redirect(url_for("notifications.index"), 303)


@blueprint.route("/preferences", methods=["GET", "POST"])
def preferences() -> ResponseReturnValue:
    """What one wants to be told outside the application, by kind and channel."""
    wanted = notifications.preferences_of(g.person)
    channels = _channels()
    initial = {kind: " ".join(one for one in channels if (kind, one) in wanted) for kind in KINDS}
    form = Form(None, initial)
    if form.sent:
        with form.attempt():
            # A channel that is off here and now is not asked about, and stays as it was.
            kept = {pair for pair in wanted if pair[1] not in channels}
            chosen = {(kind, one) for kind in KINDS for one in request.form.getlist(kind)}
            notifications.set_preferences(g.person, kept | chosen)
            return form.done(url_for("notifications.index"), gettext("Đã lưu."))
    return form.page(
        "auth/notifications/preferences.html",
        kinds=[(kind, kind_name(kind)) for kind in KINDS],
        channels=[(one, channel_name(one)) for one in channels],
        person=g.person,
    )


@leaving.route("/<token>", methods=["GET", "POST"])
def stop(token: str) -> ResponseReturnValue:
    """Stops e-mails of one kind, after one press; a mail program's own button posts here."""
    done = None
    if request.method == "POST":
        done = notifications.unsubscribe(token)
        if done is None:
            raise NotFound
        db.session.commit()
    return render_template("auth/notifications/stop.html", done=kind_name(done) if done else "")


def register_bell(app: Flask) -> None:
    """Gives every page of a signed-in person the number of what they have not seen."""

    def unread() -> int:
        if g.get("person") is None:
            return 0
        try:
            return notifications.count_unread(g.person)
        except SQLAlchemyError:  # the page that tells of a broken database is shown without it
            return 0

    names: dict[str, Any] = {"unread_notifications": unread}
    app.jinja_env.globals.update(names)
