"""Erasure: gone from every place, told in the log, and everything left still verifies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import inspect, select, text, update
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from trace.core.signing import PublicKey
from trace.core.statements import NotErasable, open_statement, parse_entry, verify_signature
from trace.core.statements.entries import ErasureEntry
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.models import Event, EventKey, LogEntry, Passport
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.erasures import erase, replay
from trace.services.platform import platform_organisation

Session = scoped_session[Any]
SECRET = "Nhà bác Tư cuối xóm"


def platform() -> Actor:
    return Actor(platform_organisation(), None, "admin")


def everything() -> str:
    """Every text and document in the whole database."""
    found = []
    for table in inspect(db.engine).get_table_names():
        for row in db.session.execute(text(f"SELECT * FROM {table}")):  # names of our own tables
            found += [repr(value) for value in row]
    return "\n".join(found)


def recorded(session: Session, now: datetime, **members: Any) -> str:
    actor = make_actor(now)
    made = registered(new_lot(), trace__note=SECRET, **members)
    statement = capture(actor, [made], at=now, idempotency_key="once").events[0].statement_id
    session.commit()
    return statement


def shown(row: Event) -> Any:
    texts = [t for t in orjson.loads(row.disclosures) if t is not None]
    return open_statement(f"{row.jwt}~{'~'.join(texts)}~")


def test_an_erased_member_is_nowhere_and_the_signature_still_counts(
    db_session: Session, now: datetime
) -> None:
    statement = recorded(db_session, now)
    row = db_session.scalars(select(Event)).one()
    texts = orjson.loads(row.disclosures)
    paths = [d.path for d in shown(row).disclosures]
    secret_text = texts[paths.index("trace:note")]
    event_id = shown(row).event["eventID"]

    erased = erase(platform(), statement, ["trace:note"], reason="yêu cầu", at=now)
    db_session.commit()
    db_session.expire_all()
    kept = everything()
    assert secret_text not in kept
    assert event_id not in kept
    row = db_session.scalars(select(Event)).one()
    verify_signature(row.jwt, PublicKey.from_jwk(orjson.loads(row.key.jwk)))
    opened = shown(row)
    assert "trace:note" in opened.withheld
    assert "eventID" in opened.withheld
    assert opened.event["quantityList"]
    entry = db_session.get(LogEntry, erased.index)
    assert entry is not None
    parsed = parse_entry(entry.entry.encode())
    assert isinstance(parsed, ErasureEntry)
    assert list(parsed.digests) == orjson.loads(erased.digests)


def test_pages_that_showed_it_are_emptied_at_once(db_session: Session, now: datetime) -> None:
    statement = recorded(db_session, now)
    thing = db_session.execute(text("SELECT id FROM things WHERE kind = 'lot'")).scalar_one()
    db_session.add(Passport(thing_id=thing, version=3, stale=False, document=b"told it"))
    db_session.commit()
    erase(platform(), statement, ["trace:note"], reason="yêu cầu", at=now)
    db_session.commit()
    row = db_session.get(Passport, thing, populate_existing=True)
    assert row is not None
    assert row.stale
    assert row.document is None


@pytest.mark.parametrize("member", ["quantityList", "ilmd", "trace:notice", "trace:unheard"])
def test_what_is_not_personal_or_not_there_is_not_erased(
    db_session: Session, now: datetime, member: str
) -> None:
    statement = recorded(db_session, now)
    with pytest.raises(NotErasable):
        erase(platform(), statement, [member], reason="yêu cầu", at=now)


def test_only_the_platform_erases_and_only_what_exists(db_session: Session, now: datetime) -> None:
    statement = recorded(db_session, now)
    with pytest.raises(NotAllowed):
        erase(make_actor(now, "Khác Demo"), statement, ["trace:note"], reason="x", at=now)
    with pytest.raises(NotFound):
        erase(platform(), "urn:uuid:nothing", ["trace:note"], reason="x", at=now)


def test_an_event_whose_id_was_erased_may_not_be_asked_for_by_guessing(
    db_session: Session, now: datetime
) -> None:
    statement = recorded(db_session, now)
    erase(platform(), statement, ["trace:note"], reason="yêu cầu", at=now)
    db_session.commit()
    assert db_session.scalars(select(EventKey)).all() == []


def test_a_restored_backup_forgets_again(db_session: Session, now: datetime) -> None:
    statement = recorded(db_session, now)
    row = db_session.scalars(select(Event)).one()
    before = row.disclosures
    erase(platform(), statement, ["trace:note"], reason="yêu cầu", at=now)
    db_session.commit()
    # What a backup from before the erasure would bring back: the guard stands down for that.
    trigger_free(db_session, before)
    assert SECRET in str(shown(db_session.scalars(select(Event)).one()).event)
    assert replay() == 1
    db_session.commit()
    db_session.expire_all()
    assert SECRET not in str(shown(db_session.scalars(select(Event)).one()).event)
    assert replay() == 0


def trigger_free(session: Session, disclosures: str) -> None:
    drop = "DROP TRIGGER events_only_erase"
    session.execute(text(drop if db.engine.dialect.name == "sqlite" else f"{drop} ON events"))
    session.execute(update(Event).values(disclosures=disclosures))
    if db.engine.dialect.name == "postgresql":
        session.execute(
            text(
                "CREATE TRIGGER events_only_erase BEFORE UPDATE ON events "
                "FOR EACH ROW EXECUTE FUNCTION trace_only_erase()"
            )
        )
    session.commit()
    session.expire_all()
