"""Papers that go with directives and answers: photos (re-encoded like every photo) and PDF files,
bounded, sealed at rest, served only to the two sides and only for saving.

A file is named `directives/{digest[:2]}/{digest}.sealed` (services.files); digest = base64url
SHA-256 of the kept bytes.
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import IO, Final

from trace.core.signing import b64url
from trace.errors import TraceError
from trace.services.attachments import NotAPhoto, PhotoTooLarge, read_photo
from trace.services.files import files as kept
from trace.services.platform_settings import number_of
from trace.services.sealing import reseal, seal_bytes, unseal_bytes

FOLDER: Final = "directives"
ENDING: Final = ".sealed"
PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
NAME_LIMIT: Final = 120
_HEAD: Final = b"%PDF-"  # ISO 32000, 7.5.2
MEGABYTE: Final = 2**20


class NotAPaper(TraceError):
    code = "not-a-paper"
    message = "“%(name)s” is neither a PDF file nor a photo that can be read (JPEG, PNG, WebP)."


class PaperTooLarge(TraceError):
    code = "paper-too-large"
    status = 413
    message = "“%(name)s” is larger than %(limit)d MB."


class TooManyFiles(TraceError):
    code = "too-many-files"
    message = "At most %(limit)d files can be sent along."


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as it is kept."""

    name: str
    media_type: str
    digest: str
    size: int


def keep(files: Sequence[tuple[str, IO[bytes]]], *, path: str = "files") -> list[Paper]:
    """Keeps files given as (name, stream). Raises TooManyFiles, PaperTooLarge, NotAPaper, each
    naming `path`; nothing is kept then."""
    limit = number_of("attachments")
    if len(files) > limit:
        raise TooManyFiles(path=path, limit=limit)
    read = [_read(_name(name), stream, path) for name, stream in files]
    for paper, data in read:
        place = _place(paper.digest)
        if kept().facts(place) is None:
            kept().put(place, seal_bytes(data, _sealed_for(paper.digest)))
    return [paper for paper, _ in read]


def fetch(digest: str) -> bytes:
    """The bytes of a kept file. Raises NotFound, SealedTextBroken."""
    return unseal_bytes(kept().read(_place(digest)), _sealed_for(digest))


def drop(digests: Collection[str]) -> None:
    """Deletes kept files."""
    for digest in digests:
        kept().remove(_place(digest))


def rewrap(old: bytes, new: bytes) -> int:
    """Seals every file anew under another key-encryption key; returns how many."""
    count = 0
    for one in kept().list(FOLDER):
        sealed = kept().read(one.name)
        digest = one.name.rpartition("/")[2].removesuffix(ENDING)
        fresh = reseal(sealed, _sealed_for(digest), old, new)
        if fresh != sealed:
            kept().put(one.name, fresh, replace=True)
        count += 1
    return count


def _read(name: str, stream: IO[bytes], path: str) -> tuple[Paper, bytes]:
    limit = number_of("attachment_megabytes")
    data = stream.read(limit * MEGABYTE + 1)
    if len(data) > limit * MEGABYTE:
        raise PaperTooLarge(path=path, name=name, limit=limit)
    media = PDF
    if not data.startswith(_HEAD):
        try:
            data, media = read_photo(io.BytesIO(data)).data, JPEG
        except PhotoTooLarge as error:
            raise error.at(path) from None
        except NotAPhoto:
            raise NotAPaper(path=path, name=name) from None
        name = f"{name.rpartition('.')[0] or name}.jpg"
    return Paper(name, media, b64url(hashlib.sha256(data).digest()), len(data)), data


def _name(given: str) -> str:
    """A file's name without folders and without what no page may contain."""
    last = given.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cs", "Cn", "Cf"))
    return (unicodedata.normalize("NFC", kept).strip() or "tệp")[-NAME_LIMIT + 4 :]


def _sealed_for(digest: str) -> str:
    return f"directive:{digest}"


def _place(digest: str) -> str:
    return f"{FOLDER}/{digest[:2]}/{digest}{ENDING}"
