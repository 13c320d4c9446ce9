"""A laboratory says what it found in a lot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trace.errors import NotFound
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances
from trace.services.batches import address_of
from trace.services.laboratory import Finding, find_lot, result_event, verdict_of
from trace.services.records import JsonObject
from trace.services.samples import match_seal, note_result


def check_laboratory(actor: Actor) -> None:
    """Raises NotFound for any other kind of organisation."""
    if actor.organisation.kind != "laboratory":
        raise NotFound


def tell_result(actor: Actor, told: Told) -> list[JsonObject]:
    """The result as the laboratory signs it; a sample an authority sealed hears of it. Raises
    NotFound, UnknownLot, UnknownSeal."""
    check_laboratory(actor)
    lot = find_lot(actor, told["lot"])
    base = circumstances(actor, told)
    findings = [_finding(row) for row in told["findings"]]
    sample = match_seal(actor, told["sample"], lot)
    event = result_event(base, address_of(lot), findings, told["sampled"], told["sample"])
    if sample is not None:
        note_result(sample, base.event_id)
    return [event]


def _finding(row: Mapping[str, Any]) -> Finding:
    value, limit = row.get("value"), row.get("limit")
    verdict = verdict_of(value, limit, detected=not row.get("missing"))
    return Finding(
        str(row["substance"]),
        verdict,
        None if row.get("missing") else value,
        str(row.get("unit") or ""),
        limit,
        str(row.get("method") or ""),
    )
