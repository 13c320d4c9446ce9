"""Delivery notes, and single events with their corrections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Select

from trace import clock
from trace.api.v1.door import operation
from trace.api.v1.goods import EVENT, WHEN
from trace.api.v1.nouns import PAGE
from trace.api.v1.recording import CODE, event_of, organisation_of, recording
from trace.core.gs1 import Gs1Error, Identity, canonical_uri, check_code
from trace.errors import NotFound
from trace.models import Handover
from trace.schemas.api import acts as bodies
from trace.schemas.api.acts import EventOut, HandoverOut
from trace.schemas.api.answers import listed
from trace.services import paging
from trace.services.actors import Actor
from trace.services.acts import Told, mending, notes
from trace.services.answers import make_link
from trace.services.batches import address_of, short_name
from trace.services.capture import Captured
from trace.services.handovers import (
    Shipment,
    arrived,
    find_by_note,
    get_handover,
    incoming,
    outgoing,
    shipments,
)
from trace.services.records import JsonObject
from trace.services.settings import current_settings
from trace.services.timelines import get_correctable, get_event

Query = Callable[[Actor], Select[Any]]
VIEWS: Final[dict[str, Query]] = {
    "incoming": incoming,
    "outgoing": outgoing,
    "arrived": arrived,
}
HANDOVER: Final = {
    "id": 52,
    "event_time": "2026-11-20T02:00:00Z",
    "giver": {"code": CODE, "name": "HTX Rau Đan Phượng"},
    "taker": {"code": "9ZK2M4TQX0", "name": "Cửa hàng Demo"},
    "note": "4T8WQ-2MX7A",
    "received": False,
    "state": "",
    "voided": False,
    "answered_by": None,
    "lines": [
        {
            "thing": 12,
            "kind": "lot",
            "code": "L2611",
            "address": f"https://id.example/b/{CODE}",
            "product": {"id": 3, "name": "Cải ngọt", "gtin": None},
            "quantity": 100,
            "uom": "KGM",
        }
    ],
}


def _out(one: Shipment) -> dict[str, Any]:
    return {
        "id": one.event_id,
        "event_time": one.event_time,
        "giver": organisation_of(one.giver),
        "taker": organisation_of(one.taker),
        "note": short_name(one.note) if one.note else None,
        "received": one.received,
        "state": one.state,
        "voided": one.voided,
        "answered_by": one.answered_by,
        "lines": [
            {
                "thing": line.thing_id,
                "kind": line.kind,
                "code": short_name(line.identity),
                "address": address_of(line.identity),
                "product": line.product
                and {
                    "id": line.product.id,
                    "name": line.product.name,
                    "gtin": line.product.gtin,
                },
                "quantity": line.amount.quantity if line.amount else None,
                "uom": line.amount.uom if line.amount else "",
            }
            for line in one.lines
        ],
    }


@operation(
    "GET",
    "/handovers",
    tag="handovers",
    summary="What is on its way here, what was sent, or what arrived; newest first",
    scope="query",
    out=listed(HandoverOut(), "HandoverPage"),
    query={
        **PAGE,
        "view": {
            "type": "string",
            "enum": list(VIEWS),
            "default": "incoming",
            "description": "Which of the three.",
        },
    },
    answer={"items": [HANDOVER], "next": None},
)
def list_handovers(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    query = VIEWS[asked["view"]](actor).order_by(None)
    found = paging.page(
        query, Handover.event_id, cursor=asked["cursor"] or "", limit=asked["limit"], newest=True
    )
    return {"items": [_out(one) for one in shipments(found.rows)], "next": found.next or None}


@operation(
    "GET",
    "/handovers/<int:event_id>",
    tag="handovers",
    summary="One delivery note or receipt",
    scope="query",
    out=HandoverOut(),
    answer=HANDOVER,
)
def show_handover(actor: Actor, event_id: int) -> dict[str, Any]:
    (one,) = shipments([get_handover(actor, event_id)])
    return _out(one)


def _by_note(actor: Actor, code: str) -> Handover:
    """The shipment behind a note's printed code. Raises NotFound."""
    try:
        identity = canonical_uri(Identity("n", check_code(code)), current_settings().id_base)
    except Gs1Error:
        raise NotFound from None
    found = find_by_note(actor, identity)
    if found is None:
        raise NotFound
    return found


@operation(
    "GET",
    "/notes/<code>",
    tag="handovers",
    summary="The delivery note behind a code on paper, for whoever was handed it",
    scope="query",
    out=HandoverOut(),
    answer=HANDOVER,
)
def show_note(actor: Actor, code: str) -> dict[str, Any]:
    (one,) = shipments([_by_note(actor, code)])
    return _out(one)


def _link(actor: Actor, done: Captured, **_: Any) -> None:
    """The note's own link, for whoever has the paper and no account."""
    make_link(actor, get_handover(actor, done.events[0].event_id), at=clock.now())


