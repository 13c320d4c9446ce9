"""What every place of files can do, and how it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from trace.errors import NotFound, TraceError

# What is read as a whole: more than any photo or paper that is taken.
WHOLE: Final = 64 * 2**20
# What one file may have: more than the data of any organisation, and what S3 takes in one request.
LARGEST: Final = 4 * 2**30
CHUNK: Final = 256 * 1024
# No part begins with a point. (Digests in base64url may begin with a hyphen.)
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")


class FileMissing(NotFound):
    """There is no file of this name: for people the same as any page that is not there."""


class FileBroken(TraceError):
    code = "file-broken"
    status = 503
    lasting = True
    message = "The file %(name)s is not the one that was kept: it is not given out."
    next_step = "The operator puts it back from a backup."


class FileTooLarge(TraceError):
    code = "file-too-large"
    status = 413
    message = "A file of %(got)d bytes cannot be kept; at most %(limit)d."


class FilesAway(TraceError):
    code = "files-away"
    status = 503
    message = "The server that keeps files cannot be reached or refuses."
    next_step = "Try again in a moment; nothing that was recorded is lost."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file without reading it: bytes, when it was written, and its SHA-256 in
    hex where the place keeps one."""

    name: str
    size: int
    written: datetime
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file being read. The last piece comes only after the whole was found to be what was kept;
    otherwise FileBroken is raised in its place, so that nobody gets a broken file whole."""

    size: int
    chunks: Iterator[bytes]


class Files(Protocol):
    """A place of files. Every method raises FilesAway where the place cannot be used."""

    kind: str

    def put(self, name: str, data: bytes, *, replace: bool = False) -> bool:
        """Keeps a file whole or not at all; False, and nothing done, where there is one of this
        name and it is not to be replaced. Raises FileTooLarge."""

    def put_file(self, name: str, path: Path) -> None:
        """Keeps a finished file of this machine and takes it away from there; replaces another of
        the same name. Raises FileTooLarge."""

    def read(self, name: str) -> bytes:
        """The whole file. Raises FileMissing, FileBroken, FileTooLarge."""

    def open(self, name: str) -> Opened:
        """The file in pieces. Raises FileMissing."""

    def facts(self, name: str) -> Facts | None:
        """None where there is no such file."""

    def list(self, folder: str) -> Iterator[Facts]:
        """Every file whose name begins with `folder/`, in the order of names."""

    def rename(self, name: str, to: str) -> None:
        """Nothing where there is none; replaces."""

    def remove(self, name: str) -> None:
        """Nothing where there is none."""


@runtime_checkable
class KeepsFirst(Protocol):
    """A place whose own server decides whether a name is given once only."""

    def keeps_first(self, name: str) -> bool:
        """Whether it refuses a second file of one name."""


def check_name(name: str) -> str:
    """The name. Raises FileMissing for what could lead elsewhere."""
    if not _NAME.fullmatch(name):
        raise FileMissing
    return name


def check_size(size: int) -> None:
    """Raises FileTooLarge."""
    if size > LARGEST:
        raise FileTooLarge(got=size, limit=LARGEST)
