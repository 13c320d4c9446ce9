"""Photos that the public is never served: re-encoded like every photo, sealed at rest, each noun in
a folder of its own.

A file is named `{noun}/{digest[:2]}/{digest}.sealed` (services.files), sealed under a key made from
the key-encryption key (services.sealing): a backup shows nobody's face or identity card. Who may
see one, and when it is deleted, is decided by the noun it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from trace.errors import NotFound
from trace.services.attachments import NotAPhoto, PhotoTooLarge, read_photo
from trace.services.files import Facts, FileMissing, files
from trace.services.sealing import reseal, seal_bytes, unseal_bytes

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
        if files().facts(target) is None:
            files().put(target, seal_bytes(photo.data, self._sealed_for(photo.digest)))
        return photo.digest, len(photo.data)

    def read(self, digest: str) -> bytes:
        """The photo (JPEG) of a digest. Raises NotFound, SealedTextBroken."""
        if not _DIGEST.fullmatch(digest):
            raise NotFound
        try:
            return unseal_bytes(files().read(self.place(digest)), self._sealed_for(digest))
        except FileMissing:
            return files().read(self._plain(digest))

    def size(self, digest: str) -> int | None:
        """About how many bytes a photo has; None where there is none of this digest."""
        found = files().facts(self.place(digest)) if _DIGEST.fullmatch(digest) else None
        return None if found is None else found.size

    def kept_before(self, moment: datetime) -> set[str]:
        """The digests of all photos written before a moment."""
        return {digest for digest, one in self._all(SEALED) if one.written < moment}

    def drop(self, digests: Iterable[str]) -> None:
        """Deletes photos; nothing where there is none."""
        for digest in digests:
            if _DIGEST.fullmatch(digest):
                files().remove(self.place(digest))
                files().remove(self._plain(digest))

    def seal_plain(self) -> int:
        """Seals what an earlier release kept unsealed; returns how many."""
        count = 0
        for digest, plain in list(self._all(PLAIN)):
            sealed = seal_bytes(files().read(plain.name), self._sealed_for(digest))
            files().put(self.place(digest), sealed, replace=True)
            files().remove(plain.name)
            count += 1
        return count

    def rewrap(self, old: bytes, new: bytes) -> int:
        """Seals every photo anew under another key-encryption key; returns how many. Stopped half
        way, it is run again with the same two. Raises SealedTextBroken."""
        count = 0
        for digest, one in self._all(SEALED):
            sealed = files().read(one.name)
            fresh = reseal(sealed, self._sealed_for(digest), old, new)
            if fresh != sealed:
                files().put(one.name, fresh, replace=True)
            count += 1
        return count

    def place(self, digest: str) -> str:
        """The name a sealed photo is kept under."""
        return f"{self.name}/{digest[:2]}/{digest}{SEALED}"

    def _plain(self, digest: str) -> str:
        return f"{self.name}/{digest[:2]}/{digest}{PLAIN}"

    def _all(self, ending: str) -> Iterator[tuple[str, Facts]]:
        for one in files().list(self.name):
            if one.name.endswith(ending):
                yield one.name.rpartition("/")[2].removesuffix(ending), one

    def _sealed_for(self, digest: str) -> str:
        return f"{self.purpose}:{digest}"
