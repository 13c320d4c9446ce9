"""Days of the audit log in the public log: closed once, and an edit afterwards is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from tests.support.intruder import without_guards
from trace.core.statements import parse_entry
from trace.core.statements.entries import AuditEntry
from trace.jobs.tidying import tidy
from trace.jobs.worker import publish
from trace.models import Audit, LogEntry
from trace.services.audit import write_audit
from trace.services.audit_days import log_days
from trace.services.audits import Summary, audit
from trace.services.capture import capture

Session = scoped_session[Any]
DAY = timedelta(days=1)


def logged(session: Session) -> list[AuditEntry]:
    lines = session.scalars(select(LogEntry.entry).order_by(LogEntry.index))
    parsed = [parse_entry(line.encode()) for line in lines]
    return [entry for entry in parsed if isinstance(entry, AuditEntry)]


def rows_of(session: Session, moment: datetime) -> int:
    begin = moment.replace(hour=0, minute=0, second=0)
    query = select(func.count()).select_from(Audit)
    return int(session.scalar(query.where(Audit.at >= begin, Audit.at < begin + DAY)) or 0)


def test_a_day_is_logged_once_an_hour_after_its_end(db_session: Session, now: datetime) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    db_session.commit()
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert log_days(at=midnight + timedelta(minutes=59)) == 0
    assert log_days(at=midnight + timedelta(minutes=60)) == 1
    assert log_days(at=midnight + timedelta(minutes=61)) == 0
    db_session.commit()
    (entry,) = logged(db_session)
    assert entry.day == now.date()
    assert entry.rows == rows_of(db_session, now) > 0


def test_days_without_rows_have_no_entry_and_the_worker_catches_up(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    for days in (0, 1, 5):
        capture(actor, [registered(new_lot())], at=now + days * DAY)
    db_session.commit()
    assert tidy(at=now + 9 * DAY)["audit_days"] == 3
    assert [(e.day - now.date()).days for e in logged(db_session)] == [0, 1, 5]
    assert tidy(at=now + 9 * DAY)["audit_days"] == 0


@pytest.mark.parametrize("action", ["household.change", "capture"])
@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("UPDATE audit SET person_id = NULL, subject = 'khác' WHERE id = :row", "digest"),
        ("UPDATE audit SET detail = '{}' WHERE id = :row", "digest"),
        ("UPDATE audit SET at = at + 1 WHERE id = :row", "digest"),
        ("UPDATE audit SET at = at + 86400000 WHERE id = :row", "rows"),
        ("DELETE FROM audit WHERE id = :row", "rows"),
    ],
)
def test_an_edit_of_a_closed_day_is_named(
    db_session: Session, now: datetime, change: str, column: str, action: str
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    write_audit(actor, "household.change", "7K3QMP2XV4", at=now, fields=["name"])
    db_session.commit()
    log_days(at=now + 2 * DAY)
    db_session.commit()
    publish("test")
    later = now + 2 * DAY
    assert list(audit(Summary(), now=later)) == []
    row = db_session.scalar(select(func.max(Audit.id)).where(Audit.action == action))
    with without_guards(["audit"]):
        db_session.execute(text(change), {"row": row})
        db_session.commit()
        found = [f for f in audit(Summary(), now=later) if f.table == "audit"]
    assert [(f.row, f.column) for f in found] == [(now.date().isoformat(), column)]
