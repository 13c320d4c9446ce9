"""Inspections: the inspector's day, the list, planning, what is recorded on site, the end."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Inspection, Place
from trace.schemas.inspections import (
    ConclusionSchema,
    PlanChangeSchema,
    PlanSchema,
    VisitSchema,
)
from trace.schemas.kept_files import send_photo
from trace.services import findings, samples
from trace.services.check_lists import ListView, library, proposed
from trace.services.deadlines import local_day
from trace.services.inspections import (
    answers_of,
    cancel,
    change_plan,
    check_list_of,
    get_inspection,
    inspectors,
    list_inspections,
    open_count,
    plan,
    record_visit,
    things_of,
    todays,
)
from trace.services.inspections_ending import WITHOUT, conclude, needs_supervisor
from trace.services.inspections_events import told_of
from trace.services.inspections_subjects import find_organisation
from trace.services.jurisdictions import scope_of
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.inspection import menu
from trace.web.inspection.site_forms import SiteForm
from trace.web.inspection.words import conclusions, goods, helpers, sectors
from trace.web.inspection_words import state_name
from trace.web.lists import Listing

blueprint = Blueprint("inspections", __name__, url_prefix="/inspection")
menu.WAITING["inspections.index"] = open_count
KEPT = 25  # cases a phone keeps with all their forms


class VisitEmpty(TraceError):
    code = "visit-empty"
    message = "Answer a question, write a remark or add a photo."


@blueprint.get("/today")
def today() -> ResponseReturnValue:
    """What this inspector is to do: cases, findings that fall due, samples under way."""
    now = clock.now()
    cases = todays(actor(), at=now)
    due = [one for one in findings.list_findings(actor()) if one.due_on is not None][:20]
    return render_template(
        "inspection/inspections/today.html",
        cases=cases,
        goods_of=things_of([one.id for one in cases]),
        due=due,
        samples=[one for one in samples.list_samples(actor()) if one.state == "taken"][:20],
        today=local_day(now),
        **helpers(),
    )


@blueprint.get("/outbox/")
def outbox() -> ResponseReturnValue:
    """The page of the entries kept on this phone; the phone fills it."""
    return render_template("app/outbox.html")


@blueprint.get("/outbox/pages")
def pages() -> ResponseReturnValue:
    """What an inspector's phone keeps: the day, its cases, and every form of theirs."""
    found, forms = [url_for("inspections.today"), url_for("inspections.outbox")], []
    for one in todays(actor(), at=clock.now())[:KEPT]:
        found.append(url_for("inspections.show", inspection_id=one.id))
        forms += [
            url_for(endpoint, inspection_id=one.id)
            for endpoint in ("inspections.visit", "findings.new_in_case", "samples.new")
        ]
    forms += [url_for("inspections.new"), url_for("findings.new")]
    mark = f"{len(forms)}:{max((one.id for one in todays(actor(), at=clock.now())), default=0)}"
    return jsonify(pages=found, forms=forms, offered=mark)


@blueprint.get("/inspections/")
def index() -> ResponseReturnValue:
    """All cases of the authority."""
    people = {one.id: one.name for one in inspectors(actor())}
    listing = Listing(
        list_inspections(actor()),
        words=lambda one: (one.organisation.name, one.code, people.get(one.assigned_id or 0, "")),
        filters={"state": lambda one: one.state},
    )
    if listing.wants_csv:
        head = [
            *(gettext("Mã"), gettext("Tổ chức"), gettext("Ngày"), gettext("Trạng thái")),
            gettext("Kết luận"),
        ]
        return listing.csv(
            "kiem-tra",
            head,
            lambda one: [
                one.code,
                one.organisation.name,
                one.planned_on,
                state_name(one.state),
                one.conclusion,
            ],
        )
    return render_template(
        "inspection/inspections/index.html",
        listing=listing,
        people=people,
        states=[(one, state_name(one)) for one in ("planned", "begun", "concluded", "cancelled")],
        **helpers(),
    )


def _lists() -> list[tuple[str, str]]:
    return [(one.code, gettext(one.name)) for one in library(actor())]


def _people() -> list[tuple[Any, str]]:
    return [(one.id, one.name) for one in inspectors(actor())]


