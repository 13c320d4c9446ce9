"""A witness killed at any moment, between two logs that differ in their last entry."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from trace import clock
from trace.core.signing import PrivateKey, TrustError
from trace.core.tlog import (
    Checkpoint,
    append,
    consistency_proof,
    log_signer,
    parse_note,
    sign_checkpoint,
)
from trace.core.tlog.witness import AddCheckpoint
from trace.services.witness import Witness, make_key

ORIGIN = "trace.example/log"
SIGNER = log_signer(ORIGIN, PrivateKey.from_seed(bytes([1]) * 32))


def shown_to_it(leaves: list[bytes], old: int) -> AddCheckpoint:
    """A request that shows a log of these leaves to a witness that has seen its first `old`."""
    made = append(0, _Stored({}), leaves)
    tiles = _Stored({(t.level, t.index): t.data for t in made.tiles})
    proof = consistency_proof(old, len(leaves), tiles)
    note = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), made.root), SIGNER)
    return AddCheckpoint(old, tuple(proof), note)


@dataclass
class _Stored:
    tiles: dict[tuple[int, int], bytes]

    def read(self, level: int, index: int, width: int) -> bytes:
        return self.tiles.get((level, index), b"")[: 32 * width]


def test_killed_at_any_moment_a_witness_never_cosigns_two_trees_of_one_size(
    tmp_path: Path,
) -> None:
    chosen, told = random.Random(11), dict[int, set[str]]()
    database, key = tmp_path / "w.db", make_key(tmp_path / "w.key", "w.example")
    Witness(database, key).add_log(SIGNER.verifier.vkey)
    leaves: list[bytes] = []
    for _ in range(40):
        listen, tell = os.pipe()
        child = os.fork()
        if child == 0:
            _cosign_all_it_may(Witness(database, key), leaves, tell)
        os.close(tell)
        first = os.read(listen, 65_536)  # it is at work
        time.sleep(chosen.random() * 0.03)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(listen, "rb") as rest:
            said = (first + rest.read()).decode()
        for line in said.splitlines():
            size, leaf = line.split()
            told.setdefault(int(size), set()).add(leaf)
            leaves = [*leaves[: int(size) - 1], bytes.fromhex(leaf)]
        # What it remembers after its start is all that it gave out, and one more at most.
        (seen,) = Witness(database, key).logs()
        assert len(leaves) <= seen.size <= len(leaves) + 1
        leaves = _remembered(Witness(database, key), leaves)
    assert len(told) > 40
    assert all(len(different) == 1 for different in told.values())
    assert all(leaves[size - 1].hex() in told[size] for size in told)


def _variants(size: int) -> list[bytes]:
    """Two different last entries of a log of this size."""
    return [sha256(f"{size} {number}".encode()).digest() for number in range(2)]


def _cosign_all_it_may(witness: Witness, leaves: list[bytes], tell: int) -> None:
    """Shows two logs that differ in their last entry, at every size; says what was cosigned."""
    try:
        while True:
            size = len(leaves) + 1
            accepted = []
            for leaf in sorted(_variants(size), key=lambda _: os.urandom(1)):
                with suppress(TrustError):
                    witness.add_checkpoint(shown_to_it([*leaves, leaf], size - 1), now=clock.now())
                    os.write(tell, f"{size} {leaf.hex()}\n".encode())
                    accepted.append(leaf)
            leaves = [*leaves, *accepted]  # both, if ever: that is told and found
    finally:
        os._exit(1)


def _remembered(witness: Witness, leaves: list[bytes]) -> list[bytes]:
    """The leaves of the log that the witness saw: those it told of and, where it was killed before
    it could tell, one of the next two."""
    note = witness.newest(sha256(ORIGIN.encode()).hexdigest())
    if note is None:
        return []
    root = Checkpoint.parse(parse_note(note).text).root
    longer = [[*leaves, leaf] for leaf in _variants(len(leaves) + 1)]
    return next(some for some in [leaves, *longer] if append(0, _Stored({}), some).root == root)
