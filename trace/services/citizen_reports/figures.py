"""How many reports, of what, where, and how long they waited: sums without anybody in them.

Reports held apart count in `held` only. The time to answer runs from the report to its first
answer. In what leaves the house (`open_rows`) a cell below LEAST is not told: a single report from
one ward about one kind of goods could tell who made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from trace.extensions import db
from trace.models import Product, Report
from trace.services.jurisdictions import Scope
from trace.services.medians import median_hours
from trace.services.wards import find_ward

LEAST: Final = 5
TOP: Final = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """Reports received from `since` until before `until` in an area. `late` are open ones whose
    days have passed now; `median_hours` is None where none was answered."""

    received: int = 0
    urgent: int = 0
    held: int = 0
    answered: int = 0
    closed: int = 0
    late: int = 0
    escalated: int = 0
    median_hours: Decimal | None = None
    by_problem: Mapping[str, int] = field(default_factory=dict)
    by_ward: Mapping[str, int] = field(default_factory=dict)  # ward code, "" for unknown
    by_outcome: Mapping[str, int] = field(default_factory=dict)
    by_product: tuple[tuple[str, int], ...] = ()  # the TOP most, by name

    @property
    def open(self) -> int:
        return self.received - self.closed


def _within(scope: Scope, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Report.received_at >= since,
        Report.received_at < until,
        scope.organisations(Report.ward_code),
    )


def figures(scope: Scope, since: datetime, until: datetime) -> Figures:
    """The sums of a scope (services.jurisdictions) and a time."""
    within = _within(scope, since, until)
    real = (*within, Report.held.is_(False))
    totals = db.session.execute(
        select(
            func.count(),
            func.count().filter(Report.urgent),
            func.count(Report.answered_at),
            func.count(Report.closed_at),
            func.count().filter(
                Report.closed_at.is_(None),
                Report.answered_at.is_(None),
                Report.answer_by < until,
            ),
            func.count(Report.escalated_at),
        ).where(*real)
    ).one()
    held = db.session.scalar(select(func.count()).where(*within, Report.held)) or 0
    received, urgent, answered, closed, late, escalated = totals
    return Figures(
        received=received,
        urgent=urgent,
        held=held,
        answered=answered,
        closed=closed,
        late=late,
        escalated=escalated,
        median_hours=median_hours(Report.received_at, Report.answered_at, select(Report), *real),
        by_problem=_counts(Report.problem, real),
        by_ward=_counts(func.coalesce(Report.ward_code, ""), real),
        by_outcome={name: count for name, count in _counts(Report.outcome, real).items() if name},
        by_product=_products(real),
    )


def _counts(column: Any, where: tuple[ColumnElement[bool], ...]) -> dict[str, int]:
    rows = db.session.execute(select(column, func.count()).where(*where).group_by(column))
    return dict(sorted(((name, count) for name, count in rows), key=lambda one: (-one[1], one[0])))


def _products(where: tuple[ColumnElement[bool], ...]) -> tuple[tuple[str, int], ...]:
    rows = db.session.execute(
        select(Product.name, func.count())
        .join(Report, Report.product_id == Product.id)
        .where(*where)
        .group_by(Product.name)
        .order_by(func.count().desc(), Product.name)
        .limit(TOP)
    )
    return tuple((name, count) for name, count in rows)


def open_rows(scope: Scope, since: datetime, until: datetime) -> list[dict[str, object]]:
    """Rows for open data: province, problem, outcome, how many; a cell below LEAST is told as
    "<5". No maker, no product, no words."""
    rows = db.session.execute(
        select(Report.ward_code, Report.problem, Report.outcome, func.count())
        .where(*_within(scope, since, until), Report.held.is_(False))
        .group_by(Report.ward_code, Report.problem, Report.outcome)
    )
    sums: dict[tuple[str, str, str], int] = {}
    for ward_code, problem, outcome, count in rows:
        ward = find_ward(ward_code) if ward_code else None
        key = (ward.province.code if ward else "", problem, outcome or "open")
        sums[key] = sums.get(key, 0) + count
    return [
        {
            "province": province,
            "problem": problem,
            "outcome": outcome,
            "reports": count if count >= LEAST else f"<{LEAST}",
        }
        for (province, problem, outcome), count in sorted(sums.items())
    ]
