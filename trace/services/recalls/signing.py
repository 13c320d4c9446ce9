"""Signing a case: the notices, the two supervisors.

1. Who signs has signed in freshly (the page asks), and signs the version of the case that was on
   their page: what somebody changed meanwhile is read first. The highest class takes two
   supervisors; the first signature waits for the second, another person's (`two_people`), until
   its time is over.
2. Signing walks the closure once, signs the notices and writes the alerts in one transaction: at
   its commit every page warns. Nothing is stored when another was first. What the preview counted
   is not used: whether an edge counts may change by events that name none of its things.
3. From `confirm_from` things on, their number is typed; more than a ward's `most` only the city
   signs.
4. A rehearsal signs nothing, raises no alert and sends nothing outside: what it would reach is kept
   in its own table.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from trace.clock import rfc3339
from trace.core.epcis import JsonObject, event_context
from trace.core.epcis.free_text import texts_with_numbers
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, Person, Recall, RecallNotice, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import address_of
from trace.services.bulk import insert_rows
from trace.services.capture import capture
from trace.services.capture.prepare import PersonalNumber
from trace.services.jobs import enqueue
from trace.services.notifications import notify
from trace.services.recalls.cases import (
    check_mine,
    check_reach,
    check_state,
    move,
    powers_for,
)
from trace.services.recalls.reaching import PER_NOTICE, Closure, chosen_things, closure
from trace.services.recalls.rules import Powers
from trace.services.recalls.two_people import check_another
from trace.services.sets import batched
from trace.services.settings import current_settings
from trace.services.versions import check_version
from trace.services.vocabulary import step

FOLLOW: Final = "recall-follow"
STEPS: Final[Mapping[str, str]] = {
    "recall": "recalling",
    "hold": "holding",
    "advice": "inspecting",
    "release": "inspecting",
}


class NotClassified(TraceError):
    code = "recall-not-classified"
    message = "Give the reason and the class first."


class CountWrong(TraceError):
    code = "recall-count"
    message = "Type the number of things this reaches: %(count)s."


class OnlyTheCity(TraceError):
    code = "recall-too-wide"
    message = "This reaches %(count)s things; more than %(most)s only a wider authority decides."
    next_step = "Propose it to the city."


class MayNotDecide(TraceError):
    code = "recall-may-not-decide"
    status = 403
    message = "Your office may not decide this; it may propose it."


class SecondTooLate(TraceError):
    code = "recall-second-late"
    status = 409
    message = "The time for the second signature is over. The first supervisor signs again."


@dataclass(frozen=True, slots=True)
class Signed:
    """How signing ended: `waits` for a second supervisor, or how many things now warn."""

    waits: bool
    reached: int


def sign(actor: Actor, recall: Recall, typed: int | None, *, version: int, at: datetime) -> Signed:
    """Signs the case as it stood at `version`, or gives the first of two signatures; the caller
    commits. Raises ChangedMeanwhile, CountWrong, OnlyTheCity, MayNotDecide, NotClassified,
    CaseMoved and what capture raises."""
    powers = _check(actor, recall, at)
    check_state(recall, "draft", "proposed")
    check_version(recall, version)
    # Thought through before anything is written: others record meanwhile.
    found = closure([thing.id for thing in chosen_things(recall)], to_sign=True)
    check_size(powers, found, typed)
    if not recall.rehearsal and powers.needs_two(recall.kind, recall.grade):
        waits = at + timedelta(hours=powers.second_hours)
        former = recall.state
        move(
            recall,
            former,
            {
                "state": "waiting",
                "first_signer": person_of(actor),
                "waits_until": waits,
                "reached": len(found.things),
                "reached_mixed": found.mixed,
            },
        )
        write_audit(actor, "recall.sign-first", recall.code, at=at)
        context = {"by": actor.person.name if actor.person else "", "what": recall.code}
        address = f"/inspection/recalls/{recall.id}/second"
        told = actor.organisation
        notify(told, "recall-second", context, at=at, address=address, but=actor.person)
        return Signed(waits=True, reached=len(found.things))
    return _put(actor, recall, found, powers, recall.state, at=at)


def sign_second(actor: Actor, recall: Recall, *, version: int, at: datetime) -> Signed:
    """The second supervisor's signature under what stood at `version`; the notices go out. Raises
    SameSigner, SameContact, SecondTooLate, ChangedMeanwhile, CaseMoved, MayNotDecide."""
    powers = _check(actor, recall, at)
    check_state(recall, "waiting")
    check_version(recall, version)
    if recall.waits_until is not None and at > recall.waits_until:
        raise SecondTooLate
    check_another(recall.first_signer, actor.person)
    found = closure([thing.id for thing in chosen_things(recall)], to_sign=True)
    return _put(actor, recall, found, powers, "waiting", at=at)


def take_back(actor: Actor, recall: Recall, *, at: datetime) -> None:
    """A first signature that nobody seconded is taken back, or has run out. Raises CaseMoved."""
    actor.check("decide")
    check_mine(actor, recall)
    back = "proposed" if recall.proposer_id is not None else "draft"
    move(recall, "waiting", {"state": back, "first_signer": None, "waits_until": None})
    write_audit(actor, "recall.sign-back", recall.code, at=at)


def check_size(powers: Powers, found: Closure, typed: int | None) -> None:
    """Rule 3."""
    count = len(found.things)
    if powers.most is not None and count > powers.most:
        raise OnlyTheCity(path="count", count=count, most=powers.most)
    if count >= powers.confirm_from and typed != count:
        raise CountWrong(path="count", count=count)


def check_words(text: str, path: str) -> None:
    """What is signed and shown holds no person's number. Raises PersonalNumber."""
    for _, kind in texts_with_numbers({"trace:note": text}):
        raise PersonalNumber(path=path, kind=kind)


