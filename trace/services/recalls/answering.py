"""What those who must answer (`telling`) answer.

1. An answer says what became of how much: held, sold, returned, corrected or relabelled,
   repurposed, re-exported, destroyed. Parts may come one after another, late ones too; together
   they are never more than there was. Whose amounts nobody told answers once, with its own.
2. "Held" is where goods are now, not their end: a later answer about the same goods takes from it.
3. What a holder answers signed in it signs as far as it is about lots of its book (`booking`).
4. A line is taken back by a line against it; both stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Recall, RecallAmount, RecallAnswer, RecallHolder
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture.prepare import event_key_digest
from trace.services.recalls.booking import (
    Book,
    Line,
    declaration,
    declared_in_error,
    states_of,
    write_up,
)
from trace.services.recalls.cases import check_mine
from trace.services.recalls.rehearsing import takes_part
from trace.services.records import Draw, JsonObject
from trace.services.sets import among

HELD: Final = "held"
IMPATIENT: Final = timedelta(minutes=2)


class TooMuch(TraceError):
    code = "recall-too-much"
    message = "This is more than there was: %(left)s left to account for."
    next_step = "If more came to you than is on record, record its receipt first."


class NothingAnswered(TraceError):
    code = "recall-nothing-answered"
    message = "Say what became of how much."


class CaseOver(Conflict):
    code = "recall-over"
    message = "This case has ended; nothing more is to be answered."


class LineMoved(Conflict):
    code = "recall-line-moved"
    message = (
        "This line was taken back already, or counted on since: what came after it goes first."
    )


class LineWaits(Conflict):
    code = "recall-line-waits"
    message = "This line waits for its approval; approve it or discard it first."


@dataclass(frozen=True, slots=True)
class Due:
    """What a holder must account for in one unit, and what is left of it."""

    unit: str
    had: Decimal
    sold: Decimal
    answered: Decimal
    held: Decimal

    @property
    def left(self) -> Decimal:
        """Not answered for yet."""
        return self.had - self.answered


def holders_of(recall: Recall) -> list[RecallHolder]:
    """Everybody who must answer, those who have not first."""
    rows = list(
        db.session.scalars(
            select(RecallHolder)
            .where(RecallHolder.recall_id == recall.id)
            .order_by(RecallHolder.id)
        )
    )
    order = {"": 0, "part": 1, "done": 2}
    return sorted(rows, key=lambda one: (order[one.state], one.id))


def dues(holder_ids: Sequence[int]) -> dict[int, list[Due]]:
    """By holder: what is to be accounted for, in each unit."""
    held = {
        (holder, unit): total
        for holder, unit, total in db.session.execute(
            select(RecallAnswer.holder_id, RecallAnswer.unit, func.sum(RecallAnswer.quantity))
            .where(among(RecallAnswer.holder_id, list(holder_ids)), RecallAnswer.fate == HELD)
            .group_by(RecallAnswer.holder_id, RecallAnswer.unit)
        )
    }
    found: dict[int, list[Due]] = {holder: [] for holder in holder_ids}
    rows = db.session.scalars(
        select(RecallAmount)
        .where(among(RecallAmount.holder_id, list(holder_ids)))
        .order_by(RecallAmount.unit.desc())
    )
    for row in rows:
        still = held.get((row.holder_id, row.unit)) or Decimal(0)
        found[row.holder_id].append(Due(row.unit, row.had, row.sold, row.answered, Decimal(still)))
    return found


def answers_of(holder: RecallHolder) -> list[RecallAnswer]:
    """What was answered, the newest last."""
    return list(
        db.session.scalars(
            select(RecallAnswer)
            .where(RecallAnswer.holder_id == holder.id)
            .order_by(RecallAnswer.id)
        )
    )


def own_holder(actor: Actor, holder_id: int) -> tuple[RecallHolder, Recall]:
    """What this organisation must answer. Raises NotFound, for a rehearsal
    nobody here agreed to as well."""
    holder = db.session.get(RecallHolder, holder_id)
    if holder is None or holder.organisation_id != actor.organisation.id:
        raise NotFound
    recall = db.session.get_one(Recall, holder.recall_id)
    if recall.rehearsal and not takes_part(actor.organisation.id):
        raise NotFound
    return holder, recall


def holder_of_case(actor: Actor, recall: Recall, holder_id: int) -> RecallHolder:
    """One of the case's holders, for who runs the case. Raises NotFound."""
    check_mine(actor, recall)
    holder = db.session.get(RecallHolder, holder_id)
    if holder is None or holder.recall_id != recall.id:
        raise NotFound
    return holder


