"""What a process that died left on the disk goes, and nothing else."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from tests.crash.acts import photo
from tests.support.factories import make_actor, new_lot, registered
from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.models import Attachment
from trace.services import attachments, takedown_journal, takedowns
from trace.services.actors import Actor
from trace.services.after_commit import _WAITING
from trace.services.capture import capture
from trace.services.erasures import erase
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings
from trace.services.sweeping import KEPT, sweep


def aged(path: Path, at: datetime) -> Path:
    """A file written at a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(b"left")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


@pytest.mark.one_database
def test_files_that_no_row_names_go_after_a_day_and_parts_of_files_with_them(app: Flask) -> None:
    with app.app_context():
        now = clock.now()
        actor = make_actor(now)
        row: Attachment = attachments.keep_photo(actor, photo(), at=now)
        digest = row.digest
        db.session.commit()
        base = current_settings().instance
        old, young = now - KEPT - timedelta(minutes=1), now - timedelta(hours=1)
        named = [
            aged(base / "attachments" / digest[:2] / f"{digest}{ending}.jpg", old)
            for ending in ("", "-s")
        ]
        nobody, lately = "A" * 43, "B" * 43
        orphans = [
            aged(base / "attachments" / nobody[:2] / f"{nobody}{ending}.jpg", old)
            for ending in ("", "-s")
        ]
        orphans.append(aged(base / "directives" / nobody[:2] / f"{nobody}.sealed", old))
        parts = [aged(base / place / ".0123.part", old) for place in ("attachments", "papers/Ab")]
        fresh = [
            aged(base / "attachments" / lately[:2] / f"{lately}.jpg", young),
            aged(base / "attachments" / ".4567.part", young),
        ]
        assert sweep(at=now) == {"files": 3, "parts": 2}
        assert not any(path.exists() for path in (*orphans, *parts))
        assert all(path.exists() for path in (*named, *fresh))
        assert sweep(at=now) == {"files": 0, "parts": 0}


def test_a_photo_of_an_erased_record_goes_though_the_process_died_at_its_commit(app: Flask) -> None:
    with app.app_context():
        now = clock.now()
        actor = make_actor(now)
        row = attachments.keep_photo(actor, photo(), at=now)
        digest = row.digest
        made = registered(new_lot(), trace__attachments=[attachments.reference(row)])
        statement = capture(actor, [made], at=now).events[0].statement_id
        db.session.commit()
        platform = Actor(platform_organisation(), None, "admin")
        erase(platform, statement, ["trace:attachments"], reason="1", at=now)
        die_at_the_commit()
        assert attachments.is_served(digest)
        worker.run_pending("next")
        assert not attachments.is_served(digest)


def test_a_takedown_and_its_lifting_hold_though_the_journal_missed_both(app: Flask) -> None:
    with app.app_context():
        now = clock.now()
        actor = make_actor(now)
        row = attachments.keep_photo(actor, photo(), at=now)
        digest = row.digest
        made = registered(new_lot(), trace__attachments=[attachments.reference(row)])
        capture(actor, [made], at=now)
        db.session.commit()
        platform = Actor(platform_organisation(), None, "admin")
        takedown = takedowns.take_down_photo(platform, digest, reason="insult", at=now)
        die_at_the_commit()
        assert attachments.is_served(digest)
        takedowns.replay(at=now)  # what a worker does at its start and every hour
        db.session.commit()
        assert not attachments.is_served(digest)
        assert [told.lifted for told in takedown_journal.read()] == [False]

        takedowns.lift(platform, takedown, at=now)
        die_at_the_commit()
        with takedown_journal.journal_path().open("ab") as file:
            file.write(b'{"kind":"pho')  # of another one that died while it wrote
        takedowns.replay(at=now)
        db.session.commit()
        assert attachments.is_served(digest)
        assert takedowns.find_standing(digest) is None
        assert [told.lifted for told in takedown_journal.read()] == [True]
        assert takedowns.replay(at=now) == 0


def die_at_the_commit() -> None:
    """Commits, and does nothing of what was to be done after it."""
    db.session().info.pop(_WAITING, None)
    db.session.commit()
