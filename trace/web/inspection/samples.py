"""Samples: the list, taking one, handing it on, the result."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.inspections import CopiedResultSchema, CustodySchema, SampleSchema
from trace.services.inspections import get_inspection, things_of
from trace.services.samples import (
    copy_result,
    custody_of,
    get_sample,
    hand_on,
    laboratories,
    laboratory_name,
    list_samples,
    outcomes,
    take_sample,
    waiting_count,
)
from trace.web.access import actor
from trace.web.inspection import menu
from trace.web.inspection.inspections import send_private
from trace.web.inspection.site_forms import SiteForm
from trace.web.inspection.words import (
    custody_steps,
    goods,
    helpers,
    result_row,
    units,
)
from trace.web.inspection_words import sample_state
from trace.web.lists import Listing

blueprint = Blueprint("samples", __name__, url_prefix="/inspection/samples")
menu.WAITING["samples.index"] = waiting_count


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All samples, the newest first."""
    listing = Listing(
        list_samples(actor()),
        words=lambda one: (one.seal, goods(one.thing), laboratory_name(one)),
        filters={"state": lambda one: one.state},
    )
    if listing.wants_csv:
        head = [
            *(gettext("Niêm phong"), gettext("Lô"), gettext("Phòng kiểm nghiệm")),
            *(gettext("Lấy lúc"), gettext("Trạng thái")),
        ]
        return listing.csv(
            "mau-kiem-nghiem",
            head,
            lambda one: [
                *(one.seal, goods(one.thing), laboratory_name(one)),
                *(one.taken_at, sample_state(one.state)),
            ],
        )
    states = ("taken", "sent", "received", "resulted", "lost")
    return render_template(
        "inspection/samples/index.html",
        listing=listing,
        outcomes=outcomes(listing.rows),
        laboratory_name=laboratory_name,
        states=[(one, sample_state(one)) for one in states],
        **helpers(),
    )


@blueprint.route("/new/<int:inspection_id>", methods=["GET", "POST"])
def new(inspection_id: int) -> ResponseReturnValue:
    """A sample of a lot of the case, sealed."""
    case = get_inspection(actor(), inspection_id, write=True)
    offered = [
        one for one in things_of([case.id])[case.id] if one.kind in ("lot", "logistic", "unit")
    ]
    start = {"unit": "kg", "thing": offered[0].id if len(offered) == 1 else ""}
    form = SiteForm(SampleSchema(), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            amount = SampleSchema.amount_of(clean)
            take_sample(actor(), case, clean, amount, form.said(clean), at=clock.now())
            return form.done(
                url_for("inspections.show", inspection_id=case.id), gettext("Đã ghi và ký.")
            )
    return form.page(
        "inspection/samples/new.html",
        case=case,
        offered=[(one.id, goods(one)) for one in offered],
        laboratories=[
            (one.id, one.name if one.status == "confirmed" else _unconfirmed(one.name))
            for one in laboratories()
        ],
        units=units(),
    )


def _unconfirmed(name: str) -> str:
    return str(gettext("%(name)s (chưa được xác nhận)", name=name))


@blueprint.route("/<int:sample_id>", methods=["GET", "POST"])
def show(sample_id: int) -> ResponseReturnValue:
    """One sample: whose hands it went through; the next step."""
    row = get_sample(actor(), sample_id)
    form = SiteForm(CustodySchema(), {"intact": "yes"})
    if form.sent:
        row = get_sample(actor(), sample_id, write=True)
        with form.attempt():
            clean = form.load()
            hand_on(actor(), row, clean["step"], clean["intact"], form.said(clean), at=clock.now())
            return form.done(url_for("samples.show", sample_id=row.id), gettext("Đã ghi và ký."))
    return form.page(
        "inspection/samples/show.html",
        row=row,
        mine=row.authority_id == actor().organisation.id,
        told=custody_of(row),
        outcome=outcomes([row]).get(row.id),
        laboratory_name=laboratory_name,
        steps=custody_steps(),
        **helpers(),
    )


@blueprint.route("/<int:sample_id>/result", methods=["GET", "POST"])
def result(sample_id: int) -> ResponseReturnValue:
    """The result of a laboratory without an account, copied from its paper."""
    row = get_sample(actor(), sample_id, write=True)
    form = SiteForm(CopiedResultSchema(), {"findings-0-unit": "mg/kg"})
    if form.sent:
        with form.attempt():
            clean = form.load()
            found = [result_row(one) for one in clean["findings"]]
            copy_result(actor(), row, found, form.said(clean), at=clock.now())
            return form.done(url_for("samples.show", sample_id=row.id), gettext("Đã ghi và ký."))
    return form.page(
        "inspection/samples/result.html",
        row=row,
        rows=range(6),
        more=any(form.value(f"findings-{n}-substance") for n in range(1, 6)),
        laboratory_name=laboratory_name,
        **helpers(),
    )


@blueprint.get("/<int:sample_id>/photos/<digest>.jpg")
def photo(sample_id: int, digest: str) -> ResponseReturnValue:
    """A photo of the sample or its paper."""
    row = get_sample(actor(), sample_id)
    return send_private(digest, {one for told in custody_of(row) for one in told.photos})
