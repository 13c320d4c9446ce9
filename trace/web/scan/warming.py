"""A page that was looked at lately is drawn anew before somebody asks for its next version.

Drawing takes some milliseconds, thirty times what sending a drawn page does, and each process draws
for itself. A thread in each of them looks twice a second which of the pages in its memory have
a newer version, built by now (services.passports_ahead), or a last line that the log has published
since, and draws these.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import psycopg
import structlog
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.models import Passport
from trace.models.types import to_millis
from trace.services.outages import DatabaseAway
from trace.services.sets import among
from trace.web.scan import rows, sources
from trace.web.scan.views import Key, Wanted, memory, told

logger = structlog.get_logger()
HOT: Final = 300  # pages looked at, the last used first
BUDGET: Final = 0.1  # seconds of drawing in a turn
EVERY: Final = 0.5  # seconds between turns
# What drawing may take of a process's time: it rests four times as long as it drew.
REST: Final = 4.0
# How long it leaves a database alone that did not answer.
AWAY: Final = 5.0  # seconds


def warm(app: Flask) -> int:
    """Draws what is newer than what is kept, within the budget; how many pages. Raises what the
    database's driver does."""
    end, drawn = time.monotonic() + BUDGET, 0
    settings = app.extensions["trace.settings"]
    with app.test_request_context("/", base_url=settings.public_url):
        for path, language in _outdated(app):
            read = sources.read(app, rows.ask(path, settings.id_base), to_millis(clock.now()))
            found = told(read)
            if found is None or not found.fresh or read.as_of:
                continue
            wanted = Wanted(read, found, language)
            if wanted.remembered(memory(app)) is not None:
                continue
            with sources.engine_of(app).connect() as connection:
                version, document, alerts = rows.read_document(
                    connection, found.passport, found.thing
                )
            if document is not None:
                wanted.made(version, document, alerts)
                drawn += 1
            if time.monotonic() > end:
                break
    return drawn


def _outdated(app: Flask) -> list[tuple[str, str]]:
    """(printed address, language) of plain pages of which there is something newer."""
    newest: dict[tuple[str, str], Key] = {}
    for key in memory(app).bodies.newest(HOT):
        if isinstance(key, Key) and key.page == 1 and not (key.view or key.chosen):
            newest.setdefault((key.path, key.language), key)
    if not newest:
        return []
    passports = {key.passport for key in newest.values()}
    fresh = select(Passport.thing_id, Passport.version).where(
        among(Passport.thing_id, passports), Passport.stale.is_(False)
    )
    with sources.engine_of(app).connect() as connection:
        versions: dict[int, int] = {row.thing_id: row.version for row in connection.execute(fresh)}
    return [
        page
        for page, key in newest.items()
        if (found := versions.get(key.passport)) is not None
        and (found > key.version or key.pending)
    ]


def warm_always(app: Flask) -> None:
    """The same again and again, in a thread that ends with the process."""
    threading.Thread(target=_again, args=(app,), name="warming", daemon=True).start()


def _again(app: Flask) -> None:
    while True:
        begun = time.monotonic()
        try:
            warm(app)
        except (SQLAlchemyError, psycopg.Error, DatabaseAway):
            time.sleep(AWAY)
        except Exception:
            # Whoever asks for the page will have it drawn, and be told what is wrong.
            logger.exception("cannot-warm")
            time.sleep(10 * AWAY)
        time.sleep(max(EVERY, REST * (time.monotonic() - begun)))
