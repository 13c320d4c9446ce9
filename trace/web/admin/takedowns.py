"""Taking photos and texts down for a report, and putting back what was taken down by mistake."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Request
from trace.schemas.requests import TakedownForm
from trace.services import requests, takedowns
from trace.web.access import actor
from trace.web.admin.requests import blueprint, reports
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import Listing
from trace.web.request_words import reason_name, reason_options

Options = list[tuple[str, str]]


def take_down(request_id: int) -> ResponseReturnValue:
    """One photo or text of the statement that a report is about."""
    one = requests.get_request(actor(), request_id)
    form = Form(TakedownForm(), {"item": _wanted(one), "reason": one.reason})
    options = _options(one)
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            _decide(one, told["item"], told["reason"])
            return form.done(
                url_for(".show", request_id=one.id),
                gettext("Đã gỡ. Không ai còn xem được; trang ghi rằng đã gỡ."),
            )
    return form.page(
        "admin/requests/take_down.html",
        one=one,
        options=options,
        reasons=reason_options(),
        photo=one.digest,
        back_to=url_for(".show", request_id=one.id),
        ask_password=password_asked(),
    )


def takedowns_index() -> ResponseReturnValue:
    """Everything that was taken down."""
    listing = Listing(
        takedowns.list_takedowns(actor()),
        words=lambda one: (reason_name(one.reason), one.member, one.organisation.name, one.digest),
        filters={"kind": lambda one: one.kind},
    )
    if listing.wants_csv:
        head = [gettext("Ngày"), gettext("Loại"), gettext("Lý do"), gettext("Ai quyết định")]
        return listing.csv(
            "takedowns",
            [*head, gettext("Dấu vân"), gettext("Đặt lại ngày")],
            lambda one: [
                one.created_at,
                one.kind,
                reason_name(one.reason),
                one.organisation.name,
                one.digest,
                one.lifted_at,
            ],
        )
    return render_template(
        "admin/requests/takedowns.html", listing=listing, reason_name=reason_name
    )


def lift(takedown_id: int) -> ResponseReturnValue:
    """Puts back what was taken down by mistake, after asking once."""
    row = takedowns.get_takedown(actor(), takedown_id)
    form = Form()
    index = url_for(".takedowns_index")
    if form.sent:
        with form.attempt():
            confirm_person()
            takedowns.lift(actor(), row, at=clock.now())
            return form.done(index, gettext("Đã đặt lại chỗ cũ."))
    return form.page(
        "admin/requests/lift.html",
        row=row,
        act=gettext("Đặt lại"),
        cancel=index,
        reason_name=reason_name,
        ask_password=password_asked(),
    )


def _wanted(one: Request) -> str:
    if one.digest:
        return f"photo {one.digest}"
    texts = takedowns.texts_of(one.event) if one.event is not None else []
    return f"text {texts[0].path}" if texts else ""


def _options(one: Request) -> Options:
    """What the statement of a report has that may be taken down."""
    if one.event is None:
        return []
    photos = [
        (f"photo {digest}", gettext("Ảnh %(digest)s", digest=digest[:8]))
        for digest in takedowns.photos_of(one.event)
        if takedowns.find_standing(digest) is None
    ]
    return photos + [
        (f"text {text.path}", f"{text.path}: {text.value[:200]}")
        for text in takedowns.texts_of(one.event)
    ]


def _decide(one: Request, item: str, reason: str) -> None:
    kind, _, name = item.partition(" ")
    now = clock.now()
    requests.begin(actor(), one, at=now)
    if kind == "photo":
        takedowns.take_down_photo(
            actor(), name, reason=reason, at=now, request=one, event=one.event
        )
    else:
        statement = takedowns.statement_of(one.event)
        takedowns.take_down_text(actor(), statement, name, reason=reason, at=now, request=one)


def _add(desk: Blueprint) -> None:
    desk.add_url_rule("/<int:request_id>/take-down", view_func=take_down, methods=["GET", "POST"])
    desk.add_url_rule("/takedowns", view_func=takedowns_index)
    desk.add_url_rule("/takedowns/<int:takedown_id>/lift", view_func=lift, methods=["GET", "POST"])


for _desk in (blueprint, reports):
    _add(_desk)
