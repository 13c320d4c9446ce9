"""A case from choosing to deciding: what is chosen, whose it may be, the proposal upwards.

1. Things are chosen by code (lot, package, planting, crate), by the number of a delivery note, by a
   place and a time window. A note means what was on it; a place or a window means the lots that
   were made or received there then.
2. An authority chooses what is within its reach (`services.jurisdictions`), a producer what it
   made.
3. Nothing is chosen twice: goods on which an open case of the same organisation and kind stands
   already are refused, with the case's code.
4. Who may only propose sends the case to the nearest authority that may decide; it decides, or
   refuses with a reason. Who proposed and who decided stays on record.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import orjson
from sqlalchemy import CursorResult, Select, select, update

from trace.core.gs1 import canonical_uri, new_code
from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Event,
    EventThing,
    Handover,
    Organisation,
    Place,
    Recall,
    RecallItem,
    Thing,
)
from trace.models.events import ROLES
from trace.services import jurisdictions
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import short_name
from trace.services.codes import identities_of
from trace.services.histories import ancestors
from trace.services.notifications import notify
from trace.services.recalls.reaching import chosen_things
from trace.services.recalls.rules import Powers, may_receive, power_over
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.successors import voices_of
from trace.services.units import key_of, printed
from trace.services.versions import check_version

# One case names at most so many things; everything downstream of them is reached anyway.
MOST_ITEMS: Final = 500
MOST_CODES: Final = 100
KINDS_CHOSEN: Final = ("lot", "cycle", "logistic", "unit")
MADE: Final = (ROLES.index("epc"), ROLES.index("output"))


class CodeUnknown(TraceError):
    code = "recall-code-unknown"
    message = "No goods, note or place on record has the code “%(text)s”."


class NothingThere(TraceError):
    code = "recall-nothing"
    message = "Nothing is chosen. Type a code, or a place and a time."


class OutsideReach(TraceError):
    code = "recall-outside"
    message = "%(name)s was neither made nor held in your area; you cannot recall it."
    next_step = "Ask the authority of the area where it is, or choose other goods."


class NotYours(TraceError):
    code = "recall-not-yours"
    message = (
        "%(name)s was not made by your organisation; only its maker or an authority recalls it."
    )


class RecalledAlready(Conflict):
    code = "recalled-already"
    message = "%(name)s is in the case %(code)s already."
    next_step = "Open that case, or leave this line out."


class TooManyItems(TraceError):
    code = "recall-too-many"
    message = "This chooses %(count)d lots; one case takes %(limit)d. Choose a shorter time."


class NobodyDecides(Conflict):
    code = "recall-nobody-decides"
    message = "No wider authority with the power to decide this is registered."
    next_step = "Call the city's office."


class CaseMoved(Conflict):
    code = "recall-moved"
    message = "Someone else moved this case on meanwhile; nothing was done twice."
    next_step = "Open the case to see how it stands."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody typed to choose goods by; aware times."""

    codes: Sequence[str] = ()
    place: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def to_json(self) -> list[dict[str, str]]:
        """For the file."""
        told = [{"kind": "code", "text": text} for text in self.codes]
        if self.place or self.since or self.until:
            times = [one.isoformat() if one else "" for one in (self.since, self.until)]
            told.append({"kind": "place", "text": self.place, "from": times[0], "to": times[1]})
        return told


# -- choosing --------------------------------------------------------------------------------------


def find(actor: Actor, wanted: Wanted) -> list[Thing]:
    """The things meant, in reach or not. Raises CodeUnknown, NothingThere, TooManyItems."""
    found: dict[int, Thing] = {}
    for text in wanted.codes[:MOST_CODES]:
        for thing in _by_code(text):
            found[thing.id] = thing
    if wanted.place or wanted.since or wanted.until:
        for thing in _by_place(actor, wanted):
            found[thing.id] = thing
    if not found:
        raise NothingThere(path="codes")
    if len(found) > MOST_ITEMS:
        raise TooManyItems(path="codes", count=len(found), limit=MOST_ITEMS)
    return sorted(found.values(), key=lambda thing: thing.id)


