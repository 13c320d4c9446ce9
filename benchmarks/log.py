"""Promises of the log at 1,000,000 entries: an inclusion proof takes at most 100 µs from kept
interiors and 3 ms from stored tiles; tiles take at most 40 bytes an entry; an audit hashes and
compares at least 100,000 entries a second on one core, and does not lose by using all.

Entries have the size of true ones (an event entry with two links). Tiles are kept in SQLite as the
application keeps them. Floors: a bare SHA-256 of each entry for the audit; for proofs the twenty
hashes that checking one takes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from benchmarks import Figure, absolute, cpu_seconds
from trace.core.signing import PrivateKey, b64url
from trace.core.statements import event_entry
from trace.core.tlog import (
    Checkpoint,
    Interiors,
    append,
    entries_path,
    entry_bundle,
    inclusion_proof,
    leaf_hash,
    log_signer,
    node_hash,
    sign_checkpoint,
    tile_path,
)
from trace.core.verify.mirror import Folder, audit

SIZE = 1_000_000
AUDITED = 200_000
BATCH = 4096
WARM = range(777_000, 777_200)
COLD = range(1_000, SIZE, 50_000)
LOG = log_signer("trace.example/log", PrivateKey.from_seed(bytes([1]) * 32))


class Table:
    """Tiles in a table like `log_tiles`."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.execute(
            "CREATE TABLE log_tiles (level INTEGER, idx INTEGER, nodes BLOB, "
            "PRIMARY KEY (level, idx)) WITHOUT ROWID"
        )

    def read(self, level: int, index: int, width: int) -> bytes:
        row = self.connection.execute(
            "SELECT nodes FROM log_tiles WHERE level = ? AND idx = ?", (level, index)
        ).fetchone()
        nodes: bytes = row[0] if row else b""
        return nodes[: 32 * width]

    def fill(self, leaves: Sequence[bytes]) -> None:
        for at in range(0, len(leaves), BATCH):
            made = append(at, self, leaves[at : at + BATCH])
            self.connection.executemany(
                "INSERT INTO log_tiles VALUES (?, ?, ?) ON CONFLICT (level, idx) "
                "DO UPDATE SET nodes = excluded.nodes",
                [(t.level, t.index, t.data) for t in made.tiles],
            )
        self.connection.commit()

    @property
    def bytes_kept(self) -> int:
        total: int = self.connection.execute("SELECT sum(length(nodes)) FROM log_tiles").fetchone()[
            0
        ]
        return total


class Nothing:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


def entries(count: int) -> list[bytes]:
    """Event entries with two links each, as a log has most of."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for number in range(count):
        digest = sha256(number.to_bytes(8)).digest()
        links = [b64url(digest[:16]), b64url(digest[16:])]
        made.append(event_entry(start + timedelta(seconds=number), b64url(digest), links))
    return made


def copy_of(folder: Path, some: Sequence[bytes]) -> Folder:
    """The entries as a folder that anyone could serve."""
    made = append(0, Nothing(), [leaf_hash(entry) for entry in some])
    files = {tile_path(t.level, t.index, t.width): t.data for t in made.tiles}
    for at in range(0, len(some), 256):
        part = some[at : at + 256]
        files[entries_path(at // 256, len(part))] = entry_bundle(part)
    note = sign_checkpoint(Checkpoint(LOG.name, len(some), made.root), LOG)
    files["checkpoint"] = note.encode()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Folder(folder)


def run() -> Iterable[Figure]:
    """Measures in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-log-"))
    try:
        yield from _proofs(folder)
        yield from _audits(folder)
    finally:
        shutil.rmtree(folder)


def _proofs(folder: Path) -> Iterable[Figure]:
    table = Table(folder / "tiles.db")
    leaves = [sha256(number.to_bytes(8)).digest() for number in range(SIZE)]
    started = time.process_time()
    table.fill(leaves)
    filled = time.process_time() - started
    kept = Interiors()

    def warm() -> None:
        for index in WARM:
            inclusion_proof(index, SIZE, table, kept)

    def cold() -> None:
        for index in COLD:
            inclusion_proof(index, SIZE, table)

    def floor() -> None:
        node = leaves[0]
        for _ in WARM:
            for _ in range(20):
                node = node_hash(node, node)

    warm()
    warm_time, cold_time, floor_time = cpu_seconds(warm, cold, floor)
    per = 1_000_000 / len(WARM)
    bare = floor_time * per
    for name, value, goal in (
        ("log: inclusion proof, warm", warm_time * per, 100),
        ("log: inclusion proof, cold", cold_time * 1_000_000 / len(COLD), 3000),
    ):
        met = value <= goal
        yield Figure(name, value, "µs", bare, value / bare, f"<= {goal} µs", met)
    yield absolute("log: tiles", table.bytes_kept / SIZE, "bytes/entry", "<=", 40)
    yield absolute("log: integrating", SIZE / filled, "entries/s", ">=", 100_000)
    table.connection.close()


def _audits(folder: Path) -> Iterable[Figure]:
    some = entries(AUDITED)
    copy = copy_of(folder / "copy", some)
    known = [LOG.verifier]

    def hashing() -> None:
        assert audit(copy, known, check_form=False).problems == ()

    def whole() -> None:
        assert audit(copy, known).problems == ()

    def bare() -> None:
        for entry in some:
            sha256(entry).digest()

    times = cpu_seconds(hashing, whole, bare, rounds=3)
    hash_rate, whole_rate, bare_rate = (AUDITED / one for one in times)
    for name, rate in (
        ("log: audit, hashing and comparing, one core", hash_rate),
        ("log: audit with the form of every entry, one core", whole_rate),
    ):
        yield Figure(
            name, rate, "entries/s", bare_rate, rate / bare_rate, ">= 100000", rate >= 100_000
        )
    cores = os.cpu_count() or 1
    started = time.perf_counter()
    assert audit(copy, known, workers=cores).problems == ()
    spent = time.perf_counter() - started
    yield absolute(
        f"log: audit, {cores} cores, elapsed", AUDITED / spent, "entries/s", ">=", 100_000
    )
