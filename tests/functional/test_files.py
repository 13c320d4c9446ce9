"""Files that are kept: the same whether in a folder or in a bucket, whole, bounded, and brought
from one to the other without a loss."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session  # type: ignore[import-untyped]  # ships no types
import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.factories import make_actor
from tests.support.photos import a_photo
from trace import clock
from trace.config import BadSetting, Settings
from trace.extensions import db
from trace.services import doctor, files
from trace.services.attachments import is_aside, keep_photo, put_aside, read_kept
from trace.services.counted import REGISTRY
from trace.services.exports import drop_old, find_file
from trace.services.files import (
    KEPT,
    FileBroken,
    FileMissing,
    Files,
    FilesAway,
    FileTooLarge,
    Folder,
    KeepsFirst,
    files_at,
)
from trace.services.files import base as files_base
from trace.services.files.moving import Moved, move
from trace.services.papers import PAPERS

pytestmark = pytest.mark.usefixtures("now")
NAME = "attachments/ab/abc-s.jpg"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """A server that speaks S3 on a loopback port; everything is in its memory."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, request: pytest.FixtureRequest) -> str:
    """The address of an empty bucket."""
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"
    raw(s3).create_bucket(Bucket=name)
    return f"s3://{name}/trace?endpoint={s3}"


