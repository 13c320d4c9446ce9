"""Ending an open case: withdrawing it (it was a mistake) or closing it (all is dealt with).

1. Both are releases: signed notices that name the ones they end. Everything stays in the log.
2. What took two supervisors to sign takes two to end, whichever way: either takes the warning from
   every page. The first says why and how; until the second signs, every page goes on warning. The
   first signature may be taken back, and it runs out as that of signing does.
3. A maker ends its own cases by its owner's word, a rehearsal anybody who may decide.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from trace.core.epcis import JsonObject
from trace.errors import Conflict
from trace.extensions import db
from trace.models import Recall, RecallNotice
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture import capture
from trace.services.notifications import notify
from trace.services.recalls.cases import check_mine, check_state, move, powers_for
from trace.services.recalls.reaching import chosen_things
from trace.services.recalls.signing import (
    SecondTooLate,
    check_words,
    notice_events,
    notices_of,
    office,
    person_of,
)
from trace.services.recalls.two_people import check_another
from trace.services.versions import ChangedMeanwhile, check_version

_NOTHING = {"end_first": None, "end_until": None, "end_state": None}


class NothingWaits(Conflict):
    code = "recall-no-end-waits"
    message = "No end of this case waits for a second signature."


def takes_two(actor: Actor, recall: Recall, *, at: datetime) -> bool:
    """Rule 2."""
    return not recall.rehearsal and powers_for(actor, recall, at=at).needs_two(
        recall.kind, recall.grade
    )


def waits(recall: Recall, *, at: datetime) -> bool:
    """Whether a first signature under the end waits for the second."""
    return recall.end_until is not None and at <= recall.end_until


def end(
    actor: Actor, recall: Recall, state: str, reason: str, *, version: int, at: datetime
) -> bool:
    """Withdraws (`withdrawn`) or closes (`closed`) an open case, or gives the first of two
    signatures under that; whether it waits. Raises ChangedMeanwhile, CaseMoved, NotAllowed,
    PersonalNumber and what capture raises."""
    _check(actor, recall, version)
    if waits(recall, at=at):
        raise ChangedMeanwhile
    check_words(reason, "reason")
    if not takes_two(actor, recall, at=at):
        _release(actor, recall, state, reason, at=at)
        return False
    hours = powers_for(actor, recall, at=at).second_hours
    first = {
        "end_first": person_of(actor),
        "end_until": at + timedelta(hours=hours),
        "end_state": state,
        "end_reason": reason,
    }
    move(recall, "open", first)
    write_audit(actor, "recall.end-first", recall.code, at=at, state=state)
    context = {"by": actor.person.name if actor.person else "", "what": recall.code}
    page = "withdraw" if state == "withdrawn" else "close"
    address = f"/inspection/recalls/{recall.id}/{page}"
    notify(
        actor.organisation,
        "recall-second-end",
        context,
        at=at,
        address=address,
        but=actor.person,
    )
    return True


def end_second(actor: Actor, recall: Recall, *, version: int, at: datetime) -> None:
    """The second signature under what the first said. Raises SameSigner, SameContact,
    SecondTooLate, NothingWaits and what `end` raises."""
    _check(actor, recall, version)
    if recall.end_until is None or recall.end_state is None:
        raise NothingWaits
    if not waits(recall, at=at):
        raise SecondTooLate
    check_another(recall.end_first, actor.person)
    _release(actor, recall, recall.end_state, recall.end_reason, at=at)


def take_end_back(actor: Actor, recall: Recall, *, at: datetime) -> None:
    """The case goes on. Raises NothingWaits, CaseMoved, NotAllowed."""
    actor.check("decide")
    check_mine(actor, recall)
    if recall.end_until is None:
        raise NothingWaits
    move(recall, "open", {**_NOTHING, "end_reason": ""})
    write_audit(actor, "recall.end-back", recall.code, at=at)


def _check(actor: Actor, recall: Recall, version: int) -> None:
    actor.check("decide" if actor.organisation.kind == "authority" else "manage")
    check_mine(actor, recall)
    check_state(recall, "open")
    check_version(recall, version)


def _release(actor: Actor, recall: Recall, state: str, reason: str, *, at: datetime) -> None:
    notices = notices_of(recall)
    released: list[int] = []
    if notices:
        content: JsonObject = {
            "kind": "release",
            "reason": reason,
            "ends": [statement for _, statement in notices],
            "recall": recall.code,
        }
        events = notice_events(chosen_things(recall), "release", content, at)
        captured = capture(office(actor), events, at=at)
        released = [one.event_id for one in captured.events]
    ended = {
        "state": state,
        "ended_at": at,
        "ended_by": person_of(actor),
        "end_reason": reason,
        "end_until": None,
    }
    move(recall, "open", ended)
    if released:
        db.session.execute(
            update(RecallNotice)
            .where(RecallNotice.recall_id == recall.id)
            .values(release_id=released[0])
            .execution_options(synchronize_session=False)
        )
    write_audit(actor, f"recall.{state}", recall.code, at=at)
