"""Pages that people look at are built anew as soon as something was recorded of them."""

from __future__ import annotations

import threading
import time

import structlog
from flask import Flask

from trace import clock
from trace.errors import TraceError
from trace.extensions import db
from trace.services.outages import OUTAGES
from trace.services.passports_ahead import Ahead

logger = structlog.get_logger()
EVERY = 0.3  # seconds between turns
# What building may take of the worker's time: it rests twice as long as it built.
REST = 2.0


def build_until(app: Flask, stop: threading.Event) -> None:
    """Turn after turn until told to stop; what fails is left to the page's next reader."""
    ahead = Ahead()
    with app.app_context():
        while not stop.is_set():
            begun = time.monotonic()
            try:
                ahead.turn(at=clock.now())
            except (*OUTAGES, TraceError) as error:
                db.session.rollback()
                logger.warning("cannot-build-ahead", error=type(error).__name__)
                stop.wait(2)
            except Exception:
                # One that cannot be built must not stand in the way of all others.
                db.session.rollback()
                logger.exception("cannot-build-ahead")
                stop.wait(10)
            finally:
                db.session.remove()
            stop.wait(max(EVERY, REST * (time.monotonic() - begun)))
