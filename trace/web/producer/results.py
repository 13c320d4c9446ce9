"""A laboratory's results: the list, and signing one. Only for laboratories."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.laboratory import ResultSchema
from trace.services.actors import Actor
from trace.services.acts import measuring
from trace.services.batches import short_name
from trace.services.laboratory import own_results
from trace.services.records import LOCAL_ZONE
from trace.web.access import actor, needs
from trace.web.deciding import decides
from trace.web.hold_words import finding_words
from trace.web.producer.recording import RecordForm, as_told, common_choices, record

blueprint = Blueprint("results", __name__, url_prefix="/producer/results")


def laboratory() -> Actor:
    """The acting laboratory. Raises NotFound for any other kind of organisation."""
    found = actor()
    measuring.check_laboratory(found)
    return found


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What this laboratory signed."""
    return render_template(
        "producer/results/index.html",
        results=own_results(laboratory()),
        short_name=short_name,
        finding_words=finding_words,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
@decides
def new() -> ResponseReturnValue:
    """A result about one lot, signed by the laboratory."""
    acting = laboratory()
    today = clock.now().astimezone(LOCAL_ZONE).date()
    start = {
        "lot": request.args.get("code", ""),
        "sample": request.args.get("sample", ""),
        "sampled": today,
        "findings-0-unit": "mg/kg",
    }
    form = RecordForm(ResultSchema(), start)
    if form.sent and not form.more_rows:
        with form.attempt():
            told = as_told(form, form.load(), form.draw())
            record(form, measuring.tell_result(acting, told))
            return form.done(url_for("results.index"), gettext("Đã ký kết quả."))
    return form.page("producer/results/new.html", **common_choices())
