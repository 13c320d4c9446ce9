"""Fixtures and rules for every test.

* The folder is the marker: tests/unit -> unit, and so on.
* A test that asks for `database` (directly or through `settings`, `app`, `client`, …) runs once on
  SQLite and once on PostgreSQL. `@pytest.mark.one_database` says that the answer cannot depend on
  the database, or with a name that the one named is the stricter; tests in a browser run on SQLite
  only, their pages are tested on both elsewhere.
* TRACE_TEST_DATABASES=sqlite leaves PostgreSQL out, on purpose and by hand.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.orm import scoped_session

from tests.support.databases import (
    Database,
    PostgresqlDatabase,
    SqliteDatabase,
    migrate,
    postgresql_database,
    release,
)
from tests.support.pages import PageClient
from tests.support.postgresql import Server, running_server
from tests.support.server import LiveServer, running_application
from tests.support.throttling import counting
from trace.config import Settings

TESTS = Path(__file__).parent
FOLDERS = ("unit", "functional", "contract", "architecture", "migrations", "browser", "security")
DATABASES = tuple(os.environ.get("TRACE_TEST_DATABASES", "sqlite,postgresql").split(","))
# A Sunday morning in Hà Nội: late enough for the day's harvest, early enough for its sale.
FIXED_NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)


def in_memory() -> str | None:
    """A folder in memory, where this machine has one with room and programs may be run from it:
    what a test writes waits for no disk. None means the usual one."""
    place = Path("/dev/shm")
    if not place.is_dir() or not os.access(place, os.W_OK):
        return None
    found = os.statvfs(place)
    runs = not found.f_flag & os.ST_NOEXEC
    return str(place) if runs and found.f_bavail * found.f_frsize > ROOM else None


ROOM = 4 << 30
if folder := in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)  # pytest's own folders (tmp_path)


# The same examples on every machine: a run is red because of a change, never because of luck. To
# look for new ones: make test ARGS="--hypothesis-profile=explore". No deadline: how long something
# takes on a busy machine is a question for benchmarks/.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("house")


# Functional tests of what the databases do in ways of their own: locks, sets, long lists, plans.
DIALECTS = {
    "test_audits",
    "test_backups",
    "test_balances",
    "test_capture",
    "test_chains",
    "test_epcis_queries",
    "test_erasures",
    "test_files",
    "test_freshness",
    "test_holds",
    "test_imports",
    "test_job_leases",
    "test_jobs_aside",
    "test_keys",
    "test_log",
    "test_log_copies",
    "test_many_nodes",
    "test_notices",
    "test_outages",
    "test_passports",
    "test_races",
    "test_recalls",
    "test_replicas",
    "test_retention",
    "test_scan_cost",
    "test_scans",
    "test_statements",
    "test_succession",
    "test_units",
    "test_watching",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write pinned files (routes, golden files) anew instead of comparing",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if waits_its_turn(item):
            item.add_marker("long")
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in FOLDERS:
            item.add_marker(folder)
        if folder == "browser":
            # A browser on a machine busy with other things misses a moment now and then: tried once
            # more, and told as RERUN in the summary. Nothing else is ever tried twice.
            item.add_marker(pytest.mark.flaky(reruns=1))


def waits_its_turn(item: pytest.Item) -> bool:
    """Whether this database is the other one's turn.

    What the two databases do differently (DIALECTS), migrations and faults are tried on both in
    every run. Another test of services or pages, and each of several cases of one test, is tried on
    one of them, half of all here and half there, always the same; on the other by `make test-long`.
    Both is what a plain `pytest FILE` does.
    """
    callspec = getattr(item, "callspec", None)
    names = getattr(item, "fixturenames", ())
    if callspec is None or "database" not in callspec.params or not both_databases(item):
        return False
    both = item.path.parent.name != "functional" or item.path.stem in DIALECTS
    if both and "pages" not in names and len(callspec.params) == 1:
        return False
    name = item.nodeid.replace(str(callspec.params["database"]), "")
    turn = hashlib.sha256(name.encode()).digest()[0] % len(DATABASES)
    return bool(callspec.params["database"] != DATABASES[turn])


def both_databases(item: pytest.Item) -> bool:
    """Whether a test asks for both: not in a browser, not where it says that one will do."""
    in_browser = item.path.is_relative_to(TESTS / "browser")
    return not in_browser and item.get_closest_marker("one_database") is None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    one = metafunc.definition.get_closest_marker("one_database")
    names = DATABASES
    if not both_databases(metafunc.definition):
        names = one.args if one and one.args and one.args[0] in DATABASES else ("sqlite",)
    metafunc.parametrize("database", names, indirect=True, scope="function")


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    """True when pinned files are to be written anew: `pytest --regenerate`."""
    return bool(request.config.getoption("--regenerate"))


# `trace.app` is imported where it is needed: unit tests start without the whole application.


# Templates are compiled once, not once per test: an application of its own for each test would
# spend a third of its time compiling the same templates.
COMPILED = FileSystemBytecodeCache()
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def create_app(settings: Settings) -> Flask:
    """The application under test."""
    from trace.app import create_app as create
    from trace.services import people

    # Argon2 is slow on purpose: its cost is the product's (test_password_cost), not each test's.
    people.HASHER = QUICK  # type: ignore[misc]  # final for everybody else
    application = create(settings)
    application.jinja_env.bytecode_cache = COMPILED
    return application


# -- databases -------------------------------------------------------------------------------------


def settings_for(folder: Path, database_url: str) -> Settings:
    """Settings of a test: known keys, its own instance folder."""
    return Settings(
        instance=folder,
        database_url=database_url,
        public_url="http://localhost",
        id_base="https://trace.example",
        key_encryption_key=bytes(range(32)),
        secret_key="only for tests, and long enough to be accepted",
        testing=True,
    )


@pytest.fixture(scope="session")
def worker_folder() -> Iterator[Path]:
    """A folder for this worker's databases; short, so that sockets fit into it."""
    folder = Path(tempfile.mkdtemp(prefix="trace-test-", dir=in_memory()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_database(worker_folder: Path) -> SqliteDatabase:
    database = SqliteDatabase(worker_folder)
    migrate(create_app(settings_for(worker_folder / "template", database.template_url)))
    return database


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A throw-away PostgreSQL server of this worker's own."""
    with running_server(in_memory()) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql(postgresql_server: Server, worker_folder: Path) -> Iterator[PostgresqlDatabase]:
    with postgresql_database(postgresql_server) as database:
        migrate(create_app(settings_for(worker_folder / "template", database.template_url)))
        database.learn()
        yield database


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """The kind of database of this run of the test; `request.param` is its name."""
    fixture = {"sqlite": "sqlite_database", "postgresql": "postgresql"}[request.param]
    kind: Database = request.getfixturevalue(fixture)
    return kind


# -- the application -------------------------------------------------------------------------------


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """Settings over an empty, migrated database."""
    return settings_for(tmp_path / "instance", database.fresh())


class Kept:
    """An application that many tests use one after the other, each finding it as it was made.

    To make one takes a tenth of a second, most of it for the map of addresses, which is the same
    for all of them; two thousand tests would spend three minutes on it.
    """

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self._config = dict(self.app.config)
        self._extensions = dict(self.app.extensions)

    def anew(self, settings: Settings) -> Flask:
        """As made, with nothing remembered, for these settings."""
        settings.instance.mkdir(parents=True, exist_ok=True)
        self.app.instance_path = str(settings.instance)
        self.app.config.clear()
        self.app.config.update(self._config)
        self.app.extensions.clear()
        self.app.extensions.update(self._extensions)
        self.app.extensions["trace.settings"] = settings
        self.app.extensions["trace.scan"] = type(self._extensions["trace.scan"])()
        return self.app


@pytest.fixture(scope="session")
def kept_applications() -> dict[str, Kept]:
    """By address of the database: this worker has one of each kind."""
    return {}


@pytest.fixture
def app(
    request: pytest.FixtureRequest, settings: Settings, kept_applications: dict[str, Kept]
) -> Iterator[Flask]:
    """The whole application."""
    throttled = request.node.get_closest_marker("throttled") is not None
    if throttled or request.node.get_closest_marker("own_application"):
        application = create_app(settings)
        with counting(application) if throttled else nullcontext():
            yield application
    else:
        kept = kept_applications.get(settings.database_url) or Kept(settings)
        kept_applications[settings.database_url] = kept
        application = kept.anew(settings)
        yield application
    release(application)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Flask's client: for machines' interfaces and for errors."""
    return app.test_client()


@pytest.fixture
def pages(app: Flask) -> PageClient:
    """A client for people's pages: every page it opens is checked (tests/support/pages.py)."""
    return PageClient(app.test_client())


@pytest.fixture
def db_session(app: Flask) -> Iterator[scoped_session[Any]]:
    """The database session inside an application context."""
    from trace.extensions import db

    with app.app_context():
        yield db.session
        db.session.rollback()


@pytest.fixture
def now() -> Iterator[datetime]:
    """The clock stands still at FIXED_NOW."""
    with time_machine.travel(FIXED_NOW, tick=False):
        yield FIXED_NOW


# -- a browser -------------------------------------------------------------------------------------


@pytest.fixture
def live_server(settings: Settings) -> Iterator[LiveServer]:
    """The application on a loopback port, in a thread of this process."""
    with running_application(settings) as server:
        yield server


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """The system's Chromium; nothing is downloaded."""
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.fail("Chromium is not installed (Debian: apt-get install chromium)")
    # Chromium's sandbox refuses to run as root.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": found, "args": [*sandbox, "--disable-dev-shm-usage"]}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, object]:
    """A cheap Android phone: 360 px wide, Vietnamese."""
    return {
        "viewport": {"width": 360, "height": 640},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
        "locale": "vi-VN",
        "timezone_id": "Asia/Ho_Chi_Minh",
    }
