"""The authority's recalls, holds and advice."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from trace.services.recalls import leading  # noqa: F401  # an open case leads to what it reaches
from trace.services.recalls.cases import waiting_count
from trace.web.inspection.menu import WAITING
from trace.web.recall_board import add_steps
from trace.web.recall_pages import csv_of, listing_of, shared

blueprint = Blueprint("recalls", __name__, url_prefix="/inspection/recalls")
WAITING["recalls.index"] = waiting_count


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Cases, those that wait for a decision or a signature first."""
    listing = listing_of()
    if listing.wants_csv:
        return csv_of(listing)
    told = {**shared(), "back_to": "", "back_words": ""}
    return render_template("inspection/recalls/index.html", **told, listing=listing)


add_steps(blueprint)
