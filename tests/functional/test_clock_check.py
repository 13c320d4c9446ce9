"""A worker whose clock leaps ahead does nothing that cannot be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from trace import clock
from trace.jobs.tidying import Tidying
from trace.services import clock_check, leases


def is_tidied(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a worker that comes now tidies."""
    done: list[datetime] = []

    def tidy(*, at: datetime, steps: object) -> dict[str, int]:
        done.append(at)
        return {}

    monkeypatch.setattr("trace.jobs.tidying.tidy", tidy)
    Tidying("a").run(at=clock.now())
    return bool(done)


@pytest.mark.parametrize("leap", [timedelta(days=400), timedelta(seconds=30), -timedelta(hours=1)])
def test_nobody_tidies_by_a_clock_that_is_not_the_databases(
    app: Flask, monkeypatch: pytest.MonkeyPatch, leap: timedelta
) -> None:
    app.extensions["trace.settings"] = replace(app.extensions["trace.settings"], testing=False)
    is_sqlite = app.extensions["trace.settings"].database_url.startswith("sqlite")
    with app.app_context():
        assert clock_check.clocks_agree()
        real = datetime.now(UTC)
        with time_machine.travel(real + leap):
            assert clock_check.clocks_agree() == is_sqlite  # whose only clock it is
            if not is_sqlite:
                assert not is_tidied(monkeypatch)
                # Nor has it taken the turn from those whose clocks are right.
                assert leases.take("tidying", "another", timedelta(minutes=1), at=real)
                assert leases.take("tidying", "another", -timedelta(minutes=1), at=real)
        assert is_tidied(monkeypatch)
