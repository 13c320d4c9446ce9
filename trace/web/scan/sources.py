"""Where a scan is read: from a replica as long as it keeps up, otherwise from the primary.

What a replica says is taken as `services.replicas` rules. Without replicas this is one comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

import psycopg
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from trace.extensions import db
from trace.services.outages import DatabaseAway, is_outage
from trace.services.replicas import AWAY, Replica
from trace.web.scan import rows

Answer = TypeVar("Answer")
SOON: Final = 0.1  # seconds: a primary that is well has answered many by then


def engine_of(app: Flask) -> Engine:
    """The application's engine; asked once, for that needs its context."""
    found: Engine | None = app.extensions.get("trace.scan.engine")
    if found is None:
        with app.app_context():
            found = app.extensions["trace.scan.engine"] = db.engine
    return found


def replica_of(app: Flask) -> Replica | None:
    """The application's replicas, which ask the primary from now on; None where there are none."""
    found: Replica | None = app.extensions["trace.replica"]
    return None if found is None else found.start(engine_of(app))


def read(app: Flask, asked: rows.Asked, now: int) -> rows.Reading:
    """All that is read of a printed address; `as_of` says that it is not of now. `now` in
    milliseconds. Raises DatabaseAway, and what the primary's driver raises."""
    replica = replica_of(app)
    if replica is None:
        return rows.read(engine_of(app), asked, now)
    told = _from(replica, asked, now)
    found = None if told is None else told.found
    if told is not None and found is not None and replica.accepts(found.beat, found.notices, now):
        return told
    if not replica.away:
        # Who has no replica's answer to fall back on waits for as long as there may be a primary.
        with replica.turn(SOON if told is not None else AWAY) as mine:
            if mine:
                return rows.read(engine_of(app), asked, now)
    if told is None or found is None:
        raise DatabaseAway  # "unknown" is said by the primary only
    return replace(told, as_of=max(found.beat, 1))


def _from(replica: Replica, asked: rows.Asked, now: int) -> rows.Reading | None:
    """What the replica says, if it answers."""
    return _asked(replica, lambda: rows.read(replica.engine, asked, now))


def _asked(replica: Replica, ask: Callable[[], Answer]) -> Answer | None:
    """What the replica answers, if it is to be asked and does."""
    if replica.rests():
        return None
    try:
        answer = ask()
    except (SQLAlchemyError, psycopg.Error) as error:
        if not is_outage(error):
            raise
        replica.rest()
        return None
    replica.answered()
    return answer


def is_known(app: Flask, asked: rows.Asked, now: int) -> bool:
    """Whether there is anything with a history under an address, or a stamp was issued. What a
    replica knows is known; whatever else it says of it does not matter here. Raises what `read`
    raises."""
    replica = replica_of(app)
    if replica is None:
        return _known(engine_of(app), asked, now)
    if _asked(replica, lambda: _known(replica.engine, asked, now)):
        return True
    if replica.away:
        raise DatabaseAway
    return _known(engine_of(app), asked, now)


def _known(engine: Engine, asked: rows.Asked, now: int) -> bool:
    found = rows.find(engine, asked, now)
    if found is None and asked.identity.kind == "unit":
        return rows.find_stamp(engine, asked)[0] is not None
    return found is not None and found.kind in rows.HISTORIES
