"""A witness of its own cosigns what only grows; the log asks k of n and waits for nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from time_machine import Traveller
from werkzeug.serving import make_server
from werkzeug.test import Client

from tests.support.factories import make_actor, new_lot, registered
from trace import clock
from trace.core.signing import PrivateKey
from trace.core.tlog import (
    Checkpoint,
    append,
    consistency_proof,
    log_signer,
    parse_note,
    sign_checkpoint,
)
from trace.core.tlog.witness import AddCheckpoint
from trace.extensions import db
from trace.jobs.witnesses import ask_witnesses, may_ask
from trace.jobs.worker import publish
from trace.models import LogCheckpoint, LogWitness
from trace.services import witnessing
from trace.services.capture import capture
from trace.services.keys import log_key
from trace.services.log import current_state
from trace.services.log_file import LogForked
from trace.services.log_keys import verifiers
from trace.services.sequencer import LEASE, leaf_hashes, newest_checkpoint
from trace.services.witness import BadWitnessKey, Witness, make_key, read_key
from trace.web.witness import WitnessApplication

ORIGIN = "trace.example/log"


@dataclass(frozen=True)
class Running:
    """A witness that answers at `url`."""

    witness: Witness
    url: str

    @property
    def vkey(self) -> str:
        return self.witness.cosigner.verifier.vkey


@contextmanager
def running(folder: Path, name: str) -> Iterator[Running]:
    folder.mkdir(parents=True, exist_ok=True)
    witness = Witness(folder / "witness.db", make_key(folder / "witness.key", name))
    server = make_server("127.0.0.1", 0, WitnessApplication(witness), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Running(witness, f"http://127.0.0.1:{server.port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def log(app: Flask, now: datetime) -> Flask:
    """An application whose log has a first checkpoint."""
    with app.app_context():
        record(now)
    return app


def record(now: datetime, count: int = 1) -> None:
    actor = make_actor(now)
    for _ in range(count):
        capture(actor, [registered(new_lot())], at=now)
        db.session.commit()
    publish("test")


def write_policy(*lines: str) -> None:
    path = witnessing.policy_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = [f"log {verifier.vkey}" for verifier in verifiers(current_state().origin)]
    path.write_text("\n".join([*keys, *lines]) + "\n")


def newest() -> LogCheckpoint:
    found = newest_checkpoint()
    assert found is not None
    db.session.refresh(found)
    return found


def test_a_growing_log_is_cosigned_by_the_witnesses_of_its_policy(
    log: Flask, client: FlaskClient, tmp_path: Path, now: datetime
) -> None:
    with (
        log.app_context(),
        running(tmp_path / "1", "w1.example") as one,
        running(tmp_path / "2", "w2.example") as two,
    ):
        vkey = verifiers(ORIGIN)[0].vkey
        for each in (one, two):
            each.witness.add_log(vkey)
        write_policy(
            f"witness one {one.vkey} {one.url}/",
            f"witness two {two.vkey} {two.url}",
            f"witness gone {make_key(tmp_path / 'gone', 'gone.example').verifier.vkey} "
            "http://127.0.0.1:9",
            "#trace operator one Đại học Ví dụ",
            "group k-of-n 2 one two gone",
            "quorum k-of-n",
        )
        ask_witnesses()
        first = newest()
        assert first.witnessed_at == now
        names = [line.name for line in parse_note(first.note).signatures]
        assert names == [ORIGIN, "w1.example", "w2.example"]

        record(now, 3)  # the witness that is gone blocks nothing
        assert newest().size > first.size
        assert newest().witnessed_at is None
        ask_witnesses()
        assert newest().witnessed_at == now
        assert witnessing.first_witnessed(0) == first

        shown = {view.name: view for view in witnessing.witnesses()}
        assert shown["one"].operator == "Đại học Ví dụ"
        assert (shown["one"].size, shown["one"].cosigned_at) == (newest().size, now)
        assert shown["gone"].size is None
        assert "unreachable" in (shown["gone"].failure or "")
        assert [seen.size for seen in one.witness.logs()] == [newest().size]
    assert client.get("/log/checkpoint").text.count("\n— ") == 3


def test_the_operators_own_witness_counts_for_nothing(
    log: Flask, tmp_path: Path, now: datetime
) -> None:
    with log.app_context(), running(tmp_path / "own", "trace.example/witness") as own:
        own.witness.add_log(verifiers(ORIGIN)[0].vkey)
        write_policy(f"witness own {own.vkey} {own.url}", "quorum own")
        ask_witnesses()
        assert "trace.example/witness" in newest().note
        assert newest().witnessed_at is None
        assert [view.counts for view in witnessing.witnesses()] == [False]


def test_a_witness_that_comes_back_is_asked_again_from_where_it_was(
    log: Flask, tmp_path: Path, now: datetime
) -> None:
    with log.app_context(), running(tmp_path / "w", "w.example") as one:
        one.witness.add_log(verifiers(ORIGIN)[0].vkey)
        write_policy(f"witness one {one.vkey} {one.url}", "quorum one")
        ask_witnesses()
        db.session.query(LogWitness).delete()  # we forgot what it has seen: it says so
        db.session.commit()
        record(now)
        answers = ask_witnesses()
        assert answers[0].lines
        assert newest().witnessed_at == now


def test_a_quiet_log_is_cosigned_again_so_that_it_stays_fresh(
    log: Flask, tmp_path: Path, now: datetime, time_machine: Traveller
) -> None:
    with log.app_context(), running(tmp_path / "w", "w.example") as one:
        one.witness.add_log(verifiers(ORIGIN)[0].vkey)
        write_policy(f"witness one {one.vkey} {one.url}", "quorum one")
        ask_witnesses()
        assert ask_witnesses() == []
        later = now + timedelta(hours=1)
        time_machine.move_to(later, tick=False)
        ask_witnesses()
        assert witnessing.witnesses()[0].cosigned_at == later
        assert [line.name for line in parse_note(newest().note).signatures] == [ORIGIN, "w.example"]
        assert newest().witnessed_at == now  # since when is the first time


def test_after_a_restart_the_next_worker_asks_for_a_quiet_log(
    log: Flask, tmp_path: Path, now: datetime, time_machine: Traveller
) -> None:
    with log.app_context(), running(tmp_path / "w", "w.example") as one:
        one.witness.add_log(verifiers(ORIGIN)[0].vkey)
        write_policy(f"witness one {one.vkey} {one.url}", "quorum one")
        assert may_ask("test")  # it published, so it holds the lease
        assert not may_ask("next")
        time_machine.move_to(now + LEASE * 2, tick=False)
        assert may_ask("next")
        ask_witnesses()
        time_machine.move_to(now + LEASE * 4, tick=False)
        assert not may_ask("third")  # nothing is due: nothing is written
        assert current_state().leased_by == "next"
        time_machine.move_to(now + timedelta(hours=2), tick=False)
        assert may_ask("third")


def test_after_a_failure_a_witness_is_left_alone_for_a_while(
    log: Flask, tmp_path: Path, now: datetime, time_machine: Traveller
) -> None:
    with log.app_context(), running(tmp_path / "w", "w.example") as one:
        write_policy(f"witness one {one.vkey} {one.url}", "quorum one")
        assert ask_witnesses()[0].failure.startswith("HTTP 404")
        assert ask_witnesses() == []
        time_machine.move_to(now + witnessing.PAUSE, tick=False)
        one.witness.add_log(verifiers(ORIGIN)[0].vkey)
        assert ask_witnesses()[0].lines


def grown(folder: Flask, one: Running, size: int) -> None:
    """Shows the witness another history of the log, signed by the log itself."""
    leaves = [sha256(n.to_bytes(2)).digest() for n in range(size)]
    other = append(0, _Nothing(), leaves)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, other.root), log_signer(ORIGIN, log_key()))
    one.witness.add_checkpoint(AddCheckpoint(0, (), note), now=clock.now())


class _One:
    """A log of one tile."""

    def __init__(self, tile: bytes) -> None:
        self._tile = tile

    def read(self, level: int, index: int, width: int) -> bytes:
        return self._tile[: 32 * width]


class _Nothing:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


@pytest.mark.parametrize("size", [2, 500])
def test_at_its_start_the_log_refuses_to_fork_from_what_a_witness_saw(
    log: Flask, tmp_path: Path, now: datetime, size: int
) -> None:
    with log.app_context(), running(tmp_path / "w", "w.example") as one:
        one.witness.add_log(verifiers(ORIGIN)[0].vkey)
        grown(log, one, size)
        write_policy(f"witness one {one.vkey} {one.url}", "quorum one")
        capture(make_actor(now), [registered(new_lot())], at=now)
        db.session.commit()
        before = newest().size
        log.extensions.pop("trace.log.started", None)  # as after a restart
        with pytest.raises(LogForked, match=r"the witness w\.example says"):
            publish("test")
        db.session.rollback()
        assert newest().size == before


def test_a_restored_database_that_remembers_an_older_cosignature_is_recognised(
    log: Flask, tmp_path: Path, now: datetime
) -> None:
    with log.app_context(), running(tmp_path / "w", "w.example") as one:
        one.witness.add_log(verifiers(ORIGIN)[0].vkey)
        write_policy(f"witness one {one.vkey} {one.url}", "quorum one")
        ask_witnesses()
        size = newest().size
        leaves = [*leaf_hashes(0, size), bytes(32)]  # what was published after the backup
        tiles = _One(b"".join(leaves))
        later = Checkpoint(ORIGIN, size + 1, append(0, _Nothing(), leaves).root)
        note = sign_checkpoint(later, log_signer(ORIGIN, log_key()))
        proof = tuple(consistency_proof(size, size + 1, tiles))
        one.witness.add_checkpoint(AddCheckpoint(size, proof, note), now=now)
        assert ask_witnesses() == []  # nothing is due: here it is the newest
        capture(make_actor(now), [registered(new_lot())], at=now)
        db.session.commit()
        log.extensions.pop("trace.log.started", None)
        with pytest.raises(LogForked, match=f"a log of {size + 1} entries"):
            publish("test")
        db.session.rollback()
        assert newest().size == size


def test_a_policy_that_cannot_be_read_stops_witnessing_and_not_the_log(
    log: Flask, now: datetime
) -> None:
    with log.app_context():
        write_policy("quorum nobody")
        before = newest().size
        log.extensions.pop("trace.log.started", None)
        record(now)
        assert newest().size > before


# The witness's own side.


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "w.db", make_key(tmp_path / "w.key", "w.example"))


SIGNER = log_signer(ORIGIN, PrivateKey.from_seed(bytes([1]) * 32))
LEAVES = [sha256(bytes([n])).digest() for n in range(60)]


class Tiles:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b"".join(LEAVES)[: 32 * width]


def asked(old: int, new: int) -> AddCheckpoint:
    root = append(0, _Nothing(), LEAVES[:new]).root
    note = sign_checkpoint(Checkpoint(ORIGIN, new, root), SIGNER)
    return AddCheckpoint(old, tuple(consistency_proof(old, new, Tiles())), note)


def test_over_http_every_answer_is_as_the_protocol_says(witness: Witness, now: datetime) -> None:
    client = Client(WitnessApplication(witness))

    def post(request: AddCheckpoint) -> tuple[int, str, str]:
        answer = client.post("/add-checkpoint", data=request.body)
        return answer.status_code, answer.text, answer.headers["Content-Type"]

    assert post(asked(0, 5))[0] == 404
    witness.add_log(SIGNER.verifier.vkey)
    status, line, _ = post(asked(0, 5))
    assert status == 200
    assert parse_note(asked(0, 5).note + line).check(witness.cosigner.verifier) == now
    assert post(asked(0, 9)) == (409, "5\n", "text/x.tlog.size")
    assert post(asked(5, 9))[0] == 200
    assert post(AddCheckpoint(9, (), asked(0, 12).note))[0] == 422
    assert post(AddCheckpoint(13, (), asked(0, 12).note))[0] == 400
    forged = asked(9, 12).note.replace(ORIGIN + "\n12", ORIGIN + "\n13")
    assert post(AddCheckpoint(9, (), forged))[0] == 403
    assert client.post("/add-checkpoint", data=b"garbage").status_code == 400
    assert client.post("/add-checkpoint", data=b"x" * 70_000).status_code == 413
    assert client.get("/add-checkpoint").status_code == 405
    assert client.get("/elsewhere").status_code == 404
    about = client.get("/").text.splitlines()
    assert about[1] == witness.cosigner.verifier.vkey
    assert about[3].startswith(f"{ORIGIN} 9 2026-11-22")
    kept = client.get(f"/checkpoint/{sha256(ORIGIN.encode()).hexdigest()}").text
    assert parse_note(kept).check(witness.cosigner.verifier) == now
    assert client.get("/checkpoint/00").status_code == 404


def test_of_many_requests_at_once_none_rolls_the_log_back(witness: Witness, now: datetime) -> None:
    witness.add_log(SIGNER.verifier.vkey)
    witness.add_checkpoint(asked(0, 5), now=now)

    def grow(new: int) -> int:
        try:
            witness.add_checkpoint(asked(5, new), now=now)
        except Exception:
            return 0
        return new

    with ThreadPoolExecutor(8) as pool:
        accepted = [new for new in pool.map(grow, range(6, 40)) if new]
    assert len(accepted) == 1
    assert witness.logs()[0].size == accepted[0]


def test_a_key_removed_is_trusted_no_longer_and_what_was_seen_is_kept(
    witness: Witness, now: datetime
) -> None:
    witness.add_log(SIGNER.verifier.vkey)
    witness.add_checkpoint(asked(0, 5), now=now)
    assert witness.remove_log(SIGNER.verifier.vkey)
    assert not witness.remove_log(SIGNER.verifier.vkey)
    client = Client(WitnessApplication(witness))
    assert client.post("/add-checkpoint", data=asked(5, 9).body).status_code == 404
    witness.add_log(SIGNER.verifier.vkey)
    assert client.post("/add-checkpoint", data=asked(0, 3).body).status_code == 409


def test_a_key_file_is_for_its_owner_and_read_back_as_made(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = make_key(path, "w.example/1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path).verifier == made.verifier
    with pytest.raises(BadWitnessKey, match="already"):
        make_key(path, "w.example/1")
    text = path.read_text()
    for bad in (
        "",
        text[:-8],
        text.replace("w.example", "v.example"),
        text.replace("PRIV", "priv"),
    ):
        path.write_text(bad)
        with pytest.raises(BadWitnessKey):
            read_key(path)
    with pytest.raises(BadWitnessKey):
        read_key(tmp_path / "none")


@pytest.mark.long  # killed at random moments in every run: test_witness_killed
def test_the_command_serves_a_witness_that_survives_being_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "trace", "witness"]
    environment = {**os.environ, "TRACE_INSTANCE": str(tmp_path / "instance")}
    root = Path(__file__).parents[2]

    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, *words],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    key, database = str(tmp_path / "w.key"), str(tmp_path / "w.db")
    vkey = run("keygen", key, "w.example").strip()
    run("--database", database, "--key", key, "add-log", SIGNER.verifier.vkey)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    old = 0
    for new in (5, 9):
        with subprocess.Popen(
            [*command, "--database", database, "--key", key, "--port", str(port)],
            cwd=root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                assert vkey in _get(address)
                body = asked(old, new).body
                with urllib.request.urlopen(f"{address}/add-checkpoint", body, 10) as answer:
                    assert answer.read().decode().startswith("— w.example ")
            finally:
                os.killpg(process.pid, signal.SIGKILL)
        old = new
    assert run("--database", database, "--key", key, "list").startswith(f"{ORIGIN} 9 ")


def _get(address: str) -> str:
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < end
            time.sleep(0.1)
