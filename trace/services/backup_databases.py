"""Both databases copied in one state while they are in use, and put back into an empty one.

SQLite by its online backup (one read transaction: writers go on, the copy has no journal beside
it); PostgreSQL by its own pg_dump and pg_restore, which are given the address by the environment:
the list of processes shows everybody what stands on a command line.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text

from trace.config import environment
from trace.errors import TraceError
from trace.extensions import db

DATABASES: Final = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
_STATE: Final = "SELECT id, origin, size, integrated FROM log_state ORDER BY id DESC LIMIT 1"
_SCHEMA: Final = "SELECT version_num FROM alembic_version"
# Parameters of an address that PostgreSQL's programs know by these variables (libpq, "Environment
# Variables").
_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "application_name": "PGAPPNAME",
}


class DatabaseNotCopied(TraceError):
    code = "database-not-copied"
    status = 409
    message = "The database was not copied or put back: %(reason)s."


@dataclass(frozen=True, slots=True)
class Held:
    """A database's state: its schema, the newest log's number and name, its entries, and how many
    of them are under a signed checkpoint."""

    schema: str
    number: int
    origin: str
    entries: int
    integrated: int


def copy_database(folder: Path) -> tuple[str, Held]:
    """Copies the application's database; which kind it is, and the state of the copy. Raises
    DatabaseNotCopied."""
    kind = db.engine.dialect.name
    target = folder / DATABASES[kind]
    held = _copy_sqlite(target) if kind == "sqlite" else _copy_postgresql(target)
    target.chmod(0o600)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return kind, held


def restore_database(folder: Path, kind: str) -> Held:
    """Puts a copy into the application's database, which must be empty and of the same kind; the
    state found then. Raises DatabaseNotCopied."""
    here = db.engine.dialect.name
    if here != kind:
        raise DatabaseNotCopied(reason=f"the backup is of {kind}, the database here is {here}")
    with db.engine.connect() as connection:
        if kind == "postgresql":
            _check_straight(connection)
        if db.inspect(connection).get_table_names():
            raise DatabaseNotCopied(reason="the database here is not empty")
    db.session.remove()
    db.engine.dispose()
    source = folder / DATABASES[kind]
    if kind == "sqlite":
        _restore_sqlite(source)
    else:
        arguments = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
        environment = _environment()
        _run("pg_restore", *arguments, "--dbname", environment["PGDATABASE"], str(source))
    with db.engine.connect() as connection:
        return _held(
            connection.execute(text(_SCHEMA)).first(), connection.execute(text(_STATE)).first()
        )


def check_empty(kind: str) -> None:
    """Raises DatabaseNotCopied unless the application's database is of this kind and empty."""
    here = db.engine.dialect.name
    if here != kind:
        raise DatabaseNotCopied(reason=f"the backup is of {kind}, the database here is {here}")
    with db.engine.connect() as connection:
        if db.inspect(connection).get_table_names():
            raise DatabaseNotCopied(reason="the database here is not empty")


def _held(schema: Iterable[Any] | None, state: Iterable[Any] | None) -> Held:
    if schema is None or state is None:
        raise DatabaseNotCopied(reason="it holds no log")
    (version,) = schema
    return Held(version, *state)


def _copy_sqlite(target: Path) -> Held:
    try:
        with (
            closing(sqlite3.connect(f"{_sqlite_file().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise DatabaseNotCopied(reason=f"SQLite says of its copy: {found}")
            return _held(copy.execute(_SCHEMA).fetchone(), copy.execute(_STATE).fetchone())
    except sqlite3.Error as error:
        raise DatabaseNotCopied(reason=f"SQLite says: {error}") from None


def _restore_sqlite(source: Path) -> None:
    target = _sqlite_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    for left in (f"{target.name}-wal", f"{target.name}-shm"):
        target.with_name(left).unlink(missing_ok=True)
    fresh.replace(target)


def _sqlite_file() -> Path:
    return Path(db.engine.url.database or "").absolute()


def _copy_postgresql(target: Path) -> Held:
    """pg_dump reads the very state of which the log's size is told."""
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        _check_straight(connection)
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        held = _held(
            connection.execute(text(_SCHEMA)).first(), connection.execute(text(_STATE)).first()
        )
        arguments = ("--format=custom", "--no-owner", "--no-privileges", "--no-password")
        _run("pg_dump", *arguments, f"--snapshot={snapshot}", f"--file={target}")
    return held


def _check_straight(connection: Connection) -> None:
    """pg_dump and pg_restore change settings of their session. Through a pooler, which shares
    sessions, these would stay for whoever is given the session next: to the application its tables
    would be gone. Raises DatabaseNotCopied."""
    own: Any = connection.connection.driver_connection
    if connection.scalar(text("SELECT pg_backend_pid()")) != own.info.backend_pid:
        raise DatabaseNotCopied(
            reason="its address leads to a pooler; give this command the database's own"
        )


def _environment() -> dict[str, str]:
    url = db.engine.url
    told: dict[str, Any] = {
        "PGDATABASE": url.database,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGHOST": url.host,
        "PGPORT": url.port,
    }
    for name, value in url.query.items():
        variable = _VARIABLES.get(name)
        if variable is None:
            raise DatabaseNotCopied(reason=f"what {name} means in its address is not known here")
        told[variable] = value if isinstance(value, str) else ",".join(value)
    return {name: str(value) for name, value in told.items() if value is not None}


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise DatabaseNotCopied(
            reason=f"{program} is not installed (Debian: apt-get install postgresql-client)"
        )
    answer = subprocess.run(  # noqa: S603 (a program of the system, arguments of ours)
        [found, *arguments],
        env=environment(**_environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        first = next(iter(answer.stderr.strip().splitlines()), f"status {answer.returncode}")
        raise DatabaseNotCopied(reason=f"{program} says: {first}")
