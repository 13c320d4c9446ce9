"""Every statement of the database against its own log: nothing that was edited passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson
from sqlalchemy import func, select

from trace.core.statements import KeyEntry, Keyrings, parse_entry
from trace.core.verify.mirror import Problem
from trace.core.verify.signed import SignedRow, audit_statements, known_keys
from trace.extensions import db
from trace.models import Event, LogEntry, LogState, Organisation
from trace.services.keys import root_public
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation


def statement_count() -> int:
    """How many statements are in the log."""
    query = select(func.count()).select_from(LogEntry).where(LogEntry.event_id.is_not(None))
    return db.session.scalar(query) or 0


def audit_stored(
    *, workers: int = 1, progress: Callable[[int], None] = lambda done: None
) -> tuple[int, tuple[Problem, ...]]:
    """(statements checked, problems); of every log that this database began, in order."""
    states = db.session.scalars(select(LogState).order_by(LogState.id)).all()
    ends = [state.start for state in states[1:]]
    count, problems = 0, list[Problem]()
    for state, end in zip(states, [*ends, None], strict=True):
        keys = known_keys(_keyrings(state.origin, state.start, end))

        def told(done: int, before: int = count) -> None:
            progress(before + done)

        done, found = audit_statements(
            _rows(state.start, end), keys, workers=workers, progress=told
        )
        count += done
        problems += found
    return count, tuple(problems)


def _keyrings(origin: str, start: int, end: int | None) -> Keyrings:
    """All keys, replayed from the log alone. Raises BadKeyEntry for a log that does not hold."""
    authorities = db.session.scalars(
        select(Organisation.code).where(Organisation.kind == "authority")
    )
    keyrings = Keyrings(
        origin,
        root_public(),
        issuer_of(platform_organisation().code),
        frozenset(issuer_of(code) for code in authorities),
    )
    query = (
        select(LogEntry.index, LogEntry.entry)
        .where(LogEntry.index >= start, LogEntry.entry.startswith('{"v":1,"type":"key"'))
        .order_by(LogEntry.index)
    )
    if end is not None:
        query = query.where(LogEntry.index < end)
    for place, entry in db.session.execute(query):
        parsed = parse_entry(entry.encode())
        if isinstance(parsed, KeyEntry):
            keyrings.apply(place - start, parsed)
    return keyrings


def _rows(start: int, end: int | None) -> Iterator[SignedRow]:
    query = (
        select(LogEntry.index, LogEntry.entry, Event.jwt, Event.disclosures)
        .join(Event, Event.id == LogEntry.event_id)
        .where(LogEntry.index >= start)
        .order_by(LogEntry.index)
    )
    if end is not None:
        query = query.where(LogEntry.index < end)
    rows = db.session.execute(query.execution_options(yield_per=2000))
    for place, entry, jwt, disclosures in rows:
        yield SignedRow(place - start, entry.encode(), jwt, tuple(orjson.loads(disclosures)))