def by_secret(secret: str) -> tuple[RecallHolder, Recall]:
    """What the link on a letter or a phone list opens. Raises NotFound. A rehearsal has no link."""
    holder = db.session.scalar(select(RecallHolder).where(RecallHolder.secret == secret))
    recall = None if holder is None else db.session.get(Recall, holder.recall_id)
    if holder is None or recall is None or recall.rehearsal:
        raise NotFound
    return holder, recall


def select_to_answer(actor: Actor) -> Select[RecallHolder]:
    """What cases ask of this organisation, in no order; rehearsals where it takes part in them."""
    query = (
        select(RecallHolder)
        .join(Recall, Recall.id == RecallHolder.recall_id)
        .where(
            RecallHolder.organisation_id == actor.organisation.id,
            Recall.state.in_(("open", "closed", "withdrawn")),
        )
    )
    return query if takes_part(actor.organisation.id) else query.where(~Recall.rehearsal)


def to_answer(actor: Actor) -> list[tuple[RecallHolder, Recall]]:
    """The same with their cases, open ones first, newest first, as many as a page shows."""
    query = select_to_answer(actor).add_columns(Recall).order_by(Recall.id.desc()).limit(300)
    told = [(row[0], row[1]) for row in db.session.execute(query)]
    return sorted(told, key=lambda pair: pair[1].state != "open")


