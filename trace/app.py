"""The one place where parts meet."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog
from flask import Flask
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout as WaitTimeout
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from structlog.typing import EventDict
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter

import trace.models  # noqa: F401  (tables must be known before anything asks for them)
from trace.api import register_interfaces
from trace.cli import register_commands
from trace.config import Settings
from trace.extensions import babel, csrf, db, limiter, migrate
from trace.services.replicas import ON_REPLICA, Replica
from trace.services.shared import OPTIONS, prefix_of
from trace.web import register_pages
from trace.web.hot import Application, guarded, spare
from trace.web.i18n import FragmentDomain, select_locale
from trace.web.problems import register_problems
from trace.web.standing_in import stand_in

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = 3.0  # seconds that a replica has for an answer


class RowNumber(IntegerConverter):
    """Whole numbers in addresses: not found beyond what a database can hold (64 bits)."""

    def __init__(self, url_map: Map, *arguments: Any, **options: Any) -> None:
        super().__init__(url_map, *arguments, **{"max": 2**63 - 1, **options})


class Words(UnicodeConverter):
    """Words in addresses: not found with a zero byte, which no text of PostgreSQL may hold."""

    def __init__(self, url_map: Map, *arguments: Any, **options: Any) -> None:
        super().__init__(url_map, *arguments, **options)
        self.regex = self.regex.replace("[^/]", r"[^/\0]")


def create_app(settings: Settings | None = None) -> Flask:
    """The application for these settings (from the environment where none are given)."""
    settings = settings or Settings.from_env()
    _configure_logs()
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Application(
        "trace",
        root_path=str(ROOT / "trace"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        instance_path=str(settings.instance),
    )
    app.extensions["trace.settings"] = settings
    app.url_map.converters.update(int=RowNumber, string=Words, default=Words)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        TESTING=settings.testing,
        WTF_CSRF_TIME_LIMIT=None,  # a form kept open over a working day must still be sendable
        RATELIMIT_ENABLED=not settings.testing,
        # While Redis is away each process counts for itself: limits widen, none falls away.
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_STORAGE_OPTIONS=dict(OPTIONS) if settings.redis_url else {},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=bool(settings.redis_url),
        RATELIMIT_KEY_PREFIX=prefix_of(settings),
        BABEL_DEFAULT_LOCALE="vi",
        BABEL_DEFAULT_TIMEZONE="Asia/Ho_Chi_Minh",
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    db.init_app(app)
    with app.app_context():
        _prepare_engine(db.engine)
    app.extensions["trace.replica"] = _replica(settings)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    csrf.init_app(app)
    limiter.init_app(app)
    if settings.proxies:
        # Whom limits count. Only the address: scheme and host are those of the settings.
        proxied = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0)
        app.wsgi_app = proxied  # type: ignore[method-assign]  # Flask's own way to wrap
    babel.init_app(app, locale_selector=select_locale)
    # Flask-Babel takes a domain by name only; ours has none, it is made of fragments.
    babel.domain_instance = FragmentDomain()
    register_problems(app)
    register_pages(app)
    stand_in(app)
    register_interfaces(app)
    register_commands(app)
    app.after_request(guarded)
    spare(app)
    return app


def _configure_logs() -> None:
    """One JSON object a line on standard error: for machines first, and no personal data in it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_values,
            structlog.processors.JSONRenderer(),
        ],
        # Standard error as it is when something is said: it may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


# PostgreSQL adds the values of the row to its messages: "DETAIL:  Key (phone)=(…) already exists."
_SERVER_VALUES = re.compile(r"^(DETAIL|CONTEXT|QUERY):.*$", re.MULTILINE)


def without_values(_logger: object, _name: str, entry: EventDict) -> EventDict:
    """A log line whose exception tells what went wrong where, not with whose data."""
    if isinstance(entry.get("exception"), str):
        entry["exception"] = _SERVER_VALUES.sub(r"\1: (left out)", entry["exception"])
    return entry


def engine_options(url: str, *, replica: bool = False) -> dict[str, Any]:
    """Options of the engine for a database address. Nobody waits long for a replica: there is the
    primary."""
    # hide_parameters: an error's text goes to the log, and the values of its statement would go
    # along: names, phone numbers, hashes of passwords.
    if url.startswith("sqlite"):
        # IMMEDIATE: the write lock is taken by the first writing statement, and reads before it
        # hold nothing. A deferred transaction that reads first cannot become a writer later when
        # another has written meanwhile.
        options = {"isolation_level": "IMMEDIATE", "timeout": 30}
        return {"connect_args": options, "hide_parameters": True}
    # A machine that is cut off answers nothing, not even no: half a minute of silence ends it.
    waits = {"connect_timeout": 2 if replica else 5, "tcp_user_timeout": 30_000}
    return {
        "connect_args": {name: most for name, most in waits.items() if f"{name}=" not in url},
        "pool_pre_ping": True,  # what was dropped meanwhile is opened again before it is used
        "pool_size": 10,
        "max_overflow": 10,
        "pool_timeout": 2 if replica else 30,
        "hide_parameters": True,
    }


