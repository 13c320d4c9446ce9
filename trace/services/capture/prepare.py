"""Steps 1 and 2: events checked, understood and signed, before any lock is taken."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from trace.core.epcis import Checker, EventHasher, JsonObject, amount_of, named_things
from trace.core.epcis.free_text import texts_with_numbers
from trace.core.gs1 import Identity, canonical_uri, local_uri, parse_identity
from trace.core.remembering import remembered
from trace.core.signing import b64url
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
    """One event on its way in: checked, its things named, and (after `sign`) its statement.

    `document` is the event's JSON; nothing else of it is typed, which would cost as much again.
    """

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
    ends: tuple[str, ...] = ()
    hazard: str = ""
    product_of: Mapping[str, str] = field(default_factory=dict)
    statement_uuid: bytes = b""
    statement_id: str = ""  # the same as urn:uuid
    jwt: str = ""
    kept: str = ""  # the same and its disclosures as they are kept (core.statements.keeping)
    disclosures: str = "[]"

    def identify(self, statement_uuid: bytes) -> None:
        """Gives the statement its identifier, 16 bytes."""
        self.statement_uuid = statement_uuid
        self.statement_id = urn_of(statement_uuid)

    @property
    def type(self) -> str:
        kind: str = self.document["type"]
        return kind

    @property
    def action(self) -> str:
        """ADD, OBSERVE, DELETE, or nothing for a transformation."""
        action: str = self.document.get("action", "")
        return action

    @property
    def step(self) -> str:
        """The business step, or nothing."""
        step: str = self.document.get("bizStep", "")
        return step

    @property
    def disposition(self) -> str:
        """The disposition, or nothing."""
        disposition: str = self.document.get("disposition", "")
        return disposition


NOTHING: frozenset[int] = frozenset()
_MADE = frozenset({OUTPUT})
_NAMED = frozenset({EPC})
_HELD = frozenset({PARENT})


def created_roles(event: JsonObject) -> frozenset[int]:
    """The roles whose things an event brings into being."""
    if "errorDeclaration" in event:
        return NOTHING
    if event["type"] == "TransformationEvent":
        return _MADE
    if event["action"] == "ADD":
        return _NAMED if event["type"] == "ObjectEvent" else _HELD
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
    checker = Checker(now=at, id_base=id_base)
    reader = Reader(id_base, own_uris(actor.organisation, id_base))
    where = default_paths(len(events)) if paths is None else paths
    for document, path in zip(events, where, strict=True):
        try:
            checker.check(document, path=path)
            prepared.append(reader.read(document, private, path))
        except Refused as refused:
            errors.extend(refused.errors)
        except TraceError as error:
            errors.append(error)
    if errors:
        raise Refused(errors)
    random = os.urandom(16 * len(prepared))
    for number, event in enumerate(prepared):
        event.identify(uuid4_bytes(random[16 * number : 16 * number + 16]))
    _check_repeats(actor, prepared, where)
    return prepared


def default_paths(count: int) -> list[str]:
    """Where events stand in a document's list; one alone is the document."""
    return [f"/epcisBody/eventList/{number}" for number in range(count)] if count > 1 else [""]


class Reader:
    """Reads what checked events say of things and places; for the events of one document.

    `issuer` holds every URI that means the issuing organisation (own_uris).
    """

    __slots__ = ("_hasher", "_id_base", "_issuer", "_names")

    def __init__(self, id_base: str, issuer: Collection[str] = ()) -> None:
        self._id_base = id_base
        self._issuer = issuer
        self._names: dict[str, Name] = {}
        self._hasher = EventHasher()

    def read(self, document: JsonObject, private: Collection[str] | None, path: str) -> Prepared:
        """One event; `private` as capture has it. Raises Refused, UnknownNotice."""
        numbers = [
            PersonalNumber(path=path + where, kind=kind)
            for where, kind in texts_with_numbers(document)
        ]
        if numbers:
            raise Refused(numbers)
        key = document.get("eventID")
        if key is None:
            key = self._hasher.hash(document)
            document = {**document, "eventID": key}
        if private is None:
            hidden = list(private_members(document, self._issuer))
        else:
            hidden = sorted(private)
        id_base = self._id_base
        read_point, biz_location = document.get("readPoint"), document.get("bizLocation")
        prepared = Prepared(
            document,
            key,
            event_key_digest(key),
            created_roles(document),
            self._mentions(document, hidden),
            hidden,
            place_of(read_point["id"] if read_point else None, id_base),
            place_of(biz_location["id"] if biz_location else None, id_base),
            "errorDeclaration" in document,
        )
        if "ilmd" in document:
            _lots_and_products(prepared, document["ilmd"], id_base)
        if "trace:notice" in document:
            _notice(prepared, document["trace:notice"], path)
        return prepared

    def _mentions(self, event: JsonObject, hidden: Collection[str]) -> list[NamedThing]:
        names = self._names
        mentions: list[NamedThing] = []
        found: dict[tuple[int, str], NamedThing] = {}
        for role_name, uri, number, unit in named_things(event):
            name = names.get(uri)
            if name is None:
                name = names[uri] = name_of(uri, self._id_base)
            role = ROLE_NUMBERS[role_name]
            known = found.get((role, name.identity))
            quantity = amount_of(number)
            if known is None:
                mention = NamedThing(role, name, quantity, unit)
                found[role, name.identity] = mention
                mentions.append(mention)
            elif quantity is not None and known.unit == unit:
                # One class named twice in one list: the index holds the sum.
                known.quantity = (known.quantity or Decimal(0)) + quantity
        if event.get("transformationID"):
            # Inputs and outputs may come in separate events joined by the transformation's id, so
            # that id stands between them as a thing: closures need no special case.
            joint = Name(event["transformationID"], "other")
            for role in (INPUT, OUTPUT):
                found[role, joint.identity] = NamedThing(role, joint, None, None)
            mentions = list(found.values())
        if hidden:
            _hide(event, hidden, mentions, names)
        return mentions


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


