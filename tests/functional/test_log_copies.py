"""Copies of the log: exported, fetched, audited; an older backup refilled; a log begun anew."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text

from tests.support.factories import make_actor, new_lot, registered
from trace import clock
from trace.core.signing import b64url
from trace.core.statements import parse_entry
from trace.core.statements.entries import OriginEntry
from trace.core.tlog import open_checkpoint, open_checkpoint_by, parse_entry_bundle
from trace.core.verify.mirror import Folder, audit
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Event, Key, LogCheckpoint, LogEntry, Organisation, Thing
from trace.services import mirrors, refill, sequencer
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.keys import create_key, forget_opened
from trace.services.log import current_state
from trace.services.log_file import LogForked, checkpoint_path
from trace.services.log_keys import verifiers

ORIGIN = "trace.example/log"


def record(actor: Actor, now: datetime, count: int) -> None:
    capture(actor, [registered(new_lot()) for _ in range(count)], at=now)
    db.session.commit()
    publish("test")


@pytest.fixture
def actor(app: Flask, now: datetime) -> Iterator[Actor]:
    """An organisation whose log of some 300 entries is published; inside the application."""
    with app.app_context():
        found = make_actor(now)
        record(found, now, 300)
        yield found


def run(app: Flask, *words: str) -> tuple[int, str]:
    """(status, output) of a command."""
    done = app.test_cli_runner().invoke(args=["trace", *words])
    return done.exit_code, done.output


def test_an_exported_copy_is_whole_and_grows_with_the_log(
    app: Flask, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    assert run(app, "log", "export", str(copy))[0] == 0
    first = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    assert not [path for path in first if path.name.startswith(".")]
    assert audit(Folder(copy), verifiers(ORIGIN)).problems == ()

    record(actor, now, 300)
    assert run(app, "log", "export", str(copy))[0] == 0
    status, said = run(app, "log", "check", str(copy), "--workers", "1")
    assert status == 0, said
    assert f"whole: {current_state().size} entries" in said
    full = copy / "tile/entries/000"
    assert full.stat().st_mtime_ns == first[full]  # what is there for ever is not written again
    assert not list(copy.rglob("001.p/47"))  # and partial tiles go when the full one is there
    assert run(app, "log", "export", str(copy))[0] == 0


def test_a_changed_copy_is_refused_by_the_check_and_by_the_export(
    app: Flask, actor: Actor, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    run(app, "log", "export", str(copy))
    entries = copy / "tile/entries/000"
    data = bytearray(entries.read_bytes())
    data[500] ^= 1
    entries.write_bytes(bytes(data))
    status, said = run(app, "log", "check", str(copy), "--workers", "1")
    assert status == 1
    assert "other-tile  tile/0/000" in said
    assert "other-root" in said
    (copy / "checkpoint").write_text("something else")
    assert run(app, "log", "export", str(copy))[0] == 1
    assert run(app, "log", "check", str(tmp_path / "nowhere"))[0] == 1


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Any web server will do."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_anyone_can_fetch_a_copy_from_any_web_server_and_audit_it(
    app: Flask, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    exported, fetched = tmp_path / "exported", tmp_path / "fetched"
    policy = tmp_path / "policy"
    policy.write_text(run(app, "log", "policy")[1])
    run(app, "log", "export", str(exported))
    with served(exported) as url:
        assert run(app, "log", "mirror", url, str(fetched), "--policy", str(policy))[0] == 0
        record(actor, now, 200)
        run(app, "log", "export", str(exported))
        assert run(app, "log", "mirror", url, str(fetched), "--policy", str(policy))[0] == 0
        assert run(app, "log", "check", url, "--policy", str(policy), "--workers", "1")[0] == 0
        status, said = run(app, "monitor", url, "--policy", str(policy))
        assert (status, said.splitlines()[-1]) == (0, "no problem found"), said
    assert audit(Folder(fetched), verifiers(ORIGIN)).entries == current_state().size
    assert run(app, "log", "mirror", "ftp://elsewhere", str(fetched))[0] == 1


def test_the_monitor_notices_a_log_that_does_not_continue_what_it_saw(
    app: Flask, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    copy, last = tmp_path / "copy", tmp_path / "last"
    run(app, "log", "export", str(copy))
    assert run(app, "monitor", str(copy), "--last", str(last))[0] == 0
    older = last.read_text()
    record(actor, now, 5)
    run(app, "log", "export", str(copy))
    assert run(app, "monitor", str(copy), "--last", str(last))[0] == 0
    assert last.read_text() != older
    (copy / "checkpoint").write_text(older)
    status, said = run(app, "monitor", str(copy), "--last", str(last))
    assert status == 1
    assert "not-consistent" in said


def test_growth_is_proved_and_the_proof_is_checked_by_the_command(
    app: Flask, client: FlaskClient, actor: Actor
) -> None:
    status, said = run(app, "log", "consistency", "100")
    words = said.split()
    assert status == 0
    assert run(app, "log", "verify-consistency", *words)[0] == 0
    size = current_state().size
    lines = client.get(f"/log/consistency/100/{size}").text.splitlines()
    assert len(lines) == len(words) - 4
    assert client.get(f"/log/consistency/100/{size + 1}").status_code == 404
    assert client.get("/log/consistency/9/8").status_code == 404
    for place, bad in ((0, "101"), (1, "00" * 32), (3, "ff" * 32), (4, "ab" * 32)):
        changed = [*words]
        changed[place] = bad
        status, said = run(app, "log", "verify-consistency", *changed)
        assert (status, said.startswith("not valid: not-consistent")) == (1, True)


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("0", EMPTY, "0", EMPTY), 0),
        (("0", EMPTY, "5", "11" * 32), 0),
        (("5", "11" * 32, "5", "11" * 32), 0),
        (("0", "11" * 32, "5", "11" * 32), 1),
        (("0", EMPTY, "0", "11" * 32), 1),
        (("0", EMPTY, "5", "11" * 32, "22" * 32), 1),
        (("5", "11" * 32, "5", "22" * 32), 1),
        (("6", "11" * 32, "5", "11" * 32), 1),
        (("5", "11" * 31, "6", "11" * 32), 1),
        (("5", "11" * 32, "6", "11" * 32, "zz" * 32), 1),
        (("5", "11" * 32, "6", "11" * 32, "11" * 33), 1),
        (("5", "11" * 32, "6", "11" * 32), 1),
        (("five", "11" * 32, "6", "11" * 32), 1),
        (("5", "1 " * 32, "6", "11" * 32), 1),
    ],
)
def test_any_proof_is_judged_and_a_bad_one_gets_a_reason(
    app: Flask, words: tuple[str, ...], status: int
) -> None:
    code, said = run(app, "log", "verify-consistency", *words)
    assert code == status
    assert said.startswith("not valid: " if status else "valid: ")


# An older backup.


@dataclass(frozen=True)
class Before:
    """What a backup holds of the log: its size and where every chain ended."""

    size: int
    heads: dict[str, int]
    organisations: dict[int, tuple[int, int, str | None]]


def look() -> Before:
    return Before(
        current_state().size,
        {thing.identity: thing.head for thing in db.session.scalars(select(Thing))},
        {
            o.id: (o.use_head, o.keyring_head, o.keyring_last)
            for o in db.session.scalars(select(Organisation))
        },
    )


def roll_back(before: Before) -> None:
    """Makes the database what it was before, as far as the log goes, as a restored backup would;
    the append-only triggers stand in the way of everybody else."""
    sqlite = db.engine.dialect.name == "sqlite"
    guards = (
        ("log_entries", "log_entries_no_delete"),
        ("log_checkpoints", "log_checkpoints_no_delete"),
    )
    made = []
    for table, trigger in guards:
        if sqlite:
            sql = db.session.scalar(text(f"SELECT sql FROM sqlite_master WHERE name = '{trigger}'"))
            made.append(sql)
            db.session.execute(text(f"DROP TRIGGER {trigger}"))
        else:
            db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
    db.session.execute(delete(LogEntry).where(LogEntry.index >= before.size))
    db.session.execute(delete(Key).where(Key.active_from >= before.size))
    db.session.execute(delete(LogCheckpoint).where(LogCheckpoint.size > before.size))
    state = current_state()
    state.size = state.integrated = before.size
    for thing in db.session.scalars(select(Thing)):
        thing.head = before.heads.get(thing.identity, 0)
    for organisation in db.session.scalars(select(Organisation)):
        use, keyring, last = before.organisations[organisation.id]
        organisation.use_head, organisation.keyring_head = use, keyring
        organisation.keyring_last = last
    for (table, trigger), sql in zip(guards, made or [None, None], strict=True):
        statement = sql or f"ALTER TABLE {table} ENABLE TRIGGER {trigger}"
        db.session.execute(text(statement))
    db.session.commit()


def test_after_restoring_an_older_backup_the_log_is_refilled_from_a_copy(
    app: Flask, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    lot = new_lot()
    capture(actor, [registered(lot)], at=now)
    db.session.commit()
    publish("test")
    before = look()
    again = registered(lot, eventTime="2026-11-20T05:00:00.000Z", trace__note="after the backup")
    capture(actor, [again], at=now)
    create_key(actor.organisation, at=now)
    db.session.commit()
    publish("test")
    after = current_state().size
    copy = tmp_path / "copy"
    mirrors.export(copy)

    roll_back(before)
    with pytest.raises(LogForked, match="holds only"):  # nothing is recorded in the refill's way
        capture(actor, [registered(new_lot())], at=now)
    db.session.rollback()
    app.extensions.pop("trace.log.started", None)
    with pytest.raises(LogForked, match="holds only"):
        sequencer.check_continues()

    done = refill.refill(Folder(copy), at=clock.now())
    db.session.commit()
    forget_opened()
    assert (done.before, done.after, len(done.lost), len(done.keys)) == (before.size, after, 1, 1)
    publish("test")
    thing = db.session.scalars(select(Thing).where(Thing.identity == lot)).one()
    assert thing.head == 2  # its lost link is not used twice

    record(actor, now, 3)
    mirrors.export(copy)
    assert audit(Folder(copy), verifiers(ORIGIN)).problems == ()
    status, said = run(app, "monitor", str(copy))
    assert status == 0, said


def test_a_copy_of_another_history_refills_nothing(
    app: Flask, actor: Actor, tmp_path: Path, now: datetime
) -> None:
    copy = tmp_path / "copy"
    mirrors.export(copy)
    file = checkpoint_path()
    assert refill.refill(Folder(copy), at=now).lost == ()  # nothing is missing
    db.session.rollback()
    shutil.copy(file, tmp_path / "kept")
    note = (copy / "checkpoint").read_text()
    (copy / "checkpoint").write_text(note.replace("\n30", "\n40", 1))
    assert run(app, "log", "refill", str(copy))[0] == 1
    assert file.read_text() == (tmp_path / "kept").read_text()


def test_a_configured_copy_that_is_ahead_stops_the_start(
    app: Flask, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    mirrors.export(copy)
    object.__setattr__(
        app.extensions["trace.settings"], "log_mirrors", (str(copy), str(tmp_path / "none"))
    )
    mirrors.check_against_mirrors()
    roll_back(replace(look(), size=current_state().size - 1))
    with pytest.raises(LogForked, match="is ahead"):
        mirrors.check_against_mirrors()


def test_a_lost_checkpoint_file_is_put_back_only_if_the_log_continues_it(
    app: Flask, actor: Actor, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    shutil.copy(checkpoint_path(), good)
    checkpoint_path().unlink()
    with pytest.raises(LogForked, match="missing"):
        sequencer.check_continues()
    bad.write_text(good.read_text().replace("\n30", "\n20", 1))
    assert run(app, "log", "keep", str(bad))[0] == 1
    assert run(app, "log", "keep", str(good))[0] == 0
    sequencer.check_continues()


# Another key, another origin.


def test_while_the_logs_key_changes_both_sign_and_then_the_new_one_alone(
    app: Flask, actor: Actor, now: datetime
) -> None:
    old = verifiers(ORIGIN)[0]
    assert run(app, "log", "rotate-key", "--finish")[0] == 1
    status, said = run(app, "log", "rotate-key")
    assert (status, len(said.splitlines())) == (0, 2)
    assert run(app, "log", "rotate-key")[0] == 1
    new = verifiers(ORIGIN)[1]
    for _ in range(2):
        note = checkpoint_path().read_text()
        assert open_checkpoint(note, old) == open_checkpoint(note, new)
        record(actor, now, 2)
    assert run(app, "log", "rotate-key", "--finish")[0] == 0
    assert verifiers(ORIGIN) == [new]
    record(actor, now, 2)
    note = checkpoint_path().read_text()
    assert open_checkpoint(note, new).size == current_state().size
    assert note.count("\n— ") == 1


def test_a_log_begun_anew_names_the_old_one_which_stays_readable(
    app: Flask, client: FlaskClient, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    ended = client.get("/log/checkpoint").text
    old_size = current_state().size
    policy = tmp_path / "policy"
    status, said = run(app, "log", "new-origin", "--yes")
    assert status == 0, said
    record(actor, now, 4)
    assert client.get("/log/checkpoint").text == ended
    note = client.get("/log/2/checkpoint").text
    new = open_checkpoint_by(note, verifiers(f"{ORIGIN}/2"))
    width = new.size
    bundle = client.get(f"/log/2/tile/entries/000.p/{width}").data
    first = parse_entry(parse_entry_bundle(bundle)[0])
    assert isinstance(first, OriginEntry)
    assert (first.number, first.old, first.checkpoint) == (1, ORIGIN, ended)
    assert client.get("/log/2/proof/3").status_code == 200
    assert client.get("/log/proof/3").status_code == 200
    assert client.get(f"/log/proof/{old_size}").status_code == 404
    assert client.get("/log/3/checkpoint").status_code == 404
    assert db.session.scalar(select(Event.id).order_by(Event.id.desc())) is not None

    copy = tmp_path / "copy"
    mirrors.export(copy)
    fresh = run(app, "log", "policy")[1]
    policy.write_text(fresh)
    status, said = run(app, "monitor", str(copy), "--policy", str(policy))
    assert status == 0, said
    assert f"continues {ORIGIN} of {old_size} entries" in said
    old = verifiers(ORIGIN)[0].vkey
    policy.write_text("".join(line for line in fresh.splitlines(True) if old not in line))
    status, said = run(app, "monitor", str(copy), "--policy", str(policy))
    assert status == 1
    assert "not-witnessed  entry 0" in said


# Chains whose salts are known.


def test_with_a_chains_salt_the_monitor_follows_it_and_names_a_gap(
    app: Flask, actor: Actor, now: datetime, tmp_path: Path
) -> None:
    lot = new_lot()
    for hour in range(3):
        told = registered(lot, eventTime=f"2026-11-20T0{hour}:00:00.000Z")
        capture(actor, [told], at=now)
    db.session.commit()
    publish("test")
    copy, chains = tmp_path / "copy", tmp_path / "chains.json"
    mirrors.export(copy)
    thing = db.session.scalars(select(Thing).where(Thing.identity == lot)).one()
    assert thing.salt is not None

    def monitored(salt: bytes) -> tuple[int, dict[str, Any]]:
        chains.write_text(
            json.dumps({"chains": [{"identity": thing.identity, "salt": b64url(salt)}]})
        )
        status, said = run(app, "monitor", str(copy), "--bundle", str(chains), "--json")
        return status, json.loads(said[said.index("{") :])

    status, report = monitored(thing.salt)
    assert status == 0
    assert [c["links"] for c in report["chains"] if c["identity"] == lot] == [3]
    status, report = monitored(bytes(32))
    assert status == 1
    assert [problem["code"] for problem in report["problems"]] == ["chain-gap"]
    chains.write_text('{"chains": [{"identity": 7}]}')
    status, said = run(app, "monitor", str(copy), "--bundle", str(chains))
    assert (status, "unreadable" in said) == (1, True)


def test_a_bundle_that_shows_another_entry_than_the_log_is_noticed(
    app: Flask, actor: Actor, tmp_path: Path
) -> None:
    copy, bundle = tmp_path / "copy", tmp_path / "bundle.json"
    mirrors.export(copy)
    (entry,) = db.session.scalars(select(LogEntry.entry).where(LogEntry.index == 3))
    for index, expected in ((3, 0), (4, 1), (10**6, 1)):
        bundle.write_text(json.dumps({"entries": [{"index": index, "entry": entry}]}))
        assert run(app, "monitor", str(copy), "--bundle", str(bundle))[0] == expected
