"""An independent witness (C2SP tlog-witness): its own key, its own small SQLite file, nothing else.

It knows the logs it was told of by their keys, keeps for each origin the newest checkpoint it
cosigned, and cosigns only what continues that one. Comparison and storing are one transaction that
takes the write lock first, so that two requests at once cannot roll a log back.
"""

from __future__ import annotations

import os
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from trace.core.signing import PrivateKey, Unreadable
from trace.core.tlog import Checkpoint, Cosigner, Verifier, parse_note
from trace.core.tlog.notes import COSIGNATURE, ED25519, unbase64
from trace.core.tlog.witness import AddCheckpoint, Seen, judge
from trace.errors import TraceError

HEADER = "PRIVATE+KEY+"
_TABLES = """
CREATE TABLE IF NOT EXISTS logs (
    vkey TEXT PRIMARY KEY,
    origin TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS seen (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    cosigned_at INTEGER NOT NULL
);
"""


class BadWitnessKey(TraceError):
    code = "bad-witness-key"
    message = "The witness's key file %(name)s cannot be used: %(reason)s."
    next_step = "Make one with: flask --app wsgi trace witness keygen FILE NAME"


@dataclass(frozen=True, slots=True)
class SeenLog:
    """One line of what a witness tells about itself."""

    origin: str
    size: int
    cosigned_at: datetime | None


def make_key(path: Path, name: str) -> Cosigner:
    """Makes a witness's key under a name without spaces and `+`, in a new file only its owner may
    read. Raises Unreadable for the name, BadWitnessKey when the file exists."""
    cosigner = Cosigner(name, PrivateKey.generate())
    verifier = cosigner.verifier
    data = b64encode(bytes([COSIGNATURE]) + cosigner.key.seed).decode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadWitnessKey(name=path, reason="there is one already") from None
    except OSError as error:
        raise BadWitnessKey(name=path, reason=error.strerror) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{HEADER}{name}+{verifier.key_id.hex()}+{data}\n")
        file.flush()
        os.fsync(file.fileno())
    return cosigner


def read_key(path: Path) -> Cosigner:
    """Reads a key file. Raises BadWitnessKey."""
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadWitnessKey(name=path, reason=reason) from None
    name, _, rest = text.removeprefix(HEADER).partition("+")
    key_id, _, data = rest.partition("+")
    try:
        raw = unbase64(data)
        if not text.startswith(HEADER) or len(raw) != 33 or raw[0] != COSIGNATURE:
            raise Unreadable(f"{HEADER}<name>+<key id>+<key of type 4>", "another form")
        cosigner = Cosigner(name, PrivateKey.from_seed(raw[1:]))
        if cosigner.verifier.key_id.hex() != key_id:
            raise Unreadable(f"the key id {cosigner.verifier.key_id.hex()}", key_id)
    except Unreadable as error:
        raise BadWitnessKey(name=path, reason=error.detail) from None
    return cosigner


class Witness:
    """A witness over one SQLite file and one key. Methods may be called from any thread."""

    def __init__(self, database: Path, cosigner: Cosigner) -> None:
        self._database = database
        self.cosigner = cosigner
        with self._transaction() as connection:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)

    def add_log(self, vkey: str) -> Verifier:
        """Trusts a log's key from now on; several keys may have one origin. Raises Unreadable."""
        verifier = Verifier.parse(vkey)
        if verifier.kind != ED25519:
            raise Unreadable("a log's key of type 1", verifier.kind)
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO logs (vkey, origin) VALUES (?, ?)", (vkey, verifier.name)
            )
        return verifier

    def remove_log(self, vkey: str) -> bool:
        """Trusts a log's key no longer; what was seen of its origin is kept."""
        with self._transaction() as connection:
            return connection.execute("DELETE FROM logs WHERE vkey = ?", (vkey,)).rowcount > 0

    def add_checkpoint(self, request: AddCheckpoint, *, now: datetime) -> str:
        """The cosignature line for a checkpoint that continues what was seen. Raises
        WitnessRefusal, Unreadable. It is stored before it is given out."""
        origin = Checkpoint.parse(parse_note(request.note).text).origin
        with self._transaction() as connection:
            verifiers = [
                Verifier.parse(vkey)
                for (vkey,) in connection.execute(
                    "SELECT vkey FROM logs WHERE origin = ?", (origin,)
                )
            ]
            row = connection.execute(
                "SELECT size, root FROM seen WHERE origin = ?", (origin,)
            ).fetchone()
            checkpoint = judge(request, verifiers, Seen(*row) if row else Seen())
            line = self.cosigner.line(checkpoint.text, now)
            connection.execute(
                "INSERT INTO seen (origin, size, root, note, cosigned_at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, "
                "note = excluded.note, cosigned_at = excluded.cosigned_at",
                (
                    origin,
                    checkpoint.size,
                    checkpoint.root,
                    request.note + line,
                    int(now.timestamp()),
                ),
            )
        return line

    def logs(self) -> list[SeenLog]:
        """Every log it was told of, with what it cosigned newest."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT DISTINCT logs.origin, coalesce(size, 0), cosigned_at FROM logs "
                "LEFT JOIN seen ON seen.origin = logs.origin ORDER BY 1"
            ).fetchall()
        return [
            SeenLog(origin, size, None if at is None else datetime.fromtimestamp(at, UTC))
            for origin, size, at in rows
        ]

    def newest(self, digest: str) -> str | None:
        """The newest cosigned checkpoint of the origin with this SHA-256 in hex."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT origin, note FROM seen").fetchall()
        for origin, note in rows:
            if sha256(origin.encode()).hexdigest() == digest:
                found: str = note
                return found
        return None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._database, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")  # given out means kept
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        finally:
            connection.close()
