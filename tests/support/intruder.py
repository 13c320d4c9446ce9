"""What an intruder with the database's password does first: the guards go out of the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import text

from trace.extensions import db


@contextmanager
def without_guards(tables: Sequence[str]) -> Iterator[None]:
    """Triggers of the tables are off (on SQLite: all triggers are gone); afterwards on again, for
    the next test uses the same database."""
    on_postgresql = db.engine.dialect.name == "postgresql"
    triggers: list[str] = []
    if on_postgresql:
        for table in tables:
            db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    else:
        rows = db.session.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        ).all()
        for name, sql in rows:
            db.session.execute(text(f"DROP TRIGGER {name}"))
            triggers.append(sql)
    db.session.commit()
    try:
        yield
    finally:
        db.session.rollback()
        for table in tables if on_postgresql else ():
            db.session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        for sql in triggers:
            db.session.execute(text(sql))
        db.session.commit()
