"""Directives an organisation received: what is asked, and its answer. Open to members of every
organisation, authorities below others among them."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.models import DirectiveUnit
from trace.schemas.directives import AnswerForm
from trace.services import directives
from trace.services.deadlines import local_day
from trace.services.platform_settings import all_values
from trace.web.access import actor
from trace.web.directive_words import file_response, sent_files, state_tag, unit_tag
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.pages import day

blueprint = Blueprint("received_directives", __name__, url_prefix="/directives")


def _tag(unit: DirectiveUnit) -> tuple[str, str]:
    if unit.directive.state != "open":
        return state_tag(unit.directive.state)
    return unit_tag(unit.state)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What was asked of the organisation, what it owes first."""
    listing: Listing[DirectiveUnit] = Listing(
        directives.list_received(actor()),
        words=lambda one: (one.directive.title, one.directive.authority.name, one.directive.number),
    )
    if listing.wants_csv:
        head = [gettext("Chỉ đạo"), gettext("Cơ quan"), gettext("Hạn"), gettext("Tình trạng")]
        return listing.csv(
            "directives",
            head,
            lambda one: [
                one.directive.title,
                one.directive.authority.name,
                one.directive.due_on,
                _tag(one)[1],
            ],
        )
    return render_template(
        "inspection/directives/received.html",
        listing=listing,
        tag_of=_tag,
        today=local_day(clock.now()),
    )


@blueprint.route("/<int:unit_id>", methods=["GET", "POST"])
def show(unit_id: int) -> ResponseReturnValue:
    """One: its words and papers, and answering it."""
    if request.method == "POST":
        actor().check(directives.answering_act(actor()))
    found = directives.get_received(actor(), unit_id)
    if directives.see(actor(), found, at=clock.now()):
        db.session.commit()
    form = Form(AnswerForm(), {"text": found.answer}, version=found.version)
    form.outbox = False  # files go along, and a phone keeps photos only
    if form.sent:
        with form.attempt():
            told = form.load()
            directives.answer(
                actor(), found, told["text"], sent_files(), version=form.version, at=clock.now()
            )
            return form.done(url_for(".show", unit_id=unit_id), gettext("Đã gửi trả lời."))
    limits = all_values()
    return form.page(
        "inspection/directives/answer.html",
        unit=found,
        one=found.directive,
        files=directives.files_of(found.directive, None),
        answers=directives.files_of(found.directive, found),
        standing=_tag(found),
        late=found.directive.due_on < local_day(clock.now()),
        due=day(found.directive.due_on),
        may_answer=found.directive.state == "open"
        and found.state != "accepted"
        and actor().may(directives.answering_act(actor())),
        megabytes=limits["attachment_megabytes"],
        most=limits["attachments"],
    )


@blueprint.get("/files/<int:file_id>")
def file(file_id: int) -> ResponseReturnValue:
    """A paper of a directive, or of the organisation's own answer."""
    return file_response(directives.get_file(actor(), file_id))
