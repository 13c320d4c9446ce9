"""Photos of papers: re-encoded like every photo, sealed at rest, in a folder that nothing serves to
the public.

A file lives at `{instance}/papers/{digest[:2]}/{digest}.sealed`, sealed under a key made from the
key-encryption key (services.sealing); a backup of the folder shows nobody's identity card. Who may
see one is decided where it is asked for (a file of registration: the organisation itself, and
whoever judges the file), and when it is deleted too (services.applications).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from trace.errors import NotFound, TraceError
from trace.services.attachments import NotAPhoto, PhotoTooLarge, read_photo
from trace.services.sealing import reseal, seal_bytes, unseal_bytes
from trace.services.settings import current_settings

PAPER_LIMIT: Final = 12  # of one file
SEALED: Final = ".sealed"
PLAIN: Final = ".jpg"  # as releases before this one kept them
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class TooManyPapers(TraceError):
    code = "too-many-papers"
    message = "At most %(limit)d photos of papers fit into one file."


def keep_paper(stream: IO[bytes], *, path: str = "papers") -> tuple[str, int]:
    """Keeps a photo of a paper; returns (digest, bytes). Raises NotAPhoto, PhotoTooLarge."""
    try:
        photo = read_photo(stream)
    except (NotAPhoto, PhotoTooLarge) as error:
        raise error.at(path) from None
    target = _place(photo.digest)
    if not target.exists():
        _write(target, seal_bytes(photo.data, _sealed_for(photo.digest)))
    return photo.digest, len(photo.data)


def read_paper(digest: str) -> bytes:
    """The photo (JPEG) of a digest. Raises NotFound, SealedTextBroken."""
    if not _DIGEST.fullmatch(digest):
        raise NotFound
    try:
        return unseal_bytes(_place(digest).read_bytes(), _sealed_for(digest))
    except FileNotFoundError:
        plain = _place(digest).with_suffix(PLAIN)
        if not plain.is_file():
            raise NotFound from None
        return plain.read_bytes()


def kept_before(moment: datetime) -> set[str]:
    """The digests of all photos written before a moment."""
    written = moment.timestamp()
    return {p.stem for p in _folder().glob(f"*/*{SEALED}") if p.stat().st_mtime < written}


def drop_papers(digests: Iterable[str]) -> None:
    """Deletes photos; nothing where there is none."""
    for digest in digests:
        for kept in (_place(digest), _place(digest).with_suffix(PLAIN)):
            kept.unlink(missing_ok=True)


def seal_plain() -> int:
    """Seals what an earlier release kept unsealed; returns how many."""
    count = 0
    for plain in _folder().glob(f"*/*{PLAIN}"):
        _write(_place(plain.stem), seal_bytes(plain.read_bytes(), _sealed_for(plain.stem)))
        plain.unlink(missing_ok=True)
        count += 1
    return count


def rewrap(old: bytes, new: bytes) -> int:
    """Seals every photo anew under another key-encryption key; returns how many. Stopped half way,
    it is run again with the same two. Raises SealedTextBroken."""
    count = 0
    for path in sorted(_folder().glob(f"*/*{SEALED}")):
        sealed = path.read_bytes()
        fresh = reseal(sealed, _sealed_for(path.stem), old, new)
        if fresh != sealed:
            _write(path, fresh)
        count += 1
    return count


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def _sealed_for(digest: str) -> str:
    return f"paper:{digest}"


def _folder() -> Path:
    return current_settings().instance / "papers"


def _place(digest: str) -> Path:
    return _folder() / digest[:2] / f"{digest}{SEALED}"
