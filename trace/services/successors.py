"""Who goes on speaking for whom, as everything that reads asks it. Written by services.succession.

1. A succession counts from its acceptance's place in the log on. What the successor had recorded
   before stays a third party's word.
2. Whole: about everything the other made. Otherwise about the things named, and their units.
3. Who was taken over may have taken over another before: the voice goes along the chain, as far as
   each acceptance came after the one before it.
4. Nobody loses a voice by it, and nobody becomes a holder: goods change hands by a handover.
5. A successor neither declares another's statement to be in error nor ends its notices (formats,
   sections 2 and 7): it says what is right in a statement of its own, and may recall.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from trace.extensions import db
from trace.models import Organisation, SameAs, Succession, SuccessionItem, Thing
from trace.services.competence import EVERYWHERE, areas, authorities_for
from trace.services.sets import among, among_given, given, is_sqlite


@dataclass(frozen=True, slots=True)
class Voice:
    """One accepted succession. `things` are row ids; empty where it is whole."""

    giver: int
    taker: int
    place: int
    whole: bool
    things: frozenset[int] = frozenset()

    def covers(self, thing_id: int, lot_id: int | None) -> bool:
        """Rule 2."""
        return self.whole or thing_id in self.things or lot_id in self.things


@dataclass(frozen=True, slots=True)
class Voices:
    """All successions that begin at some organisations, however long the chains."""

    by_giver: Mapping[int, tuple[Voice, ...]] = field(default_factory=dict)

    def of(self, owner: int | None, thing_id: int, lot_id: int | None = None) -> dict[int, int]:
        """Who speaks for the owner about a thing: organisation and the log index it begins at."""
        found: dict[int, int] = {}
        todo = [(owner or 0, -1)]
        while todo:
            giver, since = todo.pop()
            for voice in self.by_giver.get(giver, ()):
                if voice.place < since or not voice.covers(thing_id, lot_id):
                    continue
                if voice.taker != owner and voice.place < found.get(voice.taker, voice.place + 1):
                    found[voice.taker] = voice.place
                    todo.append((voice.taker, voice.place))
        return found

    def speak(self, speaker: int, owner: int | None, thing_id: int, lot_id: int | None) -> bool:
        """Whether an organisation speaks for a thing's owner now."""
        return speaker in self.of(owner, thing_id, lot_id)


SILENT = Voices()


def voices_of(organisations: Iterable[int | None], connection: Connection | None = None) -> Voices:
    """The successions that begin at these organisations. One query where nobody handed anything
    on, two more for each link of a chain."""
    execute: Any = (connection or db.session).execute
    found: dict[int, list[Voice]] = {}
    frontier = {one for one in organisations if one is not None}
    while frontier:
        rows = execute(_handed_on(is_sqlite()), {"givers": given(sorted(frontier))}).all()
        named = _named([row.id for row in rows if not row.whole], execute)
        seen = set(found) | frontier
        for voice in _same(frontier, execute):
            found.setdefault(voice.giver, []).append(voice)
        for row in rows:
            things = frozenset(named.get(row.id, ()))
            voice = Voice(row.giver_id, row.taker_id, row.place, row.whole, things)
            found.setdefault(row.giver_id, []).append(voice)
        frontier = {row.taker_id for row in rows} - seen
    return Voices({giver: tuple(voices) for giver, voices in found.items()}) if found else SILENT


def _same(organisations: Collection[int], execute: Any) -> list[Voice]:
    """Two records of one organisation speak for one another from the first (services.same_records,
    rule 2)."""
    rows = execute(_pairs(is_sqlite()), {"either": given(sorted(organisations))})
    return [
        Voice(giver, taker, 0, whole=True)
        for pair in rows
        for giver, taker in (tuple(pair), tuple(pair)[::-1])
        if giver in organisations
    ]


@cache
def _handed_on(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Succession.id,
            Succession.giver_id,
            Succession.taker_id,
            Succession.place,
            Succession.whole,
        )
        .where(
            among_given(Succession.giver_id, "givers", sqlite=sqlite), Succession.place.is_not(None)
        )
        .order_by(Succession.place)
    )