@blueprint.route("/inspections/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Plans a case; on site without a plan as well."""
    scope_of(actor())
    code = request.args.get("organisation", "")
    me = actor().person
    start: dict[str, object] = {
        "organisation": code,
        "lots": request.args.get("of", "")[:2000],
        "planned_on": local_day(clock.now()),
        "assigned": me.id if me else None,
        "check_list": _proposed_for(code),
    }
    form = Form(PlanSchema(), start)
    form.outbox = True
    if form.sent:
        with form.attempt():
            clean = form.load()
            row = plan(
                actor(),
                clean,
                _chosen(clean["check_list"]),
                at=clock.now(),
                follows=_former(request.args.get("follows", "")),
            )
            return form.done(
                url_for("inspections.show", inspection_id=row.id), gettext("Đã lên kế hoạch.")
            )
    return form.page(
        "inspection/inspections/new.html",
        people=_people(),
        lists=_lists(),
        sectors=sectors(),
    )


def _former(text: str) -> Inspection | None:
    """The case that this one follows up."""
    return get_inspection(actor(), int(text)) if text.isdecimal() and len(text) < 16 else None


def _chosen(code: str) -> ListView | None:
    return next((one for one in library(actor()) if one.code == code), None)


def _proposed_for(code: str) -> str:
    try:
        kind = find_organisation(actor(), code).kind if code else ""
    except TraceError:
        kind = ""
    found = proposed(library(actor()), kind)
    return found.code if found else ""


@blueprint.get("/inspections/<int:inspection_id>")
def show(inspection_id: int) -> ResponseReturnValue:
    """One case: what is planned, what was recorded, what is open."""
    row = get_inspection(actor(), inspection_id)
    found = findings.findings_of(row.id)
    taken = samples.samples_of(row.id)
    return render_template(
        "inspection/inspections/show.html",
        row=row,
        mine=row.authority_id == actor().organisation.id,
        things=things_of([row.id])[row.id],
        items=check_list_of(row).get("items", ()),
        list_name=check_list_of(row).get("name", ""),
        list_number=check_list_of(row).get("number", 0),
        answers=answers_of(row),
        findings=found,
        samples=taken,
        outcomes=samples.outcomes(taken),
        told=told_of(inspection_id=row.id),
        people={one.id: one.name for one in inspectors(actor())},
        laboratory_name=samples.laboratory_name,
        **helpers(),
    )


@blueprint.route("/inspections/<int:inspection_id>/change", methods=["GET", "POST"])
def change(inspection_id: int) -> ResponseReturnValue:
    """Another day, another person; or called off."""
    row = get_inspection(actor(), inspection_id, write=True)
    start = {"planned_on": row.planned_on, "assigned": row.assigned_id, "reason": row.reason}
    form = Form(PlanChangeSchema(), start, version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            if "cancel" in request.form:
                cancel(actor(), row, at=clock.now())
                return form.done(url_for("inspections.index"), gettext("Đã huỷ cuộc kiểm tra."))
            change_plan(actor(), row, form.load(), at=clock.now())
            return form.done(url_for("inspections.show", inspection_id=row.id), gettext("Đã lưu."))
    return form.page("inspection/inspections/change.html", row=row, people=_people())


@blueprint.route("/inspections/<int:inspection_id>/visit", methods=["GET", "POST"])
def visit(inspection_id: int) -> ResponseReturnValue:
    """On site: the check-list, a remark, photos, where it was."""
    row = get_inspection(actor(), inspection_id, write=True)
    form = SiteForm(VisitSchema())
    if not form.sent and row.state not in ("planned", "begun"):
        # Nobody begins a visit of what has ended; what a phone kept is told who ended it.
        return redirect(url_for("inspections.show", inspection_id=row.id))
    items = check_list_of(row).get("items", [])
    if form.sent:
        with form.attempt():
            clean = form.load()
            answers = {
                one["key"]: {name: one[name] for name in ("answer", "note", "photo") if one[name]}
                for one in clean["items"]
                if one["answer"]
            }
            said = form.said(clean, place=_place(row))
            if not (answers or said.note or said.photos):
                raise VisitEmpty(path="note")
            record_visit(actor(), row, answers, said, at=clock.now())
            return form.done(
                url_for("inspections.show", inspection_id=row.id), gettext("Đã ghi và ký.")
            )
    return form.page(
        "inspection/inspections/visit.html",
        row=row,
        items=items,
        known=answers_of(row),
        **helpers(),
    )


def _place(row: Inspection) -> str:
    place = db.session.get(Place, row.place_id) if row.place_id else None
    return place.identity if place else ""


@blueprint.route("/inspections/<int:inspection_id>/conclude", methods=["GET", "POST"])
def end(inspection_id: int) -> ResponseReturnValue:
    """The conclusion, public from then on."""
    row = get_inspection(actor(), inspection_id, write=True)
    former = {"again": "yes"} if row.state == "concluded" else {}
    words, _, without = row.words.partition(WITHOUT)
    start = {"conclusion": row.conclusion, "words": words.rstrip(), "without": without, **former}
    form = SiteForm(ConclusionSchema(), start, version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            clean = form.load()
            conclude(
                actor(),
                row,
                clean["conclusion"],
                clean["words"],
                form.said(clean),
                at=clock.now(),
                corrects=form.version if form.value("again") else None,
                without=clean["without"],
            )
            return form.done(
                url_for("inspections.show", inspection_id=row.id), gettext("Đã ký kết luận.")
            )
    found = findings.findings_of(row.id)
    weak = samples.unaccredited_lots(row.id)
    return form.page(
        "inspection/inspections/conclude.html",
        row=row,
        findings=found,
        supervisor=any(
            needs_supervisor(actor(), one.severity) for one in found if one.state != "withdrawn"
        ),
        conclusions=conclusions(),
        weak=weak,
        weak_names=", ".join(goods(one) for one in weak[:5]),
        **helpers(),
    )


@blueprint.get("/inspections/<int:inspection_id>/photos/<digest>.jpg")
def photo(inspection_id: int, digest: str) -> ResponseReturnValue:
    """A photo of the case: nobody else's business."""
    row = get_inspection(actor(), inspection_id)
    known = {one for told in told_of(inspection_id=row.id) for one in told.photos}
    for one in findings.findings_of(row.id):
        known |= {name for answer in findings.answers_to(one.id) for name in answer.photos}
    return send_private(digest, known)


def send_private(digest: str, known: set[str]) -> ResponseReturnValue:
    """The picture, if it is one of these. Raises NotFound."""
    if digest not in known:
        raise NotFound
    return send_photo(digest, thumbnail="small" in request.args, cache="private, no-store")
