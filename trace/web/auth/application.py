"""The organisation's own file of registration: how it stands, its history, answering, papers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import Application
from trace.schemas.applications import AnswerForm, PapersForm
from trace.services import applications
from trace.services.papers import read_paper
from trace.web.access import actor, needs
from trace.web.application_words import paper_kinds, paper_name, state_tag, step_name
from trace.web.forms import Form

blueprint = Blueprint("application", __name__, url_prefix="/producer/application")


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """How the file stands and everything that happened to it."""
    file = applications.find_application(actor())
    if file is None:
        return render_template("auth/application/none.html")
    return render_template("auth/application/show.html", file=file, **words())


@blueprint.post("/open")
@needs("manage")
def begin() -> ResponseReturnValue:
    """Opens a file for an organisation that was registered without one."""
    form = Form()
    if form.sent:
        with form.attempt():
            applications.open_application(actor(), at=clock.now())
            return form.done(url_for("application.show"), gettext("Đã nộp hồ sơ."))
    return redirect(url_for("application.show"), 303)


@blueprint.route("/answer", methods=["GET", "POST"])
@needs("manage")
def answer() -> ResponseReturnValue:
    """Answers what was asked, with more papers where needed."""
    file = applications.get_own(actor())
    form = Form(AnswerForm(), version=file.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            told = form.load()
            _add(file, request.form.get("paper_kind", "other"))
            applications.answer(actor(), file, told["text"], version=file.version, at=clock.now())
            return form.done(url_for("application.show"), gettext("Đã gửi trả lời."))
    return form.page("auth/application/answer.html", file=file, paper_kinds=paper_kinds())


@blueprint.route("/papers", methods=["GET", "POST"])
@needs("manage")
def papers() -> ResponseReturnValue:
    """More papers, by photo."""
    file = applications.get_own(actor())
    form = Form(PapersForm(), {"paper_kind": "licence"})
    if form.sent:
        with form.attempt():
            kind = form.load()["paper_kind"]
            if not _add(file, kind):
                raise applications.PapersMissing(path="papers")
            return form.done(url_for("application.show"), gettext("Đã thêm giấy tờ."))
    return form.page("auth/application/papers.html", file=file, paper_kinds=paper_kinds())


@blueprint.get("/papers/<int:paper_id>.jpg")
@needs("manage")
def paper(paper_id: int) -> ResponseReturnValue:
    """A photo of a paper."""
    return send_paper(applications.get_own(actor()), paper_id)


def send_paper(file: Application, paper_id: int) -> ResponseReturnValue:
    """The photo of one of the file's papers, kept by no cache. Raises NotFound."""
    found = next((one for one in file.papers if one.id == paper_id), None)
    if found is None:
        raise NotFound
    data = read_paper(found.digest)
    return Response(data, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})


def words() -> dict[str, Any]:
    """What the templates of a file say things with."""
    return {"state_tag": state_tag, "step_name": step_name, "paper_name": paper_name}


def _add(file: Application, kind: str) -> int:
    photos = [one.stream for one in request.files.getlist("papers") if one.filename]
    return applications.add_papers(actor(), file, kind, photos, at=clock.now())
