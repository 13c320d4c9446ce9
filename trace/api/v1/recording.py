"""Operations that record: what was sent becomes events by `services.acts`, the way the console's
forms do, and the answer names what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from flask import request

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.extensions import db
from trace.models import Attachment, Organisation, PendingApproval
from trace.schemas.api.acts import RecordedOut
from trace.schemas.api.bodies import JsonBody
from trace.services.actors import Actor
from trace.services.acts import Told, submit
from trace.services.attachments import reference
from trace.services.batches import address_of, short_name
from trace.services.choices import NotOffered
from trace.services.records import Draw, JsonObject
from trace.services.settings import current_settings
from trace.services.timelines import Line, Named, read_events

CODE: Final = "7K3QMP2XV4"
RECORDED: Final = {
    "events": [
        {
            "id": 41,
            "event_id": "urn:uuid:0d1f6b1e-52b5-4e34-9a2e-6d0b8c1f7a55",
            "statement": "urn:uuid:6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
            "index": 118,
            "step": "harvesting",
            "things": [
                {
                    "role": "output",
                    "id": 12,
                    "kind": "lot",
                    "code": "7K3QM-P2XV4",
                    "address": f"https://id.example/b/{CODE}",
                    "quantity": 480,
                    "uom": "KGM",
                }
            ],
        }
    ],
    "waiting": None,
}
Tell = Callable[..., Sequence[JsonObject]]
Then = Callable[..., Any]


def recording(
    name: str,
    rule: str,
    body: JsonBody,
    tell: Tell,
    *,
    then: Then | None = None,
    **declared: Any,
) -> None:
    """Declares a POST that records what `tell(actor, told, **place)` makes of the body; `then`
    is done in the same transaction, with the same `place`. `declared` is what `Operation`
    takes."""

    def view(actor: Actor, clean: dict[str, Any], **place: Any) -> Answer:
        actor.check("record")
        events = tell(actor, told_of(actor, clean), **place)
        return recorded(actor, events, partial(then, **place) if then else None)

    view.__name__ = name
    operation(
        "POST",
        rule,
        scope="capture",
        body=body,
        out=RecordedOut(),
        status=201,
        answer=RECORDED,
        **declared,
    )(view)


def request_key() -> str:
    """The request's Idempotency-Key, which was checked at the door."""
    return request.headers.get("Idempotency-Key", "")


def told_of(actor: Actor, clean: dict[str, Any]) -> Told:
    """What was sent, as acts take it: codes and event ids are drawn from the request's key. Raises
    NotOffered for a photo nobody sent."""
    photos = []
    for number, digest in enumerate(clean.get("photos") or ()):
        kept = db.session.get(Attachment, digest)
        if kept is None or kept.organisation_id != actor.organisation.id:
            raise NotOffered(path=f"/photos/{number}")
        photos.append(reference(kept))
    draw = Draw(current_settings().secret_key, actor.organisation.code, f"api:{request_key()}")
    return Told(clean, draw, tuple(photos))


def recorded(actor: Actor, events: Sequence[JsonObject], then: Then | None = None) -> Answer:
    """Captures events and answers what they became."""
    done = submit(actor, events, key=f"act:{request_key()}", at=clock.now())
    if isinstance(done, PendingApproval):
        return Answer({"events": [], "waiting": done.id}, status=202)
    if then is not None:
        then(actor, done)
    lines = {line.event_id: line for line in read_events(actor, [e.event_id for e in done.events])}
    told = [
        {
            "id": one.event_id,
            "event_id": one.event_key,
            "statement": one.statement_id,
            "index": one.index,
            "step": lines[one.event_id].step,
            "things": [thing_of(named) for named in lines[one.event_id].things],
        }
        for one in done.events
    ]
    return Answer({"events": told, "waiting": None})


def thing_of(named: Named) -> dict[str, Any]:
    """A thing as events name it."""
    return {
        "role": named.role,
        "id": named.thing.id,
        "kind": named.thing.kind,
        "code": short_name(named.thing.identity),
        "address": address_of(named.thing),
        "quantity": named.quantity,
        "uom": named.unit,
    }


def organisation_of(one: Organisation | None) -> dict[str, str] | None:
    """Who, shortly."""
    return None if one is None else {"code": one.code, "name": one.name}


def event_of(line: Line) -> dict[str, Any]:
    """An event as its reader may see it."""
    return {
        "id": line.event_id,
        "statement": line.statement_id,
        "step": line.step,
        "event_time": line.event_time,
        "record_time": line.record_time,
        "index": line.index,
        "issuer": organisation_of(line.issuer),
        "mine": line.mine,
        "document": line.document,
        "withheld": line.withheld,
        "things": [thing_of(named) for named in line.things],
        "marks": line.marks,
        "late_days": line.late_days,
        "stands": line.stands,
        "voided": line.voided,
        "replaced_by": line.replaced_by,
        "replaces": line.replaces,
    }
