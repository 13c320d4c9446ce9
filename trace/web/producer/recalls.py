"""A maker's own recalls, and what recalls of others ask of a holder."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Recall, RecallHolder
from trace.schemas.recalls import AnswerSchema, ConsentSchema
from trace.services.jobs import enqueue
from trace.services.recalls.answering import (
    answer,
    dues,
    own_holder,
    take_back,
    to_answer,
    waiting_answers,
)
from trace.services.recalls.booking import lots_of
from trace.services.recalls.rehearsing import agree, takes_part
from trace.services.recalls.signing import FOLLOW
from trace.services.records import Draw
from trace.services.settings import current_settings
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.producer.recording import record
from trace.web.recall_board import add_steps, told_so_far, undo_of
from trace.web.recall_fields import boxes_of, lines_of, start_of
from trace.web.recall_pages import csv_of, listing_of, shared

blueprint = Blueprint("own_recalls", __name__, url_prefix="/producer/recalls")


@blueprint.route("/", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """What asks for an answer, one's own cases, and taking part in rehearsals."""
    listing = listing_of()
    if listing.wants_csv:
        return csv_of(listing)
    form = Form(ConsentSchema(), {"agrees": takes_part(actor().organisation.id)})
    if form.sent:
        with form.attempt():
            agree(actor(), form.load()["agrees"], at=clock.now())
            return form.done(url_for(".index"), gettext("Đã lưu."))
    told = {**shared(), "back_to": "", "back_words": ""}
    return form.page(
        "producer/recalls/index.html", **told, listing=listing, asked=to_answer(actor())
    )


@blueprint.route("/<int:holder_id>/answer", methods=["GET", "POST"])
def reply(holder_id: int) -> ResponseReturnValue:
    """What became of the goods one had."""
    holder, recall = own_holder(actor(), holder_id)
    due, lots = dues([holder.id])[holder.id], lots_of(holder, recall)
    boxes = boxes_of(due, lots)
    form = Form(AnswerSchema(), start_of(boxes, due))
    if form.sent:
        with form.attempt():
            return _reply(form, holder, recall)
    told_words = {**shared(recall), "back_to": url_for(".index"), "back_words": gettext("Thu hồi")}
    return form.page(
        "producer/recalls/answer.html",
        **told_words,
        holder=holder,
        due=due,
        boxes=boxes,
        signs=bool(lots),
        **told_so_far(holder),
        undoable=("account",) if recall.state == "open" else (),
    )


def _reply(form: Form, holder: RecallHolder, recall: Recall) -> ResponseReturnValue:
    """An answer, or a line of one taken back; what it says of one's own lots is signed."""
    at, undo = clock.now(), undo_of(form)
    if undo is None:
        draw = Draw(current_settings().secret_key, actor().organisation.code, form.key)
        told = lines_of(form.load())
        events = answer(holder, recall, told, way="account", at=at, actor=actor(), draw=draw)
        message, address = gettext("Đã gửi trả lời."), url_for(".index")
    else:
        events = take_back(actor(), holder, recall, undo, at=at)
        message = gettext("Đã rút lại dòng trả lời.")
        address = url_for(".reply", holder_id=holder.id)
    if events:
        enqueue(
            FOLLOW, {"recall": recall.id}, at=at
        )  # what went back is its taker's to account for
        record(form, events)
        message = f"{message} {gettext('Đã ký vào sổ của lô.')}"
    return form.done(address, message)


def recalls_waiting() -> int:
    """For the page "today": how many orders about goods one had are not answered in full."""
    return waiting_answers(actor().organisation.id)


@blueprint.record
def helpers(state: BlueprintSetupState) -> None:
    """Lets the template of the page "today" ask for it."""
    state.app.jinja_env.globals.update(recalls_waiting=recalls_waiting)


add_steps(blueprint)
