"""The public face: what this is, a box for a printed code, the language, wards to choose from."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.services.languages import languages
from trace.services.people import change_account
from trace.services.refusals import FieldMissing
from trace.services.wards import match_wards
from trace.web.access import safe_next
from trace.web.cookies import cookie_name
from trace.web.forms import Form, showable
from trace.web.guessing import path_of_guess
from trace.web.i18n import LANGUAGE

blueprint = Blueprint("home", __name__)

WARDS_OFFERED = 8
YEAR = 365 * 24 * 3600


@blueprint.get("/")
def front() -> ResponseReturnValue:
    """What this is, in one screen; `?code=` goes to the history of that code."""
    form = CodeForm()
    if form.code:
        try:
            return redirect(f"/t{path_of_guess(form.code)}", 303)
        except TraceError as error:
            form.refuse(error)
    elif "code" in request.args:
        form.refuse(FieldMissing(path="code"))
    return form.page("home.html")


@blueprint.get("/about")
def about() -> ResponseReturnValue:
    """What the history proves, and what it does not."""
    return render_template("about.html")


class CodeForm(Form):
    """The box for a code: sent by GET, so that the answer can be kept and passed on."""

    def __init__(self) -> None:
        super().__init__()
        self.code = showable(request.args.get("code", "")).strip()

    def value(self, name: str) -> str:
        return self.code

    def refuse(self, error: TraceError) -> None:
        super().refuse(error.at("" if error.path == "code" else "code"))


@blueprint.get("/language/<code>")
def language(code: str) -> ResponseReturnValue:
    """Keeps the reader's choice: with the account of whoever is signed in, else in a cookie."""
    if code not in languages():
        raise NotFound
    response = redirect(safe_next(url_for("home.front")), 303)
    if g.person is not None and g.person.locale != code:
        change_account(g.person, {"locale": code}, at=clock.now())
        db.session.commit()
    response.set_cookie(
        cookie_name(LANGUAGE),
        code,
        max_age=YEAR,
        samesite="Lax",
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


@blueprint.get("/wards")
def wards() -> Response:
    """Wards for the search box: `?q=` words, answers `{"wards": [{"code", "name", "was"?}]}`; `was`
    is the name before July 2025 that the words fit."""
    found = match_wards(request.args.get("q", "")[:100], limit=WARDS_OFFERED)
    told = [
        {"code": one.ward.code, "name": one.ward.full_name} | ({"was": one.was} if one.was else {})
        for one in found
    ]
    response = jsonify({"wards": told})
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
