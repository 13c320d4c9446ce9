"""The audit log's days in the public log: afterwards nobody rewrites who did what unnoticed.

Of each day (UTC) with rows an `audit` entry holds their number and a digest: base64url SHA-256 of
one line a row, in the order of their numbers, each the JSON array `[number, milliseconds since
1970, organisation, person, action, subject, detail]` and a line feed (formats, section 3). It says
nothing of what the rows tell. A day is closed an hour after its end, when nothing that began in it
is still being written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, cast

import orjson
from sqlalchemy import func, select

from trace.core.signing import b64url
from trace.core.statements import parse_entry
from trace.core.statements.entries import AuditEntry, audit_entry
from trace.extensions import db
from trace.models import Audit, LogEntry
from trace.models.types import to_millis
from trace.services import log

CLOSING: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# How an entry of this type begins: its members have one order (formats, section 3).
BEGINNING: Final = '{"v":1,"type":"audit",'


def log_days(*, at: datetime) -> int:
    """Logs every closed day that is not in the log yet; returns how many. Takes the log lock last;
    the caller commits."""
    days = list(_closed_days(_last_logged(), at))
    if not days:
        return 0
    made = [(day, *digest_of(day)) for day in days]
    state = log.lock()
    # Asked again under the lock: of two workers one comes second.
    logged = _last_logged()
    made = [one for one in made if logged is None or one[0] > logged]
    now = log.record_time(state, at)
    log.append(state, [(audit_entry(now, *one), None) for one in made], at)
    return len(made)


def digest_of(day: date) -> tuple[int, str]:
    """(number of rows, digest) of a day of the audit log as it is stored now."""
    begin = _beginning(day)
    rows = db.session.execute(
        select(
            Audit.id,
            Audit.at,
            Audit.organisation_id,
            Audit.person_id,
            Audit.action,
            Audit.subject,
            Audit.detail,
        )
        .where(Audit.at >= begin, Audit.at < begin + DAY)
        .order_by(Audit.id)
        .execution_options(yield_per=1000)
    )
    count, digest = 0, hashlib.sha256()
    for number, moment, *rest in rows:
        digest.update(orjson.dumps([number, to_millis(moment), *rest]) + b"\n")
        count += 1
    return count, b64url(digest.digest())


def _closed_days(logged: date | None, at: datetime) -> Iterator[date]:
    """Days with rows after the last logged one that are over."""
    over = (at - CLOSING).astimezone(UTC).date()
    after = None if logged is None else logged + DAY
    while True:
        query = select(func.min(Audit.at))
        if after is not None:
            query = query.where(Audit.at >= _beginning(after))
        first = db.session.scalar(query)
        if first is None or (day := first.astimezone(UTC).date()) >= over:
            return
        yield day
        after = day + DAY


def _last_logged() -> date | None:
    # Backwards from the newest: there is one for nearly every day, so few are looked at.
    line = db.session.scalar(
        select(LogEntry.entry)
        .where(LogEntry.event_id.is_(None), LogEntry.entry.startswith(BEGINNING, autoescape=True))
        .order_by(LogEntry.index.desc())
        .limit(1)
    )
    if line is None:
        return None
    return cast("AuditEntry", parse_entry(line.encode())).day


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
