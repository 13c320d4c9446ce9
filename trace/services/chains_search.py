"""From whatever an inspector has in hand to things with a chain: a code typed in any way, a lot's
name, the number of a delivery note, an organisation, a place, a ward, days.

Things out of reach are found by their code alone; lists hold what is within reach, or public.
Every question reads through an index and at most so many rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from trace.core.folding import fold
from trace.core.gs1 import Identity, canonical_uri, parse_path
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, EventThing, Holding, Organisation, Place, Product, Thing
from trace.services.actors import Actor
from trace.services.addresses import organisation_named, place_named, product_named
from trace.services.batches import short_name
from trace.services.chains import NothingKnown, Subject, find_subject, things_of_note
from trace.services.jurisdictions import Reach, Scope, reach, scope_of
from trace.services.same import is_root, root_of, roots
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.typed_codes import path_of_typed
from trace.services.wards import match_wards

LISTED: Final = 60  # things in a list
LOOKED_AT: Final = 600  # rows behind it
FOUND: Final = 20  # organisations, places
GTINS: Final = 5_000
KINDS: Final = ("lot", "cycle", "logistic", "unit", "asset")
_PATH: Final = re.compile(r"/?(?:[bqchlpon]|\d{2,4})/")
MOST_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class FoundThing:
    """A thing in a list of results."""

    thing: Thing
    product: Product | None
    owner: Organisation | None
    reach: Reach | None

    @property
    def name(self) -> str:
        return short_name(self.thing.identity)


@dataclass(slots=True)
class Results:
    """What was found by kind. `subject` is set where the text is one code: its chain is the answer.
    `refusal` says why the text is no code, where it looks like one."""

    subject: Subject | None = None
    things: list[FoundThing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    organisations: list[Organisation] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    about: Organisation | Place | Product | None = None
    outside: bool = False  # what `about` names lies outside
    more: bool = False
    refusal: TraceError | None = None

    def __bool__(self) -> bool:
        return bool(self.things or self.notes or self.organisations or self.places or self.about)


def search_chains(
    actor: Actor, text: str, since: datetime | None = None, until: datetime | None = None
) -> Results:
    """Results for what was typed, inside the days given. Raises NotAllowed for others than an
    authority's inspectors."""
    scope = scope_of(actor)
    found = Results()
    if not text:
        if since or until:
            found.things, found.more = _listed(actor, _ids_in_window(scope, since, until))
        return found
    identity = _identity(text, found)
    if identity is not None and _of_identity(actor, scope, identity, found, since, until):
        return found
    if things_of_note(text):
        found.notes.append(text)
    found.things, found.more = _listed(actor, _ids_by_lot_name(scope, text))
    words = fold(text).split()[:MOST_WORDS]
    if words:
        found.organisations = _organisations(words, text)
        found.places = _places(scope, words, text)
    if found:
        found.refusal = None
    return found


def identity_of_text(text: str) -> Identity | None:
    """The identity a typed text means; None for words. Raises a TraceError for a code that looks
    wrong."""
    if "\0" in text:
        raise NothingKnown(path="of")
    if _PATH.match(text) and not text.startswith("/"):
        text = f"/{text}"
    path = path_of_typed(text)
    return parse_path(path).identity


def goods_of_text(text: str, *, path: str) -> Thing:
    """The goods that a typed code or an address stands for. Raises NothingKnown, or what is wrong
    with the text, at `path`."""
    try:
        identity = identity_of_text(text.strip())
    except TraceError as error:
        error.path = path
        raise
    if identity is not None:
        uri = canonical_uri(identity, current_settings().id_base)
        row = db.session.scalar(select(Thing).where(Thing.identity == uri, Thing.kind != "product"))
        if row is not None:
            return row
    raise NothingKnown(path=path)


def _identity(text: str, found: Results) -> Identity | None:
    try:
        return identity_of_text(text)
    except TraceError as error:
        found.refusal = error if _looks_like_a_code(text) else None
        return None


