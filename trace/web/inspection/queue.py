"""Whom to inspect first, and the weights of the reasons; the authority's check-lists."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import needs
from trace.schemas.inspections import KINDS, WEIGHT_FIELDS, CheckListSchema, weights_schema
from trace.services.check_lists import (
    get_list,
    library,
    read_items,
    retire_list,
    save_list,
    versions,
)
from trace.services.inspections_risks import RULE, queue, weights_of
from trace.services.jurisdictions import set_rule
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.inspection.words import helpers
from trace.web.inspection_words import factor_name, figure_words
from trace.web.lists import csv_response
from trace.web.words import organisation_kind as kind_name

blueprint = Blueprint("queue", __name__, url_prefix="/inspection/queue")
lists = Blueprint("check_lists", __name__, url_prefix="/inspection/check-lists")
WATCHED = ("producer", "co-operative", "trader", "processor", "carrier", "retailer")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The organisations of the area with the most points, each reason with its evidence."""
    kind = request.args.get("kind", "")
    found = queue(actor(), kind=kind)
    if request.args.get("format") == "csv":
        head = [gettext("Tổ chức"), gettext("Mã"), gettext("Điểm"), gettext("Vì sao")]
        lines = (
            [
                one.organisation.name,
                one.organisation.code,
                one.points,
                "; ".join(f"{factor_name(r.factor)} {r.points}" for r in one.reasons),
            ]
            for one in found
        )
        return csv_response("nen-kiem-tra", head, lines)
    return render_template(
        "inspection/queue/index.html",
        found=found,
        kind=kind if kind in WATCHED else "",
        kinds=[(one, kind_name(one)) for one in WATCHED],
        kind_name=kind_name,
        figure_words=figure_words,
        counted=min((r.at for one in found for r in one.reasons), default=None),
        **helpers(),
    )


@blueprint.route("/weights", methods=["GET", "POST"])
@needs("decide")
def weights() -> ResponseReturnValue:
    """How much each reason counts for this authority."""
    now = weights_of(actor().organisation)
    form = Form(weights_schema(), {name: now[factor] for name, factor in WEIGHT_FIELDS.items()})
    if form.sent:
        with form.attempt():
            clean = form.load()
            told = {factor: clean[name] for name, factor in WEIGHT_FIELDS.items()}
            set_rule(actor(), RULE, told, at=clock.now())
            return form.done(url_for("queue.index"), gettext("Đã lưu."))
    return form.page(
        "inspection/queue/weights.html",
        boxes=[(name, factor_name(factor)) for name, factor in WEIGHT_FIELDS.items()],
    )


@lists.get("/")
def index_of_lists() -> ResponseReturnValue:
    """The library."""
    return render_template(
        "inspection/queue/lists.html", lists=library(actor()), kind_name=kind_name
    )


@lists.get("/<code>")
def show(code: str) -> ResponseReturnValue:
    """One list, as it is now and as it was."""
    return render_template(
        "inspection/queue/list.html",
        one=get_list(actor(), code),
        versions=versions(actor(), code),
        kind_name=kind_name,
    )


@lists.route("/new", methods=["GET", "POST"], defaults={"code": ""})
@lists.route("/<code>/edit", methods=["GET", "POST"])
@needs("decide")
def edit(code: str) -> ResponseReturnValue:
    """The next version of a list; a new one's first."""
    start: dict[str, object] = {"seen": 0}
    if code:
        one = get_list(actor(), code)
        start = {
            "name": gettext(one.name),
            "kinds": " ".join(one.kinds),
            "items": "\n".join(gettext(words) for _, words in one.items),
            "seen": one.number,
        }
    form = Form(CheckListSchema(), start)
    if form.sent:
        with form.attempt():
            if "retire" in request.form and code:
                retire_list(actor(), code, at=clock.now())
                return form.done(
                    url_for("check_lists.index_of_lists"), gettext("Danh mục không còn được dùng.")
                )
            clean = form.load()
            made = save_list(
                actor(),
                code or f"own-{form.key[:12].casefold()}",
                clean["name"],
                clean["kinds"],
                read_items(clean["items"]),
                seen=clean["seen"],
                at=clock.now(),
            )
            return form.done(url_for("check_lists.show", code=made.code), gettext("Đã lưu."))
    return form.page(
        "inspection/queue/edit.html",
        code=code,
        number=start["seen"],
        kinds=[(one, kind_name(one)) for one in KINDS],
    )
