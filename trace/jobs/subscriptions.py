"""Telling subscribers, beside everything else: a slow receiver never delays a capture."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Flask

from trace import clock
from trace.extensions import db
from trace.services import subscriptions_sending as sending
from trace.services.outages import OUTAGES
from trace.services.tokens import rest_expired
from trace.services.webhooks import post_each

logger = structlog.get_logger()
EVERY = 1.0  # seconds between looks


def deliver(now: Callable[[], datetime], *, rounds: int = 100) -> int:
    """Sends what is due until nothing is; returns how many messages were taken. Commits after each
    step; nothing is held while others answer."""
    taken = 0
    rest_expired(at=now())
    db.session.commit()
    for _ in range(rounds):
        claimed = sending.claim(now()) if sending.is_due(now()) else []
        db.session.commit()
        if not claimed:
            break
        outgoing = [found for one in claimed if (found := _prepared(one, now()))]
        outcomes = post_each([one.posting for one in outgoing])
        for one, outcome in zip(outgoing, outcomes, strict=True):
            sending.settle(one, outcome, now())
            db.session.commit()
            taken += outcome.taken
    return taken


def _prepared(subscription: int, at: datetime) -> sending.Outgoing | None:
    """What a subscription is to be told. Where that fails it waits, as after any failure; the
    others that were claimed with it do not."""
    try:
        found = sending.prepare(subscription, at)
        db.session.commit()
    except OUTAGES:
        raise
    except Exception:
        db.session.rollback()
        logger.exception("cannot-write-message", subscription=subscription)
        sending.put_off(subscription, at)
        db.session.commit()
        return None
    return found


def deliver_until(app: Flask, stop: threading.Event) -> None:
    """Looks once a second whether somebody is to be told something."""
    with app.app_context():
        while not stop.is_set():
            try:
                deliver(clock.now)
            except OUTAGES:
                db.session.rollback()
                logger.warning("database-unavailable")
            except Exception:
                # One subscription must not silence all others for ever.
                db.session.rollback()
                logger.exception("cannot-deliver")
                stop.wait(10)
            finally:
                db.session.remove()
            stop.wait(EVERY)