ROLE_NUMBERS = {role: number for number, role in enumerate(ROLES)}
THING_MEMBERS = frozenset(
    {
        *("epcList", "quantityList", "parentID", "childEPCs", "childQuantityList"),
        *("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList"),
        "transformationID",
    }
)


def _hide(
    event: JsonObject,
    hidden: Collection[str],
    mentions: Sequence[NamedThing],
    names: Mapping[str, Name],
) -> None:
    """A mention is as visible as what the event shows: a thing is hidden in a role when no member
    that stays names it there, be it a whole list that is withheld or an element."""
    withheld = THING_MEMBERS.intersection(path.partition("/")[0] for path in hidden)
    if not withheld:
        return
    seen = {name: value for name, value in event.items() if name not in hidden}
    for name in withheld & seen.keys():
        if isinstance(seen[name], list):
            seen[name] = [
                value for at, value in enumerate(seen[name]) if f"{name}/{at}" not in hidden
            ]
    shown = {(ROLE_NUMBERS[role], names[uri].identity) for role, uri, _, _ in named_things(seen)}
    joint = seen.get("transformationID")
    for mention in mentions:
        identity = mention.name.identity
        if (mention.role, identity) not in shown and identity != joint:
            mention.visibility = PRIVATE


def _lots_and_products(prepared: Prepared, ilmd: JsonObject, id_base: str) -> None:
    """What ilmd says of the things an event creates: a unit's lot, a lot's trade item."""
    lot_text, product = ilmd.get("cbvmda:lotNumber"), ilmd.get("trace:product")
    product_identity = None
    if isinstance(product, str):
        identity = parse_identity(product, id_base)
        if identity is not None and identity.kind == "product":
            product_identity = canonical_uri(identity, id_base)
    product_of: dict[str, str] = {}
    for mention in prepared.things:
        if mention.role not in prepared.creates:
            continue
        name = mention.name
        if product_identity is not None and name.product is None:
            product_of[name.identity] = product_identity
        if name.kind == "unit" and name.lot is None and name.product and isinstance(lot_text, str):
            lot = _lot_name(f"{name.product}/10/{lot_text}", id_base)
            if lot is not None:
                mention.name = replace(name, lot=lot)
    if product_of:
        prepared.product_of = product_of


def _lot_name(uri: str, id_base: str) -> Name | None:
    try:
        return name_of(uri, id_base)
    except TraceError:  # a lot text that GS1 cannot carry binds nothing; it stays in the event
        return None


def _notice(prepared: Prepared, notice: Any, path: str) -> None:
    kind = notice.get("kind") if isinstance(notice, dict) else notice
    if kind not in NOTICES:
        raise UnknownNotice(path=f"{path}/trace:notice")
    prepared.notice = kind
    if isinstance(notice, dict):
        ends = notice.get("ends", [])
        prepared.ends = tuple(
            [e for e in ends if isinstance(e, str)] if isinstance(ends, list) else ()
        )
        prepared.hazard = str(notice.get("hazard", ""))[:20]


def place_of(uri: str | None, id_base: str) -> str | None:
    """A place as the index names it: the canonical text of its identity."""
    return None if uri is None else _place(uri, id_base)


@remembered(4096)
def _place(uri: str, id_base: str) -> str:
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
        event.jwt, event.kept, event.disclosures = signed.jwt, signed.kept, signed.disclosures
    return prepared