def _by_code(text: str) -> list[Thing]:
    id_base = current_settings().id_base
    try:  # a bare path, as the desk's own pages hand it on, is one of ours
        identities = identities_of((id_base + text if text[0] == "/" else text)[:2000], id_base)
    except TraceError:
        identities = []
    wanted = [canonical_uri(one, id_base) for one in identities]
    things = list(
        db.session.scalars(
            select(Thing).where(among(Thing.identity, wanted), Thing.kind.in_(KINDS_CHOSEN))
        )
    )
    if not things:  # a package that no event named yet is its lot's, where its stamp is bound
        asked = [
            (key_of(one), serial)
            for one in identities
            for name, serial in one.qualifiers
            if name in ("21", "serial")
        ]
        lots = [known.lot for known in printed(asked).values() if known.lot] if asked else []
        things = list(db.session.scalars(select(Thing).where(among(Thing.identity, lots))))
    if not things:
        things = _of_note(wanted)
    if not things:
        raise CodeUnknown(path="codes", text=text[:60])
    return things


def _of_note(notes: Sequence[str]) -> list[Thing]:
    return list(
        db.session.scalars(
            select(Thing)
            .join(EventThing, EventThing.thing_id == Thing.id)
            .join(Handover, Handover.event_id == EventThing.event_id)
            .where(among(Handover.note, notes), ~Handover.voided)
            .distinct()
        )
    )


def _by_place(actor: Actor, wanted: Wanted) -> list[Thing]:
    """Lots made or received at a place, or by the producer itself, in the time."""
    id_base = current_settings().id_base
    query = (
        select(Thing)
        .join(EventThing, EventThing.thing_id == Thing.id)
        .join(Event, Event.id == EventThing.event_id)
        .where(Thing.kind == "lot", EventThing.role.in_(MADE), Event.notice.is_(None))
    )
    if wanted.place:
        try:
            named = [canonical_uri(one, id_base) for one in identities_of(wanted.place, id_base)]
        except TraceError:
            named = []
        known = db.session.scalars(select(Place.identity).where(among(Place.identity, named))).all()
        if not known:
            raise CodeUnknown(path="place", text=wanted.place[:60])
        query = query.where(
            among(Event.biz_location, list(known)) | among(Event.read_point, list(known))
        )
    elif actor.organisation.kind != "authority":
        query = query.where(Event.issuer_id == actor.organisation.id)
    else:
        raise NothingThere(path="place")
    if wanted.since is not None:
        query = query.where(Event.event_time >= wanted.since)
    if wanted.until is not None:
        query = query.where(Event.event_time <= wanted.until)
    return list(db.session.scalars(query.distinct().limit(MOST_ITEMS + 1)))


def upstream(things: Collection[Thing]) -> list[Thing]:
    """Where these come from: lots and plantings one might rather recall, the source first."""
    start = [thing.id for thing in things] + [t.lot_id for t in things if t.lot_id is not None]
    family = ancestors(db.session.connection(), start) - {thing.id for thing in things}
    rows = db.session.scalars(
        select(Thing)
        .where(among(Thing.id, sorted(family)), Thing.kind.in_(("lot", "cycle")))
        .order_by(Thing.kind, Thing.id)
        .limit(MOST_ITEMS)
    )
    return list(rows)


def check_reach(actor: Actor, things: Collection[Thing], path: str = "codes") -> None:
    """Rule 2. Raises OutsideReach, NotYours; whoever looked beyond is noted by the caller."""
    allowed = {thing.id for thing in within(actor, things)}
    for thing in things:
        if thing.id not in allowed:
            refusal = OutsideReach if actor.organisation.kind == "authority" else NotYours
            raise refusal(path=path, name=short_name(thing.identity))


def within(actor: Actor, things: Collection[Thing]) -> list[Thing]:
    """Those of the things that rule 2 lets this organisation choose."""
    if actor.organisation.kind == "authority":
        reached = jurisdictions.reach(actor, [thing.id for thing in things])
        return [thing for thing in things if reached.get(thing.id) is not None]
    mine = actor.organisation.id
    voices = voices_of({thing.owner_id for thing in things if thing.owner_id != mine})
    lots = {
        lot.id: lot.owner_id
        for lot in db.session.scalars(
            select(Thing).where(among(Thing.id, [t.lot_id for t in things if t.lot_id]))
        )
    }
    found = []
    for thing in things:
        owner = thing.owner_id or lots.get(thing.lot_id or 0)
        if owner == mine or voices.speak(mine, owner, thing.id, thing.lot_id):
            found.append(thing)
    return found


