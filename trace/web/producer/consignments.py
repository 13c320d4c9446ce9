"""What the pages of a shipment say of the codes its market asks for."""

from __future__ import annotations

from contextlib import suppress

from flask import request
from marshmallow import ValidationError

from trace import clock
from trace.core.gs1 import parse_identity
from trace.errors import TraceError
from trace.models import Handover
from trace.schemas.places import Market
from trace.services import choices
from trace.services.addresses import place_named
from trace.services.area_codes import Mark
from trace.services.batches import get_things
from trace.services.consignments import check_consignment
from trace.services.handovers import shipments
from trace.services.records import LOCAL_ZONE
from trace.services.settings import current_settings
from trace.services.timelines import open_event
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.producer.place_words import mark_words, market_options, market_word

Told = list[tuple[Mark, str]]


def consignment_of_form(form: Form) -> dict[str, object]:
    """What was asked with the button beside the market, before anything is recorded."""
    market, things = form.value("market").strip().upper(), []
    with suppress(ValidationError):
        market = Market().read(market, "market", {}) if market else ""
        things = _chosen() if request.form.get("more") == "market" else []
    marks: Told = []
    if market and things:
        place = None
        with suppress(TraceError):
            typed = form.value("place")
            place = choices.get_place(actor(), int(typed) if typed.isdecimal() else None)
        day = clock.now().astimezone(LOCAL_ZONE).date()
        mine = actor().organisation.id
        marks = _worded(check_consignment(things, market, place=place, day=day, reader=mine))
    return {"markets": market_options(market), "consignment": marks}


def _chosen() -> list[int]:
    """The things of the lines, those the organisation may see."""
    typed = [
        int(value)
        for name, value in request.form.items()
        if name.startswith("lots-") and name.endswith("-thing") and value.isdecimal()
    ]
    with suppress(TraceError):
        return list(get_things(actor(), typed, "lot", "logistic"))
    return []


def consignment_of_event(handover: Handover) -> dict[str, object]:
    """The market a recorded shipment told, and what is to be known; for its giver alone."""
    if handover.received or handover.event.issuer_id != actor().organisation.id:
        return {"consignment": [], "market": ""}
    document, _ = open_event(handover.event)
    market = str(document.get("trace:market", ""))
    if not market:
        return {"consignment": [], "market": ""}
    identity = parse_identity(handover.event.read_point or "", current_settings().id_base)
    place = place_named(identity) if identity else None
    day = handover.event.event_time.astimezone(LOCAL_ZONE).date()
    (shipment,) = shipments([handover])
    things = [line.thing_id for line in shipment.lines]
    mine = actor().organisation.id
    marks = check_consignment(things, market, place=place, day=day, reader=mine)
    return {"consignment": _worded(marks), "market": market_word(market)}


def _worded(marks: list[Mark]) -> Told:
    return [(mark, mark_words(mark)) for mark in marks]
