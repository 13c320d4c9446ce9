"""Findings: what was found wrong, what must be done by when, and how it ended.

1. A finding names something: the things of its case, others by code, or the organisation itself.
2. It is a signed event, private; so is everything said of it later. The organisation it concerns
   sees it and answers by an event of its own.
3. Whoever closes it first closes it; the other is told what was written (`FindingEnded`).
4. To correct one, its event is declared to be in error and another one stands instead; withdrawn,
   nothing stands.
5. An open finding leads its authority to the things it names (`jurisdictions.LEADS`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, exists, func, select, update

from trace.core.gs1 import new_code
from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import (
    Event,
    EventKey,
    Finding,
    FindingAnswer,
    FindingThing,
    Inspection,
    InspectionEvent,
    Organisation,
    Person,
    Sample,
    Thing,
)
from trace.models.inspections import SEVERITIES
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture.prepare import event_key_digest
from trace.services.deadlines import local_day
from trace.services.inspections import begin, case_of, check_open, things_of
from trace.services.inspections_ending import check_decides, declare_again
from trace.services.inspections_events import Of, Said, Told, build, sign, told_of
from trace.services.inspections_risks import ask as ask_for_count
from trace.services.inspections_subjects import (
    OfNothing,
    check_goods,
    check_reach,
    find_goods,
    find_organisation,
    owner_of,
)
from trace.services.jurisdictions import LEADS, LED, get_kept, scope_of
from trace.services.notifications import notify
from trace.services.records import JsonObject
from trace.services.sets import among
from trace.services.timelines import open_event

# What may be wrong; the words are those of `web.inspection.words`.
RULES: Final = (
    *("record", "origin", "label", "input", "interval", "residue", "certificate", "planting-code"),
    *("over-claim", "cold-chain", "hygiene", "storage", "recall-not-followed", "other"),
)
LIST_LIMIT: Final = 1000
EVIDENCE_LIMIT: Final = 20


class FindingOnNothing(TraceError):
    code = "finding-on-nothing"
    message = "Say what this is about: choose goods of the case, type a code, or the organisation."


class UnknownEvidence(TraceError):
    code = "unknown-evidence"
    message = "“%(text)s” is no statement recorded here and no seal of this case."


class DueInThePast(TraceError):
    code = "due-in-the-past"
    message = "The day by which it must be put right has passed already."


class NoDueDay(TraceError):
    code = "no-due-day"
    message = "What must be done needs a day by which it is done."


class FindingEnded(Conflict):
    code = "finding-ended"
    message = "%(by)s closed this on %(day)s and wrote: “%(words)s”. Nothing of yours was recorded."
    next_step = "Look at it first; what you typed is still in the box."


@dataclass(frozen=True, slots=True)
class Answered:
    """What the inspected organisation said, and whether it is signed yet."""

    row: FindingAnswer
    statement: str  # urn:uuid, "" until it is signed

    @property
    def photos(self) -> list[str]:
        return self.row.photos.split()


# -- reading ---------------------------------------------------------------------------------------


def get_finding(actor: Actor, finding_id: int, *, write: bool = False) -> Finding:
    """A finding of the authority, or to read one of an authority below. Raises NotFound."""
    return get_kept(actor, Finding, finding_id, write=write)


def select_findings(actor: Actor, states: Sequence[str]) -> Select[Finding]:
    """The authority's findings in these states, in no order."""
    mine = Finding.authority_id == scope_of(actor).authority.id
    return select(Finding).where(mine, Finding.state.in_(states))


def list_findings(actor: Actor, states: Sequence[str] = ("open",)) -> list[Finding]:
    """The same, those due first in front, without a day last, as many as a page shows."""
    rows = db.session.scalars(
        select_findings(actor, states)
        .order_by(Finding.due_on.is_(None), Finding.due_on, Finding.id)
        .limit(LIST_LIMIT)
    )
    return list(rows)


def findings_of(inspection_id: int) -> list[Finding]:
    """A case's findings in order, those withdrawn too."""
    return list(
        db.session.scalars(
            select(Finding).where(Finding.inspection_id == inspection_id).order_by(Finding.id)
        )
    )