def _check_once(
    actor: Actor, kind: str, things: Collection[Thing], but: int = 0, path: str = "codes"
) -> None:
    row = db.session.execute(
        select(Recall.code, Thing.identity)
        .join(RecallItem, RecallItem.recall_id == Recall.id)
        .join(Thing, Thing.id == RecallItem.thing_id)
        .where(
            among(RecallItem.thing_id, [thing.id for thing in things]),
            Recall.organisation_id == actor.organisation.id,
            Recall.kind == kind,
            Recall.state.in_(("proposed", "waiting", "open")),
            ~Recall.rehearsal,
            Recall.id != but,
        )
        .limit(1)
    ).first()
    if row is not None:
        raise RecalledAlready(path=path, name=short_name(row.identity), code=row.code)


def begin(
    actor: Actor,
    wanted: Wanted,
    things: Sequence[Thing],
    *,
    kind: str,
    rehearsal: bool,
    sector: str = "",
    at: datetime,
) -> Recall:
    """A draft about these things; the caller commits. Raises what rules 2 and 3 raise."""
    actor.check("inspect" if actor.organisation.kind == "authority" else "manage")
    if not things:
        raise NothingThere(path="codes")
    check_reach(actor, things)
    if not rehearsal:
        _check_once(actor, kind, things)
    recall = Recall(
        code=new_code(os.urandom),
        organisation_id=actor.organisation.id,
        kind=kind,
        rehearsal=rehearsal,
        sector=sector,
        basis=orjson.dumps(wanted.to_json()).decode(),
        created_at=at,
        created_by=_person(actor),
    )
    db.session.add(recall)
    db.session.flush()
    db.session.add_all(RecallItem(recall_id=recall.id, thing_id=thing.id) for thing in things)
    db.session.flush()
    write_audit(actor, "recall.begin", recall.code, at=at, kind=kind, things=len(things))
    return recall


