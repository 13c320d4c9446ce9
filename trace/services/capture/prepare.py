"""Steps 1 and 2: events checked, understood and signed, before any lock is taken."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from trace.core.epcis import (
    Event,
    JsonObject,
    ObjectEvent,
    TransformationEvent,
    check_event,
    event_hash,
    thing_refs,
)
from trace.core.epcis.free_text import texts_with_numbers
from trace.core.gs1 import Identity, canonical_uri, local_uri, parse_identity
from trace.core.signing import b64url
from trace.core.statements import Statement
from trace.core.statements.build import build_statements
from trace.errors import Conflict, Refused, TraceError
from trace.extensions import db
from trace.models import EventKey, Organisation, Place
from trace.models.events import PRIVATE, PUBLIC, ROLES
from trace.models.events import Event as EventRow
from trace.services.actors import Actor
from trace.services.capture.things import Name, name_of
from trace.services.keys import SigningKey
from trace.services.naming import issuer_of
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.visibility import private_members

EPC, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
NOTICES = frozenset({"recall", "hold", "release", "advice"})


class AlreadyRecorded(Conflict):
    code = "already-recorded"
    message = "This event was recorded before: %(event_id)s"
    next_step = "To change what it says, send an error declaration and a corrective event."


class PersonalNumber(TraceError):
    code = "personal-number"
    message = "This text holds a person's number (%(kind)s), and texts are signed and shown."
    next_step = "Leave it out; a phone number has its place on the organisation's own page."


class UnknownNotice(TraceError):
    code = "unknown-notice"
    message = "A notice is a recall, hold, release or advice."


@dataclass(slots=True)
class NamedThing:
    """One mention of a thing by an event."""

    role: int
    name: Name
    quantity: Decimal | None
    unit: str | None
    visibility: int = PUBLIC


@dataclass(slots=True)
class Prepared:
    """One event on its way in: parsed, its things named, and (after `sign`) its statement."""

    event: Event
    document: JsonObject
    event_key: str  # the eventID
    key_digest: str
    creates: frozenset[int]  # the roles whose things this event brings into being
    things: list[NamedThing]
    private: list[str]
    read_point: str | None
    biz_location: str | None
    error_declaration: bool
    corrects: bytes | None = None
    notice: str | None = None
    ends: list[str] = field(default_factory=list)
    hazard: str = ""
    product_of: dict[str, str] = field(default_factory=dict)
    statement_uuid: bytes = field(default_factory=lambda: uuid4_bytes(os.urandom(16)))
    statement: Statement | None = None

    @property
    def statement_id(self) -> str:
        return urn_of(self.statement_uuid)


NOTHING: frozenset[int] = frozenset()


def created_roles(event: Event) -> frozenset[int]:
    """The roles whose things an event brings into being."""
    if event.error_declaration is not None:
        return NOTHING
    if isinstance(event, TransformationEvent):
        return frozenset({OUTPUT})
    if getattr(event, "action", None) == "ADD":
        return frozenset({EPC if isinstance(event, ObjectEvent) else PARENT})
    return NOTHING


def uuid4_bytes(random: bytes) -> bytes:
    """A version 4 UUID (RFC 9562 §5.4) of 16 random bytes; uuid.uuid4 costs ten times as much."""
    made = bytearray(random)
    made[6] = made[6] & 0x0F | 0x40
    made[8] = made[8] & 0x3F | 0x80
    return bytes(made)


def urn_of(raw: bytes) -> str:
    """`urn:uuid:` and the 16 bytes as text."""
    text = raw.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def event_key_digest(event_id: str) -> str:
    """What event_keys holds of an eventID: base64url of the first 16 bytes of its SHA-256."""
    return b64url(sha256(event_id.encode()).digest()[:16])


def prepare(
    actor: Actor,
    events: Sequence[JsonObject],
    *,
    at: datetime,
    private: Collection[str] | None = None,
    paths: Sequence[str] | None = None,
) -> list[Prepared]:
    """Checks every event and names its things. Raises Refused with every error of all events."""
    errors: list[TraceError] = []
    prepared: list[Prepared] = []
    id_base = current_settings().id_base
    names: dict[str, Name] = {}
    own = own_uris(actor.organisation, id_base)
    where = paths or default_paths(len(events))
    for document, path in zip(events, where, strict=True):
        try:
            event = check_event(document, now=at, path=path, id_base=id_base)
            prepared.append(understand(event, document, private, id_base, names, own, path))
        except Refused as refused:
            errors.extend(refused.errors)
        except TraceError as error:
            errors.append(error)
    if errors:
        raise Refused(errors)
    _check_repeats(actor, prepared, where)
    return prepared


def default_paths(count: int) -> list[str]:
    """Where events stand in a document's list; one alone is the document."""
    return [f"/epcisBody/eventList/{number}" for number in range(count)] if count > 1 else [""]


