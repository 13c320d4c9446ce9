"""What tests of migrations begin with: nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import DATABASES, create_app, settings_for
from tests.support.databases import release
from tests.support.postgresql import Server


@pytest.fixture(params=DATABASES)
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application over a database of its own without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.create_database(f"empty_{uuid.uuid4().hex}")
    app = create_app(settings_for(tmp_path / "instance", url))
    yield app
    release(app)
