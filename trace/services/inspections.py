"""Cases of an authority: planned, done on site, concluded.

1. Planned for an organisation of the authority's area, or for things within its reach.
2. On site the check-list is answered, in one visit or several; each is a signed event (see
   `inspections_events`). Everything works without a network: forms only, no step needs an answer.
3. Concluded by an inspector; by a supervisor where the rule says so (`inspections_ending`).
4. Who sees a case: the authority, an authority above it, and from the first visit on the
   organisation it concerns. Nobody is told beforehand that it is planned.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import Select, func, or_, select, update

from trace.core.gs1 import new_code
from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import (
    Inspection,
    InspectionThing,
    Membership,
    Person,
    Thing,
)
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.check_lists import ListView
from trace.services.choices import NotOffered
from trace.services.deadlines import local_day
from trace.services.inspections_events import Of, Said, build, sign
from trace.services.inspections_subjects import (
    OfNothing,
    check_reach,
    find_goods,
    find_organisation,
    owner_of,
)
from trace.services.jurisdictions import get_kept, scope_of
from trace.services.notifications import notify_people
from trace.services.records import JsonObject
from trace.services.sets import among

LIST_LIMIT: Final = 500
# Days that a plan may lie back: written without a network, sent later.
LATE_PLAN: Final = 30


class CaseEnded(Conflict):
    code = "inspection-ended"
    message = "This inspection was ended by %(by)s on %(day)s; nothing is added to it any more."


class PlannedInThePast(TraceError):
    code = "planned-in-the-past"
    message = "This day is long over. Choose the day of the visit."


# -- reading ---------------------------------------------------------------------------------------


def get_inspection(actor: Actor, inspection_id: int, *, write: bool = False) -> Inspection:
    """A case of the authority, or to read one of an authority below it. Raises NotFound."""
    return get_kept(actor, Inspection, inspection_id, write=write)


def select_inspections(actor: Actor) -> Select[Inspection]:
    """The authority's cases, in no order."""
    return select(Inspection).where(Inspection.authority_id == scope_of(actor).authority.id)


def list_inspections(actor: Actor, states: Sequence[str] = ()) -> list[Inspection]:
    """The authority's cases, the next ones first, then those that ended."""
    query = select_inspections(actor)
    if states:
        query = query.where(Inspection.state.in_(states))
    query = query.order_by(Inspection.planned_on.desc(), Inspection.id.desc()).limit(LIST_LIMIT)
    return list(db.session.scalars(query))


def todays(actor: Actor, *, at: datetime) -> list[Inspection]:
    """What this person is to do: begun or planned up to a week from today, and what nobody was
    given; the earliest first."""
    scope = scope_of(actor)
    me = actor.person.id if actor.person else 0
    until = date.fromordinal(local_day(at).toordinal() + 7)
    query = (
        select(Inspection)
        .where(
            Inspection.authority_id == scope.authority.id,
            Inspection.state.in_(("planned", "begun")),
            Inspection.planned_on <= until,
            or_(Inspection.assigned_id == me, Inspection.assigned_id.is_(None)),
        )
        .order_by(Inspection.planned_on, Inspection.id)
        .limit(60)
    )
    return list(db.session.scalars(query))


def open_count(actor: Actor) -> int:
    """How many cases are not ended."""
    found = db.session.scalar(
        select(func.count())
        .select_from(Inspection)
        .where(
            Inspection.authority_id == actor.organisation.id,
            Inspection.state.in_(("planned", "begun")),
        )
    )
    return found or 0


def things_of(inspection_ids: Collection[int]) -> dict[int, list[Thing]]:
    """The things of cases, by case."""
    found: dict[int, list[Thing]] = {one: [] for one in inspection_ids}
    rows = db.session.execute(
        select(InspectionThing.inspection_id, Thing)
        .join(Thing, Thing.id == InspectionThing.thing_id)
        .where(among(InspectionThing.inspection_id, sorted(found)))
        .order_by(Thing.id)
    )
    for inspection_id, thing in rows:
        found[inspection_id].append(thing)
    return found


def check_list_of(inspection: Inspection) -> JsonObject:
    """The list as planned: {code, number, name, items: [{key, words}]}."""
    found: JsonObject = orjson.loads(inspection.check_list)
    return found


def answers_of(inspection: Inspection) -> dict[str, JsonObject]:
    """Key of a question -> {answer, note?, photo?}, the latest of each."""
    found: dict[str, JsonObject] = orjson.loads(inspection.answers)
    return found


def inspectors(actor: Actor) -> list[Person]:
    """The people of the authority who may go."""
    rows = db.session.scalars(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == actor.organisation.id,
            Membership.role.in_(("inspector", "supervisor")),
            Person.active,
        )
        .order_by(Person.name, Person.id)
    )
    return list(rows)


# -- planning --------------------------------------------------------------------------------------


