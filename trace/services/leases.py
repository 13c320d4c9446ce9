"""Which of several workers does what one does for all: a row each, taken by a conditional update.

A lease is no lock: what is done under one may be done twice without harm, only not by everybody all
the time. Who took it and died is followed by another when it is over. The database is enough for
that, and it is there whenever there is anything to do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlalchemy.dialects import postgresql, sqlite

from trace.extensions import db
from trace.models import Lease
from trace.services.sets import is_sqlite


def take(name: str, holder: str, span: timedelta, *, at: datetime) -> bool:
    """Whether `holder` has the lease until `at` + `span`: it is free, over, or was its own. Commits
    by itself, on a connection of its own: never while the caller has written something."""
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    wanted = insert(Lease).values(name=name, holder=holder, until=at + span)
    with db.engine.begin() as connection:
        taken = connection.execute(
            wanted.on_conflict_do_update(
                index_elements=[Lease.name],
                set_={"holder": wanted.excluded.holder, "until": wanted.excluded.until},
                # Longer than any was given: by a clock that was wrong.
                where=or_(Lease.until <= at, Lease.until > at + span, Lease.holder == holder),
            ).returning(Lease.name)
        ).one_or_none()
    return taken is not None
