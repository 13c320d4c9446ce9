"""Asking the witnesses, beside publishing: a slow one never delays a checkpoint."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import structlog
from flask import Flask
from sqlalchemy import select

from trace import clock
from trace.errors import TraceError
from trace.extensions import db
from trace.models import LogState
from trace.services import keys, mirrors, sequencer, witnessing
from trace.services.outages import OUTAGES
from trace.services.witnessing import Answer

logger = structlog.get_logger()
ROUNDS = 3  # a witness may first say which size it has, and be asked again from there
AT_ONCE = 8


def ask_witnesses(*, every: bool = False) -> list[Answer]:
    """Asks every witness that is due, or simply `every` one, and keeps the answers; commits.
    Returns the last answers."""
    last: list[Answer] = []
    for number in range(ROUNDS):
        questions = witnessing.plan(now=clock.now(), every=every and number == 0)
        db.session.rollback()  # nothing is held while others are waited for
        if not questions:
            break
        with ThreadPoolExecutor(min(AT_ONCE, len(questions))) as pool:
            last = list(pool.map(witnessing.ask, questions))
        witnessing.record(last, now=clock.now())
        db.session.commit()
        if not any(answer.has_size is not None and not answer.forked for answer in last):
            break
    return last


def check_start() -> None:
    """Whoever begins to publish: the log must continue what the file, the copies and the witnesses
    have seen. Raises LogForked; who cannot be reached is passed over. Key files that a change of
    the key-encryption key left behind are tidied up; raises KeysSealedOtherwise."""
    if db.session.scalar(select(LogState.id).limit(1)) is None:
        return
    keys.finish_rewrap()
    sequencer.check_continues()
    mirrors.check_against_mirrors()
    try:
        answers = ask_witnesses(every=True)
    except TraceError as error:  # a policy that cannot be used must not stop the log
        db.session.rollback()
        logger.warning("witnesses-not-asked", code=error.code, detail=error.detail)
        return
    witnessing.check_against_witnesses(answers)


def may_ask(worker: str) -> bool:
    """Whether this worker is the one that asks: it holds the sequencer's lease, or takes it when
    nobody does and a witness is due. An idle worker with nothing to ask writes nothing."""
    now = clock.now()
    state = db.session.execute(
        select(LogState.leased_by, LogState.lease_until).order_by(LogState.id.desc()).limit(1)
    ).one_or_none()
    if state is None:
        return False
    if state.leased_by == worker:
        return True
    if state.lease_until is not None and state.lease_until >= now:
        return False
    taken = bool(witnessing.plan(now=now)) and sequencer.take_lease(worker, now=now)
    db.session.commit()
    return taken


def ask_until(app: Flask, worker: str, stop: threading.Event) -> None:
    """Looks once a second whether a witness is due, and asks."""
    with app.app_context():
        while not stop.is_set():
            try:
                if may_ask(worker):
                    ask_witnesses()
            except OUTAGES:
                db.session.rollback()
                logger.warning("database-unavailable")
            except TraceError as error:
                db.session.rollback()
                logger.warning("witnesses-not-asked", code=error.code, detail=error.detail)
                stop.wait(10)
            except Exception:
                # One witness's odd answer must not silence all others for ever.
                db.session.rollback()
                logger.exception("witnesses-not-asked")
                stop.wait(10)
            finally:
                db.session.remove()
            stop.wait(1)