def _check(actor: Actor, recall: Recall, at: datetime) -> Powers:
    maker = actor.organisation.kind != "authority"
    actor.check("manage" if maker else "decide")
    check_mine(actor, recall)
    if not recall.reason or (recall.kind == "recall" and not (recall.hazard and recall.grade)):
        raise NotClassified(path="reason")
    powers = powers_for(actor, recall, at=at)
    if powers.may(recall.kind) != "decide":
        raise MayNotDecide
    if recall.proposer_id is None:
        check_reach(actor, chosen_things(recall), path="")
    return powers


def _put(
    actor: Actor, recall: Recall, found: Closure, powers: Powers, state: str, *, at: datetime
) -> Signed:
    things = chosen_things(recall)
    if recall.rehearsal:
        rows = [(recall.id, thing, mixed) for thing, mixed in found.things.items()]
        notices: list[int] = []
    else:
        content: JsonObject = {
            "kind": recall.kind,
            **({"hazard": recall.hazard} if recall.hazard else {}),
            **({"class": recall.grade} if recall.grade else {}),
            "reason": recall.reason,
            "recall": recall.code,
        }
        events = notice_events(things, recall.kind, content, at)
        captured = capture(office(actor), events, at=at, walks=found.walks)
        notices = [one.event_id for one in captured.events]
        rows = []
    move(
        recall,
        state,
        {
            "state": "open",
            "signer": person_of(actor),
            "signed_at": at,
            "decided_by": person_of(actor),
            "decided_at": at,
            "waits_until": None,
            "answer_by": at + powers.answer_within(recall.grade),
            "reached": len(found.things),
            "reached_mixed": found.mixed,
        },
    )
    insert_rows("recall_things", ("recall_id", "thing_id", "mixed"), rows)
    db.session.add_all(RecallNotice(event_id=one, recall_id=recall.id) for one in notices)
    write_audit(
        actor, "recall.sign", recall.code, at=at, things=len(found.things), notices=len(notices)
    )
    enqueue(FOLLOW, {"recall": recall.id}, at=at, actor=actor)
    return Signed(waits=False, reached=len(found.things))


def notices_of(recall: Recall) -> list[tuple[int, str]]:
    """(event row, statement) of the case's notices."""
    rows = db.session.execute(
        select(Event.id, Event.statement_id)
        .join(RecallNotice, RecallNotice.event_id == Event.id)
        .where(RecallNotice.recall_id == recall.id)
        .order_by(Event.id)
    )
    return [(event, f"urn:uuid:{UUID(bytes=bytes(statement))}") for event, statement in rows]


def notice_events(
    things: Sequence[Thing], kind: str, content: JsonObject, at: datetime
) -> list[JsonObject]:
    """The notices about these things; a long list takes several."""
    id_base = current_settings().id_base
    found = []
    for some in batched(things, PER_NOTICE):
        single = [address_of(one) for one in some if one.kind in ("logistic", "unit")]
        classes = [
            {"epcClass": address_of(one)} for one in some if one.kind not in ("logistic", "unit")
        ]
        found.append(
            {
                "@context": event_context(id_base),
                "type": "ObjectEvent",
                "action": "OBSERVE",
                "eventID": f"urn:uuid:{uuid.uuid4()}",
                "eventTime": rfc3339(at),
                "eventTimeZoneOffset": "+07:00",
                "bizStep": step(STEPS[kind]),
                **({"epcList": single} if single else {}),
                **({"quantityList": classes} if classes else {}),
                "trace:notice": content,
            }
        )
    return found


def signers(recall: Recall) -> list[str]:
    """Names of who signed, in order."""
    return names_in_order(recall.first_signer, recall.signer)


def names_in_order(*people: int | None) -> list[str]:
    """What these people are called."""
    ids = [one for one in people if one is not None]
    names = {
        one.id: one.name for one in db.session.scalars(select(Person).where(Person.id.in_(ids)))
    }
    return [names[one] for one in ids if one in names]


def office(actor: Actor) -> Actor:
    """A supervisor decides; it is the office that signs."""
    return Actor(actor.organisation, actor.person, "admin")


def person_of(actor: Actor) -> int | None:
    """Whose hand it is."""
    return actor.person.id if actor.person is not None else None
