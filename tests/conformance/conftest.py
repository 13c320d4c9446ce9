"""Which server is asked, and the table at the end.

    --base-url URL        where its EPCIS interface begins; without it our own server is started
    --token TOKEN         sent as a bearer token
    --server-header H     "Name: value", sent with everything; may be given several times
    --receiver HOST       a name of this machine that the server reaches, for subscriptions; for a
                          server on this machine it is known
    --openapi FILE        the specification's own file (YAML or JSON): drives API-01 to API-04

Each test names the requirements that it shows; what became of each is told at the end, and stands
in JUnit's file (--junitxml) as a property of the test.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from tests.conformance.client import Server
from tests.conformance.receiver import Receiver, receiving
from tests.conformance.requirements import REQUIREMENTS

ROOT: Final = Path(__file__).parents[2]
LOCAL: Final = ("127.0.0.1", "localhost", "::1")
PUBLISHED: Final = ROOT.parent / "shared" / "vectors" / "epcis" / "spec" / "openapi.yaml"
PROPERTY: Final = "requirement"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("conformance")
    # Both of these plugins bring an option of this name and meaning.
    if not pluginmanager.hasplugin("playwright") and not pluginmanager.hasplugin("base_url"):
        group.addoption("--base-url", help="where the server's EPCIS interface begins")
    group.addoption("--token", help="bearer token of the server under test")
    group.addoption("--server-header", action="append", help="a header for every request")
    group.addoption("--receiver", help="name of this machine, as the server reaches it")
    group.addoption("--openapi", help="the specification's OpenAPI file")


def option(config: pytest.Config, name: str) -> Any:
    """An option's value; None where the suite is collected along with others."""
    return config.getoption(name, default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*names): what a test of conformance shows")
    config.addinivalue_line("markers", "long: takes minutes; left out by -m 'not long'")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "operation" not in metafunc.fixturenames:
        return
    from tests.conformance.openapi import operations

    file = openapi_file(metafunc.config)
    method = "OPTIONS" if "options" in metafunc.function.__name__ else "GET"
    paths = operations(file, method) if file else []
    metafunc.parametrize("operation", paths, ids=lambda path: path)


def openapi_file(config: pytest.Config) -> Path | None:
    """The file that was named; for our own server the published one, where it lies."""
    named = option(config, "--openapi")
    if named:
        return Path(named)
    return PUBLISHED if option(config, "--base-url") is None and PUBLISHED.exists() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    host = urlsplit(option(config, "--base-url") or "").hostname
    for item in items:
        if here not in item.path.parents:
            continue
        for mark in item.iter_markers("requirement"):
            for name in mark.args:
                assert name in REQUIREMENTS, f"{item.nodeid}: {name} is no requirement"
                item.user_properties.append((PROPERTY, name))
        if host and config.pluginmanager.hasplugin("socket"):  # the house lets nobody out
            item.add_marker(pytest.mark.allow_hosts([host, *LOCAL]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What became of each requirement, the worst first to be seen: one line each."""
    told: dict[str, set[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY:
                    told.setdefault(value, set()).add(outcome)
    if not told:
        return
    terminalreporter.section("EPCIS 2.0 conformance")
    for name, requirement in REQUIREMENTS.items():
        found = told.get(name, set())
        word = (
            "FAILED"
            if found & {"failed", "error"}
            else "met"
            if "passed" in found
            else "not tested"
        )
        terminalreporter.write_line(
            f"{name}  {requirement.level:<6}  {word:<10}  {requirement.title}"
        )


# -- the server ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """The server under test, as a user who may capture and query."""
    base = option(request.config, "--base-url")
    if base is None:
        own: Server = request.getfixturevalue("own_server")
        return own
    token = option(request.config, "--token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for line in option(request.config, "--server-header") or ():
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    return Server(base.rstrip("/"), headers)


@pytest.fixture(scope="session")
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Ours, in a process of its own, over a fresh database."""
    folder = request.getfixturevalue("worker_folder") / "epcis"
    template = request.getfixturevalue("sqlite_database").template_url.removeprefix("sqlite:///")
    folder.mkdir()
    shutil.copyfile(template, folder / "test.db")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.epcis_server", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "server.log").read_text()
        told = json.loads(line)
        yield Server(told["base"], {"Authorization": f"Bearer {told['token']}"})
    finally:
        process.kill()  # nothing of it is needed any more
        process.communicate()


@pytest.fixture
def receiver(request: pytest.FixtureRequest, server: Server) -> Iterator[Receiver]:
    """A subscriber that the server under test can reach."""
    named = option(request.config, "--receiver")
    local = urlsplit(server.base).hostname in LOCAL
    if not named and not local:
        pytest.skip("no --receiver: the server may not be able to reach this machine")
    with receiving(named or "127.0.0.1", everywhere=bool(named)) as running:
        yield running