def plan(
    actor: Actor,
    values: Mapping[str, Any],
    check_list: ListView | None,
    *,
    at: datetime,
    follows: Inspection | None = None,
) -> Inspection:
    """Plans a case. `values`: organisation and lots as typed, planned_on, assigned (a row of
    people), reason, sector. Raises OfNothing, OutsideArea and what finding raises."""
    actor.check("inspect")
    if values["planned_on"] < date.fromordinal(local_day(at).toordinal() - LATE_PLAN):
        raise PlannedInThePast(path="planned_on")
    things = find_goods(values.get("lots", ""))
    typed = str(values.get("organisation") or "")
    concerned = find_organisation(actor, typed) if typed else owner_of(things)
    if concerned is None:
        raise OfNothing(path="organisation")
    check_reach(actor, concerned, things, "organisation" if typed else "lots", at=at)
    row = Inspection(
        code=new_code(os.urandom),
        authority_id=actor.organisation.id,
        organisation_id=concerned.id,
        ward_code=concerned.ward_code,
        reason=values.get("reason", ""),
        planned_on=values["planned_on"],
        assigned_id=_assigned(actor, values.get("assigned")),
        sector=values.get("sector") or "",
        check_list=orjson.dumps(check_list.snapshot() if check_list else {}).decode(),
        answers="{}",
        follows_id=follows.id if follows else None,
        created_by=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    db.session.add_all(InspectionThing(inspection_id=row.id, thing_id=one.id) for one in things)
    write_audit(actor, "inspection.plan", f"inspection:{row.code}", at=at)
    _tell_assigned(actor, row, at)
    return row


def _assigned(actor: Actor, person_id: int | None) -> int | None:
    if person_id is None:
        return None
    if person_id not in {one.id for one in inspectors(actor)}:
        raise NotOffered(path="assigned")
    return person_id


def _tell_assigned(actor: Actor, row: Inspection, at: datetime) -> None:
    if row.assigned_id is None or (actor.person and actor.person.id == row.assigned_id):
        return
    person = db.session.get_one(Person, row.assigned_id)
    notify_people(
        [person],
        "inspection-assigned",
        {"name": row.organisation.name, "day": f"{row.planned_on:%d/%m/%Y}"},
        at=at,
        address=f"/inspection/inspections/{row.id}",
        organisation=actor.organisation,
    )


def change_plan(actor: Actor, row: Inspection, values: Mapping[str, Any], *, at: datetime) -> None:
    """Another day, another person, another reason. Raises CaseEnded."""
    check_open(row)
    before = row.assigned_id
    row.planned_on = values["planned_on"]
    row.assigned_id = _assigned(actor, values.get("assigned"))
    row.reason = values.get("reason", "")
    write_audit(actor, "inspection.change", f"inspection:{row.code}", at=at)
    db.session.flush()
    if row.assigned_id != before:
        _tell_assigned(actor, row, at)


def cancel(actor: Actor, row: Inspection, *, at: datetime) -> None:
    """Ends a case nobody began. Raises CaseEnded."""
    done = db.session.execute(
        update(Inspection)
        .where(Inspection.id == row.id, Inspection.state == "planned")
        .values(
            state="cancelled",
            concluded_at=at,
            concluded_by=actor.person.id if actor.person else None,
            version=Inspection.version + 1,
        )
    )
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        db.session.refresh(row)
        raise ended(row)
    db.session.expire(row)
    write_audit(actor, "inspection.cancel", f"inspection:{row.code}", at=at)


def check_open(row: Inspection) -> None:
    """Raises CaseEnded."""
    if row.state in ("concluded", "cancelled"):
        raise ended(row)


def ended(row: Inspection) -> CaseEnded:
    """Who ended it, and when."""
    by = db.session.get(Person, row.concluded_by) if row.concluded_by else None
    day = f"{local_day(row.concluded_at):%d/%m/%Y}" if row.concluded_at else "?"
    return CaseEnded(by=by.name if by else row.authority.name, day=day)


def case_of(row: Inspection, part: str) -> JsonObject:
    """What every event of a case says of it."""
    return {"case": row.code, "part": part}


# -- on site ---------------------------------------------------------------------------------------


def record_visit(
    actor: Actor,
    row: Inspection,
    answers: Mapping[str, Mapping[str, Any]],
    said: Said,
    *,
    at: datetime,
) -> int:
    """One visit, signed: what was answered of the check-list, a remark, photos. Returns the event's
    row. Raises CaseEnded."""
    check_open(row)
    planned = check_list_of(row)
    words = {one["key"]: one["words"] for one in planned.get("items", ())}
    given = [
        {"item": words[key], **{k: v for k, v in told.items() if v}}
        for key, told in answers.items()
        if key in words
    ]
    parts: JsonObject = {}
    if planned and given:
        parts["trace:checkList"] = {
            "code": planned["code"],
            "number": planned["number"],
            "name": planned["name"],
            "answers": given,
        }
    things = things_of([row.id])[row.id]
    event = build(said, case_of(row, "visit"), row.organisation, things, parts)
    made = sign(actor, event, "visit", at=at, of=Of(row.id))
    row.answers = orjson.dumps({**answers_of(row), **answers}).decode()
    begin(row, said.when)
    write_audit(actor, "inspection.visit", f"inspection:{row.code}", at=at)
    return made.event_id


def begin(row: Inspection, when: datetime) -> None:
    """From the first thing recorded on, the organisation it concerns sees the case."""
    if row.state == "planned":
        row.state, row.begun_at = "begun", when
    db.session.flush()