@cache
def _pairs(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return select(SameAs.kept_id, SameAs.other_id).where(
        SameAs.kind == "organisation",
        SameAs.ended_at.is_(None),
        or_(
            among_given(SameAs.kept_id, "either", sqlite=sqlite),
            among_given(SameAs.other_id, "either", sqlite=sqlite),
        ),
    )


def _named(successions: Collection[int], execute: Any) -> dict[int, set[int]]:
    if not successions:
        return {}
    found: dict[int, set[int]] = {}
    for succession, thing in execute(
        select(SuccessionItem.succession_id, SuccessionItem.thing_id).where(
            among(SuccessionItem.succession_id, successions), SuccessionItem.thing_id.is_not(None)
        )
    ):
        found.setdefault(succession, set()).add(thing)
    return found


def whole_successor(organisation: Organisation) -> Organisation | None:
    """The newest organisation that goes on for all of this one, at the end of the chain; the last
    one that is still working where the chain ends in closed ones."""
    here, last, seen = organisation, None, {organisation.id}
    while True:
        taken = db.session.scalar(
            select(Organisation)
            .join(Succession, Succession.taker_id == Organisation.id)
            .where(Succession.giver_id == here.id, Succession.whole, Succession.place.is_not(None))
            .order_by(Succession.place.desc())
            .limit(1)
        )
        if taken is None or taken.id in seen:
            return last
        seen.add(taken.id)
        here = taken
        if taken.closed_at is None or last is None:
            last = taken


def contact_of(organisation: Organisation) -> Organisation | None:
    """Whom to ask about an organisation that has closed: who goes on for it, else the authority
    whose area is the smallest around its ward. None where no authority has joined yet."""
    successor = whole_successor(organisation)
    if successor is not None:
        return successor
    near = authorities_for(organisation.ward_code)
    return min(near, key=_width, default=None)


def _width(authority: Organisation) -> tuple[bool, int, int]:
    """Everywhere is widest; a ward's code is longer than a province's."""
    listed = areas(authority.jurisdiction)
    shortest = min((len(code) for code in listed), default=0)
    return EVERYWHERE in listed, -shortest, authority.id


def predecessors(organisation_id: int) -> set[int]:
    """The organisations for all of which this one speaks, directly or along a chain (rule 3)."""
    found: dict[int, int] = {}
    todo = [(organisation_id, 1 << 62)]
    while todo:
        taker, before = todo.pop()
        rows = db.session.execute(
            select(Succession.giver_id, Succession.place).where(
                Succession.taker_id == taker,
                Succession.whole,
                Succession.place.is_not(None),
                Succession.place <= before,
            )
        ).all()
        for giver, told in rows:
            place = told or 0
            if giver != organisation_id and place > found.get(giver, -1):
                found[giver] = place
                todo.append((giver, place))
    return set(found)


def named_beside(organisation_id: int) -> set[int]:
    """The organisations on whose goods' pages this one may stand as who goes on for them: from
    whom it has everything or single things, directly or along a chain, and its other records."""
    found: set[int] = set()
    frontier = {organisation_id}
    while frontier:
        found |= frontier
        givers = db.session.scalars(
            select(Succession.giver_id).where(
                among(Succession.taker_id, sorted(frontier)), Succession.place.is_not(None)
            )
        )
        others = (voice.taker for voice in _same(frontier, db.session.execute))
        frontier = {*givers, *others} - found
    return found - {organisation_id}


def one_with(organisation_id: int) -> set[int]:
    """The organisation, those for all of which it speaks, and those that speak for all of it."""
    whole = voices_of([organisation_id]).of(organisation_id, 0)
    return {organisation_id, *predecessors(organisation_id), *whole}


def taken_from(organisation_id: int) -> dict[int, set[int]]:
    """The single things this organisation speaks for by name, by whom it has them from."""
    rows = db.session.execute(
        select(Succession.giver_id, SuccessionItem.thing_id)
        .join(SuccessionItem, SuccessionItem.succession_id == Succession.id)
        .where(
            Succession.taker_id == organisation_id,
            Succession.place.is_not(None),
            ~Succession.whole,
            SuccessionItem.thing_id.is_not(None),
        )
    )
    found: dict[int, set[int]] = {}
    for giver, thing in rows:
        found.setdefault(giver, set()).add(thing or 0)
    return found


def taken_things(organisation_id: int) -> Any:
    """The ids of single things this organisation speaks for by name, as a query."""
    return (
        select(SuccessionItem.thing_id)
        .join(Succession, Succession.id == SuccessionItem.succession_id)
        .where(
            Succession.taker_id == organisation_id,
            Succession.place.is_not(None),
            SuccessionItem.thing_id.is_not(None),
        )
    )


def made_by_or_for(organisation_id: int) -> ColumnElement[bool]:
    """Things (a condition on Thing) that this organisation made, or speaks for."""
    owners = sorted({organisation_id, *predecessors(organisation_id)})
    return or_(among(Thing.owner_id, owners), Thing.id.in_(taken_things(organisation_id)))
