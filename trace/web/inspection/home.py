"""The desk itself: one code in, and what waits."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from trace.web.access import actor
from trace.web.inspection.area import area_words
from trace.web.inspection.menu import menu

blueprint = Blueprint("desk", __name__, url_prefix="/inspection")


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The search for a code, and every page of the desk with how much waits there."""
    return render_template(
        "inspection/home.html",
        groups=menu(counted=True),
        area=area_words(actor().organisation.jurisdiction),
        has_chain="chain.index" in current_app.view_functions,
        confirmed=actor().organisation.status == "confirmed",
    )
