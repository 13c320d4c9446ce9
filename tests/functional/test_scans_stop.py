"""Scans under the real server: a clean stop loses none, a killed one the last second at most."""

from __future__ import annotations

import base64
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.farms import make_farm, path_of
from tests.support.gunicorn import Running, beacon, running, send
from trace.config import Settings
from trace.extensions import db
from trace.models import ScanCount

pytestmark = pytest.mark.one_database  # what is stored at once is stored alike


@pytest.fixture
def shown(app: Flask) -> str:
    with app.app_context():
        return "/t" + path_of(make_farm(datetime(2026, 11, 8, 1, 0, tzinfo=UTC)).register(10))


@pytest.fixture
def server(shown: str, settings: Settings) -> Iterator[Running]:
    environment = {
        "TRACE_INSTANCE": str(settings.instance),
        "TRACE_DATABASE_URL": settings.database_url,
        "TRACE_ID_BASE": settings.id_base,
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(settings.key_encryption_key).decode(),
        "TRACE_SECRET_KEY": settings.secret_key,
        "TRACE_PROXIES": "1",
    }
    with running("wsgi:app", environment) as found:
        yield found


def counted(app: Flask) -> int:
    with app.app_context():
        found = int(db.session.scalar(select(func.coalesce(func.sum(ScanCount.count), 0))) or 0)
        db.session.remove()
        return found


def scans(page: str, first: int, count: int) -> list[bytes]:
    return [beacon(page, visitor) for visitor in range(first, first + count)]


def test_a_clean_stop_loses_no_scan(server: Running, shown: str, app: Flask) -> None:
    assert send(server.port, scans(shown, 0, 500)) == 500
    server.stop()
    assert counted(app) == 500


@pytest.mark.long
def test_a_killed_server_loses_the_last_second_at_most(
    server: Running, shown: str, app: Flask
) -> None:
    send(server.port, scans(shown, 0, 200))
    end = time.monotonic() + 20
    while counted(app) < 200 and time.monotonic() < end:
        time.sleep(0.05)
    assert counted(app) == 200
    send(server.port, scans(shown, 200, 50))
    server.stop(signal.SIGKILL)
    assert 200 <= counted(app) <= 250
