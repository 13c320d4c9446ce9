"""A maker's own recalls, and what recalls of others ask of a holder."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models.recalls import FATES
from trace.schemas.recalls import AnswerSchema, ConsentSchema
from trace.services.recalls.answering import (
    answer,
    answers_of,
    dues,
    own_holder,
    to_answer,
    waiting_answers,
)
from trace.services.recalls.telling import agree, takes_part
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.recall_board import add_steps, lines_of, start_of
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
    form = Form(AnswerSchema(), start_of(holder.id))
    if form.sent:
        with form.attempt():
            clean = form.load()
            told = lines_of(clean)
            answer(holder, recall, told, way="account", at=clock.now(), actor=actor())
            return form.done(url_for(".index"), gettext("Đã gửi trả lời."))
    told_words = {**shared(recall), "back_to": url_for(".index"), "back_words": gettext("Thu hồi")}
    return form.page(
        "producer/recalls/answer.html",
        **told_words,
        holder=holder,
        due=dues([holder.id])[holder.id],
        answers=answers_of(holder),
        fates=FATES,
        by_phone=False,
    )


def recalls_waiting() -> int:
    """For the page "today": how many orders about goods one had are not answered in full."""
    return waiting_answers(actor().organisation.id)


@blueprint.record
def helpers(state: BlueprintSetupState) -> None:
    """Lets the template of the page "today" ask for it."""
    state.app.jinja_env.globals.update(recalls_waiting=recalls_waiting)


add_steps(blueprint)