def open_count(actor: Actor) -> int:
    """How many findings of the authority are open."""
    found = db.session.scalar(
        select(func.count())
        .select_from(Finding)
        .where(Finding.authority_id == actor.organisation.id, Finding.state == "open")
    )
    return found or 0


def things_named(finding_ids: Collection[int]) -> dict[int, list[Thing]]:
    """The things findings name."""
    found: dict[int, list[Thing]] = {one: [] for one in finding_ids}
    rows = db.session.execute(
        select(FindingThing.finding_id, Thing)
        .join(Thing, Thing.id == FindingThing.thing_id)
        .where(among(FindingThing.finding_id, sorted(found)))
        .order_by(Thing.id)
    )
    for finding_id, thing in rows:
        found[finding_id].append(thing)
    return found


def answers_to(finding_id: int) -> list[Answered]:
    """What the organisation answered, oldest first."""
    rows = db.session.execute(
        select(FindingAnswer, Event.statement_id)
        .outerjoin(
            EventKey,
            (EventKey.issuer_id == FindingAnswer.organisation_id)
            & (EventKey.event_key == FindingAnswer.event_key)
            & EventKey.error_declaration.is_(False),
        )
        .outerjoin(Event, Event.id == EventKey.event_id)
        .where(FindingAnswer.finding_id == finding_id)
        .order_by(FindingAnswer.id)
    )
    return [Answered(row, f"urn:uuid:{UUID(bytes=bytes(raw))}" if raw else "") for row, raw in rows]


def history_of(finding: Finding) -> list[Told]:
    """All the authority said of it, oldest first."""
    return told_of(finding_ids=[finding.id])


def leads(authority_id: int, thing_ids: Collection[int]) -> set[int]:
    """Those of the things that an open finding of the authority names, by their lot too."""
    return set(db.session.scalars(led(authority_id).where(among(Thing.id, sorted(thing_ids)))))


def led(authority_id: int) -> Select[Any]:
    """All of them."""
    named = select(FindingThing.thing_id).join(Finding, Finding.id == FindingThing.finding_id)
    named = named.where(Finding.authority_id == authority_id, Finding.state == "open")
    return select(Thing.id).where(Thing.id.in_(named) | Thing.lot_id.in_(named))


LEADS.append(leads)
LED.append(led)


# -- finding ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class About:
    """Whom and what a finding is about."""

    concerned: Organisation
    things: tuple[Thing, ...]


def about_what(
    actor: Actor, values: Mapping[str, Any], case: Inspection | None, *, at: datetime
) -> About:
    """Of a form: `things` (rows of the case's), `lots` typed, `organisation` typed (without a case)
    or `itself` (the organisation as a whole). Raises FindingOnNothing, OutsideArea, …"""
    chosen = {int(one) for one in values.get("things", ())}
    offered = things_of([case.id])[case.id] if case else []
    typed_goods = find_goods(values.get("lots", ""))
    things = [one for one in offered if one.id in chosen or one in typed_goods]
    added = [one for one in typed_goods if one not in things]
    things += added
    if case is not None:
        if not things and not values.get("itself"):
            raise FindingOnNothing(path="things")
        check_goods(actor, added, at=at)
        return About(case.organisation, tuple(things))
    typed = str(values.get("organisation") or "")
    concerned = find_organisation(actor, typed) if typed else owner_of(things)
    if concerned is None:
        if things:
            raise OfNothing(path="organisation")
        raise FindingOnNothing(path="lots")
    check_reach(actor, concerned, things, "organisation" if typed else "lots", at=at)
    return About(concerned, tuple(things))


