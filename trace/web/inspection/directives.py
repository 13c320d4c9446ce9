"""Directives an authority sends: list, one with its units, writing one, judging answers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import DirectiveUnit
from trace.models.directives import STATES, UNIT_STATES
from trace.schemas.directives import DirectiveForm, JudgementForm
from trace.services import directives
from trace.services.deadlines import local_day
from trace.services.platform_settings import all_values
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor, needs
from trace.web.directive_words import file_response, sent_files, state_tag, unit_tag
from trace.web.forms import Form
from trace.web.inspection.menu import WAITING
from trace.web.lists import csv_response

blueprint = Blueprint("directives", __name__, url_prefix="/inspection/directives")
WAITING["directives.index"] = directives.count_waiting


def _page() -> int:
    asked = request.args.get("page", "1")[:6]
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() else 1


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Sent ones, the newest first; and how many answers this authority owes others."""
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    page = _page()
    rows, total = directives.list_sent(actor(), state=state, page=page)
    return render_template(
        "inspection/directives/index.html",
        rows=rows,
        total=total,
        page=page,
        pages=max(1, -(-total // directives.PAGE)),
        state=state,
        states=[(one, state_tag(one)[1]) for one in STATES],
        state_tag=state_tag,
        owed=directives.count_owed(actor()),
        today=local_day(clock.now()),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("decide")
def new() -> ResponseReturnValue:
    """Writes one and sends it."""
    form = Form(DirectiveForm())
    if form.sent:
        with form.attempt():
            made = directives.send(actor(), form.load(), sent_files(), at=clock.now())
            count = made.units_count
            return form.done(
                url_for(".show", directive_id=made.id),
                gettext("Đã gửi tới %(count)s đơn vị.", count=count),
            )
    limits = all_values()
    return form.page(
        "inspection/directives/new.html",
        kinds=[
            (directives.BELOW, gettext("Cơ quan cấp dưới trong địa bàn")),
            *words.organisation_kinds(directives.UNIT_KINDS),
        ],
        megabytes=limits["attachment_megabytes"],
        most=limits["attachments"],
    )


@blueprint.get("/<int:directive_id>")
def show(directive_id: int) -> ResponseReturnValue:
    """One: its words and papers, and how each unit stands."""
    sent = directives.get_sent(actor(), directive_id)
    state = request.args.get("state", "")
    state = state if state in (*UNIT_STATES, "overdue") else ""
    if request.args.get("format") == "csv":
        units, _ = directives.units_of(actor(), sent.directive, state=state, page=None)
        head = [gettext("Mã tổ chức"), gettext("Đơn vị"), gettext("Xã, phường")]
        head += [gettext("Tình trạng"), gettext("Trả lời lúc"), gettext("Trả lời")]
        return csv_response(f"directive-{directive_id}", head, map(_line, units))
    page = _page()
    units, total = directives.units_of(actor(), sent.directive, state=state, page=page)
    return render_template(
        "inspection/directives/show.html",
        sent=sent,
        one=sent.directive,
        files=directives.files_of(sent.directive, None),
        units=units,
        total=total,
        page=page,
        pages=max(1, -(-total // directives.PAGE)),
        state=state,
        states=[(one, unit_tag(one)[1]) for one in UNIT_STATES],
        state_tag=state_tag,
        unit_tag=unit_tag,
        late=sent.directive.due_on < local_day(clock.now()),
    )


def _line(unit: DirectiveUnit) -> list[Any]:
    organisation = unit.organisation
    place = ward_name(organisation.ward_code) if organisation.ward_code else ""
    return [
        organisation.code,
        organisation.name,
        place,
        unit_tag(unit.state)[1],
        unit.answered_at,
        unit.answer,
    ]


@blueprint.route("/<int:directive_id>/units/<int:unit_id>", methods=["GET", "POST"])
def unit(directive_id: int, unit_id: int) -> ResponseReturnValue:
    """One unit's answer, and taking it or sending it back."""
    found = directives.get_unit(actor(), directive_id, unit_id)
    form = Form(JudgementForm(), version=found.version)
    form.outbox = False  # an answer is judged as it stands
    if form.sent:
        with form.attempt():
            told = form.load()
            taken = told["verdict"] == "accepted"
            directives.judge(
                actor(), found, taken, told["remark"], version=form.version, at=clock.now()
            )
            return form.done(url_for(".show", directive_id=directive_id), unit_tag(found.state)[1])
    return form.page(
        "inspection/directives/unit.html",
        unit=found,
        one=found.directive,
        files=directives.files_of(found.directive, found),
        unit_tag=unit_tag,
    )


@blueprint.route("/<int:directive_id>/end", methods=["GET", "POST"])
@needs("decide")
def end(directive_id: int) -> ResponseReturnValue:
    """Closes or withdraws one, after asking once."""
    sent = directives.get_sent(actor(), directive_id)
    withdraw = request.args.get("withdraw") == "yes"
    form = Form(version=sent.directive.version)
    form.outbox = False
    address = url_for(".show", directive_id=directive_id)
    if form.sent:
        with form.attempt():
            directives.end(
                actor(),
                sent.directive,
                "withdrawn" if withdraw else "closed",
                version=form.version,
                at=clock.now(),
            )
            return form.done(address, gettext("Đã rút.") if withdraw else gettext("Đã kết thúc."))
    return form.page(
        "inspection/directives/end.html",
        sent=sent,
        withdraw=withdraw,
        act=gettext("Rút chỉ đạo") if withdraw else gettext("Kết thúc chỉ đạo"),
        cancel=address,
        danger=withdraw,
    )


@blueprint.get("/files/<int:file_id>")
def file(file_id: int) -> ResponseReturnValue:
    """A paper of a directive or of an answer."""
    return file_response(directives.get_file(actor(), file_id))
