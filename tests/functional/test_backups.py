"""Backups taken while the application is in use, and put back into an empty place."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.factories import make_actor, new_lot, registered
from tests.support.postgresql import Server
from trace.config import Settings
from trace.extensions import db
from trace.jobs import worker
from trace.services import backup_keys, backups, keys, platform, sequencer
from trace.services.backup_databases import DatabaseNotCopied
from trace.services.capture import capture
from trace.services.files import FileBroken, FileMissing, Folder, Opened, files
from trace.services.log import current_state
from trace.services.log_file import LogForked
from trace.services.log_guard import LogRestored

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PASSPHRASE = "mười hai chữ là đủ"
SECRET = {"TRACE_BACKUP_PASSPHRASE": PASSPHRASE}
PHOTO = b"a photo, as far as files go"


def record(app: Flask) -> None:
    """One lot more, in the log and published."""
    keys.forget_opened()
    with app.app_context():
        capture(make_actor(AT), [registered(new_lot())], at=AT)
        db.session.commit()
        worker.publish("tests")


def size(app: Flask) -> int:
    """Entries of its log."""
    with app.app_context():
        return current_state().size


@pytest.fixture
def used(app: Flask) -> Flask:
    """An installation in use, with a file of each kind."""
    keys.forget_opened()
    with app.app_context():
        platform.initialise(at=AT)
        db.session.commit()
    record(app)
    instance: Path = app.extensions["trace.settings"].instance
    for name in ("attachments/ab/photo", "exports/mine.zip", "trace_secret_key.txt"):
        (instance / name).parent.mkdir(parents=True, exist_ok=True)
        (instance / name).write_bytes(PHOTO)
    return app


@pytest.fixture
def elsewhere(
    used: Flask, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """Another machine: an empty database and an empty instance folder."""
    url = f"sqlite:///{tmp_path}/elsewhere/trace.db"
    if settings.database_url.startswith("postgresql"):
        server: Server = request.getfixturevalue("postgresql_server")
        name = f"elsewhere_{os.urandom(4).hex()}"
        url = server.create_database(name)
    made = create_app(replace(settings, instance=tmp_path / "elsewhere", database_url=url))
    yield made
    release(made)
    if settings.database_url.startswith("postgresql"):
        with server.connect("postgres", user="postgres") as connection:
            connection.execute(f'DROP DATABASE "{name}"')


def run(app: Flask, *words: str, status: int = 0) -> str:
    """A command's output."""
    keys.forget_opened()
    answer = app.test_cli_runner().invoke(args=["trace", *words], env=SECRET)
    assert answer.exit_code == status, answer.output
    return answer.output


def test_a_backup_restored_elsewhere_is_whole_audited_and_goes_on(
    used: Flask, elsewhere: Flask, tmp_path: Path
) -> None:
    folder, sealed, secrets = (tmp_path / name for name in ("backup", "keys.json", "secrets.env"))
    run(used, "backup", str(folder), "--keys", str(sealed))
    record(used)  # not in the backup
    assert sorted(path.name for path in folder.iterdir())[1:] == ["files.tar", "manifest.json"]
    assert folder.stat().st_mode & 0o777 == 0o700
    options = ("--keys", str(sealed), "--secrets", str(secrets))
    assert "2 key files are put back" in run(elsewhere, "restore", str(folder), *options)
    settings = elsewhere.extensions["trace.settings"]
    assert (settings.instance / "attachments/ab/photo").read_bytes() == PHOTO
    assert not (settings.instance / "exports").exists()
    assert "TRACE_KEY_ENCRYPTION_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n" in (
        secrets.read_text()
    )
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert ", 0 differences" in run(elsewhere, "audit", "--workers", "1")
    copy = tmp_path / "copy"
    run(elsewhere, "log", "export", str(copy))
    assert "whole: " in run(elsewhere, "log", "check", str(copy), "--workers", "1")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert size(elsewhere) == manifest["held"]["entries"] < size(used)
    with pytest.raises(LogRestored):  # an operator says first that nothing else was published
        record(elsewhere)
    assert elsewhere.test_client().get("/readyz?for=writing").status_code == 503
    assert "goes on after" in run(elsewhere, "log", "resume")
    assert "no backup was restored" in run(elsewhere, "log", "resume")
    record(elsewhere)
    assert size(elsewhere) > manifest["held"]["entries"]
    assert ", 0 differences" in run(elsewhere, "audit", "--workers", "1")


