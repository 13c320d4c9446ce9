"""The public log over HTTP is enough to rebuild the tree and check a proof, with nothing else."""

from __future__ import annotations

import base64
import gzip
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.factories import make_actor, new_lot, registered
from trace import clock
from trace.core.tlog import (
    Checkpoint,
    NotInLog,
    append,
    leaf_hash,
    log_signer,
    open_checkpoint,
    origin_of,
    parse_entry_bundle,
    parse_policy,
    parse_proof,
    sign_checkpoint,
    tile_path,
    verify_inclusion,
    verify_proof,
)
from trace.core.verify.policy_file import read_policy
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import LogCheckpoint
from trace.services import sequencer
from trace.services.capture import capture
from trace.services.keys import log_key, root_public
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation


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


def test_what_can_be_cached_is_cached_and_what_can_be_packed_is_packed(
    client: FlaskClient, published: int
) -> None:
    plain = client.get("/log/tile/entries/000")
    packed = client.get("/log/tile/entries/000", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert (
        "Content-Encoding"
        not in client.get("/log/tile/0/000", headers={"Accept-Encoding": "gzip"}).headers
    )
    checkpoint = client.get("/log/checkpoint")
    assert checkpoint.content_type == "text/plain; charset=utf-8"
    again = client.get("/log/checkpoint", headers={"If-None-Match": checkpoint.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/log/consistency/3/5").headers["Cache-Control"].endswith("immutable")
    for path in ("checkpoint", "tile/0/000", "proof/1", "consistency/3/5", "policy"):
        assert client.get(f"/log/{path}").headers["Access-Control-Allow-Origin"] == "*"


def test_the_policy_served_names_the_logs_key_and_the_platforms_root(
    app: Flask, client: FlaskClient, published: int
) -> None:
    served = client.get("/log/policy").data
    trust = parse_policy(served)
    note = client.get("/log/checkpoint").text
    assert trust.check(note, now=clock.now()).checkpoint.size == published
    policy = read_policy(served)
    with app.app_context():
        assert policy.root == root_public()
        assert policy.platform == issuer_of(platform_organisation().code)


def test_a_proof_served_holds_for_its_entry_and_no_other(
    client: FlaskClient, published: int
) -> None:
    policy = parse_policy(client.get("/log/policy").data)
    bundle = parse_entry_bundle(client.get("/log/tile/entries/000").data)
    proof = parse_proof(client.get("/log/proof/9").text)
    assert verify_proof(proof, bundle[9], policy, now=clock.now()).checkpoint.size == published
    with pytest.raises(NotInLog):
        verify_proof(proof, bundle[8], policy, now=clock.now())


def test_a_backlog_is_published_in_steps_and_each_step_is_signed(
    app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "STEP", 10)
    with app.app_context():
        actor = make_actor(now)
        capture(actor, [registered(new_lot()) for _ in range(31)], at=now)
        db.session.commit()
        publish("test")
        sizes = [row.size for row in db.session.query(LogCheckpoint).order_by(LogCheckpoint.size)]
        assert sizes == [10, 20, 30, 34]


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
        actor = make_actor(now)
        capture(actor, [registered(new_lot())], at=now)
        db.session.commit()
        sequencer.checkpoint_path().write_text(ahead)
        with pytest.raises(sequencer.LogForked, match="holds only"):
            capture(actor, [registered(new_lot())], at=now)
        db.session.rollback()
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