def _looks_like_a_code(text: str) -> bool:
    """One word with figures in it, or an address."""
    letters = [c for c in text if c.isalnum()]
    return (
        any(c.isdecimal() for c in letters)
        and all(c.isascii() for c in letters)
        and (len(letters) >= 8 or _PATH.match(text) is not None)
    )


def _of_identity(
    actor: Actor,
    scope: Scope,
    identity: Identity,
    found: Results,
    since: datetime | None,
    until: datetime | None,
) -> bool:
    """Whether the identity is the answer: a chain, or what belongs to an organisation, a place or a
    product."""
    try:
        found.subject = find_subject(identity)
    except NothingKnown as error:
        found.refusal = error
    else:
        return True
    organisation = organisation_named(identity) if identity.kind == "party" else None
    place = place_named(identity) if identity.kind in ("place", "stall") else None
    product = product_named(identity) if identity.kind in ("product", "lot", "unit") else None
    if organisation is not None:
        found.about = organisation
        found.outside = not scope.covers(organisation.ward_code)
        ids = _ids_of(organisation, since, until)
    elif place is not None:
        found.outside = not scope.covers(place.ward_code or place.organisation.ward_code)
        if found.outside and not place.public:
            return False
        found.about = place
        ids = _ids_at(place, since, until)
    elif product is not None and identity.kind == "product":
        found.about = product
        same = sorted(roots("product", [product.id]))
        query = select(Thing.id).where(among(Thing.product_id, same), Thing.kind == "lot")
        ids = db.session.scalars(query.order_by(Thing.id.desc()).limit(LOOKED_AT)).all()
    else:
        return False
    found.refusal = None
    found.things, found.more = _listed(actor, ids)
    return True


def _listed(actor: Actor, ids: Sequence[int]) -> tuple[list[FoundThing], bool]:
    """The things within reach, in this order; whether there are more."""
    within = reach(actor, ids)
    shown = [one for one in dict.fromkeys(ids) if within[one]]
    rows: dict[int, Any] = {
        row.Thing.id: row
        for row in db.session.execute(
            select(Thing, Product, Organisation)
            .outerjoin(Product, Product.id == Thing.product_id)
            .outerjoin(Organisation, Organisation.id == Thing.owner_id)
            .where(among(Thing.id, shown), Thing.kind.in_(KINDS))
        )
    }
    found = [
        FoundThing(row.Thing, row.Product, row.Organisation, within[one])
        for one in shown
        if (row := rows.get(one)) is not None
    ]
    return found[:LISTED], len(found) > LISTED or len(ids) >= LOOKED_AT


