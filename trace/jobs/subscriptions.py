"""Telling subscribers, beside everything else: a slow receiver never delays a capture."""

from __future__ import annotations

import threading

import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError

from trace import clock
from trace.extensions import db
from trace.services.subscriptions_sending import deliver

logger = structlog.get_logger()
EVERY = 1.0  # seconds between looks


def deliver_until(app: Flask, stop: threading.Event) -> None:
    """Looks once a second whether somebody is to be told something."""
    with app.app_context():
        while not stop.is_set():
            try:
                deliver(clock.now)
            except OperationalError:
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
