"""Photos of papers: re-encoded like every photo, but in a folder that nothing serves to the public.

A file lives at `{instance}/papers/{digest[:2]}/{digest}.jpg`; who may see it is decided where it is
asked for (a file of registration: the organisation itself, and whoever judges the file).
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import IO, Final

from trace.errors import NotFound, TraceError
from trace.services.attachments import NotAPhoto, PhotoTooLarge, read_photo
from trace.services.settings import current_settings

PAPER_LIMIT: Final = 12  # of one file
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
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(photo.data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    return photo.digest, len(photo.data)


def paper_path(digest: str) -> Path:
    """The file of a digest. Raises NotFound."""
    if not _DIGEST.fullmatch(digest) or not _place(digest).is_file():
        raise NotFound
    return _place(digest)


def _place(digest: str) -> Path:
    return current_settings().instance / "papers" / digest[:2] / f"{digest}.jpg"
