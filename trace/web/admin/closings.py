"""The platform's desk of organisations that nobody uses any more, and of those that have closed."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import Gs1Error, check_code
from trace.errors import NotFound
from trace.models import Organisation
from trace.schemas.closings import ProofForm, UnusedForm
from trace.services import closing, idle, succession
from trace.services.choices import organisation_by_code
from trace.services.successors import contact_of, whole_successor
from trace.web.access import actor
from trace.web.admin.reasons import asked_with_reason
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import Listing

blueprint = Blueprint("admin_closings", __name__, url_prefix="/admin/closings")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Unused for a year, closing, or closed with nobody going on."""
    now = clock.now()
    listing = Listing(
        closing.list_desk(actor(), at=now),
        words=lambda one: (one.organisation.name, one.organisation.code),
        filters={"state": lambda one: one.state},
    )
    if listing.wants_csv:
        head = [gettext("Mã tổ chức"), gettext("Tổ chức"), gettext("Tình trạng")]
        return listing.csv(
            "closings",
            [*head, gettext("Đăng nhập lần cuối")],
            lambda one: [
                one.organisation.code,
                one.organisation.name,
                state_tag(one.state)[1],
                one.seen_at,
            ],
        )
    return render_template(
        "admin/closings/index.html",
        listing=listing,
        state_tag=state_tag,
        states=[(state, state_tag(state)[1]) for state in ("unused", "waiting", "closed")],
    )


def state_tag(state: str) -> tuple[str, str]:
    """(kind of tag, words) for how an organisation stands here."""
    words: dict[str, tuple[str, str]] = {
        "unused": ("neutral", gettext("Hơn một năm không dùng")),
        "waiting": ("wait", gettext("Sắp ngừng hoạt động")),
        "closed": ("stop", gettext("Đã ngừng, chưa có bên kế thừa")),
    }
    return words.get(state, ("neutral", state))


def _find(code: str) -> Organisation:
    try:
        return idle.get_organisation(actor(), check_code(code))
    except Gs1Error:
        raise NotFound from None


@blueprint.get("/<code>")
def show(code: str) -> ResponseReturnValue:
    """One of them: what stands open, and what may be done."""
    organisation = _find(code)
    seen_at = idle.last_seen(organisation)
    return render_template(
        "admin/closings/show.html",
        organisation=organisation,
        row=closing.waiting(organisation),
        open=closing.outlook(organisation),
        seen_at=seen_at,
        unused=clock.now() - seen_at >= idle.UNUSED,
        successor=whole_successor(organisation),
        contact=contact_of(organisation),
    )


@blueprint.route("/<code>/ask", methods=["GET", "POST"])
def ask(code: str) -> ResponseReturnValue:
    """Asks for the end of one that nobody uses: its people are told and have time."""
    return asked_with_reason(
        _find(code),
        UnusedForm(),
        closing.ask_for_unused,
        gettext("Đã báo cho người của tổ chức."),
        "admin/closings/ask.html",
        ends_at=clock.now() + closing.NOTICE,
    )


@blueprint.route("/<code>/stop", methods=["GET", "POST"])
def stop(code: str) -> ResponseReturnValue:
    """Takes back what the platform asked."""
    organisation = _find(code)
    row = closing.waiting(organisation)
    if row is None or row.by != "platform":
        raise NotFound
    form = Form(version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            closing.stop(actor(), organisation, version=form.version, at=clock.now())
            return form.done(url_for(".show", code=code), gettext("Đã rút lại."))
    return form.page(
        "admin/closings/stop.html",
        organisation=organisation,
        act=gettext("Rút lại"),
        cancel=url_for(".show", code=code),
    )


@blueprint.route("/<code>/successor", methods=["GET", "POST"])
def successor(code: str) -> ResponseReturnValue:
    """Offers everything of a closed organisation to its successor, on a written proof."""
    organisation = _find(code)
    form = Form(ProofForm())
    if form.sent:
        with form.attempt():
            told = form.load()
            taker = organisation_by_code(actor(), told["taker"])
            confirm_person()
            succession.offer_on_proof(actor(), organisation, taker, told["proof"], at=clock.now())
            message = gettext("Đã gửi đề nghị. Bên kế thừa phải tự nhận.")
            return form.done(url_for(".show", code=code), message)
    return form.page(
        "admin/closings/successor.html",
        organisation=organisation,
        ask_password=password_asked(),
    )
