"""What a failing database says, sorted: ask again, or a mistake of ours."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolEmpty

from trace.services.outages import is_outage


class PoolerSays(psycopg.OperationalError):
    sqlstate = "08P01"


def full_disk() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def busy_snapshot() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY | 2 << 8  # an extended code: BUSY_SNAPSHOT
    return error


def no_such_table() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("no such table: lots")
    error.sqlite_errorcode = sqlite3.SQLITE_ERROR
    return error


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection timeout expired"),
        psycopg.InternalError("received 2 results from command 'BEGIN'"),
        PoolerSays("server login has been failing, try again later (server_login_retry)"),
        errors.AdminShutdown("terminating connection"),
        errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"),
        errors.DeadlockDetected("deadlock detected"),
        errors.TooManyConnections("sorry, too many clients already"),
        errors.DiskFull("could not extend file"),
        PoolEmpty("QueuePool limit reached"),
        full_disk(),
        busy_snapshot(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_succeed_in_a_few_seconds_is_an_outage(error: Exception) -> None:
    assert is_outage(error)
    assert is_outage(OperationalError("INSERT", {}, error))  # as SQLAlchemy wraps it


@pytest.mark.parametrize(
    "error",
    [
        errors.UniqueViolation("duplicate key"),
        errors.UndefinedTable("no such table"),
        errors.SyntaxError("near SELECT"),
        errors.NumericValueOutOfRange("too large"),
        psycopg.ProgrammingError("the query has 1 placeholder"),
        no_such_table(),
        ValueError("something else"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_fail_again_is_none(error: Exception) -> None:
    assert not is_outage(error)
    assert not is_outage(IntegrityError("INSERT", {}, error))


def test_a_connection_that_was_found_dead_is_an_outage_whatever_was_said() -> None:
    dead = DBAPIError("SELECT", {}, Exception("?"), connection_invalidated=True)
    assert is_outage(dead)
