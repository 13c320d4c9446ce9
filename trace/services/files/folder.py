"""Files in a folder of this machine, or of a file system that several share.

A file appears under its name only when it is whole and on the disk. What its content should be, the
name says (photos) or the seal (papers); the rest is as good as the disk.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from trace.services.files.base import (
    CHUNK,
    WHOLE,
    Facts,
    FileMissing,
    FilesAway,
    FileTooLarge,
    Opened,
    check_name,
    check_size,
)


class Folder:
    """Files under `root`, each under its own name."""

    kind = "folder"

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def path(self, name: str) -> Path:
        """Where a file of this name is, or would be. Raises FileMissing for what is no name."""
        return self.root / check_name(name)

    def put(self, name: str, data: bytes, *, replace: bool = False) -> bool:
        check_size(len(data))
        target = self.path(name)
        if target.exists() and not replace:
            return False
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = target.with_name(f".{secrets.token_hex(8)}.part")
            try:
                descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise FilesAway from error
        return True

    def put_file(self, name: str, path: Path) -> None:
        check_size(path.stat().st_size)
        target = self.path(name)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if target.parent.stat().st_dev != path.parent.stat().st_dev:
                near = target.with_name(f".{secrets.token_hex(8)}.part")
                shutil.copyfile(path, near)
                path.unlink()
                path = near
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(target)
        except OSError as error:
            raise FilesAway from error

    def read(self, name: str) -> bytes:
        try:
            with self.path(name).open("rb") as file:
                data = file.read(WHOLE + 1)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise FileMissing from None
        except OSError as error:
            raise FilesAway from error
        if len(data) > WHOLE:
            raise FileTooLarge(got=len(data), limit=WHOLE)
        return data

    def open(self, name: str) -> Opened:
        try:
            file = self.path(name).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise FileMissing from None
        except OSError as error:
            raise FilesAway from error

        def pieces() -> Iterator[bytes]:
            with file:
                while piece := file.read(CHUNK):
                    yield piece

        return Opened(os.fstat(file.fileno()).st_size, pieces())

    def facts(self, name: str) -> Facts | None:
        return self._facts(self.path(name))

    def list(self, folder: str) -> Iterator[Facts]:
        for path in sorted((self.root / folder).rglob("*")):
            if not path.name.startswith(".") and not path.is_symlink():
                found = self._facts(path)
                if found is not None:
                    yield found

    def rename(self, name: str, to: str) -> None:
        source, target = self.path(name), self.path(to)
        with suppress(FileNotFoundError):
            if source.is_file():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                source.replace(target)

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def drop_parts(self, folders: Iterable[str], before: datetime) -> int:
        """Removes what was being written before a moment and never got its name; how many."""
        dropped = 0
        for folder in folders:
            for path in (self.root / folder).rglob(".*.part"):
                with suppress(FileNotFoundError):
                    if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                        path.unlink()
                        dropped += 1
        return dropped

    def _facts(self, path: Path) -> Facts | None:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not path.is_file():
            return None
        written = datetime.fromtimestamp(found.st_mtime, UTC)
        return Facts(str(path.relative_to(self.root)), found.st_size, written)