def raw(s3: str) -> Any:
    """The bucket's owner, past our own code."""
    return botocore.session.get_session().create_client(
        "s3",
        endpoint_url=s3,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "folder":
        return Folder(tmp_path)
    return opened(request.getfixturevalue("bucket"))


def opened(address: str) -> Files:
    from trace.services.files.s3 import Bucket

    return Bucket(address, "test", "test")


def test_a_file_is_kept_once_read_whole_listed_renamed_and_removed(place: Files) -> None:
    data = os.urandom(700_000)
    assert place.facts(NAME) is None
    with pytest.raises(FileMissing):
        place.read(NAME)
    assert place.put(NAME, data)
    assert not place.put(NAME, b"another")
    assert place.read(NAME) == data
    told = place.open(NAME)
    assert told.size == len(data)
    assert b"".join(told.chunks) == data
    assert place.put(NAME, b"fresh", replace=True)
    assert place.read(NAME) == b"fresh"
    place.put("attachments/cd/c", b"12")
    place.put("papers/cd/d", b"1")
    assert [(one.name, one.size) for one in place.list("attachments")] == [
        (NAME, 5),
        ("attachments/cd/c", 2),
    ]
    place.rename(NAME, "taken-down/abc")
    place.rename("attachments/not/there", "taken-down/nothing")
    assert place.facts(NAME) is None
    assert place.read("taken-down/abc") == b"fresh"
    place.remove("taken-down/abc")
    place.remove("taken-down/abc")
    assert list(place.list("taken-down")) == []


def test_a_finished_file_of_a_job_leaves_the_machine_that_wrote_it(
    place: Files, tmp_path: Path
) -> None:
    made = tmp_path / ".made"
    for content in (b"first", b"second, longer"):
        made.write_bytes(content)
        place.put_file("exports/x.zip", made)
        assert not made.exists()
        assert place.read("exports/x.zip") == content


@pytest.mark.parametrize("name", ["../secret", "a/../../b", "/etc/passwd", "a", "a//b", "a/.b", ""])
def test_no_name_leads_out_of_the_place(name: str, place: Files) -> None:
    for act in (place.read, place.open, place.facts, place.remove):
        with pytest.raises(FileMissing):
            act(name)
    with pytest.raises(FileMissing):
        place.put(name, b"x")


def test_what_is_too_large_is_neither_kept_nor_read_whole(
    place: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put(NAME, b"12345")
    for module in ("folder", "s3"):
        monkeypatch.setattr(f"trace.services.files.{module}.WHOLE", 4)
    monkeypatch.setattr(files_base, "LARGEST", 4)
    with pytest.raises(FileTooLarge):
        place.put("attachments/ab/b", b"12345")
    with pytest.raises(FileTooLarge):
        place.read(NAME)


def test_a_file_changed_in_the_bucket_is_never_given_out_whole(bucket: str, s3: str) -> None:
    place = opened(bucket)
    data = os.urandom(600_000)
    place.put(NAME, data)
    parts = urlsplit(bucket)
    kept = {"Bucket": parts.netloc, "Key": f"trace/{NAME}"}
    found = raw(s3).head_object(**kept)["Metadata"]
    raw(s3).put_object(**kept, Body=data[:-1] + b"!", Metadata=found)
    with pytest.raises(FileBroken):
        place.read(NAME)
    pieces = place.open(NAME).chunks
    got = next(pieces)
    with pytest.raises(FileBroken):
        list(pieces)
    assert 0 < len(got) < len(data)


BUCKET_COUNTS: Final[list[tuple[str, dict[str, str]]]] = [
    ("trace_bucket_requests_total", {"outcome": "away"}),
    ("trace_bucket_retries_total", {}),
]


def test_a_server_that_is_away_is_said_and_waited_for_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trace.services.files.s3.TRIES", 1)
    place = opened("s3://bucket-1?endpoint=http://127.0.0.1:9")
    away, again = (REGISTRY.get_sample_value(*one) or 0 for one in BUCKET_COUNTS)
    for act in (place.read, place.facts, place.remove):
        with pytest.raises(FilesAway):
            act(NAME)
    assert [REGISTRY.get_sample_value(*one) for one in BUCKET_COUNTS] == [away + 3, again]
    monkeypatch.setattr("trace.services.files.s3.TRIES", 2)
    with pytest.raises(FilesAway):
        opened("s3://bucket-1?endpoint=http://127.0.0.1:9").remove(NAME)
    assert [REGISTRY.get_sample_value(*one) for one in BUCKET_COUNTS] == [away + 4, again + 1]


@pytest.mark.parametrize(
    "address",
    [
        "photos",
        "s3://",
        "s3:///x",
        "http://bucket",
        "s3://key:secret@bucket",
        "s3://bucket?endpoint=minio:9000",
        "s3://bucket?acl=public",
    ],
)
def test_an_address_of_files_that_is_none_stops_the_start_by_name(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting, match="TRACE_FILES"):
        Settings.from_env({"TRACE_FILES": address, "TRACE_INSTANCE": str(tmp_path)})
    with pytest.raises(BadSetting, match="TRACE_FILES_SECRET"):
        Settings.from_env({"TRACE_FILES_SECRET": "x", "TRACE_INSTANCE": str(tmp_path)})


# -- the product over a bucket ---------------------------------------------------------------------


@pytest.fixture
def on_s3(settings: Settings, bucket: str) -> Iterator[Flask]:
    app = create_app(replace(settings, files=bucket, files_key="test", files_secret="test"))
    yield app
    release(app)


@pytest.mark.one_database
def test_photos_papers_and_jobs_files_are_served_from_a_bucket_by_us(
    on_s3: Flask, tmp_path: Path
) -> None:
    with on_s3.app_context():
        kept = keep_photo(make_actor(clock.now()), io.BytesIO(a_photo()), at=clock.now())
        digest = kept.digest
        db.session.commit()
        client = on_s3.test_client()
        answer = client.get(f"/photos/{digest}.jpg")
        assert answer.status_code == 200
        assert answer.data == read_kept(digest)
        assert client.get(f"/photos/small/{digest}.jpg").status_code == 200
        again = client.get(
            f"/photos/{digest}.jpg", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert (again.status_code, again.data) == (304, b"")
        assert client.get(f"/photos/{'A' * 43}.jpg").status_code == 404
        put_aside(digest)
        assert is_aside(digest)
        assert client.get(f"/photos/{digest}.jpg").status_code == 404

        paper, _ = PAPERS.keep(io.BytesIO(a_photo(7)))
        assert PAPERS.read(paper)[:2] == b"\xff\xd8"
        assert b"\xff\xd8" not in files.files().read(PAPERS.place(paper))[:20]
        made = tmp_path / "made.zip"
        made.write_bytes(b"PK")
        public_id = "0f8fad5b-d9cb-469f-a165-70867728950e"
        files.files().put_file(f"exports/{public_id}.zip", made)
        assert find_file(public_id)
        assert drop_old(clock.now()) == 0
        assert not (Path(on_s3.instance_path) / "attachments").exists()
        told = {(one.part, one.state) for one in doctor.examine(now=clock.now())}
        assert ("files", "ok") in told
        assert ("files", "warning") not in told
        place = files.files()
        assert isinstance(place, KeepsFirst)
        assert place.keeps_first("probe/x")


# -- bringing files elsewhere ----------------------------------------------------------------------


class Stopped(Exception):
    pass


def filled(folder: Path, many: int = 5) -> Folder:
    source = Folder(folder)
    for number in range(many):
        source.put(f"attachments/a{number}/photo{number}.jpg", b"x" * (number + 1))
    source.put("papers/ab/p.sealed", b"sealed")
    source.put("exports/passing.zip", b"made anew when asked for")
    return source


def names(place: Files) -> list[str]:
    return [one.name for folder in KEPT for one in place.list(folder)]


@pytest.mark.parametrize("after", range(1, 6))
def test_bringing_files_elsewhere_stopped_anywhere_goes_on_there(
    after: int, tmp_path: Path, bucket: str
) -> None:
    source, target = filled(tmp_path), opened(bucket)

    def tell(moved: Moved) -> None:
        if moved.brought == after:
            raise Stopped

    with pytest.raises(Stopped):
        move(source, target, KEPT, tell=tell)
    assert len(names(target)) == after
    moved = move(source, target, KEPT)
    assert (moved.brought, moved.there) == (6 - after, after)
    assert names(target) == names(source)
    back = Folder(tmp_path / "back")
    move(target, back, KEPT)
    assert {name: back.read(name) for name in names(back)} == {
        name: source.read(name) for name in names(source)
    }


def test_what_was_erased_meanwhile_is_erased_on_the_other_side_at_the_end(
    tmp_path: Path, bucket: str
) -> None:
    source, target = filled(tmp_path), opened(bucket)
    move(source, target, KEPT)
    source.remove("attachments/a1/photo1.jpg")
    source.put("attachments/a9/photo9.jpg", b"came meanwhile")
    assert move(source, target, KEPT).removed == 0
    moved = move(source, target, KEPT, finish=True)
    assert (moved.removed, moved.brought) == (1, 0)
    assert names(target) == names(source)
    assert not list(target.list("exports"))


@pytest.mark.one_database
def test_the_command_brings_files_and_refuses_their_own_place(app: Flask, tmp_path: Path) -> None:
    filled(Path(app.instance_path))
    run = app.test_cli_runner().invoke
    done = run(args=["trace", "files", "move", "--to", str(tmp_path / "there")])
    assert "6 files brought (21 bytes), 0 were there" in done.output
    assert len(names(files_at(app.extensions["trace.settings"], str(tmp_path / "there")))) == 6
    refused = run(args=["trace", "files", "move", "--to", "folder"])
    assert refused.exit_code != 0
    assert "the place where they are" in refused.output
    assert "attachments: 5 files, 15 bytes" in run(args=["trace", "files", "show"]).output


@pytest.mark.one_database
def test_a_backup_holds_the_files_of_a_bucket_and_puts_them_where_files_are_kept(
    on_s3: Flask, settings: Settings, tmp_path: Path
) -> None:
    with on_s3.app_context():
        kept = keep_photo(make_actor(clock.now()), io.BytesIO(a_photo()), at=clock.now())
        digest, data = kept.digest, read_kept(kept.digest)
        db.session.commit()
    backup = str(tmp_path / "backup")
    done = on_s3.test_cli_runner().invoke(args=["trace", "backup", backup])
    assert done.exit_code == 0, done.output
    url = f"sqlite:///{tmp_path}/elsewhere/trace.db"
    there = create_app(replace(settings, instance=tmp_path / "elsewhere", database_url=url))
    restored = there.test_cli_runner().invoke(args=["trace", "restore", backup])
    assert restored.exit_code == 0, restored.output
    with there.app_context():
        assert read_kept(digest) == data  # now in a folder
        for name in names(files.files()):
            files.files().remove(name)
    release(there)
