"""Reports of a week, a month or a quarter: made for every authority when the period is over, kept
as figures, drawn as XLSX and PDF whenever they are fetched.

Rules.
1. What a report says is settled when it is made (`AuthorityReport.figures`); drawing it again gives
   the same bytes, whatever was recorded since. Late records of the period are in the next report's
   "period before".
2. One of each period and authority; asked for twice, the first stands.
3. Made from MORNING on after the period's last day; a worker that was away makes it when it is
   back, for the period that ended last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import select

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import AuthorityReport, Directive, DirectiveUnit, Job, Organisation
from trace.models.directives import OWED
from trace.models.figures import PERIODS
from trace.services import open_data
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.dashboards import PARTS, RECORDING, Period, coverage, numbers, part, trends
from trace.services.deadlines import LOCAL
from trace.services.figures import EPOCH, day_of
from trace.services.jobs import argument_of, enqueue
from trace.services.jurisdictions import authority_scope, scope_of
from trace.services.notifications import notify
from trace.services.platform_settings import number_of, text_of
from trace.services.settings import current_settings

KIND: Final = "authority-report"
MORNING: Final = time(6)
LIST: Final = 120  # ten years of months


class NoSuchPeriod(TraceError):
    code = "no-such-period"
    message = "Choose a week, a month or a quarter."


def last_period(kind: str, *, at: datetime) -> Period:
    """The week (Monday to Sunday), month or quarter that ended last, in Viet Nam. Raises
    NoSuchPeriod."""
    today = at.astimezone(LOCAL).date()
    if kind == "week":
        first = today - timedelta(days=today.weekday() + 7)
        last = first + timedelta(days=6)
    elif kind == "month":
        last = today.replace(day=1) - timedelta(days=1)
        first = last.replace(day=1)
    elif kind == "quarter":
        here = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
        last = here - timedelta(days=1)
        first = date(last.year, last.month - 2, 1)
    else:
        raise NoSuchPeriod(path="period")
    return Period((first - EPOCH).days, (last - EPOCH).days)


def ask(*, at: datetime) -> int:
    """Asks for what is due; how many jobs. The caller commits; called every hour."""
    if at.astimezone(LOCAL).time() < MORNING:
        return 0
    asked = 0
    for kind in PERIODS:
        argument = {"period": kind, "first": last_period(kind, at=at).first}
        known = select(Job.id).where(Job.kind == KIND, Job.argument == argument_of(argument))
        if db.session.scalar(known.limit(1)) is None:
            enqueue(KIND, argument, at=at)
            asked += 1
    return asked


def authorities() -> Sequence[int]:
    """Those for whom reports are made, by id."""
    query = select(Organisation.id).where(
        Organisation.kind == "authority",
        Organisation.status == "confirmed",
        Organisation.closed_at.is_(None),
    )
    return db.session.scalars(query.order_by(Organisation.id)).all()


def make(authority_id: int, kind: str, period: Period, *, at: datetime) -> AuthorityReport:
    """The report of an authority and period, made where there is none (rule 2), and its people
    told. The caller commits."""
    found = db.session.scalar(
        select(AuthorityReport).where(
            AuthorityReport.authority_id == authority_id,
            AuthorityReport.period == kind,
            AuthorityReport.first_day == period.first,
        )
    )
    if found is not None:
        return found
    authority = db.session.get_one(Organisation, authority_id)
    made = AuthorityReport(
        authority_id=authority_id,
        period=kind,
        first_day=period.first,
        last_day=period.last,
        figures=orjson.dumps(_figures(authority, period, at)).decode(),
        made_at=at,
    )
    db.session.add(made)
    db.session.flush()
    notify(
        authority,
        "report-ready",
        {"what": f"{day_of(period.first):%d/%m/%Y}–{day_of(period.last):%d/%m/%Y}"},
        at=at,
        address=f"/inspection/statistics/{made.id}",
        subject=f"report:{kind}:{period.first}",
    )
    return made


def ask_now(actor: Actor, kind: str, *, at: datetime) -> None:
    """Asks for the last period's report of one's own authority now. Raises NotAllowed,
    NoSuchPeriod."""
    scope_of(actor)
    period = last_period(kind, at=at)
    argument = {"period": kind, "first": period.first, "authority": actor.organisation.id}
    enqueue(KIND, argument, at=at, actor=actor)
    write_audit(actor, "report.ask", f"report:{kind}:{period.first}", at=at)


def list_reports(actor: Actor) -> Sequence[AuthorityReport]:
    """The authority's reports, the newest first. Raises NotAllowed."""
    scope_of(actor)
    query = (
        select(AuthorityReport)
        .where(AuthorityReport.authority_id == actor.organisation.id)
        .order_by(AuthorityReport.last_day.desc(), AuthorityReport.id.desc())
        .limit(LIST)
    )
    return db.session.scalars(query).all()


def get_report(actor: Actor, report_id: int) -> AuthorityReport:
    """One of them. Raises NotAllowed, NotFound."""
    scope_of(actor)
    found = db.session.get(AuthorityReport, report_id)
    if found is None or found.authority_id != actor.organisation.id:
        raise NotFound
    return found


def figures_of(report: AuthorityReport) -> dict[str, Any]:
    """What was kept."""
    found: dict[str, Any] = orjson.loads(report.figures)
    return found


def _figures(authority: Organisation, period: Period, at: datetime) -> dict[str, Any]:
    scope = authority_scope(authority)
    covered = coverage(scope, period)
    k = number_of("smallest_cell")
    first, last = period.dates
    return {
        "v": 1,
        "authority": authority.name,
        "authority_en": authority.name_en or authority.name,
        "areas": sorted(scope.areas),
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "made": at.astimezone(LOCAL).isoformat(timespec="minutes"),
        "measures": {
            name: {"now": trend.now, "before": trend.before, "days": list(trend.days)}
            for name, trend in trends(scope, period).items()
        },
        "coverage": {
            "kinds": {kind: dict(states) for kind, states in sorted(covered.kinds.items())},
            "recording": list(RECORDING),
            "active": covered.active,
            "wards": covered.wards,
            "empty": [ward.code for ward in covered.empty],
        },
        "parts": {name: numbers(part(name, scope, period)) for name in PARTS},
        "directives": _directives(authority, period),
        "cells": [
            [c.area, c.province, c.measure, c.count] for c in open_data.cells(scope, period, k)
        ],
        "k": k,
        "licence": text_of("licence"),
        "source": f"{authority.name}, {current_settings().public_url}",
    }


def _directives(authority: Organisation, period: Period) -> dict[str, int]:
    """Directives sent in the period: units written to, that answered, that still owe."""
    rows = (
        db.session.execute(
            select(DirectiveUnit.state)
            .join(Directive, Directive.id == DirectiveUnit.directive_id)
            .where(
                Directive.authority_id == authority.id,
                Directive.created_at >= period.since,
                Directive.created_at < period.until,
            )
        )
        .scalars()
        .all()
    )
    return {
        "units": len(rows),
        "answered": sum(state in ("answered", "accepted") for state in rows),
        "owed": sum(state in OWED for state in rows),
    }
