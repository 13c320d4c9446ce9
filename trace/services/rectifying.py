"""A successor says what is right of a statement of the organisation it goes on for.

Only its own issuer declares a statement to be in error (formats, section 2). Whoever goes on for
the issuer says what is right in a statement of its own: both stand on the page, each with its name.
It bears the time of what it is about, so that it stands beside it, also on the pages of what came
of the goods; when it was recorded, the log says.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from trace.clock import rfc3339
from trace.core.gs1 import local_uri, parse_identity
from trace.errors import NotFound, Refused
from trace.models import Organisation, Thing
from trace.services.actors import Actor
from trace.services.capture import Captured, capture
from trace.services.settings import current_settings
from trace.services.successors import voices_of
from trace.services.timelines import Line
from trace.services.vocabulary import context, step


def may_rectify(actor: Actor, line: Line) -> bool:
    """Whether the actor goes on for the issuer about anything the line names."""
    return actor.may("record") and bool(_spoken(actor, line))


def rectify(actor: Actor, line: Line, text: str, *, at: datetime) -> Captured:
    """Records what is right of a line. Raises NotAllowed, NotFound for a line of somebody else,
    and what is wrong with the words, naming `text`."""
    actor.check("record")
    things = _spoken(actor, line)
    if not things:
        raise NotFound
    base = current_settings().id_base
    singles: list[str] = []
    classes: list[str] = []
    for thing in things:
        identity = parse_identity(thing.identity, base)
        uri = thing.identity if identity is None else local_uri(identity, base)
        (singles if thing.kind in ("logistic", "unit") else classes).append(uri)
    said = {
        "@context": context(base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(line.event_time),
        "eventTimeZoneOffset": line.document.get("eventTimeZoneOffset", "+07:00"),
        "bizStep": step("rectifying"),
        **({"epcList": singles} if singles else {}),
        **({"quantityList": [{"epcClass": one} for one in classes]} if classes else {}),
        "trace:note": text,
        "trace:succession": {"kind": "rectify", "about": line.statement_id},
    }
    try:
        return capture(actor, [said], at=at, private=())
    except Refused as refused:  # the only words of anybody's in it
        error = refused.errors[0]
        error.path = "text"
        raise error from None


def _spoken(actor: Actor, line: Line) -> list[Thing]:
    if line.mine or line.declares_error:
        return []
    issuer: Organisation = line.issuer
    found: dict[int, Thing] = {}
    voices = voices_of({issuer.id, *(named.thing.owner_id for named in line.things)})
    for named in line.things:
        thing = named.thing
        # What the issuer said of its own things, and nobody else's word about them.
        owner = thing.owner_id if thing.owner_id is not None else issuer.id
        heir = voices.of(owner, thing.id, thing.lot_id)
        own_word = owner == issuer.id or issuer.id in heir
        if own_word and actor.organisation.id in heir:
            found[thing.id] = thing
    return [found[one] for one in sorted(found)]
