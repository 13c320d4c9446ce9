"""A database that does not answer now: told from one that refuses, so that whoever asked may ask
again.

What is an outage (the caller may repeat the request, with the same idempotency key):

1. the connection is gone or was never there: class 08, no code at all, a pool of ours that is
   empty; PgBouncer tells all its troubles as 08P01 ("server login has been failing",
   "query_wait_timeout");
2. the server goes down, comes up, or was made another's copy: 57P01 to 57P03, 25006 (a write that
   reached a replica);
3. two transactions were in each other's way, or a lock was waited for too long: 40001, 40P01,
   55P03;
4. the server is out of something: class 53;
5. SQLite: locked or busy for longer than we wait, a disk that takes no more or is read-only.

Codes: PostgreSQL, appendix A. A commit whose answer was lost is an outage too: whether it happened
is unknown, and the repeated key tells.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolEmpty

from trace.errors import TraceError

RETRY_AFTER: Final = 5  # seconds; writes are back within thirty after a primary died
CLASSES: Final = ("08", "53")
CODES: Final = frozenset({"57P01", "57P02", "57P03", "25006", "40001", "40P01", "55P03"})
SQLITE: Final = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL),
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN),
    }
)
# What work in the background catches: it waits, whatever it was, and tries again. A write that
# reached a replica (25006) is an InternalError to the driver.
OUTAGES: Final = (OperationalError, InterfaceError, InternalError, PoolEmpty)


class DatabaseAway(TraceError):
    code = "database-away"
    status = 503
    message = "The records do not answer at the moment."
    next_step = "Send it again in a few seconds; what was acknowledged is kept."


def is_outage(error: BaseException) -> bool:
    """Whether the same request may succeed in a few seconds."""
    if isinstance(error, PoolEmpty | DatabaseAway):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_outage(error.orig or ValueError())
    if isinstance(error, psycopg.Error):
        return _is_postgresql(error)
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in SQLITE
    return False


def _is_postgresql(error: psycopg.Error) -> bool:
    state = error.sqlstate
    if state is None:
        # Said by the driver itself. A server that dies in the middle of its answer is heard as a
        # broken protocol: "received 2 results from command 'BEGIN'".
        return isinstance(
            error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError
        )
    return state in CODES or state[:2] in CLASSES
