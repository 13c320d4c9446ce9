"""What those who must answer (`telling`) answer.

1. An answer says what became of how much: held, sold, returned, corrected or relabelled,
   repurposed, re-exported, destroyed. Parts may come one after another, late ones too; together
   they are never more than there was. Whose amounts nobody told answers once, with its own.
2. "Held" is where goods are now, not their end: a later answer about the same goods takes from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Recall, RecallAmount, RecallAnswer, RecallHolder
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.recalls.cases import check_mine
from trace.services.recalls.telling import takes_part
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


@dataclass(frozen=True, slots=True)
class Line:
    """What became of how much."""

    fate: str
    unit: str
    quantity: Decimal
    note: str = ""


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
    holder = db.session.scalar(select(RecallHolder).where(RecallHolder.secret == secret.lower()))
    recall = None if holder is None else db.session.get(Recall, holder.recall_id)
    if holder is None or recall is None or recall.rehearsal:
        raise NotFound
    return holder, recall


def to_answer(actor: Actor) -> list[tuple[RecallHolder, Recall]]:
    """The cases that ask this organisation something, open ones first, newest first."""
    rows = db.session.execute(
        select(RecallHolder, Recall)
        .join(Recall, Recall.id == RecallHolder.recall_id)
        .where(
            RecallHolder.organisation_id == actor.organisation.id,
            Recall.state.in_(("open", "closed", "withdrawn")),
        )
        .order_by(Recall.id.desc())
        .limit(300)
    ).all()
    plays = takes_part(actor.organisation.id)
    told = [(holder, recall) for holder, recall in rows if plays or not recall.rehearsal]
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
) -> None:
    """Records an answer, whole or in part; the caller commits. Raises CaseOver, NothingAnswered,
    TooMuch with the path of the line."""
    if recall.state != "open":
        raise CaseOver
    told = [(place, line) for place, line in enumerate(lines) if line.quantity > 0]
    rows = _locked(holder, at)
    if way == "link" and _repeated(holder, [line for _, line in told], teller, at):
        return
    if not told and any(row.had > row.answered for row in rows.values()):
        raise NothingAnswered(path="lines-0-quantity")
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
            _write(holder, Line(HELD, line.unit, -moved), way, at, actor, teller)
        row.answered += line.quantity - moved
        _write(holder, line, way, at, actor, teller)
    holder.first_answer_at = holder.first_answer_at or at
    holder.last_answer_at = at
    open_left = any(row.had > row.answered for row in rows.values())
    holder.state = "part" if open_left else "done"
    db.session.flush()
    write_audit(
        actor, "recall.answer", recall.code, at=at, holder=holder.id, way=way, lines=len(told)
    )


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


def _write(
    holder: RecallHolder,
    line: Line,
    way: str,
    at: datetime,
    actor: Actor | None,
    teller: str,
) -> None:
    values: dict[str, Any] = {
        "holder_id": holder.id,
        "fate": line.fate,
        "unit": line.unit,
        "quantity": line.quantity,
        "note": line.note,
        "way": way,
        "teller": teller[:120],
        "person_id": actor.person.id if actor is not None and actor.person else None,
        "answered_at": at,
    }
    db.session.add(RecallAnswer(**values))
