"""Handing records on and taking them over; a successor's word about what it took over."""

from __future__ import annotations

import re

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import parse_identity
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Succession, Thing
from trace.schemas.closings import AcceptForm, OfferForm, RectifyForm
from trace.services import rectifying, succession
from trace.services.bundles import bundle_of
from trace.services.choices import organisation_by_code, partners
from trace.services.cycles import list_cycles
from trace.services.passports_lines import code_of
from trace.services.places import list_places
from trace.services.products import list_products
from trace.services.settings import current_settings
from trace.services.succession_items import Named
from trace.services.timelines import get_event
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

blueprint = Blueprint("succession", __name__, url_prefix="/producer/succession")

Options = list[tuple[str, str]]


def state_tag(state: str) -> tuple[str, str]:
    """(kind of tag, words) for how an offer stands."""
    words: dict[str, tuple[str, str]] = {
        "offered": ("wait", gettext("Chờ trả lời")),
        "accepted": ("ok", gettext("Đã nhận")),
        "declined": ("stop", gettext("Không nhận")),
        "withdrawn": ("neutral", gettext("Đã rút")),
    }
    return words.get(state, ("neutral", state))


def spoken(thing: Thing) -> str:
    """A thing as people name it: its kind and its code."""
    identity = parse_identity(thing.identity, current_settings().id_base)
    code = code_of(identity) if identity else thing.identity
    kinds: dict[str, str] = {
        "cycle": gettext("Vụ"),
        "lot": gettext("Lô"),
        "logistic": gettext("Kiện"),
    }
    name = f" · {thing.product.name}" if thing.product else ""
    return f"{kinds.get(thing.kind, '')} {code}{name}".strip()


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What was handed on and taken over, and what waits for an answer."""
    return render_template(
        "producer/closing/offers.html",
        rows=succession.list_of(actor()),
        mine=actor().organisation.id,
        state_tag=state_tag,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("manage")
def new() -> ResponseReturnValue:
    """Offers everything or some of it to another organisation, after a fresh sign-in."""
    form = Form(OfferForm(), {"extent": "whole"})
    if form.sent:
        with form.attempt():
            told = form.load()
            taker = organisation_by_code(actor(), told["taker"])
            named = _named(told["extent"] == "whole")
            confirm_person()
            row = succession.offer(actor(), taker, named, told["note"], at=clock.now())
            message = gettext("Đã gửi đề nghị. Bên nhận trả lời thì bạn được báo.")
            return form.done(url_for("succession.show", succession_id=row.id), message)
    return form.page(
        "producer/closing/offer.html",
        partners=partners(actor()),
        **_choices(),
        ask_password=password_asked(),
    )


def _named(whole: bool) -> Named:
    if whole:
        return Named(whole=True)
    return Named(False, _ids("things"), _ids("products"), _ids("places"))


def _ids(name: str) -> tuple[int, ...]:
    """The boxes ticked; what is no number names nothing there is."""
    typed = request.form.getlist(name)
    return tuple(sorted({int(one) if one.isdecimal() and len(one) < 18 else 0 for one in typed}))


def _choices() -> dict[str, Options]:
    acting = actor()
    cycles = []
    for one in list_cycles(acting):
        thing = db.session.get_one(Thing, one.batch.thing_id)
        place = f" · {one.place.name}" if one.place else ""
        cycles.append((str(thing.id), spoken(thing) + place))
    return {
        "things": cycles,
        "products": [(str(one.id), one.name) for one in list_products(acting)],
        "places": [(str(one.id), one.name) for one in list_places(acting)],
    }


@blueprint.get("/<int:succession_id>")
def show(succession_id: int) -> ResponseReturnValue:
    """One offer: who, what, how it stands, what it will mean."""
    row = succession.get(actor(), succession_id)
    return render_template("producer/closing/offered.html", **_told(row))


def _told(row: Succession) -> dict[str, object]:
    return {
        "row": row,
        "mine": actor().organisation.id,
        "state": state_tag(row.state),
        "alerts": succession.alerts_on(row),
        "things": [one.thing for one in row.items if one.thing is not None],
        "products": [one.product for one in row.items if one.product is not None],
        "places": [one.place for one in row.items if one.place is not None],
        "spoken": spoken,
    }


@blueprint.route("/<int:succession_id>/accept", methods=["GET", "POST"])
@needs("manage")
def accept(succession_id: int) -> ResponseReturnValue:
    """Takes over, after a fresh sign-in."""
    row = _to_me(succession_id)
    form = Form(AcceptForm(), version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            aware = form.load()["aware"]
            confirm_person()
            succession.accept(actor(), row, aware=aware, version=form.version, at=clock.now())
            message = gettext("Đã nhận kế thừa. Từ nay bạn trả lời và thu hồi thay cho bên giao.")
            return form.done(url_for("succession.show", succession_id=row.id), message)
    return form.page(
        "producer/closing/accept.html",
        **_told(row),
        act=gettext("Nhận kế thừa"),
        cancel=url_for("succession.show", succession_id=row.id),
        ask_password=password_asked(),
    )


@blueprint.route("/<int:succession_id>/decline", methods=["GET", "POST"])
@needs("manage")
def decline(succession_id: int) -> ResponseReturnValue:
    """Does not take over, after asking once."""
    row = _to_me(succession_id)
    form = Form(version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            succession.decline(actor(), row, version=form.version, at=clock.now())
            return form.done(url_for("succession.index"), gettext("Đã trả lời là không nhận."))
    return form.page(
        "producer/closing/decline.html",
        row=row,
        act=gettext("Không nhận"),
        cancel=url_for("succession.show", succession_id=row.id),
    )


@blueprint.route("/<int:succession_id>/withdraw", methods=["GET", "POST"])
@needs("manage")
def withdraw(succession_id: int) -> ResponseReturnValue:
    """Takes an offer back, after asking once."""
    row = succession.get(actor(), succession_id)
    if row.offered_by_id != actor().organisation.id:
        raise NotFound
    form = Form(version=row.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            succession.withdraw(actor(), row, version=form.version, at=clock.now())
            return form.done(url_for("succession.index"), gettext("Đã rút đề nghị."))
    return form.page(
        "producer/closing/withdraw.html",
        row=row,
        act=gettext("Rút đề nghị"),
        cancel=url_for("succession.show", succession_id=row.id),
    )


def _to_me(succession_id: int) -> Succession:
    row = succession.get(actor(), succession_id)
    if row.taker_id != actor().organisation.id:
        raise NotFound
    return row


@blueprint.get("/<int:succession_id>/things/<int:thing_id>.json")
@needs("manage")
def bundle(succession_id: int, thing_id: int) -> ResponseReturnValue:
    """Everything the giver said of a thing that was taken over, with the proofs."""
    row = succession.get(actor(), succession_id)
    thing = succession.taken_thing(actor(), row, thing_id)
    data = bundle_of(thing.id, at=clock.now(), viewer=row.giver_id)
    db.session.commit()
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", thing.identity.partition("://")[2])[-80:]
    return Response(
        data,
        mimetype="application/vnd.trace.bundle+json",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.json"',
            "Cache-Control": "no-store",
        },
    )


@blueprint.route("/rectify/<int:event_id>", methods=["GET", "POST"])
@needs("record")
def rectify(event_id: int) -> ResponseReturnValue:
    """What is right of a line of the organisation that was taken over."""
    line = get_event(actor(), event_id)
    if not rectifying.may_rectify(actor(), line):
        raise NotFound
    form = Form(RectifyForm())
    if form.sent:
        with form.attempt():
            text = form.load()["text"]
            made = rectifying.rectify(actor(), line, text, at=clock.now())
            address = url_for("events.show", event_id=made.events[0].event_id)
            return form.done(address, gettext("Đã ghi. Dòng cũ và lời nói lại cùng hiện."))
    return form.page("producer/closing/rectify.html", line=line)
