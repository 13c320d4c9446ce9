"""Scans that many machines gathered in Redis, brought to the database while there are any."""

from __future__ import annotations

import threading

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.extensions import db
from trace.services.scans_shared import store_waiting
from trace.services.shared import shared_of

logger = structlog.get_logger()
EVERY = 1.0  # seconds between looks


def store_until(app: Flask, stop: threading.Event) -> None:
    """Looks once a second; of several workers one stores at a time."""
    found = shared_of(app)
    if found is None:
        return
    with app.app_context():
        while not stop.is_set():
            try:
                store_waiting(found, at=clock.now())
            except SQLAlchemyError as error:
                db.session.rollback()
                logger.warning("scans-wait", error=type(error).__name__)
                stop.wait(2)
            except Exception:
                # What is left waits in Redis; the next look tries again.
                db.session.rollback()
                logger.exception("scans-wait")
                stop.wait(10)
            finally:
                db.session.remove()
            stop.wait(EVERY)
