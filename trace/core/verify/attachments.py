"""Files that statements name: photos and papers beside a bundle, by digest and size.

Rules (docs/reference/formats.md, "Statement").
1. A statement names its files in `trace:attachments`: `{digest, mediaType, bytes}`, the digest
   base64url SHA-256 of the file's bytes.
2. A bundle's `attachments` are digests that shown statements name; any other is refused.
3. A file is what its bytes are: its name proves nothing. Every file of a folder must be one that a
   shown statement names, of the size it says; that some are missing refuses nothing, for they may
   have been taken down or kept back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from trace.core.signing import JsonObject, b64url

ATTACHMENTS: Final = "trace:attachments"
CHUNK: Final = 1 << 20
FileState = Literal["same", "other-size", "not-named", "missing", "unreadable"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as a statement names it; `size` in bytes, None where it says none."""

    digest: str
    media_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file's path within its folder ("" for one that is missing), its digest, and what it is."""

    name: str
    digest: str
    state: FileState


def attachments_of(event: JsonObject) -> list[Attachment]:
    """The files an event names (rule 1); what has no digest names none."""
    value = event.get(ATTACHMENTS)
    return [
        Attachment(one["digest"], str(one.get("mediaType", "")), _size(one.get("bytes")))
        for one in (value if isinstance(value, list) else [value])
        if isinstance(one, dict) and isinstance(one.get("digest"), str)
    ]


def _size(value: object) -> int | None:
    return value if type(value) is int else None


def named_in(events: Iterable[JsonObject]) -> dict[str, Attachment]:
    """{digest: file} over several events."""
    return {one.digest: one for event in events for one in attachments_of(event)}


def check_folder(folder: Path, named: Mapping[str, Attachment]) -> Iterator[CheckedFile]:
    """Every file below `folder`, then the named ones that are not there (rule 3)."""
    found = set()
    for path in sorted(p for p in folder.rglob("*") if not p.is_dir()):
        name = path.relative_to(folder).as_posix()
        try:
            digest, size = _digest(path)
        except OSError:
            yield CheckedFile(name, "", "unreadable")
            continue
        found.add(digest)
        known = named.get(digest)
        if known is None:
            yield CheckedFile(name, digest, "not-named")
        else:
            fits = known.size is None or known.size == size
            yield CheckedFile(name, digest, "same" if fits else "other-size")
    for digest in sorted(named.keys() - found):
        yield CheckedFile("", digest, "missing")


def _digest(path: Path) -> tuple[str, int]:
    total, size = sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            total.update(piece)
            size += len(piece)
    return b64url(total.digest()), size