def open_finding(
    actor: Actor,
    about: About,
    values: Mapping[str, Any],
    said: Said,
    *,
    at: datetime,
    case: Inspection | None = None,
) -> Finding:
    """Records a finding, signed. `values`: rule, severity, words, action, due_on, evidence. Raises
    CaseEnded, NoDueDay, DueInThePast, UnknownEvidence."""
    actor.check("inspect")
    if case is not None:
        check_open(case)
    _check_due(values, at)
    code = new_code(os.urandom)
    told = _told(code, values, _evidence(values.get("evidence", ""), case))
    event = build(
        said,
        case_of(case, "finding") if case else {"case": code, "part": "finding"},
        about.concerned,
        about.things,
        {"trace:finding": told},
    )
    made = sign(actor, event, "finding", at=at, of=Of(case.id if case else None))
    row = Finding(
        code=code,
        authority_id=actor.organisation.id,
        organisation_id=about.concerned.id,
        inspection_id=case.id if case else None,
        ward_code=case.ward_code if case else about.concerned.ward_code,
        rule=values["rule"],
        severity=values["severity"],
        words=values["words"],
        action=values.get("action", ""),
        due_on=values.get("due_on"),
        event_id=made.event_id,
        created_by=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    db.session.add_all(FindingThing(finding_id=row.id, thing_id=one.id) for one in about.things)
    _belongs(made.event_id, row)
    if case is not None:
        begin(case, said.when)
    write_audit(actor, "finding.open", f"finding:{row.code}", at=at, severity=row.severity)
    _tell(row, "finding-opened", at, day=f"{row.due_on:%d/%m/%Y}" if row.due_on else "–")
    return row


def _belongs(event_id: int, row: Finding) -> None:
    db.session.execute(
        update(InspectionEvent)
        .where(InspectionEvent.event_id == event_id)
        .values(finding_id=row.id)
    )


def _check_due(values: Mapping[str, Any], at: datetime) -> None:
    due = values.get("due_on")
    if values.get("action") and due is None:
        raise NoDueDay(path="due_on")
    if due is not None and due < local_day(at):
        raise DueInThePast(path="due_on")


def _told(code: str, values: Mapping[str, Any], evidence: Sequence[str]) -> JsonObject:
    due: date | None = values.get("due_on")
    told: JsonObject = {
        "code": code,
        "rule": values["rule"],
        "severity": values["severity"],
        "words": values["words"],
        "action": values.get("action", ""),
        "due": due.isoformat() if due else "",
        "evidence": list(evidence),
    }
    return {name: value for name, value in told.items() if value not in ("", [])}


def _evidence(text: str, case: Inspection | None) -> list[str]:
    """Statements (urn:uuid) and seals of the case's samples, one on each line. Raises
    UnknownEvidence."""
    found: list[str] = []
    for line in [part.strip() for part in text.splitlines() if part.strip()][:EVIDENCE_LIMIT]:
        try:
            raw = UUID(line.removeprefix("urn:uuid:")).bytes
            known = select(exists().where(Event.statement_id == raw))
        except ValueError:
            known = select(
                exists().where(
                    Sample.seal == line, Sample.inspection_id == (case.id if case else 0)
                )
            )
        if not db.session.scalar(known):
            raise UnknownEvidence(path="evidence", text=line[:60])
        found.append(line)
    return found


def _tell(row: Finding, word: str, at: datetime, **context: str) -> None:
    ask_for_count(at, [row.organisation_id])
    notify(
        row.organisation,
        word,
        {"by": row.authority.name, **context},
        at=at,
        address=f"/producer/inspections/findings/{row.id}",
        subject=f"{word}:{row.id}:{context.get('day', '')}" if word == "finding-opened" else "",
    )


# -- what becomes of it ----------------------------------------------------------------------------


def ended(row: Finding) -> FindingEnded:
    """Who closed it, when, and what was written."""
    by = db.session.get(Person, row.closed_by) if row.closed_by else None
    return FindingEnded(
        by=by.name if by else row.authority.name,
        day=f"{local_day(row.closed_at):%d/%m/%Y}" if row.closed_at else "?",
        words=row.closed_words,
    )


def _end(actor: Actor, row: Finding, state: str, words: str, at: datetime) -> None:
    """The one update by which a finding ends: who is second changes nothing."""
    done = db.session.execute(
        update(Finding)
        .where(Finding.id == row.id, Finding.state == "open")
        .values(
            state=state,
            closed_by=actor.person.id if actor.person else None,
            closed_at=at,
            closed_words=words,
        )
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(row)
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        raise ended(row)


def close_finding(actor: Actor, row: Finding, words: str, said: Said, *, at: datetime) -> None:
    """It is put right. Raises FindingEnded, NeedsSupervisor."""
    actor.check("inspect")
    check_decides(actor, row.severity, row)
    _end(actor, row, "closed", words, at)
    _say(actor, row, "closed", said, {}, at)
    write_audit(actor, "finding.close", f"finding:{row.code}", at=at)
    _tell(row, "finding-closed", at)


def follow_up(actor: Actor, row: Finding, said: Said, due_on: date | None, *, at: datetime) -> None:
    """What was seen since, and perhaps another day. Raises FindingEnded, DueInThePast."""
    actor.check("inspect")
    if row.state != "open":
        raise ended(row)
    if due_on is not None and due_on != row.due_on:
        _check_due({"due_on": due_on}, at)
        row.due_on = due_on
    more = {"due": row.due_on.isoformat()} if row.due_on else {}
    _say(actor, row, "follow-up", said, more, at)
    write_audit(actor, "finding.follow-up", f"finding:{row.code}", at=at)
    _tell(row, "finding-changed", at)


def _say(
    actor: Actor, row: Finding, part: str, said: Said, more: Mapping[str, Any], at: datetime
) -> None:
    case = row.inspection
    event = build(
        said,
        case_of(case, part) if case else {"case": row.code, "part": part},
        row.organisation,
        things_named([row.id])[row.id],
        {"trace:finding": {"code": row.code, **more}},
    )
    sign(actor, event, part, at=at, of=Of(row.inspection_id, row.id))


def correct_finding(
    actor: Actor, row: Finding, values: Mapping[str, Any], said: Said, *, at: datetime
) -> None:
    """Says it otherwise: the event there is is declared to be in error, another stands instead.
    Raises FindingEnded, NoDueDay, DueInThePast."""
    actor.check("inspect")
    if row.state != "open":
        raise ended(row)
    if values.get("due_on") != row.due_on:
        _check_due(values, at)
    things = things_named([row.id])[row.id]
    case = row.inspection
    former = db.session.get_one(Event, row.event_id)
    document, _ = open_event(former)
    evidence = (document.get("trace:finding") or {}).get("evidence", ())
    event = build(
        said,
        case_of(case, "finding") if case else {"case": row.code, "part": "finding"},
        row.organisation,
        things,
        {"trace:finding": _told(row.code, values, list(evidence))},
    )
    along = declare_again(document, former.statement_id, event, at=at, reason="incorrect_data")
    made = sign(actor, event, "finding", at=at, of=Of(row.inspection_id, row.id), along=[along])
    row.event_id = made.event_id
    for name in ("rule", "severity", "words", "action", "due_on"):
        setattr(row, name, values.get(name) if name == "due_on" else values.get(name, ""))
    db.session.flush()
    write_audit(actor, "finding.correct", f"finding:{row.code}", at=at)
    _tell(row, "finding-changed", at)


def withdraw_finding(actor: Actor, row: Finding, words: str, *, at: datetime) -> None:
    """It was none: its event is declared to be in error and nothing stands instead. Raises
    FindingEnded, NeedsSupervisor."""
    actor.check("inspect")
    check_decides(actor, row.severity, row)
    _end(actor, row, "withdrawn", words, at)
    former = db.session.get_one(Event, row.event_id)
    document, _ = open_event(former)
    void = declare_again(document, former.statement_id, None, at=at, reason="did_not_occur")
    sign(actor, void, "withdrawn", at=at, of=Of(row.inspection_id, row.id))
    write_audit(actor, "finding.withdraw", f"finding:{row.code}", at=at)
    _tell(row, "finding-withdrawn", at)


def answer_key(event_id: str) -> str:
    """Under which key an answer's event is found, once it is signed."""
    return event_key_digest(event_id)


__all__ = [
    "RULES",
    "SEVERITIES",
    "About",
    "Answered",
    "FindingEnded",
    "about_what",
    "answers_to",
    "close_finding",
    "correct_finding",
    "follow_up",
    "get_finding",
    "leads",
    "list_findings",
    "open_finding",
    "withdraw_finding",
]