def _replica(settings: Settings) -> Replica | None:
    """What public pages may be read from instead; opened when first asked."""
    url = settings.database_read_url
    if not url:
        return None
    options = engine_options(url, replica=True)
    engine = create_engine(url, **options, execution_options={ON_REPLICA: True})
    _prepare_engine(engine, Impatient)
    event.listen(engine, "connect", bound_statements)
    lag = timedelta(seconds=settings.replica_lag)
    return Replica(engine, lag=lag, testing=settings.testing)


def _prepare_engine(engine: Engine, kind: type[KeepsPlans] | None = None) -> None:
    if engine.dialect.name != "sqlite":
        event.listen(engine, "do_connect", connecting(kind or KeepsPlans))
        event.listen(engine, "connect", mind_poolers)
        return

    @event.listens_for(engine, "connect")
    def pragmas(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        # An event's row takes more than half of SQLite's usual page: the other half stayed empty.
        # Only a database that is still to be made hears this.
        cursor.execute("PRAGMA page_size=8192")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: an acknowledged event must survive a power cut.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # For each connection, and a process keeps as many as it has threads: the rest of a large
        # database is in the system's memory, where all of them find it.
        cursor.execute("PRAGMA cache_size=-16384")
        cursor.close()

    @event.listens_for(engine, "savepoint")
    def lock_first(connection: Connection, _name: str) -> None:
        # A savepoint alone would open a deferred transaction, which cannot become a writer once
        # another process has written.
        raw = connection.connection.driver_connection
        if raw is not None and not raw.in_transaction:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:  # told as every other statement's is
                raise OperationalError("BEGIN IMMEDIATE", {}, error) from error


class KeepsPlans(psycopg.Connection[Any]):
    """A connection that a rollback costs no prepared statement.

    Every request that only read ends by a rollback, after which the driver forgets what it had
    prepared, lest a rollback have taken away what a statement was made for: the next request plans
    everything anew, six times the work of answering a scan. The server forgets nothing by a
    rollback, and no transaction of ours makes or drops anything that is then rolled back
    (migrations are processes of their own).
    """

    def rollback(self) -> None:
        under_way = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
        with self.lock:
            if self.pgconn.transaction_status in under_way:
                done = self.pgconn.exec_(b"ROLLBACK").status
            else:
                done = None
        if self.pgconn.status == ConnStatus.BAD:
            # The server is gone, and what was not committed with it. Who asks for this connection
            # next is given a new one (pool_pre_ping).
            self.close()
        elif done != ExecStatus.COMMAND_OK:  # nothing was under way
            super().rollback()


class Impatient(KeepsPlans):
    """A connection whose server has ANSWERS seconds for each answer. One that is frozen, or stuck
    on its disk, is no broken connection to TCP: it would be waited for without end."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """As the driver waits, but no longer. Raises psycopg.OperationalError."""
        try:
            return super().wait(gen, interval, ANSWERS if timeout is None else timeout)
        except WaitTimeout:
            self.close()  # what it still says would be taken for the next answer
            raise psycopg.OperationalError("no answer in time") from None
        except psycopg.errors.QueryCanceled:  # the server was a little quicker to give up
            raise psycopg.OperationalError("no answer in time") from None

    def rollback(self) -> None:
        """As KeepsPlans, waiting no longer than for any answer."""
        under_way = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
        if self.pgconn.transaction_status in under_way:
            with self.lock:
                self.wait(self._exec_command(b"ROLLBACK"))
        else:
            super().rollback()


def connecting(kind: type[KeepsPlans]) -> Callable[..., psycopg.Connection[Any]]:
    """Connects by a class of ours."""

    def connect(
        _dialect: object, _record: object, given: Sequence[Any], named: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        return kind.connect(*given, **named)

    return connect


def mind_poolers(connection: psycopg.Connection, _record: object) -> None:
    """No prepared statements where a pooler such as PgBouncer gives each transaction another
    server: what was prepared on one is unknown to the next. A pooler is noticed by the process
    that answers: it is not the one that the connection was opened to."""
    answering = connection.execute("SELECT pg_backend_pid()").fetchone()
    connection.rollback()
    if answering is None or answering[0] != connection.info.backend_pid:
        connection.prepare_threshold = None


def bound_statements(connection: psycopg.Connection, _record: object) -> None:
    """The server, too, gives up what nobody waits for any more; behind a pooler the bound would
    stay with a server that others are given next. Called after `mind_poolers`."""
    if connection.prepare_threshold is not None:
        connection.execute(f"SET statement_timeout = {int(ANSWERS * 1000) - 500}")
        connection.commit()