def _take(actor: Actor, told: Told, event_id: int) -> list[JsonObject]:
    return notes.take(actor, notes.to_receive(actor, event_id), told)


def _take_note(actor: Actor, told: Told, code: str) -> list[JsonObject]:
    handover = _by_note(actor, code)
    if handover.giver_id == actor.organisation.id:
        raise NotFound
    return notes.take(actor, handover, told)


def _give(actor: Actor, told: Told, event_id: int) -> list[JsonObject]:
    return notes.give(actor, notes.to_return(actor, event_id), told)


def _home(actor: Actor, told: Told, event_id: int) -> list[JsonObject]:
    return notes.bring_home(actor, notes.to_come_back(actor, event_id), told)


def _cancel(actor: Actor, told: Told, event_id: int) -> list[JsonObject]:
    handover = notes.own_shipment(actor, event_id)
    return notes.cancel(actor, handover, told["reason"], at=clock.now())


SENT: Final = {
    "when": WHEN,
    "taker": "9ZK2M4TQX0",
    "lots": [{"thing": 12, "quantity": 100, "unit": "kg"}],
}
RECEIVED: Final = {
    "when": WHEN,
    "place": 7,
    "answer": "lines",
    "lines": [{"thing": 12, "quantity": 98, "unit": "kg", "reason": "hao hụt"}],
}
recording(
    "send_goods",
    "/handovers",
    bodies.SHIP,
    notes.send,
    then=_link,
    tag="handovers",
    summary="Goods leave: what, to whom; makes a delivery note",
    example=SENT,
    description="`taker` is a code, a GLN or a name; whoever has no account is named in"
    " `taker_name`.",
)
recording(
    "receive_goods",
    "/handovers/<int:event_id>/receipt",
    bodies.RECEIVE,
    _take,
    tag="handovers",
    summary="Everything came, or line by line, or a part, or nothing was taken",
    example=RECEIVED,
)
recording(
    "receive_by_note",
    "/notes/<code>/receipt",
    bodies.RECEIVE,
    _take_note,
    tag="handovers",
    summary="The same by the code on the paper",
    example={"when": WHEN, "answer": "all"},
)
recording(
    "return_goods",
    "/handovers/<int:event_id>/return",
    bodies.RETURN,
    _give,
    then=_link,
    tag="handovers",
    summary="Received goods go back to who gave them",
    example={
        "when": WHEN,
        "reason": "dập nát",
        "lines": [{"thing": 12, "quantity": 3, "unit": "kg"}],
    },
)
recording(
    "bring_home",
    "/handovers/<int:event_id>/back",
    bodies.BACK,
    _home,
    tag="handovers",
    summary="Refused goods are in the giver's hands again",
    example={"when": WHEN},
)
recording(
    "cancel_handover",
    "/handovers/<int:event_id>/cancel",
    bodies.VOID,
    _cancel,
    tag="handovers",
    summary="A note that nobody answered is declared void",
    example={"reason": "did_not_occur"},
)
recording(
    "receive_unrecorded",
    "/handovers/unrecorded",
    bodies.EXTERNAL,
    notes.take_unrecorded,
    tag="handovers",
    summary="Goods that came without a code become a lot of declared origin",
    example={
        "when": WHEN,
        "product_name": "Rau muống",
        "quantity": 20,
        "unit": "kg",
        "supplier": "Hộ demo",
    },
)

# -- events ----------------------------------------------------------------------------------------


@operation(
    "GET",
    "/events/<int:event_id>",
    tag="events",
    summary="One event, with what became of it",
    scope="query",
    out=EventOut(),
    answer=EVENT,
)
def show_event(actor: Actor, event_id: int) -> dict[str, Any]:
    return event_of(get_event(actor, event_id))


def _correct(actor: Actor, told: Told, event_id: int) -> list[JsonObject]:
    return mending.correct(actor, get_correctable(actor, event_id), told, at=clock.now())


def _void(actor: Actor, told: Told, event_id: int) -> list[JsonObject]:
    return mending.void(get_correctable(actor, event_id), told["reason"], at=clock.now())


recording(
    "correct_event",
    "/events/<int:event_id>/correction",
    bodies.CORRECT,
    _correct,
    tag="events",
    summary="What was meant, beside what was written; the original stays",
    example={
        "when": WHEN,
        "place": 7,
        "reason": "incorrect_data",
        "things": [{"quantity": 478, "unit": "kg"}],
    },
    description="`things` has a row for each thing of the event, in its order; what is absent"
    " becomes empty in the event that stands instead.",
)
recording(
    "void_event",
    "/events/<int:event_id>/void",
    bodies.VOID,
    _void,
    tag="events",
    summary="The event did not happen: struck through, never removed",
    example={"reason": "did_not_occur"},
)
