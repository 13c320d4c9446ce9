"""How long rows stay, table by table, and what takes them away.

Rules.
1. What is signed, logged or audited is never deleted: events, their index and keys, the log, the
   audit. So is what people keep as their own: it goes when they take it away, or close.
2. What only served a purpose goes when the purpose is over; `RULES` says when, and the worker does
   it every hour, some thousands of rows at a time.
3. Sums of scans keep their day for thirteen months, and their month for ever: then the days of a
   month become its first day. No sum changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, and_, delete, func, select, text, tuple_

from trace.extensions import Model, db
from trace.models import (
    ContactCode,
    Counter,
    IdempotencyKey,
    Job,
    Lease,
    ScanCount,
    ScanCursor,
    Session,
)
from trace.services import partitions
from trace.services.scans import LOCAL
from trace.services.scheduled_reports import KIND as REPORTS
from trace.services.sets import is_sqlite
from trace.services.weekly import KIND as WEEKLY

AT_ONCE: Final = 5000  # rows of one table in one go: a lock held for a moment
DAYS: Final = 400  # of sums of scans: thirteen months
# Asked once for each week or year: known by their job (services.weekly, scheduled_reports).
ONCE: Final = (WEEKLY, REPORTS)


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of a table for which `over` holds go; `kept` says in words how long they stay."""

    table: str
    kept: str
    over: Callable[[datetime], ColumnElement[bool]]


def _ended(before: datetime) -> ColumnElement[bool]:
    return and_(Job.state.in_(("done", "failed")), Job.run_after < before)


RULES: Final = (
    Rule(
        "jobs",
        "an organisation's 90 days after it was due, the platform's own 30, those that tell what "
        "was asked for a week or a year already 400",
        lambda at: and_(
            _ended(at - timedelta(days=30)),
            (Job.run_after < at - timedelta(days=400))
            | Job.kind.not_in(ONCE)
            & (Job.organisation_id.is_(None) | (Job.run_after < at - timedelta(days=90))),
        ),
    ),
    Rule(
        "idempotency_keys",
        "400 days: a phone that was away for a season may still repeat what it sent",
        lambda at: IdempotencyKey.created_at < at - timedelta(days=400),
    ),
    Rule("counters", "until their window is over", lambda at: Counter.ends_at <= at),
    Rule("sessions", "until they are over", lambda at: Session.expires_at <= at),
    Rule(
        "contact_codes",
        "a day after they are over",
        lambda at: ContactCode.expires_at < at - timedelta(days=1),
    ),
    Rule("leases", "a day after they are over", lambda at: Lease.until < at - timedelta(days=1)),
    Rule(
        "scan_cursors",
        "30 days after the last use",
        lambda at: ScanCursor.stored_at < at - timedelta(days=30),
    ),
)

# Done where the noun is, by the same hour's tidying: table, how long, by what.
ELSEWHERE: Final = (
    ("scan_visits, scan_salts", "until the day is over", "services.scans"),
    ("unit_scans", "60 days, the latest 32 of a package", "services.scans"),
    ("scans", "13 months by day, for ever by month", "services.retention"),
    ("sensor_readings", "two years, once an event told them", "services.sensors_readings"),
    ("notifications, deliveries", "400 days", "services.notifications"),
    ("portal_deliveries", "90 days the document, for ever the rest", "services.public_copies"),
    ("import_rows", "30 days", "services.imports"),
    ("follows", "until what was followed is over", "services.follows"),
    ("requests", "what was typed 90 days after closing", "services.requests"),
    ("application_papers", "90 days after the decision", "services.applications"),
    ("reports", "who reported 90 days after the end", "services.citizen_reports"),
    ("recall_holders", "names and what was said two years after the end", "services.subjects_desk"),
    ("directives", "texts five years after the end", "services.keeping"),
    ("authority_reports", "ten years", "services.keeping"),
    ("memberships", "of who closed, until the time to read is over", "services.closing"),
    ("takedowns", "the photo 90 days, for ever that it was", "services.takedowns"),
)


def forget(*, at: datetime) -> int:
    """Takes away what is over, at most AT_ONCE rows of each table; how many. The caller commits."""
    return sum(_forget(rule, at) for rule in RULES) + fold_scans(at=at)


def waiting(*, at: datetime) -> list[tuple[Rule, int]]:
    """How many rows of each table are over and still there."""
    return [
        (rule, db.session.scalar(select(func.count()).where(rule.over(at))) or 0) for rule in RULES
    ]


def _table(rule: Rule) -> Table:
    return Model.metadata.tables[rule.table]


def _forget(rule: Rule, at: datetime) -> int:
    table = _table(rule)
    key = list(table.primary_key)
    old = select(*key).where(rule.over(at)).limit(AT_ONCE)
    rows = db.session.execute(old).all()
    if not rows:
        return 0  # looking takes no write lock
    # What changed meanwhile is not over any more.
    chosen = key[0].in_([row[0] for row in rows]) if len(key) == 1 else _pairs(key, rows)
    gone = db.session.execute(
        delete(table).where(chosen, rule.over(at)).execution_options(synchronize_session=False)
    )
    return int(cast("Any", gone).rowcount)


def _pairs(key: list[Any], rows: Any) -> ColumnElement[bool]:
    return tuple_(*key).in_([tuple(row) for row in rows])


def fold_scans(*, at: datetime) -> int:
    """Rule 3, the oldest month that has days; how many rows became sums. The caller commits."""
    until = (at.astimezone(LOCAL).date() - timedelta(days=DAYS)).replace(day=1)
    month = "date(day, 'start of month')" if is_sqlite() else "date_trunc('month', day)::date"
    oldest = db.session.scalar(
        select(func.min(ScanCount.day)).where(ScanCount.day < until, text(f"day <> {month}"))
    )
    if oldest is None:
        return 0
    span = {"begin": oldest.replace(day=1), "end": _next(oldest)}
    given = {name: day.isoformat() if is_sqlite() else day for name, day in span.items()}
    where = f"day >= :begin AND day < :end AND day <> {month}"
    take = f"DELETE FROM scans WHERE {where}"  # noqa: S608 (words of ours)

    def add(source: str) -> str:
        return (
            "INSERT INTO scans (thing_id, day, ward_code, count) "  # noqa: S608 (words of ours)
            f"SELECT thing_id, {month}, ward_code, sum(count) FROM {source} GROUP BY 1, 2, 3 "
            "ON CONFLICT (thing_id, day, ward_code) "
            "DO UPDATE SET count = scans.count + excluded.count"
        )

    if is_sqlite():  # one writer: nobody folds between the two
        db.session.execute(text(add(f"scans WHERE {where}")), given)
        return int(cast("Any", db.session.execute(text(take), given)).rowcount)
    # Two may be at it: each adds what itself took away, and nothing else.
    gone = f"WITH gone AS ({take} RETURNING *), added AS ({add('gone')})"
    folded = text(f"{gone} SELECT count(*) FROM gone")  # noqa: S608 (words of ours)
    return int(db.session.execute(folded, given).scalar_one())


def _next(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def make_room(*, at: datetime) -> int:
    """Parts of partitioned tables: those to come are made, those of visitors whose day is over
    emptied. Commits by itself."""
    return partitions.make_ahead(at=at) + partitions.empty_before(
        "scan_visits", at.astimezone(LOCAL).date()
    )
