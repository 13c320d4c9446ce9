"""The bell: what a person was told, what they want to be told and how, and stopping e-mails."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import csrf, db
from trace.models import Notification
from trace.models.notifications import CHANNELS, KINDS
from trace.services import notifications, senders, sessions, web_push
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.pages import page_language
from trace.web.problems import translated

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
        "key": gettext("Khoá ký, mã truy cập, việc chờ duyệt, kết nối với máy khác"),
        "certificate": gettext("Chứng nhận"),
        "request": gettext("Yêu cầu về dữ liệu cá nhân, báo cáo"),
        "weekly": gettext("Tin tuần"),
        "directive": gettext("Chỉ đạo của cơ quan quản lý"),
        "desk": gettext("Quyết định về tổ chức, báo cáo định kỳ"),
    }
    return words.get(kind, kind)


# The picture beside a notification, by kind.
ICONS: Final = {
    "application": "paper",
    "members": "people",
    "handover": "truck",
    "alert": "warn",
    "key": "key",
    "certificate": "paper",
    "request": "person",
    "weekly": "sprout",
    "directive": "tag",
    "desk": "house",
}


def channel_name(channel: str) -> str:
    """The word for a channel."""
    words: dict[str, str] = {
        "email": gettext("Thư (e-mail)"),
        "sms": gettext("Tin nhắn"),
        "push": gettext("Thông báo trên máy"),
    }
    return words.get(channel, channel)


def _channels(devices: bool) -> list[str]:
    """Those that can be used at all; web push once a browser of the person's asked for it."""
    return [
        one
        for one in CHANNELS
        if (devices if one == "push" else senders.is_on(one))  # type: ignore[arg-type]
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """A notification in the reader's language."""

    row: Notification
    title: str
    body: str


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What one was told, the newest first."""
    rows = notifications.list_notifications(g.person)
    listing = Listing(
        [Told(row, *notifications.words_of(row, page_language())) for row in rows],
        words=lambda one: (one.title, one.body),
        filters={
            "kind": lambda one: one.row.kind,
            "new": lambda one: "no" if one.row.read_at else "yes",
        },
    )
    if listing.wants_csv:
        head = [gettext("Lúc"), gettext("Loại"), gettext("Thông báo"), gettext("Nội dung")]
        return listing.csv(
            "thong-bao",
            head,
            lambda one: [one.row.created_at, kind_name(one.row.kind), one.title, one.body],
        )
    return render_template(
        "auth/notifications/index.html",
        listing=listing,
        kinds=[(kind, kind_name(kind)) for kind in KINDS],
        icons=ICONS,
    )


@blueprint.post("/<int:notification_id>/open")
def follow(notification_id: int) -> ResponseReturnValue:
    """Marks one as seen and leads to the page about it, acting for the organisation it is about."""
    row = next(
        (one for one in notifications.list_notifications(g.person) if one.id == notification_id),
        None,
    )
    if row is None:
        raise NotFound
    notifications.mark_read(g.person, at=clock.now(), notification_id=row.id)
    if row.organisation_id is not None and row.organisation_id != g.session.organisation_id:
        with suppress(TraceError):  # no longer a member: the page says what they may still see
            sessions.choose_organisation(g.session, row.organisation_id)
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
    devices = web_push.list_devices(g.person) if web_push.is_on() else []
    channels = _channels(bool(devices))
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
        devices=[(one, one.endpoint_hash.hex()) for one in devices],
        push_key=_push_key(),
    )


def _push_key() -> str:
    """The platform's public key for browsers, "" where there is no web push; the first page that
    asks has it made."""
    if not web_push.is_on():
        return ""
    key = web_push.public_key(at=clock.now())
    db.session.commit()
    return key


# (what a browser calls itself, what people call it), the more special first.
BROWSERS = (
    ("SamsungBrowser", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("coc_coc", "Cốc Cốc"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def device_name(agent: str) -> str:
    """ "Chrome · Android": enough to tell one's own devices apart."""
    found = [
        next((name for mark, name in marks if mark in agent), "") for marks in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(one for one in found if one)


@blueprint.post("/devices")
def turn_on() -> ResponseReturnValue:
    """Keeps what this browser gave (static/app/push.js fills it in)."""
    given = {name: request.form.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    name = device_name(request.user_agent.string)
    try:
        web_push.subscribe(g.person, **given, device=name, at=clock.now())
        db.session.commit()
        flash(gettext("Máy này sẽ báo khi có tin."))
    except TraceError as error:
        db.session.rollback()
        flash(translated(error), "warn")
    return redirect(url_for("notifications.preferences"), 303)


@blueprint.post("/devices/<int:device_id>/remove")
def turn_off(device_id: int) -> ResponseReturnValue:
    """That device is told nothing any more."""
    web_push.unsubscribe(g.person, device_id)
    db.session.commit()
    flash(gettext("Máy đó không báo nữa."))
    return redirect(url_for("notifications.preferences"), 303)


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
