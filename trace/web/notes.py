"""`/g/{secret}`: the link printed on a delivery note. One scan: a member of the receiving side is
led to the receipt, a giver to his note; anybody else answers here, once, without an account.

The secret is not in the note's public address (`trace.web.secret_links`); the answer spends it.
What is recorded is the giver's own word; name, phone and plate go to the giver alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Handover, NoteLink
from trace.schemas.handovers import LinkSchema
from trace.services import approvals
from trace.services.actors import Actor
from trace.services.acts.notes import counted, everything
from trace.services.answers import Remaining, open_link, remaining, spend_link
from trace.services.batches import address_of, organisation_address, short_name
from trace.services.capture import capture
from trace.services.handovers import Shipment, line_item, shipments
from trace.services.records import Draw, JsonObject, Record
from trace.services.refusals import FieldMissing
from trace.services.settings import current_settings
from trace.services.shipments import Parties, received_by_link, refused_by_link
from trace.web.forms import Form
from trace.web.producer.recording import plain, show_amount, unit_key, unit_options
from trace.web.secret_links import check_answers, count_answer, opened, secret_blueprint

KIND = "note"
blueprint = secret_blueprint("notes", __name__, "/g")


@blueprint.route("/<secret>", methods=["GET", "POST"])
def answer(secret: str) -> ResponseReturnValue:
    """What was sent, and the answer of whoever holds the paper."""
    link, handover = opened(KIND, secret, open_link)
    led = _led(handover) if request.method == "GET" else ""
    if led:
        return redirect(led, 303)
    (shipment,) = shipments([handover])
    if link.answered_at is not None or shipment.voided or shipment.answered_by is not None:
        status = 200 if request.method == "GET" else 409
        return _page("notes/over.html", shipment, link=link), status
    return _ask(link, handover, shipment)


def _led(handover: Handover) -> str:
    """Where a signed-in member of either side goes; "" for everybody else."""
    actor = g.get("actor")
    if actor is None or handover.note is None:
        return ""
    mine = actor.organisation.id
    if handover.giver_id == mine:
        return url_for("shipments.show", event_id=handover.event_id)
    identity = parse_identity(handover.note, current_settings().id_base)
    if identity is None or handover.taker_id not in (None, mine) or not actor.may("record"):
        return ""
    return url_for("shipments.take_by_note", code=identity.value)


def _ask(link: NoteLink, handover: Handover, shipment: Shipment) -> ResponseReturnValue:
    left = {one.thing_id: one for one in remaining(shipment)}
    form = Form(LinkSchema(), _start(shipment, left))
    if form.sent:
        with form.attempt():
            check_answers(KIND)
            clean = form.load()
            spend_link(link, clean["answer"], clean, at=clock.now())
            _record(form, handover, shipment, left, clean)
            db.session.commit()
            count_answer(KIND)
            return redirect(url_for("notes.answer", secret=link.secret), 303)
    if form.status == 409:  # somebody else answered while this was being typed
        known, handover = open_link(link.secret)
        (shipment,) = shipments([handover])
        return _page("notes/over.html", shipment, link=known), 409
    return form.page(
        "notes/answer.html",
        shipment=shipment,
        left=left,
        note=short_name(shipment.note) if shipment.note else "",
        units=unit_options(),
        short_name=short_name,
        show_amount=show_amount,
    )


def _start(shipment: Shipment, left: Mapping[int, Remaining]) -> dict[str, object]:
    found: dict[str, object] = {}
    for number, line in enumerate(shipment.lines):
        known = left.get(line.thing_id)
        if known is not None and known.amount is not None:
            found[f"lines-{number}-quantity"] = plain(known.amount.quantity)
            found[f"lines-{number}-unit"] = unit_key(known.amount.uom)
    return found


def _record(
    form: Form,
    handover: Handover,
    shipment: Shipment,
    left: Mapping[int, Remaining],
    clean: Mapping[str, Any],
) -> None:
    """The giver's word of it, signed with his key (or kept for his approval)."""
    settings = current_settings()
    giver = handover.event.issuer
    actor = Actor(giver, None, "token")
    key = f"link:{handover.event_id}"
    draw = Draw(settings.secret_key, giver.code, key)
    base = Record(
        id_base=settings.id_base,
        event_id=draw.event_id(),
        event_time=clock.now(),
        recorded_by=organisation_address(giver),
    )
    parties = Parties(
        giver=organisation_address(giver),
        note=address_of(handover.note) if handover.note else "",
    )
    events: list[JsonObject]
    if clean["answer"] == "refused":
        if not clean["refuse_reason"]:
            raise FieldMissing(path="refuse_reason")
        items = [line_item(line, address_of(line.identity), line.amount) for line in shipment.lines]
        events = [refused_by_link(base, items, parties, clean["refuse_reason"])]
    else:
        lines = (
            everything(shipment, left)
            if clean["answer"] == "all"
            else counted(shipment, left, clean)
        )
        events = received_by_link(base, lines, parties, new_event_id=draw.event_id)
    at = clock.now()
    if approvals.is_demanded(actor):
        approvals.hold(actor, events, idempotency_key=key, at=at)
    else:
        capture(actor, events, at=at, idempotency_key=key)


def _page(template: str, shipment: Shipment, **values: object) -> str:
    return render_template(
        template,
        shipment=shipment,
        note=short_name(shipment.note) if shipment.note else "",
        short_name=short_name,
        show_amount=show_amount,
        **values,
    )
