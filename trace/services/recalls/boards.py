"""How a case stands: what warns, who answered, how much is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from trace.extensions import db
from trace.models import Recall, RecallAmount, RecallAnswer, RecallHolder
from trace.services.recalls.booking import came_back
from trace.services.recalls.reaching import reached_table
from trace.services.recalls.telling import to_list


@dataclass(frozen=True, slots=True)
class Board:
    """How a case stands: things that warn, holders and their answers, amounts by unit. `listed` is
    false until the job after the signature has run: then `holders` are those who will be. What went
    back by a signed answer is counted once, at who took it back."""

    warned: int
    listed: bool
    holders: int
    told: int
    answered: int
    part: int
    silent: int
    had: Mapping[str, Decimal]
    accounted: Mapping[str, Decimal]
    fates: Mapping[tuple[str, str], Decimal]  # (fate, unit)

    @property
    def effectiveness(self) -> Mapping[str, int]:
        """Accounted for of what was distributed, in whole per cent, by unit."""
        return {
            unit: int(self.accounted.get(unit, Decimal(0)) * 100 / had)
            for unit, had in self.had.items()
            if had
        }


def board_of(recall: Recall) -> Board:
    """Counted now, in four queries; while nobody is listed yet, with those of the listing."""
    table = reached_table(recall)
    warned = db.session.scalar(select(func.count()).select_from(table)) or 0
    states = db.session.execute(
        select(RecallHolder.state, func.count(), func.count(RecallHolder.told_at))
        .where(RecallHolder.recall_id == recall.id)
        .group_by(RecallHolder.state)
    ).all()
    mine = select(RecallHolder.id).where(RecallHolder.recall_id == recall.id)
    amounts = db.session.execute(
        select(RecallAmount.unit, func.sum(RecallAmount.had), func.sum(RecallAmount.answered))
        .where(RecallAmount.holder_id.in_(mine))
        .group_by(RecallAmount.unit)
    ).all()
    fates = db.session.execute(
        select(RecallAnswer.fate, RecallAnswer.unit, func.sum(RecallAnswer.quantity))
        .where(RecallAnswer.holder_id.in_(mine))
        .group_by(RecallAnswer.fate, RecallAnswer.unit)
    ).all()
    back = came_back(recall)
    count = {state: (number, told) for state, number, told in states}
    return Board(
        warned=warned,
        listed=recall.followed_at is not None,
        holders=(
            sum(number for number, _ in count.values())
            if recall.followed_at is not None
            else len(to_list(recall))
        ),
        told=sum(told for _, told in count.values()),
        answered=count.get("done", (0, 0))[0],
        part=count.get("part", (0, 0))[0],
        silent=count.get("", (0, 0))[0],
        had={unit: Decimal(had or 0) - back.get(unit, Decimal(0)) for unit, had, _ in amounts},
        accounted={
            unit: Decimal(done or 0) - back.get(unit, Decimal(0)) for unit, _, done in amounts
        },
        fates={(fate, unit): Decimal(total) for fate, unit, total in fates if total},
    )
