"""Honest worlds raise no alarm: an audit that cries out at honest people is soon read by nobody."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from time import perf_counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.chains import ends, load_honest_world
from trace.extensions import db
from trace.models import Organisation
from trace.services import chain_audit
from trace.services.settings import current_settings

# The quick one sees every kind of chain a few times; the long one is the promise.
QUICK, QUICK_AUDITS, WHOLE = 30, 35, 10_000


def alarms(chains: int, now: datetime, most: int | None = None) -> tuple[Counter[str], int]:
    """(findings by severity and rule, how many chains were judged) of an honest world."""
    load_honest_world(chains, last=now.date(), id_base=current_settings().id_base)
    authority = db.session.scalars(
        select(Organisation).where(Organisation.kind == "authority").limit(1)
    ).one()
    found: Counter[str] = Counter()
    lots = ends()[-(most or len(ends())) :]
    for lot in lots:
        chain = chain_audit.read_chain(lot)
        told = chain_audit.judge(chain, authority, at=now, started=perf_counter())
        if told.counts["signed"] != told.counts["events"] or told.truncated:
            found["unread"] += 1
        found.update(f"{one.severity} {one.rule} {one.key}" for one in told.findings)
        db.session.expunge_all()
        authority = db.session.get_one(Organisation, authority.id)
    return found, len(lots)


@pytest.mark.one_database
def test_a_small_honest_world_raises_no_alarm(
    app: Flask, db_session: scoped_session[Any], now: datetime
) -> None:
    found, judged = alarms(QUICK, now, QUICK_AUDITS)
    assert judged == QUICK_AUDITS
    assert not [one for one in found if one.startswith(("high", "unread"))], found
    # What honest people do is told mildly: they record late, and one side stays silent.
    assert {one.partition(" ")[0] for one in found} <= {"medium", "low", "info"}


@pytest.mark.long
@pytest.mark.one_database
def test_ten_thousand_honest_chains_raise_no_alarm_of_high_severity(
    app: Flask, db_session: scoped_session[Any], now: datetime
) -> None:
    found, judged = alarms(WHOLE, now)
    assert judged >= WHOLE
    assert not [one for one in found if one.startswith(("high", "unread"))], found
