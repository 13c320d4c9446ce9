"""The desk of files of registration: the platform's, and an authority's for its wards."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import Application
from trace.models.applications import CLOSED
from trace.schemas.applications import DecisionForm
from trace.services import applications
from trace.services.papers import read_paper
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor
from trace.web.application_words import (
    decision_options,
    paper_name,
    state_options,
    state_tag,
    step_name,
)
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import Listing

blueprint = Blueprint("admin_applications", __name__, url_prefix="/admin/applications")
local = Blueprint("applications", __name__, url_prefix="/inspection/applications")
DESKS = (blueprint, local)


def index() -> ResponseReturnValue:
    """The queue: what waits for the desk first, the oldest first; `?closed=yes` for the rest."""
    closed = request.args.get("closed") == "yes"
    listing = Listing(
        applications.list_applications(actor(), closed=closed),
        words=lambda file: (file.organisation.name, file.organisation.code, _ward(file)),
        filters={"state": lambda file: file.state, "closed": lambda _: "yes" if closed else ""},
    )
    if listing.wants_csv:
        head = [gettext("Mã tổ chức"), gettext("Tổ chức"), gettext("Loại"), gettext("Xã, phường")]
        head += [gettext("Tình trạng"), gettext("Nộp ngày")]
        return listing.csv(
            "applications",
            head,
            lambda file: [
                file.organisation.code,
                file.organisation.name,
                words.organisation_kind(file.organisation.kind),
                _ward(file),
                state_tag(file.state)[1],
                file.created_at,
            ],
        )
    return render_template(
        "admin/applications/index.html",
        listing=listing,
        closed=closed,
        states=state_options(),
        state_tag=state_tag,
        ward_of=_ward,
    )


def show(application_id: int) -> ResponseReturnValue:
    """One file: who, where, the papers, what was said, and the decision."""
    return _page(applications.get_application(actor(), application_id))


def decide(application_id: int) -> ResponseReturnValue:
    """Confirms, asks for more, or declines; after a fresh sign-in."""
    return _page(applications.get_application(actor(), application_id))


def _page(file: Application) -> ResponseReturnValue:
    form = Form(DecisionForm(), version=file.version)
    form.outbox = False  # a decision is made looking at the file as it stands
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            applications.decide(
                actor(),
                file,
                told["decision"],
                told["text"],
                version=form.version,
                at=clock.now(),
            )
            return form.done(url_for(".show", application_id=file.id), state_tag(file.state)[1])
    return form.page(
        "admin/applications/show.html",
        file=file,
        closed=file.state in CLOSED,
        kind=words.organisation_kind(file.organisation.kind),
        decisions=decision_options(),
        ask_password=password_asked(),
        state_tag=state_tag,
        step_name=step_name,
        paper_name=paper_name,
    )


def paper(application_id: int, paper_id: int) -> ResponseReturnValue:
    """A photo of a paper, kept by no cache."""
    file = applications.get_application(actor(), application_id)
    found = next((one for one in file.papers if one.id == paper_id), None)
    if found is None:
        raise NotFound
    data = read_paper(found.digest)
    return Response(data, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})


for _desk in DESKS:
    _desk.add_url_rule("/", view_func=index)
    _desk.add_url_rule("/<int:application_id>", view_func=show)
    _desk.add_url_rule("/<int:application_id>/decide", view_func=decide, methods=["POST"])
    _desk.add_url_rule("/<int:application_id>/papers/<int:paper_id>.jpg", view_func=paper)


def _ward(file: Application) -> str:
    code = file.organisation.ward_code
    return ward_name(code) if code else ""
