"""`/recall/{secret}`: the link of a phone list or a letter. Whoever has some of the goods answers
here without an account, also in parts and late; it answers for as long as the case is open.

A secret address like that of a delivery note (`trace.web.secret_links`). What is written goes to
who runs the case alone.
"""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.extensions import db
from trace.schemas.recalls import OpenAnswerSchema
from trace.services.recalls.answering import answer, by_secret, dues
from trace.services.recalls.telling import names_of
from trace.web.forms import Form
from trace.web.pages import number
from trace.web.recall_board import told_so_far
from trace.web.recall_fields import boxes_of, lines_of, start_of
from trace.web.recall_words import WORDS
from trace.web.secret_links import check_answers, count_answer, opened, secret_blueprint

KIND = "recall"
blueprint = secret_blueprint("recall_answers", __name__, "/recall")


@blueprint.route("/<secret>", methods=["GET", "POST"])
def show(secret: str) -> ResponseReturnValue:
    """What is recalled, what to do, and the answer."""
    holder, recall = opened(KIND, secret, by_secret)
    due = dues([holder.id])[holder.id]
    boxes = boxes_of(due)
    form = Form(OpenAnswerSchema(), start_of(boxes, due))
    if form.sent:
        with form.attempt():
            check_answers(KIND)
            clean = form.load()
            told = lines_of(clean)
            answer(holder, recall, told, way="link", at=clock.now(), teller=clean["name"])
            db.session.commit()
            count_answer(KIND)
            return redirect(url_for("recall_answers.show", secret=secret), 303)
    return form.page(
        "notes/recall.html",
        **WORDS,
        number_of=number,
        recall=recall,
        holder=holder,
        names=names_of(recall),
        due=due,
        boxes=boxes,
        **told_so_far(holder),
        undoable=(),
    )
