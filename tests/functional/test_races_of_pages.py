"""Races of a page that is built with what is recorded, erased or suspended meanwhile: two processes
on PostgreSQL, as in test_races."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.conftest import DATABASES
from tests.support.databases import PostgresqlDatabase
from tests.support.factories import (
    new_lot,
    notice,
    registered,
)
from tests.support.sheets import run_jobs
from tests.support.stage import Stage, staged, whole
from trace import clock
from trace.extensions import db
from trace.models import (
    Passport,
    Thing,
)
from trace.services import passports
from trace.services.capture import capture
from trace.services.passports import UNSETTLED, passport_of

pytestmark = pytest.mark.skipif(
    "postgresql" not in DATABASES, reason="PostgreSQL is left out by TRACE_TEST_DATABASES"
)


@pytest.fixture
def stage(postgresql: PostgresqlDatabase, tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path / "instance", postgresql.fresh()) as made:
        yield made


def told(lot: str, at: datetime) -> Any:
    """A thing's page."""
    thing = db.session.scalars(select(Thing.id).where(Thing.identity == lot)).one()
    db.session.rollback()
    return passport_of(thing, at=at).document


def noted(stage: Stage, note: str) -> tuple[str, str]:
    """A lot with a note: (its address, the statement)."""
    lot = new_lot()
    captured = capture(stage.actor, [registered(lot, trace__note=note)], at=clock.now())
    db.session.commit()
    return lot, captured.events[0].statement_id


def test_a_page_opened_first_while_a_word_of_it_is_erased_forgets_it(stage: Stage) -> None:
    lot, statement = noted(stage, "bác Tư cuối xóm")
    other = stage.other("erase", "commit", statement=statement, paths=["trace:note"])
    assert "bác Tư" in str(told(lot, clock.now()))  # it is not erased yet
    assert other.go_on().startswith("done")
    run_jobs()
    assert db.session.scalars(select(Passport.document)).all() == [None]
    assert "bác Tư" not in str(told(lot, clock.now()))
    whole()


def test_a_page_made_while_a_word_of_it_is_erased_is_not_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot, statement = noted(stage, "bác Tư cuối xóm")
    real = vars(passports)["build_document"]
    made: list[Any] = []

    def slow(*given: Any, **more: Any) -> Any:
        made.append(real(*given, **more))
        if len(made) == 1:
            other = stage.other("erase", "none", statement=statement, paths=["trace:note"])
            assert other.says().startswith("done")
        return made[-1]

    monkeypatch.setattr(passports, "build_document", slow)
    assert "bác Tư" not in str(told(lot, clock.now()))
    assert "bác Tư" in str(made[0])
    assert len(made) == 2


def test_a_page_opened_first_while_an_event_names_it_is_told_for_a_minute(stage: Stage) -> None:
    other = stage.other("recall", "commit", lot=stage.lot)
    first = clock.now()
    assert len(told(stage.lot, first)["lines"]) == 1  # the recall is not committed yet
    assert other.go_on().startswith("done")
    assert len(told(stage.lot, first + UNSETTLED)["lines"]) == 2
    kept = db.session.scalars(select(Passport.valid_until)).all()
    assert kept == [None], "nobody marks pages any more"


@pytest.mark.parametrize("act", ["erase", "suspend"])
def test_who_waits_for_the_log_is_waited_for_by_no_capture(stage: Stage, act: str) -> None:
    lot, statement = noted(stage, "chỗ ông Ba")
    told(lot, clock.now())
    other = stage.other(act, "lock", statement=statement, paths=["trace:note"])
    db.session.execute(text("SET LOCAL lock_timeout = '5s'"))
    capture(stage.actor, [notice("recall", lot, hazard="health")], at=clock.now())
    db.session.commit()
    assert other.go_on().startswith("done")
    whole()