def _during(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if since is not None:
        found.append(Event.event_time >= since)
    if until is not None:
        found.append(Event.event_time < until)
    return found


def _ids_of(
    organisation: Organisation, since: datetime | None, until: datetime | None
) -> Sequence[int]:
    """What an organisation made or has, or, with days, spoke of in them; the newest first."""
    same = sorted(roots("organisation", [organisation.id]))
    if since or until:
        return _named_in(among(Event.issuer_id, same), *_during(since, until))
    made = select(Thing.id).where(among(Thing.owner_id, same))
    held = select(Holding.thing_id).where(among(Holding.holder_id, same))
    ids = {
        *db.session.scalars(made.order_by(Thing.id.desc()).limit(LOOKED_AT)),
        *db.session.scalars(held.order_by(Holding.thing_id.desc()).limit(LOOKED_AT)),
    }
    return sorted(ids, reverse=True)


def _ids_at(place: Place, since: datetime | None, until: datetime | None) -> Sequence[int]:
    """What lies at a place now, and what its owner told of there."""
    same = db.session.scalars(
        select(Place).where(among(Place.id, sorted(roots("place", [place.id]))))
    ).all()
    identities = [one.identity for one in same]
    there = _named_in(
        among(Event.issuer_id, sorted({one.organisation_id for one in same})),
        or_(among(Event.read_point, identities), among(Event.biz_location, identities)),
        *_during(since, until),
    )
    if since or until:
        return there
    now = db.session.scalars(
        select(Holding.thing_id).where(among(Holding.place, identities)).limit(LOOKED_AT)
    )
    return [*dict.fromkeys([*now, *there])]


def _ids_in_window(scope: Scope, since: datetime | None, until: datetime | None) -> Sequence[int]:
    """What the organisations of the area told of in these days."""
    area = select(Organisation.id).where(scope.organisations())
    return _named_in(Event.issuer_id.in_(area), *_during(since, until))


def _named_in(*conditions: ColumnElement[bool]) -> Sequence[int]:
    newest = (
        select(Event.id)
        .where(*conditions)
        .order_by(Event.event_time.desc(), Event.id.desc())
        .limit(LOOKED_AT)
    )
    events = db.session.scalars(newest).all()
    rows = db.session.execute(
        select(EventThing.event_id, EventThing.thing_id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(among(EventThing.event_id, events), Thing.kind.in_(KINDS))
        .limit(10 * LOOKED_AT)
    )
    order = {event: place for place, event in enumerate(events)}
    return [*dict.fromkeys(row.thing_id for row in sorted(rows, key=lambda row: order[row[0]]))]


def _ids_by_lot_name(scope: Scope, text: str) -> Sequence[int]:
    """Lots of this name under the GTINs of the area's organisations."""
    name = text.strip().upper()
    if not re.fullmatch(r"[0-9A-Z.-]{1,20}", name):
        return []
    gtins = db.session.scalars(
        select(Product.gtin)
        .join(Organisation, Organisation.id == Product.organisation_id)
        .where(Product.gtin.is_not(None), scope.organisations())
        .limit(GTINS)
    )
    id_base = current_settings().id_base
    texts = [
        canonical_uri(Identity("01", gtin, (("10", name),)), id_base) for gtin in gtins if gtin
    ]
    return db.session.scalars(
        select(Thing.id).where(among(Thing.identity, texts)).order_by(Thing.id.desc())
    ).all()


def _organisations(words: Collection[str], text: str) -> list[Organisation]:
    named = aliased(Organisation)
    fitting = select(root_of("organisation", named.id)).where(named.kind != "platform")
    for word in words:
        fitting = fitting.where(named.folded.like(f"%{word}%"))
    query = select(Organisation).where(Organisation.id.in_(fitting))
    found = list(db.session.scalars(query.order_by(Organisation.folded).limit(FOUND)))
    wards = [match.ward.code for match in match_wards(text, limit=5) if not match.guessed]
    if wards and len(found) < FOUND:
        there = select(Organisation).where(
            among(Organisation.ward_code, wards), is_root("organisation", Organisation.id)
        )
        known = {one.id for one in found}
        for one in db.session.scalars(there.order_by(Organisation.folded).limit(FOUND)):
            if one.id not in known and len(found) < FOUND:
                found.append(one)
    return found


def _places(scope: Scope, words: Collection[str], text: str) -> list[Place]:
    """Places with these words in their name, or in a ward: of the area, or public."""
    wards = [match.ward.code for match in match_wards(text, limit=5) if not match.guessed]
    named = aliased(Place)
    fits: list[ColumnElement[bool]] = [
        and_(*(named.folded.like(f"%{word}%") for word in words)),
    ]
    if wards:
        fits.append(among(named.ward_code, wards))
    fitting = select(root_of("place", named.id)).where(or_(*fits))
    return list(
        db.session.scalars(
            select(Place)
            .join(Organisation, Organisation.id == Place.organisation_id)
            .where(Place.id.in_(fitting), or_(scope.organisations(), Place.public))
            .order_by(Place.name)
            .limit(FOUND)
        )
    )