@pytest.mark.one_database
def test_a_key_in_the_way_is_found_before_anything_is_restored(
    used: Flask, elsewhere: Flask, tmp_path: Path
) -> None:
    folder, sealed = tmp_path / "backup", tmp_path / "keys.json"
    run(used, "backup", str(folder), "--keys", str(sealed))
    keys_folder = elsewhere.extensions["trace.settings"].instance / "keys"
    keys_folder.mkdir(parents=True)
    (keys_folder / "root.sealed").write_bytes(b"another")
    told = run(elsewhere, "restore", str(folder), "--keys", str(sealed), status=1)
    assert "keys-in-the-way" in told
    (keys_folder / "root.sealed").unlink()
    nowhere = str(tmp_path / "no" / "secrets.env")
    options = ("--keys", str(sealed), "--secrets", nowhere)
    assert "takes no file" in run(elsewhere, "restore", str(folder), *options, status=1)
    with elsewhere.app_context():
        assert db.inspect(db.engine).get_table_names() == []


@pytest.mark.one_database
def test_no_secret_is_in_a_backup(used: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    run(used, "backup", str(folder))
    whole = b"".join(path.read_bytes() for path in folder.iterdir())
    settings = used.extensions["trace.settings"]
    assert settings.secret_key.encode() not in whole
    assert settings.key_encryption_key not in whole
    for sealed in (settings.instance / "keys").iterdir():
        assert sealed.read_bytes() not in whole
    assert b"trace_secret_key" not in whole
    assert b"attachments/ab/photo" in whole


def test_after_an_older_backup_the_guard_says_so_and_a_refill_mends_it(
    used: Flask, elsewhere: Flask, tmp_path: Path
) -> None:
    run(used, "backup", str(tmp_path / "backup"))
    record(used)
    mirror = tmp_path / "mirror"
    run(used, "log", "export", str(mirror))
    here, there = (app.extensions["trace.settings"].instance for app in (used, elsewhere))
    (there / "log").mkdir(parents=True)
    (there / "keys").symlink_to(here / "keys")
    published = (here / "log" / "checkpoint").read_text()
    (there / "log" / "checkpoint").write_text(published)  # survived the loss of the database
    run(elsewhere, "restore", str(tmp_path / "backup"))
    assert (there / "log" / "checkpoint").read_text() == published
    strict = elsewhere.test_client().get("/readyz?for=writing").json
    assert strict is not None
    assert [part for part, state in strict["checks"].items() if state != "ok"] == ["log"]
    assert "log-forked" in run(elsewhere, "log", "resume", status=1)
    with pytest.raises(LogRestored):
        record(elsewhere)
    # Recovered by the database's own means there is no mark: the newest checkpoint speaks.
    (there / "log" / "restored").unlink()
    before = size(elsewhere)
    with pytest.raises(LogForked, match="holds only") as refused:
        record(elsewhere)
    assert refused.value.status == 503
    assert "backup older than the published log" in refused.value.next_step
    assert size(elsewhere) == before
    with elsewhere.app_context(), pytest.raises(LogForked):
        sequencer.check_continues()
    assert "entries taken back" in run(elsewhere, "log", "refill", str(mirror))
    record(elsewhere)


def test_nothing_is_restored_over_anything_or_from_a_backup_that_is_not_whole(
    used: Flask, elsewhere: Flask, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    run(used, "backup", str(folder))
    assert "not empty" in run(used, "restore", str(folder), status=1)
    assert "empty folder" in run(used, "backup", str(folder), status=1)
    instance = used.extensions["trace.settings"].instance
    assert "inside the instance" in run(used, "backup", str(instance / "b"), status=1)
    archive = folder / "files.tar"
    whole = archive.read_bytes()
    place = whole.index(PHOTO)
    archive.write_bytes(whole[:place] + b"A" + whole[place + 1 :])
    for words in (("--check",), ()):
        assert "backup-broken" in run(elsewhere, "restore", str(folder), *words, status=1)
    with elsewhere.app_context():
        assert db.inspect(db.engine).get_table_names() == []
    archive.write_bytes(whole)
    assert "entries" in run(elsewhere, "restore", str(folder), "--check")
    for text in ("{", "[]", '{"v": 2}', '{"v": 1, "parts": {"../x": {"size": 1, "sha256": ""}}}'):
        (folder / "manifest.json").write_text(text)
        assert "backup-broken" in run(elsewhere, "restore", str(folder), "--check", status=1)


@pytest.mark.one_database
def test_a_broken_file_in_the_bucket_is_left_out_and_named_and_stops_nothing(
    used: Flask, elsewhere: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: Settings = used.extensions["trace.settings"]
    used.extensions["trace.settings"] = replace(settings, files=str(tmp_path / "bucket"))
    good, bad, gone = (f"attachments/cd/{word}" for word in ("good", "bad", "gone"))
    opens = Folder.open

    def opened(place: Folder, name: str) -> Opened:
        if name == gone:
            raise FileMissing
        return Opened(1, broken(name)) if name == bad else opens(place, name)

    def broken(name: str) -> Iterator[bytes]:
        yield b"its beginning"
        raise FileBroken(name=name)

    with used.app_context():
        for name in (good, bad, gone):
            files().put(name, PHOTO)
    monkeypatch.setattr(Folder, "open", opened)
    folder = tmp_path / "backup"
    assert f"broken where it is kept: {bad}\n" in run(used, "backup", str(folder), status=3)
    assert json.loads((folder / "manifest.json").read_bytes())["broken"] == [bad]
    assert "1 file is not in it" in used.test_cli_runner().invoke(args=["trace", "doctor"]).output
    monkeypatch.undo()
    assert bad in run(elsewhere, "restore", str(folder), "--check")
    assert bad in run(elsewhere, "restore", str(folder))
    instance = elsewhere.extensions["trace.settings"].instance
    assert (instance / good).read_bytes() == PHOTO
    assert not (instance / bad).exists()
    again = tmp_path / "again"
    assert "broken" not in run(used, "backup", str(again))
    assert "broken" not in json.loads((again / "manifest.json").read_bytes())


@pytest.mark.one_database
def test_sealed_keys_open_with_their_passphrase_only_and_never_replace_others(
    used: Flask, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    with used.app_context():
        check_sealing(path)


def check_sealing(path: Path) -> None:
    with pytest.raises(backup_keys.WeakPassphrase):
        backup_keys.seal_keys(path, "too short")
    assert backup_keys.seal_keys(path, PASSPHRASE) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    opened = backup_keys.open_keys(path, PASSPHRASE)
    assert sorted(opened.files) == ["log.sealed", "root.sealed"]
    assert backup_keys.put_back(opened) == 0  # they are there, and the same
    with pytest.raises(backup_keys.KeysInTheWay):
        backup_keys.put_back(replace(opened, files={"log.sealed": b"another"}))
    with pytest.raises(backup_keys.KeysNotOpened, match="passphrase"):
        backup_keys.open_keys(path, PASSPHRASE + "!")
    told = json.loads(path.read_bytes())
    changes: tuple[Any, ...] = ({**told, "about": "x"}, {**told, "nonce": "!"}, {"about": 1}, [], 7)
    for changed in changes:
        path.write_text(json.dumps(changed))
        with pytest.raises(backup_keys.KeysNotOpened):
            backup_keys.open_keys(path, PASSPHRASE)


@pytest.mark.one_database("sqlite")
def test_a_copy_of_sqlite_is_one_file_of_one_state_while_others_write(
    used: Flask, tmp_path: Path
) -> None:
    url = used.extensions["trace.settings"].database_url
    with sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE log_state SET size = size + 1000")
        with used.app_context():
            manifest = backups.backup(tmp_path / "backup", at=AT)
        writer.execute("ROLLBACK")
    assert manifest.held.entries < 1000
    assert sorted(manifest.parts) == ["database.sqlite3", "files.tar"]
    assert len(list((tmp_path / "backup").iterdir())) == 3


@pytest.mark.one_database("postgresql")
def test_the_password_of_postgresql_is_not_on_the_command_line(
    used: Flask, tmp_path: Path, monkeypatch: Any
) -> None:
    seen = tmp_path / "seen"
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {seen}\necho "$PGPASSWORD" >> {seen}\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    with used.app_context():
        monkeypatch.setattr(db.engine, "url", db.engine.url.set(password="p-a-s-s"))
        with pytest.raises(DatabaseNotCopied, match="pg_dump says: status 3"):
            backups.backup(tmp_path / "backup", at=AT)
    arguments, password = seen.read_text().splitlines()
    assert password == "p-a-s-s"
    assert "p-a-s-s" not in arguments
