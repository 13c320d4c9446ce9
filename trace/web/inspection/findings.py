"""Findings: the list, recording one, what becomes of it."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Inspection
from trace.schemas.inspections import (
    ClosingSchema,
    FindingChangeSchema,
    FindingSchema,
    FollowUpSchema,
)
from trace.services.deadlines import local_day
from trace.services.findings import (
    about_what,
    answers_to,
    close_finding,
    correct_finding,
    follow_up,
    get_finding,
    history_of,
    list_findings,
    open_count,
    open_finding,
    things_named,
    withdraw_finding,
)
from trace.services.inspections import get_inspection, things_of
from trace.services.inspections_ending import needs_supervisor
from trace.services.jurisdictions import scope_of
from trace.services.samples import samples_of
from trace.web.access import actor
from trace.web.inspection import menu
from trace.web.inspection.inspections import send_private
from trace.web.inspection.site_forms import SiteForm
from trace.web.inspection.words import goods, helpers, rules, severities
from trace.web.inspection_words import finding_state, rule_name, severity_name
from trace.web.lists import Listing

blueprint = Blueprint("findings", __name__, url_prefix="/inspection/findings")
menu.WAITING["findings.index"] = open_count


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Open findings, those due first; all others by the filter."""
    asked = request.args.get("state", "open")
    states = (asked,) if asked in ("open", "closed", "withdrawn") else ("open",)
    listing = Listing(
        list_findings(actor(), states),
        words=lambda one: (one.organisation.name, one.words, rule_name(one.rule), one.code),
        filters={"state": lambda _: asked, "severity": lambda one: one.severity},
    )
    if listing.wants_csv:
        head = [
            *(gettext("Mã"), gettext("Tổ chức"), gettext("Điểm"), gettext("Mức")),
            *(gettext("Nội dung"), gettext("Hạn"), gettext("Trạng thái")),
        ]
        return listing.csv(
            "khac-phuc",
            head,
            lambda one: [
                *(one.code, one.organisation.name, rule_name(one.rule)),
                *(severity_name(one.severity), one.words, one.due_on, finding_state(one.state)),
            ],
        )
    return render_template(
        "inspection/findings/index.html",
        listing=listing,
        state=states[0],
        states=[(one, finding_state(one)) for one in ("open", "closed", "withdrawn")],
        severities=severities(),
        today=local_day(clock.now()),
        **helpers(),
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """A finding without a case: about goods by their code, or an organisation."""
    scope_of(actor())
    return _new(None)


@blueprint.route("/new/<int:inspection_id>", methods=["GET", "POST"])
def new_in_case(inspection_id: int) -> ResponseReturnValue:
    """A finding of a case."""
    return _new(get_inspection(actor(), inspection_id, write=True))


def _new(case: Inspection | None) -> ResponseReturnValue:
    offered = things_of([case.id])[case.id] if case else []
    start: dict[str, object] = {
        "organisation": request.args.get("organisation", "")[:200],
        "lots": request.args.get("of", "")[:2000],
        # Taken over from an audit of a chain.
        "rule": request.args.get("rule", "")[:30],
        "severity": request.args.get("severity", "")[:10],
        "evidence": "\n".join(request.args.getlist("evidence"))[:2000],
        "things": " ".join(str(one.id) for one in offered),
        "itself": "" if offered else "yes",
    }
    form = SiteForm(FindingSchema(), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            about = about_what(actor(), clean, case, at=clock.now())
            row = open_finding(actor(), about, clean, form.said(clean), at=clock.now(), case=case)
            address = (
                url_for("inspections.show", inspection_id=case.id)
                if case
                else url_for("findings.show", finding_id=row.id)
            )
            return form.done(address, gettext("Đã ghi và ký."))
    return form.page(
        "inspection/findings/new.html",
        case=case,
        offered=[(one.id, goods(one)) for one in offered],
        rules=rules(),
        severities=severities(),
        samples=samples_of(case.id) if case else [],
    )


@blueprint.route("/<int:finding_id>", methods=["GET", "POST"])
def show(finding_id: int) -> ResponseReturnValue:
    """One finding; closing it is here, so that whoever is second sees what was written."""
    row = get_finding(actor(), finding_id)
    mine = row.authority_id == actor().organisation.id
    form = SiteForm(ClosingSchema())
    if form.sent:
        row = get_finding(actor(), finding_id, write=True)
        with form.attempt():
            clean = form.load()
            close_finding(actor(), row, clean["words"], form.said(clean), at=clock.now())
            return form.done(
                url_for("findings.show", finding_id=row.id), gettext("Đã đóng điểm này.")
            )
    return form.page(
        "inspection/findings/show.html",
        row=row,
        mine=mine,
        things=things_named([row.id])[row.id],
        told=history_of(row),
        answered=answers_to(row.id),
        supervisor=needs_supervisor(actor(), row.severity),
        today=local_day(clock.now()),
        **helpers(),
    )


@blueprint.route("/<int:finding_id>/follow-up", methods=["GET", "POST"])
def follow(finding_id: int) -> ResponseReturnValue:
    """What was seen since; another day."""
    row = get_finding(actor(), finding_id, write=True)
    form = SiteForm(FollowUpSchema(), {"due_on": row.due_on})
    if form.sent:
        with form.attempt():
            clean = form.load()
            clean["note"] = clean["words"]
            follow_up(actor(), row, form.said(clean), clean["due_on"], at=clock.now())
            return form.done(url_for("findings.show", finding_id=row.id), gettext("Đã ghi và ký."))
    return form.page("inspection/findings/follow.html", row=row, **helpers())


@blueprint.route("/<int:finding_id>/correct", methods=["GET", "POST"])
def correct(finding_id: int) -> ResponseReturnValue:
    """Said otherwise, or withdrawn; what was said first stays readable."""
    row = get_finding(actor(), finding_id, write=True)
    names = ("rule", "severity", "words", "action", "due_on")
    form = SiteForm(FindingChangeSchema(), {name: getattr(row, name) for name in names})
    form.outbox = False
    if form.sent:
        with form.attempt():
            clean = form.load()
            now = clock.now()
            if "withdraw" in request.form:
                withdraw_finding(actor(), row, clean["words"], at=now)
            else:
                said = form.said({"when": now})
                correct_finding(actor(), row, clean, said, at=now)
            return form.done(url_for("findings.show", finding_id=row.id), gettext("Đã ghi và ký."))
    return form.page(
        "inspection/findings/correct.html",
        row=row,
        rules=rules(),
        severities=severities(),
    )


@blueprint.get("/<int:finding_id>/photos/<digest>.jpg")
def photo(finding_id: int, digest: str) -> ResponseReturnValue:
    """A photo of the finding or of an answer to it."""
    row = get_finding(actor(), finding_id)
    known = {one for told in history_of(row) for one in told.photos}
    known |= {one for answer in answers_to(row.id) for one in answer.photos}
    return send_private(digest, known)
