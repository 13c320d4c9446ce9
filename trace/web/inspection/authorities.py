"""Authorities in the area: who they are, and setting one up below."""

from __future__ import annotations

import base64

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.core.labels.images import qr_png
from trace.schemas.authorities import AuthoritySchema
from trace.services.authorities import authorities_below, set_up
from trace.services.jurisdictions import level_of
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.inspection.area import area_words, sector_options, sector_words

blueprint = Blueprint("authorities", __name__, url_prefix="/inspection/authorities")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Every authority whose area lies inside this one's."""
    return render_template(
        "inspection/authorities/index.html",
        own=actor().organisation,
        found=authorities_below(actor()),
        decides=actor().may("decide") and actor().organisation.status == "confirmed",
        area_words=area_words,
        sector_words=sector_words,
        level_of=level_of,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("decide")
def new() -> ResponseReturnValue:
    """One more, and the link for its first owner: shown in this answer and nowhere else."""
    form = Form(AuthoritySchema())
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            made, invitation, address = set_up(
                actor(), told["name"], told["areas"], told["sectors"], at=clock.now()
            )
            earlier = form.commit(url_for("authorities.index"))
            if earlier is not None:
                return redirect(earlier, 303)
            picture = base64.b64encode(qr_png(address)).decode()
            page = render_template(
                "inspection/authorities/link.html",
                made=made,
                invitation=invitation,
                address=address,
                picture=f"data:image/png;base64,{picture}",
            )
            return page, 201
    return form.page(
        "inspection/authorities/new.html",
        own=actor().organisation,
        sectors=sector_options(),
        ask_password=password_asked(),
    )
