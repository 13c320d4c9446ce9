"""The authority's desk: what waits, and one report (rules 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Organisation, Report, Thing
from trace.services.actors import Actor
from trace.services.citizen_reports.reading import (
    SEVERAL,
    Contact,
    contact_of,
    late,
    next_deadline,
    same_lot,
)
from trace.services.citizen_reports.routing import width
from trace.services.inspections_risks import points_of
from trace.services.jurisdictions import Scope, may_decide, scope_of

LIST_LIMIT: Final = 500
View = Literal["open", "held", "closed"]


@dataclass(frozen=True, slots=True)
class Row:
    """A report in a list: `same` counts those on its lot within a week; `raised` looks first;
    `points` are the maker's in the queue of inspections."""

    report: Report
    same: int
    late: bool
    points: int

    @property
    def raised(self) -> bool:
        return self.report.urgent or self.same >= SEVERAL


def _visible(scope: Scope) -> ColumnElement[bool]:
    return or_(Report.authority_id == scope.authority.id, scope.organisations(Report.ward_code))


def list_reports(actor: Actor, view: View, *, at: datetime) -> list[Row]:
    """Reports of the desk's area and those sent to it, without those merged into others. Open ones:
    illness and lots with several first, then by the risk of the maker, then by the day that comes
    next; closed ones: the newest first. At most LIST_LIMIT. Raises NotAllowed."""
    scope = scope_of(actor)
    query = (
        select(Report)
        .where(_visible(scope), Report.merged_into_id.is_(None))
        .options(
            joinedload(Report.lot).joinedload(Thing.product),
            joinedload(Report.product),
            joinedload(Report.maker),
            joinedload(Report.authority),
            joinedload(Report.person),
        )
        .limit(LIST_LIMIT)
    )
    if view == "closed":
        query = query.where(Report.closed_at.is_not(None)).order_by(Report.id.desc())
    else:
        query = query.where(Report.closed_at.is_(None), Report.held.is_(view == "held"))
        query = query.order_by(Report.urgent.desc(), Report.answer_by, Report.id)
    rows = _rows(scope.authority, list(db.session.scalars(query)), at=at)
    if view == "closed":
        return rows
    return sorted(
        rows,
        key=lambda row: (
            row.report.answered_at is not None,
            not row.raised,
            -row.points,
            next_deadline(row.report),
            row.report.id,
        ),
    )


def _rows(authority: Organisation, found: Sequence[Report], *, at: datetime) -> list[Row]:
    points = points_of(authority, {one.maker_id for one in found if one.maker_id is not None})
    counts = same_lot({one.lot_id for one in found if one.lot_id is not None}, at=at)
    return [
        Row(
            one,
            counts.get(one.lot_id or 0, 0),
            late(one, at=at),
            points.get(one.maker_id or 0, 0),
        )
        for one in found
    ]


def count_waiting(actor: Actor) -> int:
    """How many this desk has and has not answered."""
    query = select(func.count()).where(
        Report.authority_id == actor.organisation.id,
        Report.closed_at.is_(None),
        Report.answered_at.is_(None),
        Report.held.is_(False),
        Report.merged_into_id.is_(None),
    )
    return db.session.scalar(query) or 0


def get_report(actor: Actor, report_id: int) -> Report:
    """One of the reports this desk sees. Raises NotAllowed, NotFound."""
    scope = scope_of(actor)
    found = db.session.scalar(select(Report).where(Report.id == report_id, _visible(scope)))
    if found is None:
        raise NotFound
    return found


def others_on_lot(report: Report, actor: Actor) -> list[Report]:
    """Other open reports on the same lot that this desk has, to be merged; the oldest first."""
    if report.lot_id is None:
        return []
    query = select(Report).where(
        Report.lot_id == report.lot_id,
        Report.id != report.id,
        Report.authority_id == actor.organisation.id,
        Report.closed_at.is_(None),
        Report.merged_into_id.is_(None),
    )
    return list(db.session.scalars(query.order_by(Report.id).limit(LIST_LIMIT)))


def reachable(report: Report, actor: Actor) -> Contact:
    """The contact, for the desk that has the report and where the reporter let it ask."""
    contact = contact_of(report)
    has_it = report.authority_id == actor.organisation.id
    return contact if contact.ask and has_it else Contact()


def has_it(actor: Actor, report: Report) -> bool:
    """Whether the report is with this desk."""
    return report.authority_id == actor.organisation.id


def may_take_over(actor: Actor, report: Report) -> bool:
    """Whether this person decides where the report is of, for a wider authority than the one that
    has it, or nobody has it."""
    if report.closed_at is not None or has_it(actor, report):
        return False
    if not may_decide(actor, ward_code=report.ward_code):
        return False
    holder = report.authority
    return holder is None or width(actor.organisation)[0] > width(holder)[0]
