"""What the database is asked while something is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from trace.extensions import db


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The texts of all statements sent meanwhile, in order."""
    seen: list[str] = []

    def note(_c: Any, _cur: Any, text: str, *_: Any) -> None:
        seen.append(text)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