def understand(
    event: Event,
    document: JsonObject,
    private: Collection[str] | None,
    id_base: str,
    names: dict[str, Name],
    issuer_uris: Collection[str],
    path: str,
) -> Prepared:
    """What a checked event says of things and places. Raises Refused, UnknownNotice."""
    numbers = [
        PersonalNumber(path=path + where, kind=kind) for where, kind in texts_with_numbers(document)
    ]
    if numbers:
        raise Refused(numbers)
    key = event.event_id
    if key is None:
        key = event_hash(document)
        document = {**document, "eventID": key}
    hidden = (
        sorted(private) if private is not None else list(private_members(document, issuer_uris))
    )
    prepared = Prepared(
        event=event,
        document=document,
        event_key=key,
        key_digest=event_key_digest(key),
        creates=created_roles(event),
        things=_mentions(event, hidden, id_base, names),
        private=hidden,
        read_point=place_of(event.read_point.id if event.read_point else None, id_base),
        biz_location=place_of(event.biz_location.id if event.biz_location else None, id_base),
        error_declaration=event.error_declaration is not None,
    )
    _lots_and_products(prepared, id_base)
    _notice(prepared, event.extensions.get("trace:notice"), path)
    return prepared


def own_uris(organisation: Organisation, id_base: str) -> frozenset[str]:
    """Every URI that means this organisation or one of its places, as events may write them."""
    identities = [Identity("o", organisation.code)]
    if organisation.gln:
        identities += [Identity("417", organisation.gln), Identity("414", organisation.gln)]
    uris = {issuer_of(organisation.code)}
    for identity in identities:
        uris |= {canonical_uri(identity, id_base), local_uri(identity, id_base)}
    places = db.session.scalars(
        select(Place.identity).where(Place.organisation_id == organisation.id)
    )
    for text in places:
        place = parse_identity(text, id_base)
        uris |= {text} if place is None else {text, local_uri(place, id_base)}
    return frozenset(uris)


def _mentions(
    event: Event, hidden: Collection[str], id_base: str, names: dict[str, Name]
) -> list[NamedThing]:
    found: dict[tuple[int, str], NamedThing] = {}
    for ref in thing_refs(event):
        name = names.get(ref.uri)
        if name is None:
            name = names[ref.uri] = name_of(ref.uri, id_base)
        role = ROLE_NUMBERS[ref.role]
        known = found.get((role, name.identity))
        if known is None:
            found[role, name.identity] = NamedThing(role, name, ref.quantity, ref.uom)
        elif ref.quantity is not None and known.unit == ref.uom:
            # One class named twice in one list: the index holds the sum.
            known.quantity = (known.quantity or Decimal(0)) + ref.quantity
    if isinstance(event, TransformationEvent) and event.transformation_id:
        # Inputs and outputs may come in separate events joined by the transformation's id, so
        # that id stands between them as a thing: closures need no special case.
        joint = Name(event.transformation_id, "other")
        for role in (INPUT, OUTPUT):
            found[role, joint.identity] = NamedThing(role, joint, None, None)
    mentions = list(found.values())
    if hidden:
        for mention in mentions:
            if not ROLE_MEMBERS[mention.role].isdisjoint(hidden):
                mention.visibility = PRIVATE
    return mentions


ROLE_NUMBERS = {role: number for number, role in enumerate(ROLES)}
ROLE_MEMBERS = (
    frozenset({"epcList", "quantityList"}),
    frozenset({"parentID"}),
    frozenset({"childEPCs", "childQuantityList"}),
    frozenset({"inputEPCList", "inputQuantityList"}),
    frozenset({"outputEPCList", "outputQuantityList"}),
)