def choose_class(
    actor: Actor, recall: Recall, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Reason, hazard, class, what to do, when it was determined. Raises NotFound, CaseMoved,
    ChangedMeanwhile."""
    check_state(recall, "draft", "proposed")
    check_mine(actor, recall)
    check_version(recall, version)
    for name in ("hazard", "grade", "reason", "instructions", "determined_at"):
        setattr(recall, name, values[name])
    write_audit(actor, "recall.classify", recall.code, at=at, grade=recall.grade)


# -- reading ---------------------------------------------------------------------------------------


def get_recall(actor: Actor, recall_id: int) -> Recall:
    """A case that this organisation runs, proposed, or may decide. Raises NotFound; NotAllowed for
    an authority that is not, or no longer, confirmed: it neither reads who has what nor ends it."""
    recall = db.session.get(Recall, recall_id)
    mine = actor.organisation.id
    if recall is None or mine not in (recall.organisation_id, recall.proposer_id):
        raise NotFound
    if actor.organisation.kind == "authority":
        jurisdictions.scope_of(actor)
    return recall


def check_mine(actor: Actor, recall: Recall) -> None:
    """Raises NotFound for a case run by somebody else: who proposed it only reads."""
    if recall.organisation_id != actor.organisation.id:
        raise NotFound


def check_state(recall: Recall, *states: str) -> None:
    """Raises CaseMoved."""
    if recall.state not in states:
        raise CaseMoved


def select_recalls(actor: Actor) -> Select[Recall]:
    """The organisation's cases, what it proposed too, in no order."""
    mine = actor.organisation.id
    return select(Recall).where((Recall.organisation_id == mine) | (Recall.proposer_id == mine))


def list_recalls(actor: Actor, *, limit: int = 500) -> list[Recall]:
    """The same, newest first; what must be decided first."""
    rows = db.session.scalars(select_recalls(actor).order_by(Recall.id.desc()).limit(limit))
    return sorted(rows, key=lambda one: one.state not in ("proposed", "waiting"))


def waiting_count(actor: Actor) -> int:
    """How many cases wait for a decision or a second signature here."""
    rows = db.session.scalars(
        select(Recall.id).where(
            Recall.organisation_id == actor.organisation.id,
            Recall.state.in_(("proposed", "waiting")),
        )
    )
    return len(rows.all())


def makers_wards(things: Iterable[Thing]) -> set[str | None]:
    """Where the makers sit."""
    return {thing.owner.ward_code if thing.owner is not None else None for thing in things}


def powers_for(actor: Actor, recall: Recall, *, at: datetime) -> Powers:
    """What the actor's organisation may do about this case."""
    wards = makers_wards(chosen_things(recall))
    return power_over(actor, recall.kind, recall.sector, wards, at=at)


# -- proposing -------------------------------------------------------------------------------------


def decider_for(recall: Recall) -> Organisation | None:
    """The nearest authority that may decide it: the narrowest that contains the proposer."""
    proposer = recall.organisation
    rows = db.session.scalars(
        select(Organisation).where(
            Organisation.kind == "authority", Organisation.status == "confirmed"
        )
    )
    able = [one for one in rows if may_receive(one, proposer, recall.kind, recall.sector)]
    order = ("ward", "province", "nation")
    return min(
        able,
        key=lambda one: (order.index(jurisdictions.level_of(one.jurisdiction)), one.id),
        default=None,
    )


def propose(actor: Actor, recall: Recall, *, version: int, at: datetime) -> Organisation:
    """Hands the case to who may decide it. Raises NobodyDecides, CaseMoved, ChangedMeanwhile."""
    actor.check("inspect")
    check_mine(actor, recall)
    check_version(recall, version)
    decider = decider_for(recall)
    if decider is None:
        raise NobodyDecides
    move(
        recall,
        "draft",
        {
            "state": "proposed",
            "organisation_id": decider.id,
            "proposer_id": actor.organisation.id,
            "proposed_by": _person(actor),
            "proposed_at": at,
        },
    )
    write_audit(actor, "recall.propose", recall.code, at=at, to=decider.code)
    if not recall.rehearsal:
        context = {"by": actor.organisation.name, "what": recall.code}
        address = f"/inspection/recalls/{recall.id}"
        notify(decider, "recall-proposed", context, at=at, address=address)
    return decider


def refuse(actor: Actor, recall: Recall, reason: str, *, at: datetime) -> None:
    """The decider says no, and why. Raises CaseMoved, NotAllowed."""
    actor.check("decide")
    check_mine(actor, recall)
    move(
        recall,
        "proposed",
        {"state": "refused", "refusal": reason, "decided_by": _person(actor), "decided_at": at},
    )
    write_audit(actor, "recall.refuse", recall.code, at=at)
    if recall.proposer is not None and not recall.rehearsal:
        context = {"by": actor.organisation.name, "what": recall.code}
        address = f"/inspection/recalls/{recall.id}"
        notify(recall.proposer, "recall-refused", context, at=at, address=address)


def move(recall: Recall, state: str, values: Mapping[str, Any]) -> None:
    """Changes the case if it still stands as it was read: of two at once the second is told. An
    update, because that waits for the other on both databases. Raises CaseMoved."""
    db.session.flush()
    done = db.session.execute(
        update(Recall)
        .where(Recall.id == recall.id, Recall.state == state, Recall.version == recall.version)
        .values(**values, version=Recall.version + 1)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(recall)
    if not cast("CursorResult[Any]", done).rowcount:
        raise CaseMoved


def note_looks(actor: Actor, recall: Recall, *, at: datetime) -> None:
    """An authority's look at a chain that lies beyond its area, led there by its own case."""
    if actor.organisation.kind == "authority":
        jurisdictions.look(actor, recall.code, f"recall:{recall.id}", at=at)


def _person(actor: Actor) -> int | None:
    return actor.person.id if actor.person is not None else None


__all__ = [
    "CaseMoved",
    "NotAllowed",
    "Wanted",
    "begin",
    "check_mine",
    "check_reach",
    "check_state",
    "choose_class",
    "decider_for",
    "find",
    "get_recall",
    "list_recalls",
    "move",
    "note_looks",
    "powers_for",
    "propose",
    "refuse",
    "upstream",
    "waiting_count",
    "within",
]
