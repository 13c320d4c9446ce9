"""A chain as a document for programs: stations, flows and events; amounts as text, so that none is
rounded. What was kept from the reader is told as kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from trace.core.signing import JsonObject
from trace.models.events import ROLES
from trace.services.chains import Chain
from trace.services.chains_fold import late_by
from trace.services.chains_graph import Flow, Station
from trace.services.chains_walk import KEPT_FROM


def chain_document(chain: Chain) -> JsonObject:
    """Everything a program wants of a chain."""
    return {
        "v": 1,
        "subject": chain.subject.identity.path,
        "more": chain.more,
        "sources": chain.sources,
        "places": chain.places,
        "stations": [_station_json(chain, one) for one in ordered(chain)],
        "flows": [_flow_json(flow) for flow in ordered_flows(chain)],
        "events": [_event_json(chain, number) for number in sorted(_told(chain))],
    }


def ordered(chain: Chain) -> list[Station]:
    """Sources first, then what was asked about, then where it went."""
    sides = ("up", "here", "down")
    return sorted(
        chain.graph.stations.values(),
        key=lambda one: (
            sides.index(one.side),
            -one.distance if one.side == "up" else one.distance,
            one.first is None,
            one.first,
            one.id,
        ),
    )


def ordered_flows(chain: Chain) -> list[Flow]:
    """The earliest first."""
    return sorted(
        chain.graph.flows.values(),
        key=lambda flow: (flow.first is None, flow.first, flow.source, flow.target),
    )


def _told(chain: Chain) -> set[int]:
    stations = {event for one in chain.graph.stations.values() for event in one.events}
    return stations | {event for flow in chain.graph.flows.values() for event in flow.events}


def _station_json(chain: Chain, one: Station) -> JsonObject:
    thing = chain.things.get(one.thing or 0)
    party = chain.parties.get(one.holder or 0)
    return {
        "id": one.id,
        "side": one.side,
        "distance": one.distance,
        "thing": {
            "identity": thing.identity,
            "kind": thing.kind,
            "code": thing.code,
            "product": thing.product,
        }
        if thing
        else None,
        "step": one.step or None,
        "holder": {"name": party.name, "code": party.code, "kind": party.kind} if party else None,
        "made": _amounts(one.made),
        "held": _amounts(one.held),
        "pieces": one.pieces,
        "since": one.first.isoformat() if one.first else None,
        "alerts": sorted(one.alerts),
        "problems": sorted(one.problems),
        "late": one.late,
        "custody": dict(one.custody),
        "outside": one.outside,
        "events": one.events,
    }


def _flow_json(flow: Flow) -> JsonObject:
    return {
        "source": flow.source,
        "target": flow.target,
        "kind": flow.kind,
        "step": flow.step or None,
        "sent": _amounts(flow.sent),
        "got": _amounts(flow.got),
        "first": flow.first.isoformat() if flow.first else None,
        "last": flow.last.isoformat() if flow.last else None,
        "containers": len(flow.containers),
        "problems": sorted(flow.problems),
        "stands": flow.stands,
        "events": flow.events,
    }


def _event_json(chain: Chain, number: int) -> JsonObject:
    told = chain.events[number]
    issuer = chain.parties.get(told.issuer)
    return {
        "id": number,
        "statement": f"urn:uuid:{UUID(bytes=told.statement)}",
        "step": told.step or None,
        "action": told.action,
        "event_time": told.at.isoformat(),
        "record_time": told.recorded.isoformat() if told.recorded else None,
        "late_days": late_by(told),
        "issuer": {"name": issuer.name, "code": issuer.code} if issuer else None,
        "custody": told.custody,
        "index": told.index,
        "things": [
            {
                "role": ROLES[use.role],
                "thing": chain.things[use.thing].identity,
                **_amount(use.quantity, use.unit),
            }
            for use in told.uses
            if use.thing in chain.things
        ],
    }


def _amounts(told: dict[str, Decimal]) -> list[dict[str, Any]]:
    return [_amount(told[unit], unit) for unit in sorted(told)]


def _amount(quantity: Decimal | None, unit: str) -> dict[str, Any]:
    if unit == KEPT_FROM:
        return {"quantity": None, "uom": "", "outside": True}
    return {"quantity": None if quantity is None else f"{quantity:f}", "uom": unit}