def waiting_answers(organisation_id: int) -> int:
    """How many open recalls an organisation has not answered fully."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(RecallHolder)
            .join(Recall, Recall.id == RecallHolder.recall_id)
            .where(
                RecallHolder.organisation_id == organisation_id,
                RecallHolder.state != "done",
                Recall.state == "open",
                ~Recall.rehearsal,
                Recall.organisation_id != organisation_id,
            )
        )
        or 0
    )


def answer(
    holder: RecallHolder,
    recall: Recall,
    lines: Sequence[Line],
    *,
    way: str,
    at: datetime,
    actor: Actor | None = None,
    teller: str = "",
    draw: Draw | None = None,
) -> list[JsonObject]:
    """Records an answer, whole or in part; the caller commits. With `draw` (its form's codes) the
    actor's organisation answers for itself: returned are the events that it signs. Raises CaseOver,
    NothingAnswered, TooMuch with the path of the line."""
    if recall.state != "open":
        raise CaseOver
    told = [(place, line) for place, line in enumerate(lines) if line.quantity > 0]
    rows = _locked(holder, at)
    if way == "link" and _repeated(holder, [line for _, line in told], teller, at):
        return []
    if not told and any(row.had > row.answered for row in rows.values()):
        raise NothingAnswered(path="lines-0-quantity")
    book = Book([], {})
    if actor is not None and draw is not None:
        book = write_up(actor, holder, recall, told, draw, at=at)
    by = _By(way, at, actor, teller)
    held = {due.unit: due.held for due in dues([holder.id])[holder.id]}
    untold = not any(row.had for row in rows.values())
    for place, line in told:
        row = rows.get(line.unit)
        if row is None or (untold and row.had < row.answered + line.quantity):
            if not untold:
                raise TooMuch(path=f"lines-{place}-quantity", left="0")
            row = rows[line.unit] = row or RecallAmount(
                holder_id=holder.id,
                unit=line.unit,
                had=Decimal(0),
                sold=Decimal(0),
                answered=Decimal(0),
            )
            db.session.add(row)
            row.had = row.answered + line.quantity
        moved = Decimal(0)
        left = row.had - row.answered
        if line.quantity > left and line.fate != HELD:  # rule 2
            moved = min(held.get(line.unit, Decimal(0)), line.quantity - left)
        if line.quantity - moved > left:
            raise TooMuch(
                path=f"lines-{place}-quantity", left=f"{left + held.get(line.unit, Decimal(0)):f}"
            )
        if moved:
            held[line.unit] -= moved
            _write(holder, Line(HELD, line.unit, -moved), by)
        row.answered += line.quantity - moved
        thing, event_id = book.lines.get(place, (None, ""))
        _write(holder, replace(line, thing_id=thing), by, event_id)
    holder.first_answer_at = holder.first_answer_at or at
    holder.last_answer_at = at
    open_left = any(row.had > row.answered for row in rows.values())
    holder.state = "part" if open_left else "done"
    db.session.flush()
    write_audit(
        actor,
        "recall.answer",
        recall.code,
        at=at,
        holder=holder.id,
        way=way,
        lines=len(told),
        signed=len(book.events),
    )
    return book.events


def take_back(
    actor: Actor, holder: RecallHolder, recall: Recall, answer_id: int, *, at: datetime
) -> list[JsonObject]:
    """Takes one line back: the holder its own, who runs the case what it wrote down or what came by
    the link. Returns what is signed with it. Raises NotFound, CaseOver, LineMoved, LineWaits."""
    if recall.state != "open":
        raise CaseOver
    rows = _locked(holder, at)
    row = db.session.get(RecallAnswer, answer_id)
    if row is None or row.holder_id != holder.id or row.quantity <= 0 or row.undoes_id is not None:
        raise NotFound
    side = holder.organisation_id if row.way == "account" else recall.organisation_id
    if actor.organisation.id != side:
        raise NotFound
    if states_of([row]).get(row.id) == "waits":
        raise LineWaits
    declared = declaration(actor, row, at=at)
    _undo(holder, row, rows, _By(row.way, at, actor, row.teller))
    write_audit(actor, "recall.answer-back", recall.code, at=at, holder=holder.id, line=row.id)
    return [declared] if declared is not None else []


def settle(recall: Recall, *, at: datetime) -> int:
    """Takes back the lines whose event was declared in error in the book; how many."""
    found = declared_in_error(recall)
    for row in db.session.scalars(select(RecallAnswer).where(among(RecallAnswer.id, found))):
        holder = db.session.get_one(RecallHolder, row.holder_id)
        _undo(holder, row, _locked(holder, at), _By(row.way, at, None, row.teller), settled=True)
    return len(found)


def _undo(
    holder: RecallHolder,
    row: RecallAnswer,
    amounts: Mapping[str, RecallAmount],
    by: _By,
    *,
    settled: bool = False,
) -> None:
    against = select(RecallAnswer.id).where(RecallAnswer.undoes_id == row.id)
    if db.session.scalar(against) is not None:
        raise LineMoved
    due = {one.unit: one for one in dues([holder.id])[holder.id]}[row.unit]
    if row.fate == HELD and due.held < row.quantity:
        if not settled:
            raise LineMoved
        # What was held went on since: what is said of that stands, only this line goes.
        _write(holder, Line(HELD, row.unit, Decimal(0), row.note, row.thing_id), by, undoes=row.id)
        return
    amounts[row.unit].answered -= row.quantity
    _write(holder, Line(row.fate, row.unit, -row.quantity, "", row.thing_id), by, undoes=row.id)
    holder.state = "part" if any(one.answered for one in amounts.values()) else ""
    db.session.flush()


def _locked(holder: RecallHolder, at: datetime) -> dict[str, RecallAmount]:
    """The holder's amounts, kept from others until the transaction ends: a write waits for another
    answer in progress on both databases, and what is read then is what that one left."""
    db.session.execute(
        update(RecallHolder)
        .where(RecallHolder.id == holder.id)
        .values(last_answer_at=at)
        .execution_options(synchronize_session=False)
    )
    rows = db.session.scalars(
        select(RecallAmount)
        .where(RecallAmount.holder_id == holder.id)
        .execution_options(populate_existing=True)
    )
    return {row.unit: row for row in rows}


def _repeated(holder: RecallHolder, told: Sequence[Line], teller: str, at: datetime) -> bool:
    """Whether the same was said by the same link a moment ago: an impatient thumb has no account
    that would know its form again."""
    rows = db.session.scalars(
        select(RecallAnswer).where(
            RecallAnswer.holder_id == holder.id,
            RecallAnswer.way == "link",
            RecallAnswer.teller == teller[:120],
            RecallAnswer.answered_at > at - IMPATIENT,
            RecallAnswer.quantity > 0,
        )
    )
    before = sorted((row.fate, row.unit, row.quantity) for row in rows)
    return bool(told) and before == sorted((one.fate, one.unit, one.quantity) for one in told)


@dataclass(frozen=True, slots=True)
class _By:
    """Who says it, how and when."""

    way: str
    at: datetime
    actor: Actor | None
    teller: str


def _write(
    holder: RecallHolder, line: Line, by: _By, event_id: str = "", *, undoes: int | None = None
) -> None:
    values: dict[str, Any] = {
        "holder_id": holder.id,
        "fate": line.fate,
        "unit": line.unit,
        "quantity": line.quantity,
        "thing_id": line.thing_id,
        "event_key": event_key_digest(event_id) if event_id else None,
        "undoes_id": undoes,
        "note": line.note,
        "way": by.way,
        "teller": by.teller[:120],
        "person_id": by.actor.person.id if by.actor is not None and by.actor.person else None,
        "answered_at": by.at,
    }
    db.session.add(RecallAnswer(**values))
