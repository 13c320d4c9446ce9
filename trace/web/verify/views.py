"""`/verify`: two files to pick, checked by the modules of static/verify without this server."""

from __future__ import annotations

from flask import Blueprint, render_template

bp = Blueprint("verify", __name__)


@bp.get("/verify")
def show() -> str:
    """The form. It has no address to be sent to: without a script it only explains."""
    return render_template("verify/verify.html")
