"""Photos that the public is never served: re-encoded like every photo, sealed at rest, each noun in
a folder of its own.

A file lives at `{instance}/{folder}/{digest[:2]}/{digest}.sealed`, sealed under a key made from the
key-encryption key (services.sealing); a backup of the folder shows nobody's face or identity card.
Who may see one, and when it is deleted, is decided by the noun it belongs to.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from trace.errors import NotFound
from trace.services.attachments import NotAPhoto, PhotoTooLarge, read_photo
from trace.services.sealing import reseal, seal_bytes, unseal_bytes
from trace.services.settings import current_settings

SEALED: Final = ".sealed"
PLAIN: Final = ".jpg"  # as releases before sealing kept papers
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class SealedPhotos:
    """The photos of one noun: the name of their folder, and what they are sealed for."""

    name: str
    purpose: str

    def keep(self, stream: IO[bytes], *, path: str = "photos") -> tuple[str, int]:
        """Keeps a photo; returns (digest, bytes). Raises NotAPhoto, PhotoTooLarge."""
        try:
            photo = read_photo(stream)
        except (NotAPhoto, PhotoTooLarge) as error:
            raise error.at(path) from None
        target = self.place(photo.digest)
        if not target.exists():
            write(target, seal_bytes(photo.data, self._sealed_for(photo.digest)))
        return photo.digest, len(photo.data)

    def read(self, digest: str) -> bytes:
        """The photo (JPEG) of a digest. Raises NotFound, SealedTextBroken."""
        if not _DIGEST.fullmatch(digest):
            raise NotFound
        try:
            return unseal_bytes(self.place(digest).read_bytes(), self._sealed_for(digest))
        except FileNotFoundError:
            plain = self.place(digest).with_suffix(PLAIN)
            if not plain.is_file():
                raise NotFound from None
            return plain.read_bytes()

    def size(self, digest: str) -> int | None:
        """About how many bytes a photo has; None where there is none of this digest."""
        if not _DIGEST.fullmatch(digest) or not self.place(digest).is_file():
            return None
        return self.place(digest).stat().st_size

    def kept_before(self, moment: datetime) -> set[str]:
        """The digests of all photos written before a moment."""
        written = moment.timestamp()
        return {p.stem for p in self.folder().glob(f"*/*{SEALED}") if p.stat().st_mtime < written}

    def drop(self, digests: Iterable[str]) -> None:
        """Deletes photos; nothing where there is none."""
        for digest in digests:
            for kept in (self.place(digest), self.place(digest).with_suffix(PLAIN)):
                kept.unlink(missing_ok=True)

    def seal_plain(self) -> int:
        """Seals what an earlier release kept unsealed; returns how many."""
        count = 0
        for plain in self.folder().glob(f"*/*{PLAIN}"):
            sealed = seal_bytes(plain.read_bytes(), self._sealed_for(plain.stem))
            write(self.place(plain.stem), sealed)
            plain.unlink(missing_ok=True)
            count += 1
        return count

    def rewrap(self, old: bytes, new: bytes) -> int:
        """Seals every photo anew under another key-encryption key; returns how many. Stopped half
        way, it is run again with the same two. Raises SealedTextBroken."""
        count = 0
        for path in sorted(self.folder().glob(f"*/*{SEALED}")):
            sealed = path.read_bytes()
            fresh = reseal(sealed, self._sealed_for(path.stem), old, new)
            if fresh != sealed:
                write(path, fresh)
            count += 1
        return count

    def folder(self) -> Path:
        """Where the files are."""
        return current_settings().instance / self.name

    def place(self, digest: str) -> Path:
        """The file of a digest."""
        return self.folder() / digest[:2] / f"{digest}{SEALED}"

    def _sealed_for(self, digest: str) -> str:
        return f"{self.purpose}:{digest}"


def write(target: Path, data: bytes) -> None:
    """Writes a file that only we may read, whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