def _lots_and_products(prepared: Prepared, id_base: str) -> None:
    """What ilmd says of the things an event creates: a unit's lot, a lot's trade item."""
    ilmd: dict[str, Any] | None = getattr(prepared.event, "ilmd", None)
    if not ilmd:
        return
    lot_text, product = ilmd.get("cbvmda:lotNumber"), ilmd.get("trace:product")
    product_identity = None
    if isinstance(product, str):
        identity = parse_identity(product, id_base)
        if identity is not None and identity.kind == "product":
            product_identity = canonical_uri(identity, id_base)
    for mention in prepared.things:
        if mention.role not in prepared.creates:
            continue
        name = mention.name
        if product_identity is not None and name.product is None:
            prepared.product_of[name.identity] = product_identity
        if name.kind == "unit" and name.lot is None and name.product and isinstance(lot_text, str):
            lot = _lot_name(f"{name.product}/10/{lot_text}", id_base)
            if lot is not None:
                mention.name = Name(name.identity, "unit", lot=lot, product=name.product)


def _lot_name(uri: str, id_base: str) -> Name | None:
    try:
        return name_of(uri, id_base)
    except TraceError:  # a lot text that GS1 cannot carry binds nothing; it stays in the event
        return None


def _notice(prepared: Prepared, notice: Any, path: str) -> None:
    if notice is None:
        return
    kind = notice.get("kind") if isinstance(notice, dict) else notice
    if kind not in NOTICES:
        raise UnknownNotice(path=f"{path}/trace:notice")
    prepared.notice = kind
    if isinstance(notice, dict):
        ends = notice.get("ends", [])
        prepared.ends = [e for e in ends if isinstance(e, str)] if isinstance(ends, list) else []
        prepared.hazard = str(notice.get("hazard", ""))[:20]


@lru_cache(maxsize=4096)
def place_of(uri: str | None, id_base: str) -> str | None:
    """A place as the index names it: the canonical text of its identity."""
    if uri is None:
        return None
    identity = parse_identity(uri, id_base)
    return (uri if identity is None else canonical_uri(identity, id_base))[:300]


def _check_repeats(actor: Actor, prepared: Sequence[Prepared], paths: Sequence[str]) -> None:
    """An eventID is used once, and once more to declare it an error (epcis: 409 otherwise)."""
    errors: list[TraceError] = []
    rows = db.session.execute(
        select(EventKey.event_key, EventKey.error_declaration, EventRow.statement_id)
        .join(EventRow, EventRow.id == EventKey.event_id)
        .where(
            EventKey.issuer_id == actor.organisation.id,
            among(EventKey.event_key, {p.key_digest for p in prepared}),
        )
    )
    known = {(digest, declared): bytes(statement) for digest, declared, statement in rows}
    seen: set[tuple[str, bool]] = set()
    for event, path in zip(prepared, paths, strict=True):
        key = (event.key_digest, event.error_declaration)
        if key in known or key in seen:
            errors.append(AlreadyRecorded(path=f"{path}/eventID", event_id=event.event_key))
        seen.add(key)
        if event.error_declaration:
            event.corrects = known.get((event.key_digest, False))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Repeats(errors)
    _check_corrections(prepared)


class Repeats(Refused):
    code = "several-already-recorded"
    status = 409


def _check_corrections(prepared: Sequence[Prepared]) -> None:
    """An error declared in the same document as the event it is about names it as well."""
    fresh = {p.event_key: p.statement_uuid for p in prepared if not p.error_declaration}
    for event in prepared:
        if event.error_declaration and event.corrects is None:
            event.corrects = fresh.get(event.event_key)


def sign(
    actor: Actor, prepared: Sequence[Prepared], key: SigningKey, *, at: datetime
) -> Sequence[Prepared]:
    """Builds and signs every event's statement (formats §2)."""
    documents = [
        event.document
        if event.corrects is None
        else {**event.document, "trace:corrects": urn_of(event.corrects)}
        for event in prepared
    ]
    statements = build_statements(
        documents,
        issuer=issuer_of(actor.organisation.code),
        kid=key.kid,
        key=key.private,
        statement_ids=[event.statement_id for event in prepared],
        valid_from=at,
        salts=os.urandom,
    )
    for event, signed in zip(prepared, statements, strict=True):
        event.statement = signed.statement
    return prepared
