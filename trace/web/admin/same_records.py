"""Two records of one: said to be the same, and that taken back."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models.standings import SAME_KINDS
from trace.schemas.standings import SameForm
from trace.services import same_records
from trace.web.access import actor
from trace.web.admin.standing_words import same_kind_name
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import Listing

blueprint = Blueprint("same_records", __name__, url_prefix="/admin/same")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Pairs, the newest first."""
    listing = Listing(
        same_records.list_pairs(actor()),
        words=lambda one: (one.kept.name, one.other.name, one.kept.code, one.other.code),
        filters={
            "kind": lambda one: one.row.kind,
            "state": lambda one: "ended" if one.row.ended_at else "standing",
        },
    )
    if listing.wants_csv:
        head = [gettext("Loại"), gettext("Giữ"), gettext("Cũng là"), gettext("Vì sao")]
        return listing.csv(
            "same",
            [*head, gettext("Từ ngày"), gettext("Đã bỏ ngày")],
            lambda one: [
                same_kind_name(one.row.kind),
                f"{one.kept.name} {one.kept.code}",
                f"{one.other.name} {one.other.code}",
                one.row.reason,
                one.row.at,
                one.row.ended_at,
            ],
        )
    return render_template(
        "admin/same/index.html",
        listing=listing,
        kinds=[(one, same_kind_name(one)) for one in SAME_KINDS],
        kind_name=same_kind_name,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Says that two records are one."""
    form = Form(SameForm(), {"kind": "organisation"})
    form.outbox = False
    if form.sent:
        with form.attempt():
            told = form.load()
            kept = same_records.find_record(told["kind"], told["kept"], "kept")
            other = same_records.find_record(told["kind"], told["other"], "other")
            confirm_person()
            same_records.declare(actor(), told["kind"], kept, other, told["reason"], at=clock.now())
            return form.done(url_for(".index"), gettext("Đã ghi: đọc chung từ nay."))
    return form.page(
        "admin/same/new.html",
        kinds=[(one, same_kind_name(one)) for one in SAME_KINDS],
        ask_password=password_asked(),
    )


@blueprint.route("/<int:row_id>/end", methods=["GET", "POST"])
def end(row_id: int) -> ResponseReturnValue:
    """Takes it back, after asking once."""
    pair = same_records.get_pair(actor(), row_id)
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person()
            same_records.end(actor(), pair, at=clock.now())
            return form.done(url_for(".index"), gettext("Đã bỏ: mỗi hồ sơ đọc riêng như trước."))
    return form.page(
        "admin/same/end.html",
        pair=pair,
        act=gettext("Bỏ"),
        cancel=url_for(".index"),
        ask_password=password_asked(),
    )
