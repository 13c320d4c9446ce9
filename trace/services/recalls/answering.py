"""Who must answer, telling them, and what they answer.

1. After signing a job lists everybody who has or had some (`reaching.holders`), tells them, and
   makes for each a link that answers without an account, as on a delivery note. Things made later
   inherit the notice; whoever gets those is listed when the job runs again. Nobody is dropped.
2. What a holder must account for in a unit is what it had when told, by its own records, and what
   it had sold before. It never falls below what was answered.
3. An answer says what became of how much: held, sold, returned, corrected or relabelled,
   repurposed, re-exported, destroyed. Parts may come one after another, late ones too; together
   they are never more than there was. Whose amounts nobody told answers once, with its own.
4. "Held" is where goods are now, not their end: a later answer about the same goods takes from it.
5. In a rehearsal only those are told who agreed to take part, and only inside the application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Organisation,
    Recall,
    RecallAmount,
    RecallAnswer,
    RecallHolder,
    RehearsalConsent,
)
from trace.services.actors import Actor
from trace.services.answers import new_secret
from trace.services.audit import write_audit
from trace.services.news_telling import standing_in, thing_name
from trace.services.notifications import notify_each
from trace.services.recalls.cases import check_mine
from trace.services.recalls.partners import known_to
from trace.services.recalls.reaching import Held, chosen_things, holders, reached_table
from trace.services.recalls.signing import notices_of
from trace.services.sets import among

NAMED: Final = 3
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


# -- listing and telling ---------------------------------------------------------------------------


def follow(recall: Recall, *, at: datetime) -> int:
    """Lists who must answer and tells them; returns how many are new. Doing it twice does it once.
    The caller commits."""
    if recall.state != "open":
        return 0
    found = holders(reached_table(recall), with_sales=True)
    if recall.rehearsal:
        runs = db.session.get_one(Organisation, recall.organisation_id)
        found = known_to(runs, found, rehearsal=True)
    known = {
        (row.organisation_id, row.shipment_id): row
        for row in db.session.scalars(
            select(RecallHolder).where(RecallHolder.recall_id == recall.id)
        )
    }
    fresh = 0
    for one in found:
        if one.organisation_id == recall.organisation_id and not one.amounts and not one.sold:
            continue
        row = known.get((one.organisation_id, one.shipment_id))
        if row is None:
            fresh += 1
            row = RecallHolder(
                recall_id=recall.id,
                organisation_id=one.organisation_id,
                shipment_id=one.shipment_id,
                secret=new_secret(),
            )
            db.session.add(row)
        row.giver_id, row.name, row.phone = one.giver_id, one.name[:200], one.phone[:20]
        row.one_sided, row.things, row.mixed_only = one.one_sided, one.things, not one.sure
    db.session.flush()
    _write_amounts(recall, found)
    _tell(recall, at)
    recall.followed_at = at
    db.session.flush()
    return fresh


def _write_amounts(recall: Recall, found: Sequence[Held]) -> None:
    rows = {
        (row.organisation_id, row.shipment_id): row.id
        for row in db.session.scalars(
            select(RecallHolder).where(RecallHolder.recall_id == recall.id)
        )
    }
    known = {
        (row.holder_id, row.unit): row
        for row in db.session.scalars(
            select(RecallAmount).where(among(RecallAmount.holder_id, sorted(rows.values())))
        )
    }
    for one in found:
        holder = rows.get((one.organisation_id, one.shipment_id))
        if holder is None:
            continue
        for unit in one.amounts.keys() | one.sold.keys():
            sold = one.sold.get(unit, Decimal(0))
            had = one.amounts.get(unit, Decimal(0)) + sold
            row = known.get((holder, unit))
            if row is None:
                row = RecallAmount(
                    holder_id=holder, unit=unit, had=had, sold=sold, answered=Decimal(0)
                )
                db.session.add(row)
            else:  # rule 2: what moved on since is the next one's, and still accounted for here
                row.had = max(row.had, had, row.answered)
                row.sold = sold
    db.session.flush()


def _tell(recall: Recall, at: datetime) -> None:
    rows = list(
        db.session.scalars(
            select(RecallHolder).where(
                RecallHolder.recall_id == recall.id,
                RecallHolder.told_at.is_(None),
                RecallHolder.organisation_id.is_not(None),
                RecallHolder.organisation_id != recall.organisation_id,
            )
        )
    )
    if recall.rehearsal:
        agreed = set(db.session.scalars(select(RehearsalConsent.organisation_id)))
        rows = [row for row in rows if row.organisation_id in agreed]
    what = names_of(recall)
    told: dict[Organisation, tuple[Mapping[str, object], str]] = {}
    for row in rows:
        row.told_at = at
        if row.organisation is not None:
            context = {"by": recall.organisation.name, "what": what, "count": str(row.things)}
            told[row.organisation] = (context, f"/producer/recalls/{row.id}/answer")
    if recall.rehearsal:
        notify_each(
            told, "recall-rehearsal", at=at, subject=f"recall:{recall.id}", inside_only=True
        )
        return
    # The same subject as the telling of the notice itself: whoever was told is not told again.
    notices = notices_of(recall)
    subject = f"notice:{notices[0][0]}" if notices else f"recall:{recall.id}"
    notify_each(told, f"alert-{recall.kind}", at=at, subject=subject)
    stand_ins = standing_in(told, recall.organisation)
    notify_each(stand_ins, "alert-closed", at=at, subject=f"{subject}:c")


def names_of(recall: Recall) -> str:
    """ "Cải ngọt · L2611, +2"."""
    things = chosen_things(recall)
    more = len(things) - NAMED
    told = [thing_name(one) for one in things[:NAMED]]
    return ", ".join([*told, *([f"+{more}"] if more > 0 else [])])


def agree(actor: Actor, taking_part: bool, *, at: datetime) -> None:
    """The organisation takes part in rehearsals from now on, or no more."""
    actor.check("manage")
    row = db.session.get(RehearsalConsent, actor.organisation.id)
    if taking_part and row is None:
        person = actor.person.id if actor.person else None
        db.session.add(
            RehearsalConsent(organisation_id=actor.organisation.id, person_id=person, agreed_at=at)
        )
    elif not taking_part and row is not None:
        db.session.delete(row)
    write_audit(actor, "rehearsal.consent", actor.organisation.code, at=at, agreed=taking_part)


def takes_part(organisation_id: int) -> bool:
    """Whether the organisation agreed to rehearsals."""
    return db.session.get(RehearsalConsent, organisation_id) is not None


# -- answering -------------------------------------------------------------------------------------


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
        if line.quantity > left and line.fate != HELD:  # rule 4
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
