"""Erasure: gone from every place, told in the log, and everything left still verifies."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import delete, inspect, select, text, update
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from trace.core.signing import PublicKey, unb64url
from trace.core.statements import (
    NotErasable,
    kept_texts,
    open_statement,
    parse_entry,
    verify_signature,
)
from trace.core.statements.entries import ErasureEntry
from trace.core.verify.mirror import Folder
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Erasure, Event, EventKey, LogCheckpoint, LogEntry, Passport
from trace.services import mirrors, refill
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.erasures import erasable_members, erase, preview, replay
from trace.services.log import current_state
from trace.services.passports import passport_of
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
    texts = [t for t in kept_texts(row.disclosures) if t is not None]
    return open_statement(f"{row.jwt}~{'~'.join(texts)}~")


def test_an_erased_place_is_no_longer_where_the_goods_are_said_to_be(
    db_session: Session, now: datetime
) -> None:
    place = {"id": new_lot().replace("/b/", "/l/")}
    code = place["id"].rpartition("/")[2]
    statement = recorded(db_session, now, readPoint=place, bizLocation=place)
    assert code in everything()
    erase(platform(), statement, ["readPoint", "bizLocation"], reason="yêu cầu", at=now)
    db_session.commit()
    assert code not in everything()


def test_an_erased_member_is_nowhere_and_the_signature_still_counts(
    db_session: Session, now: datetime
) -> None:
    statement = recorded(db_session, now)
    row = db_session.scalars(select(Event)).one()
    texts = kept_texts(row.disclosures)
    paths = [d.path for d in shown(row).disclosures]
    secret_text = texts[paths.index("trace:note")]
    assert secret_text is not None
    salt = orjson.loads(unb64url(secret_text))[0]
    assert salt in everything()
    event_id = shown(row).event["eventID"]

    erased = erase(platform(), statement, ["trace:note"], reason="yêu cầu", at=now)
    db_session.commit()
    db_session.expire_all()
    kept = everything()
    assert secret_text not in kept
    assert salt not in kept
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


def test_a_preview_says_what_would_go_and_changes_nothing(
    db_session: Session, now: datetime
) -> None:
    statement = recorded(db_session, now)
    row = db_session.scalars(select(Event)).one()
    before = row.disclosures
    told = preview(statement, ["trace:note"])
    assert dict(told.gone)["trace:note"] == SECRET
    assert "eventID" in dict(told.gone)
    assert told.pages == 1
    db_session.expire_all()
    assert db_session.scalars(select(Event)).one().disclosures == before
    assert erasable_members(row) == [("trace:note", SECRET)]
    with pytest.raises(NotErasable):
        preview(statement, ["quantityList"])


def test_after_a_refill_the_erasure_is_made_again_and_pages_say_erased(
    app: Flask, db_session: Session, now: datetime, tmp_path: Path
) -> None:
    """The backup is older than the erasure; the copy of the log tells of it."""
    statement = recorded(db_session, now)
    publish("test")
    row = db_session.scalars(select(Event)).one()
    before, size = row.disclosures, current_state().size
    erased = erase(platform(), statement, ["trace:note"], reason="yêu cầu", at=now)
    index = erased.index
    db_session.commit()
    publish("test")
    mirrors.export(tmp_path / "copy")

    go_back(db_session, before, size)
    assert SECRET in everything_shown(db_session)
    done = refill.refill(Folder(tmp_path / "copy"), at=now)
    db_session.commit()
    db_session.expire_all()
    assert (done.erasures, done.forgotten) == ((index,), 1)
    assert SECRET not in everything_shown(db_session)
    again = db_session.scalars(select(Erasure)).one()
    assert (again.index, orjson.loads(again.members)) == (index, ["eventID", "trace:note"])
    thing = db_session.execute(text("SELECT id FROM things WHERE kind = 'lot'")).scalar_one()
    db_session.commit()
    (line,) = passport_of(thing, at=now).document["lines"]
    assert line["erased"][0]["members"] == ["eventID", "trace:note"]
    assert "trace:note" not in line["withheld"]


def everything_shown(session: Session) -> str:
    return str(shown(session.scalars(select(Event)).one()).event)


def go_back(session: Session, disclosures: str, size: int) -> None:
    """The database as a backup of that size had it."""
    sqlite = db.engine.dialect.name == "sqlite"
    guards = [
        ("events", "events_only_erase"),
        ("log_entries", "log_entries_no_delete"),
        ("log_checkpoints", "log_checkpoints_no_delete"),
    ]
    made = []
    for table, trigger in guards:
        if sqlite:
            wanted = text("SELECT sql FROM sqlite_master WHERE name = :name")
            made.append(session.scalar(wanted, {"name": trigger}))
            session.execute(text(f"DROP TRIGGER {trigger}"))
        else:
            made.append(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
    session.execute(delete(Erasure))
    session.execute(update(Event).values(disclosures=disclosures))
    session.execute(delete(LogEntry).where(LogEntry.index >= size))
    session.execute(delete(LogCheckpoint).where(LogCheckpoint.size > size))
    state = current_state()
    state.size = state.integrated = size
    for statement in made:
        session.execute(text(str(statement)))
    session.commit()
    session.expire_all()
