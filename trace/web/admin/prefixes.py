"""Company prefixes that organisations claim: the queue, and deciding one on its evidence."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models.standings import CLAIM_STATES
from trace.schemas.standings import PrefixForm
from trace.services import prefixes
from trace.web.access import actor
from trace.web.admin.standing_words import claim_tag
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import Listing

blueprint = Blueprint("prefixes", __name__, url_prefix="/admin/prefixes")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Claims; those that wait first."""
    claims = prefixes.list_claims(actor())
    conflicts = prefixes.conflicting(claims)
    listing = Listing(
        claims,
        words=lambda one: (one.prefix, one.organisation.name, one.organisation.code),
        filters={
            "state": lambda one: one.state,
            "conflict": lambda one: "yes" if one.id in conflicts else "",
        },
    )
    if listing.wants_csv:
        head = [gettext("Tiền tố"), gettext("Tổ chức"), gettext("Tình trạng"), gettext("Khai ngày")]
        return listing.csv(
            "prefixes",
            head,
            lambda one: [
                f"{one.prefix} ",
                one.organisation.name,
                claim_tag(one.state)[1],
                one.created_at,
            ],
        )
    return render_template(
        "admin/prefixes/index.html",
        listing=listing,
        conflicts=conflicts,
        states=[(one, claim_tag(one)[1]) for one in CLAIM_STATES],
        claim_tag=claim_tag,
    )


@blueprint.route("/<int:claim_id>", methods=["GET", "POST"])
def show(claim_id: int) -> ResponseReturnValue:
    """One claim, what speaks against it, and the decision."""
    case = prefixes.get_case(actor(), claim_id)
    form = Form(PrefixForm(), version=case.claim.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            changed = prefixes.decide(
                actor(),
                case.claim,
                told["decision"] == "confirmed",
                told["evidence"],
                version=form.version,
                at=clock.now(),
            )
            message = gettext("Đã ghi. %(count)s sản phẩm đổi tình trạng.", count=changed)
            return form.done(url_for(".show", claim_id=claim_id), message)
    return form.page(
        "admin/prefixes/show.html",
        case=case,
        one=case.claim,
        claim_tag=claim_tag,
        ask_password=password_asked(),
    )
