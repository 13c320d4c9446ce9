"""`/recall/{secret}`: the link of a phone list or a letter. Whoever has some of the goods answers
here without an account, also in parts and late; it answers for as long as the case is open.

Like the link on a delivery note: opening it does nothing, it sets no cookie, its address is told
to nobody. What is written goes to who runs the case alone.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from limits import parse

from trace import clock
from trace.errors import NotFound
from trace.extensions import csrf, db
from trace.schemas.recalls import OpenAnswerSchema
from trace.services.recalls.answering import answer, by_secret, dues
from trace.services.recalls.telling import names_of
from trace.web import throttle
from trace.web.forms import Form
from trace.web.pages import number
from trace.web.recall_board import told_so_far
from trace.web.recall_fields import boxes_of, lines_of, start_of
from trace.web.recall_words import WORDS
from trace.web.resume import ForeignForm, from_our_page

blueprint = Blueprint("recall_answers", __name__, url_prefix="/recall")
csrf.exempt(blueprint)

# As for delivery notes: a market's phones share one address behind their operator.
ANSWERS = parse("60/1 hour")
MISSES = parse("30/15 minutes")


@blueprint.after_request
def quiet(response: Response) -> Response:
    """The address is a secret: it is kept nowhere and told to nobody."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.route("/<secret>", methods=["GET", "POST"])
def show(secret: str) -> ResponseReturnValue:
    """What is recalled, what to do, and the answer."""
    if request.method == "POST" and request.headers.get("Origin") and not from_our_page():
        raise ForeignForm
    throttle.check(MISSES, "recall-link", throttle.address())
    try:
        if not secret.isascii() or not secret.isalnum():
            raise NotFound
        holder, recall = by_secret(secret)
    except NotFound:
        throttle.count(MISSES, "recall-link", throttle.address())
        raise
    due = dues([holder.id])[holder.id]
    boxes = boxes_of(due)
    form = Form(OpenAnswerSchema(), start_of(boxes, due))
    if form.sent:
        with form.attempt():
            throttle.check(ANSWERS, "recall-answer", throttle.address())
            clean = form.load()
            told = lines_of(clean)
            answer(holder, recall, told, way="link", at=clock.now(), teller=clean["name"])
            db.session.commit()
            throttle.count(ANSWERS, "recall-answer", throttle.address())
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
