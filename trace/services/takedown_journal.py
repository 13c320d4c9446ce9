"""What was taken down, outside the database: what a restored backup cannot bring back.

`{instance}/takedowns.jsonl`, one line of JSON a decision, appended and forced to the disk. It holds
digests, days, reasons and who decided; no text, no picture, no person. The last line of a digest
counts. Keep it with the checkpoint file, apart from the database's backups.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from trace.services.settings import current_settings


@dataclass(frozen=True, slots=True)
class Told:
    """One decision. `statement` is the 16 bytes of a urn:uuid, empty for a picture of none."""

    kind: str
    digest: str
    statement: bytes
    member: str
    reason: str
    by: str
    at: datetime
    lifted: bool


def journal_path() -> Path:
    """Where the journal is."""
    return current_settings().instance / "takedowns.jsonl"


def write(told: Told) -> None:
    """Appends one decision."""
    line = orjson.dumps(
        {
            "kind": told.kind,
            "digest": told.digest,
            "statement": told.statement.hex(),
            "member": told.member,
            "reason": told.reason,
            "by": told.by,
            "at": told.at.isoformat(),
            "lifted": told.lifted,
        }
    )
    with journal_path().open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
            line = b"\n" + line  # a process died in the middle of the last line
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read() -> list[Told]:
    """The last decision about each digest, in the order of the first. A line cut short by a crash
    is passed over."""
    try:
        lines: Iterable[bytes] = journal_path().read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found: dict[str, Told] = {}
    for line in lines:
        told = _parsed(line)
        if told is not None:
            found[told.digest] = told
    return list(found.values())


def _parsed(line: bytes) -> Told | None:
    try:
        one: dict[str, Any] = orjson.loads(line)
        return Told(
            kind=str(one["kind"]),
            digest=str(one["digest"]),
            statement=bytes.fromhex(one["statement"]),
            member=str(one["member"]),
            reason=str(one["reason"]),
            by=str(one["by"]),
            at=datetime.fromisoformat(one["at"]),
            lifted=bool(one["lifted"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
