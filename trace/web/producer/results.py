"""A laboratory's results: the list, and signing one. Only for laboratories."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.schemas.laboratory import ResultSchema
from trace.services.actors import Actor
from trace.services.batches import address_of, short_name
from trace.services.laboratory import (
    Finding,
    find_lot,
    own_results,
    result_event,
    verdict_of,
)
from trace.services.records import LOCAL_ZONE
from trace.services.samples import match_seal, note_result
from trace.web.access import actor, needs
from trace.web.hold_words import finding_words
from trace.web.producer.recording import RecordForm, circumstances, common_choices, record

blueprint = Blueprint("results", __name__, url_prefix="/producer/results")


def laboratory() -> Actor:
    """The acting laboratory. Raises NotFound for any other kind of organisation."""
    found = actor()
    if found.organisation.kind != "laboratory":
        raise NotFound
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
            clean, draw = form.load(), form.draw()
            lot = find_lot(acting, clean["lot"])
            base = circumstances(form, clean, draw)
            findings = [_finding(row) for row in clean["findings"]]
            sample = match_seal(acting, clean["sample"], lot)
            event = result_event(base, address_of(lot), findings, clean["sampled"], clean["sample"])
            if sample is not None:
                note_result(sample, base.event_id)
            record(form, [event])
            return form.done(url_for("results.index"), gettext("Đã ký kết quả."))
    return form.page("producer/results/new.html", **common_choices())


def _finding(row: dict[str, object]) -> Finding:
    value, limit = row.get("value"), row.get("limit")
    verdict = verdict_of(value, limit, detected=not row.get("missing"))  # type: ignore[arg-type]
    return Finding(
        str(row["substance"]),
        verdict,
        None if row.get("missing") else value,  # type: ignore[arg-type]  # FindingRow's types
        str(row.get("unit") or ""),
        limit,  # type: ignore[arg-type]
        str(row.get("method") or ""),
    )
