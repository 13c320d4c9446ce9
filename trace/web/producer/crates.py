"""Labels of crates printed ahead of packing, and the company prefix their numbers come from."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import sscc
from trace.errors import Refused
from trace.schemas.base import NumberTooLarge
from trace.schemas.labels import AgainSchema, CratesSchema, PrefixSchema, sheet_from
from trace.services.acts import crating
from trace.services.batches import short_name
from trace.services.crates import (
    Run,
    find_prefix,
    get_run,
    issue_crates,
    labels_in,
    list_runs,
    register_prefix,
)
from trace.services.labels import prints_of
from trace.services.prefixes import claim_of
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.producer.labels import CRATE_STOCK, stock_choices

blueprint = Blueprint("crates", __name__, url_prefix="/producer/crates")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """All runs, newest first."""
    return Form().page(
        "producer/labels/crates.html", runs=list_runs(actor()), prefix=find_prefix(actor())
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """Labels ahead of packing: a code each, nothing inside yet."""
    form = Form(CratesSchema(), {"layout": CRATE_STOCK, "count": 20, "format": "pdf"})
    if form.sent:
        with form.attempt():
            clean = form.load()
            run = get_run(actor(), issue_crates(actor(), clean["count"], at=clock.now()))
            sheet = _sheet(clean, run)
            job = crating.print_new(actor(), run, clean["text"], sheet, at=clock.now())
            return form.done(url_for("labels.progress", public_id=job.public_id))
    return form.page(
        "producer/labels/crates_new.html", prefix=find_prefix(actor()), **stock_choices()
    )


def _sheet(clean: Any, run: Run) -> crating.Drawn:
    """The stock and file that were chosen."""
    return lambda label, first, count: sheet_from(
        clean, label, count, run=run.number, first=first, numbered=True
    )


@blueprint.get("/<int:run>")
def show(run: int) -> ResponseReturnValue:
    """One run: which labels were packed under, and what was printed when."""
    found = get_run(actor(), run)
    return Form().page(
        "producer/labels/crates_run.html",
        run=found,
        labels=[
            (number, short_name(identity), thing)
            for number, identity, thing in labels_in(run, 1, found.count)
        ],
        prints=prints_of(actor(), run=run),
    )


@blueprint.route("/<int:run>/again", methods=["GET", "POST"])
@needs("record")
def again(run: int) -> ResponseReturnValue:
    """The labels of a run on paper: for the first time after packing, or once more."""
    found = get_run(actor(), run)
    printed = prints_of(actor(), run=run)
    start = {"layout": CRATE_STOCK, "format": "pdf", "first": 1, "last": found.count}
    form = Form(AgainSchema(first_time=not printed), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            for name in ("first", "last"):
                if clean[name] > found.count:
                    raise Refused([NumberTooLarge(path=name, limit=found.count)])
            ends, sheet = (clean["first"], clean["last"]), _sheet(clean, found)
            job = crating.print_again(actor(), found, ends, clean["reason"], sheet, at=clock.now())
            return form.done(url_for("labels.progress", public_id=job.public_id))
    return form.page(
        "producer/labels/crates_again.html", run=found, printed=printed, **stock_choices()
    )


@blueprint.route("/prefix", methods=["GET", "POST"])
@needs("manage")
def prefix() -> ResponseReturnValue:
    """The digits GS1 gave the organisation; SSCCs are made of them from now on."""
    known = find_prefix(actor())
    claim = known or claim_of(actor().organisation)
    start = {"prefix": claim.prefix, "extension": claim.extension} if claim else {"extension": 0}
    form = Form(PrefixSchema(), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            made = register_prefix(actor(), clean["prefix"], clean["extension"], at=clock.now())
            text = gettext("Đã lưu tiền tố. Tem thùng in từ nay mang SSCC.")
            if made is None:
                text = gettext(
                    "Đã lưu. Tổ chức khác cũng khai những chữ số này: tem thùng mang mã của sổ cho "
                    "tới khi nền tảng xác nhận."
                )
            return form.done(url_for("crates.index"), text)
    return form.page(
        "producer/labels/prefix.html",
        known=known,
        claim=claim_of(actor().organisation),
        next_number=sscc(known.prefix, known.extension, known.issued) if known else "",
    )
