"""How often something was tried: counted in the database, so that all workers count together.

A window is fixed: it begins with the first try and ends a while later. One that ends later than one
begun now would was begun by a clock that was ahead, and counts no more: nobody is kept out for as
long as that clock was wrong. Keys are HMACs under our secret: the table names no number and no
network address. Counting is committed by itself, on a connection of its own: what is refused is
rolled back, and must be counted all the same. So it is never done while the caller's own
transaction has written something (SQLite has one writer).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import case, delete, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from trace.extensions import db
from trace.models import Counter
from trace.services.clock_check import APART
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings


def counter_key(*names: str) -> bytes:
    """32 bytes that stand for what is counted."""
    secret = current_settings().secret_key.encode()
    return hmac.new(secret, b"trace counter\n" + "\n".join(names).encode(), hashlib.sha256).digest()


def hit(key: bytes, window: timedelta, *, at: datetime, by: int = 1) -> None:
    """Counts `by` more; a new window begins where the last one is over. Commits by itself."""
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    values = {"key": key, "count": by, "ends_at": at + window}
    over = or_(Counter.ends_at <= at, Counter.ends_at > at + window + APART)
    with db.engine.begin() as connection:
        connection.execute(
            insert(Counter)
            .values(values)
            .on_conflict_do_update(
                index_elements=[Counter.key],
                set_={
                    "count": case((over, by), else_=Counter.count + by),
                    # Typed: PostgreSQL would take a bare moment for a timestamp.
                    "ends_at": case(
                        (over, literal(at + window, Counter.ends_at.type)), else_=Counter.ends_at
                    ),
                },
            )
        )


def tries(key: bytes, *, at: datetime, window: timedelta | None = None) -> tuple[int, datetime]:
    """(how many in the running window, when it ends); (0, `at`) where none runs. Without a `window`
    any that is not over counts, whoever's clock began it."""
    running = select(Counter.count, Counter.ends_at).where(Counter.key == key, Counter.ends_at > at)
    if window is not None:
        running = running.where(Counter.ends_at <= at + window + APART)
    with db.engine.connect() as connection:
        row = connection.execute(running).one_or_none()
    return (row[0], row[1]) if row is not None else (0, at)


def forget(key: bytes) -> None:
    """Starts again from none. Commits by itself."""
    with db.engine.begin() as connection:
        connection.execute(delete(Counter).where(Counter.key == key))


def forget_over(*, at: datetime) -> None:
    """Drops windows that are over; the caller commits."""
    db.session.execute(delete(Counter).where(Counter.ends_at <= at))
