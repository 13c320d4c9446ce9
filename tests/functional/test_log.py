"""The public log over HTTP is enough to rebuild the tree and check a proof, with nothing else."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.factories import make_actor, new_lot, registered
from trace import clock
from trace.core.tlog import (
    Checkpoint,
    append,
    leaf_hash,
    log_signer,
    open_checkpoint,
    origin_of,
    parse_entry_bundle,
    sign_checkpoint,
    tile_path,
    verify_inclusion,
)
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import LogCheckpoint
from trace.services import sequencer
from trace.services.capture import capture
from trace.services.keys import log_key


class Empty:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


@pytest.fixture
def published(app: Flask, now: datetime) -> int:
    """A log of some 300 entries, so that one tile is full and one is partial; its size."""
    with app.app_context():
        actor = make_actor(now)
        for _ in range(3):
            capture(actor, [registered(new_lot()) for _ in range(100)], at=now)
            db.session.commit()
            publish("test")
        newest = sequencer.newest_checkpoint()
        assert newest is not None
        return newest.size


def test_the_tree_can_be_rebuilt_from_what_is_published(
    app: Flask, client: FlaskClient, published: int
) -> None:
    with app.app_context():
        origin = origin_of("https://trace.example")
        verifier = log_signer(origin, log_key()).verifier
    checkpoint = open_checkpoint(client.get("/log/checkpoint").text, verifier)
    assert checkpoint.size == published
    entries: list[bytes] = []
    for first in range(0, published, 256):
        width = min(256, published - first)
        answer = client.get(f"/log/{tile_path('entries', first // 256, width)}")
        assert answer.status_code == 200
        assert ("immutable" in answer.headers["Cache-Control"]) is (width == 256)
        entries += parse_entry_bundle(answer.data)
    rebuilt = append(0, Empty(), [leaf_hash(entry) for entry in entries])
    assert rebuilt.root == checkpoint.root
    for tile in rebuilt.tiles:
        served = client.get(f"/log/{tile_path(tile.level, tile.index, tile.width)}")
        assert served.data == tile.data


def test_a_proof_leads_from_an_entry_to_the_checkpoint(
    app: Flask, client: FlaskClient, published: int
) -> None:
    with app.app_context():
        verifier = log_signer(origin_of("https://trace.example"), log_key()).verifier
    bundle = parse_entry_bundle(client.get(f"/log/{tile_path('entries', 0, 256)}").data)
    head, _, note = client.get("/log/proof/7").text.partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 7"]
    checkpoint = open_checkpoint(note, verifier)
    path = [base64.b64decode(line) for line in lines[2:]]
    verify_inclusion(leaf_hash(bundle[7]), 7, checkpoint.size, path, checkpoint.root)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/0/999", 404),
        ("tile/0/001.p/255", 404),
        ("tile/entries/x001/000", 404),
        ("tile/0/../checkpoint", 404),
        ("tile/9/000", 404),
        ("tile/0/00x", 404),
        ("tile/0/000.p/256", 404),
        ("proof/999999", 404),
    ],
)
def test_what_the_checkpoint_does_not_cover_is_not_found(
    client: FlaskClient, published: int, path: str, status: int
) -> None:
    assert client.get(f"/log/{path}").status_code == status


def test_an_older_database_is_recognised_and_not_signed(
    app: Flask, published: int, now: datetime
) -> None:
    with app.app_context():
        origin = origin_of("https://trace.example")
        beyond = Checkpoint(origin, published + 500, bytes(32))
        ahead = sign_checkpoint(beyond, log_signer(origin, log_key()))
        sequencer.checkpoint_path().write_text(ahead)
        capture(make_actor(now), [registered(new_lot())], at=now)
        db.session.commit()
        with pytest.raises(sequencer.LogForked) as refused:
            sequencer.publish(now=clock.now())
        assert "holds only" in refused.value.detail
        assert "backup" in refused.value.next_step
        db.session.rollback()

        sequencer.checkpoint_path().unlink()
        with pytest.raises(sequencer.LogForked):
            sequencer.publish(now=clock.now())


def test_a_stop_between_signing_and_committing_is_mended_by_the_next_run(
    app: Flask, published: int, now: datetime
) -> None:
    with app.app_context():
        capture(make_actor(now), [registered(new_lot())], at=now)
        db.session.commit()
        signed = sequencer.publish(now=clock.now())
        db.session.rollback()  # the file is written, the tiles are not
        assert signed is not None
        again = sequencer.publish(now=clock.now())
        db.session.commit()
        assert again == signed
        newest = db.session.get(LogCheckpoint, signed.size)
        assert newest is not None
        assert newest.note == sequencer.checkpoint_path().read_text()


def test_two_workers_never_publish_at_once(app: Flask, published: int, now: datetime) -> None:
    with app.app_context():
        assert sequencer.take_lease("one", now=now + sequencer.LEASE * 2)
        db.session.commit()
        assert not sequencer.take_lease("two", now=now + sequencer.LEASE * 2)
        assert sequencer.take_lease("two", now=now + sequencer.LEASE * 4)
        db.session.commit()
