"""What authorities found at this organisation, and its answers; samples sent to a laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.schemas.inspections import AnswerSchema, CustodySchema
from trace.schemas.kept_files import send_photo
from trace.services import inspections_answers as answers
from trace.services import samples
from trace.services.actors import Actor
from trace.services.batches import short_name
from trace.services.deadlines import local_day
from trace.services.findings import answers_to, findings_of, history_of, things_named
from trace.services.inspections import answers_of, check_list_of, things_of
from trace.services.inspections_events import Of, Said, note_event, told_of
from trace.web import inspection_words as words
from trace.web.access import actor, needs
from trace.web.hold_words import finding_words
from trace.web.producer.recording import RecordForm, record

blueprint = Blueprint("own_inspections", __name__, url_prefix="/producer/inspections")
sent = Blueprint("sent_samples", __name__, url_prefix="/producer/samples")


class AnswerForm(RecordForm):
    """A form whose photos only the two sides see."""

    public_photos = False


def _said(form: RecordForm, clean: Mapping[str, Any]) -> Said:
    return Said(
        when=clean["when"],
        draw=form.draw(),
        note=clean.get("note") or "",
        photos=form.photos,
    )


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Cases and findings, what is open first."""
    return render_template(
        "producer/inspections/index.html",
        cases=answers.cases(actor()),
        findings=answers.own_findings(actor()),
        today=local_day(clock.now()),
        words=words,
    )


@blueprint.get("/<int:inspection_id>")
def show(inspection_id: int) -> ResponseReturnValue:
    """One case: what was looked at, found, sampled, concluded."""
    row = answers.get_case(actor(), inspection_id)
    taken = samples.samples_of(row.id)
    return render_template(
        "producer/inspections/show.html",
        row=row,
        things=things_of([row.id])[row.id],
        list_name=check_list_of(row).get("name", ""),
        items=check_list_of(row).get("items", ()),
        answers=answers_of(row),
        findings=findings_of(row.id),
        samples=taken,
        outcomes=samples.outcomes(taken),
        laboratory_name=samples.laboratory_name,
        photos=_photos_of_case(row.id),
        finding_words=finding_words,
        short_name=short_name,
        words=words,
    )


def _photos_of_case(inspection_id: int) -> list[str]:
    told = told_of(inspection_id=inspection_id)
    return list(dict.fromkeys(one for each in told for one in each.photos))


@blueprint.get("/<int:inspection_id>/photos/<digest>.jpg")
def photo(inspection_id: int, digest: str) -> ResponseReturnValue:
    """A photo of the case."""
    row = answers.get_case(actor(), inspection_id)
    return _send(digest, set(_photos_of_case(row.id)))


@blueprint.get("/findings/<int:finding_id>/photos/<digest>.jpg")
def finding_photo(finding_id: int, digest: str) -> ResponseReturnValue:
    """A photo of a finding or of an answer to it."""
    row = answers.get_own_finding(actor(), finding_id)
    known = {one for told in history_of(row) for one in told.photos}
    return _send(digest, known | {one for each in answers_to(row.id) for one in each.photos})


def _send(digest: str, known: set[str]) -> ResponseReturnValue:
    if digest not in known:
        raise NotFound
    return send_photo(digest, thumbnail="small" in request.args, cache="private, no-store")


@blueprint.route("/findings/<int:finding_id>", methods=["GET", "POST"])
def finding(finding_id: int) -> ResponseReturnValue:
    """One finding: what must be done by when, and the answer."""
    row = answers.get_own_finding(actor(), finding_id)
    form = AnswerForm(AnswerSchema())
    if form.sent:
        with form.attempt():
            clean = form.load()
            event = answers.answer_event(row, clean["words"], _said(form, clean))
            digests = [str(one["digest"]) for one in form.photos]
            answers.note_answer(actor(), row, clean["words"], event, digests, at=clock.now())
            record(form, [event])
            return form.done(
                url_for("own_inspections.finding", finding_id=row.id), gettext("Đã gửi giải trình.")
            )
    return form.page(
        "producer/inspections/finding.html",
        row=row,
        things=things_named([row.id])[row.id],
        told=history_of(row),
        answered=answers_to(row.id),
        today=local_day(clock.now()),
        short_name=short_name,
        words=words,
    )


# -- a laboratory's samples ------------------------------------------------------------------------


def _laboratory() -> Actor:
    found = actor()
    if found.organisation.kind != "laboratory":
        raise NotFound
    return found


@sent.get("/")
def index_of_samples() -> ResponseReturnValue:
    """Samples authorities sent here, those without a result first."""
    rows = samples.sent_to(_laboratory())
    return render_template(
        "producer/inspections/samples.html",
        rows=rows,
        outcomes=samples.outcomes(rows),
        short_name=short_name,
        words=words,
    )


@sent.route("/<int:sample_id>", methods=["GET", "POST"])
@needs("record")
def receive(sample_id: int) -> ResponseReturnValue:
    """The sample arrived: with its seal as it was, or not."""
    acting = _laboratory()
    row = samples.get_sent(acting, sample_id)
    if row.state in ("received", "resulted"):
        return redirect(url_for("sent_samples.index_of_samples"))
    form = AnswerForm(CustodySchema(), {"step": "received", "intact": "yes"})
    if form.sent:
        with form.attempt():
            clean = form.load()
            event = samples.receipt(row, clean["intact"], _said(form, clean))
            samples.note_receipt(acting, row, at=clock.now())
            made = record(form, [event]).events[0]
            of = Of(row.inspection_id, sample=row.id)
            note_event(made.event_id, "custody", acting, of, at=clock.now())
            return form.done(
                url_for("sent_samples.index_of_samples"), gettext("Đã ghi đã nhận mẫu.")
            )
    return form.page(
        "producer/inspections/receive.html", row=row, short_name=short_name, words=words
    )
