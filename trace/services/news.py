"""What others must learn of a capture: noted in its transaction, told by a job (`news_telling`).

Telling means reading who holds what and writing a row for each person: nothing to do under the
log's lock. The job is a row of the same transaction, so that what is recorded is told, and only
that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from trace.services.actors import Actor
from trace.services.handovers import ANSWERING, LEAVING
from trace.services.jobs import enqueue
from trace.services.records import JsonObject
from trace.services.vocabulary import bare_step

KIND: Final = "tell"
_STEPS: Final = LEAVING | ANSWERING

Captured = tuple[int, JsonObject, str | None]  # event row, document, the notice it is


def ask(
    actor: Actor,
    captured: Iterable[Captured],
    *,
    at: datetime,
    inherited: Collection[int] = (),
) -> None:
    """Asks for the telling of what these events say to others; `inherited` are the notices that
    reached things these events used."""
    concerned = sorted(
        row_id for row_id, document, notice in captured if _concerns(actor, document, notice)
    )
    if concerned or inherited:
        argument = {"events": concerned, "inherited": sorted(inherited)}
        enqueue(KIND, argument, at=at, actor=actor)


def _concerns(actor: Actor, document: JsonObject, notice: str | None) -> bool:
    """Whether somebody else must hear of it: a notice, a handover and its answers, a laboratory's
    result."""
    if notice is not None or bare_step(document.get("bizStep")) in _STEPS:
        return True
    return actor.organisation.kind == "laboratory" and "trace:results" in document
