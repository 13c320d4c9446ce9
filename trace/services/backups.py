"""A backup: database, files and a manifest in a folder of its own; keys never among them.

Rules.
1. The database is copied in one state while the application goes on; files after it, so that every
   file a row names is there. The checkpoint file comes before both: a copy whose checkpoint
   were newer than its database could not be told from a fork.
2. `manifest.json` is written last: a folder without it is no backup. A file of a bucket that is not
   what was kept is left out and named there: the rest is a backup all the same.
3. Restoring goes into an empty place only, after every checksum held. A checkpoint, a journal of
   takedowns or a photo that stands there already is kept: they may be newer than the backup, and
   the guard against forks lives on that (trace.services.log_file).
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from trace.clock import rfc3339
from trace.errors import TraceError
from trace.services.backup_databases import (
    DATABASES,
    Held,
    check_empty,
    copy_database,
    restore_database,
)
from trace.services.files import KEPT, PASSING, FileBroken, FileMissing, Folder, files
from trace.services.keys import sync_folder
from trace.services.log_guard import mark_restored
from trace.services.settings import current_settings

MANIFEST: Final = "manifest.json"
FILES: Final = "files.tar"
LAST: Final = "last-backup.json"
# Folders of the instance that are made anew or belong to the running process; `keys` goes apart.
LEFT_OUT: Final = frozenset({*PASSING, "keys", "metrics", "workers"})
JOURNAL: Final = "takedowns.jsonl"


class BackupRefused(TraceError):
    code = "backup-refused"
    status = 409
    message = "This is not done: %(reason)s."


class BackupBroken(TraceError):
    code = "backup-broken"
    status = 409
    message = "The backup is not whole: %(reason)s."
    next_step = "Take another backup; nothing has been changed."


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the backup: bytes, and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: `held` is the state of the database in it, `broken` the files that are
    not in it, since they are not what was kept."""

    made: str
    database: str
    id_base: str
    held: Held
    parts: dict[str, Part]
    broken: tuple[str, ...] = ()


def backup(folder: Path, *, at: datetime) -> Manifest:
    """Writes a backup into a folder that is not there yet, or empty. Raises BackupRefused."""
    settings = current_settings()
    if folder.resolve().is_relative_to(settings.instance.resolve()):
        raise BackupRefused(reason="the folder is inside the instance folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupRefused(reason=f"{folder} is there already and not an empty folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    checkpoints = {
        path.relative_to(settings.instance): path.read_bytes()
        for path in sorted((settings.instance / "log").rglob("checkpoint"))
    }
    kind, held = copy_database(folder)
    broken = _pack(folder / FILES, settings.instance, checkpoints)
    names = (DATABASES[kind], FILES)
    manifest = Manifest(
        made=rfc3339(at),
        database=kind,
        id_base=settings.id_base,
        held=held,
        parts={name: _measured(folder / name) for name in names},
        broken=tuple(broken),
    )
    told = {"v": 1, **asdict(manifest)}
    if not broken:
        del told["broken"]  # earlier programs know no such word
    _write(folder / MANIFEST, orjson.dumps(told, option=orjson.OPT_INDENT_2))
    last = {"made": manifest.made, "entries": held.entries, "broken": len(broken)}
    _write(settings.instance / LAST, orjson.dumps(last))
    return manifest


def last_made() -> datetime:
    """When the last backup here was made. Raises OSError, ValueError where none is known of."""
    told = orjson.loads((current_settings().instance / LAST).read_bytes())
    return datetime.fromisoformat(str(told.get("made")))


def read_manifest(folder: Path) -> Manifest:
    """The manifest, after every file was found to be what it says. Raises BackupBroken."""
    try:
        told = orjson.loads((folder / MANIFEST).read_bytes())
        if told.pop("v") != 1:
            raise BackupBroken(reason=f"{MANIFEST} has a version this program does not know")
        parts = {name: Part(**part) for name, part in told.pop("parts").items()}
        broken = tuple(str(name) for name in told.pop("broken", ()))
        manifest = Manifest(held=Held(**told.pop("held")), parts=parts, broken=broken, **told)
        expected = {DATABASES[manifest.database], FILES}
    except FileNotFoundError:
        raise BackupBroken(reason=f"there is no {MANIFEST} in {folder}") from None
    except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError) as error:
        raise BackupBroken(reason=f"{MANIFEST} cannot be read ({type(error).__name__})") from None
    if set(parts) != expected:
        raise BackupBroken(reason=f"{MANIFEST} names other files")
    for name, part in parts.items():
        path = folder / name
        if not path.is_file():
            raise BackupBroken(reason=f"{name} is missing")
        if _measured(path) != part:
            raise BackupBroken(reason=f"{name} is not the file that was written")
    return manifest


def restore(folder: Path) -> Manifest:
    """Puts a backup into an empty database and the instance folder. Raises BackupBroken,
    BackupRefused."""
    settings = current_settings()
    manifest = read_manifest(folder)
    if manifest.id_base != settings.id_base:
        raise BackupRefused(
            reason=f"the backup is of {manifest.id_base}, and TRACE_ID_BASE is {settings.id_base}"
        )
    check_empty(manifest.database)
    # Before anything is there: nothing is recorded in it until an operator has said how its log
    # goes on.
    mark_restored(f"{manifest.made} {manifest.held.origin} {manifest.held.entries}")
    found = restore_database(folder, manifest.database)
    if found != manifest.held:
        raise BackupBroken(reason="the database restored is not in the state the manifest tells")
    with tarfile.open(folder / FILES) as archive:
        for member in archive:
            _unpack(archive, member, settings.instance)
    sync_folder(settings.instance)
    return manifest


def _pack(target: Path, instance: Path, checkpoints: dict[Path, bytes]) -> list[str]:
    """Names of the files that are broken where they are kept, and left out."""
    broken: list[str] = []
    with tarfile.open(target, "w") as archive:
        for name, path in _files(instance):
            held = checkpoints.get(Path(name))
            if held is not None:
                told = tarfile.TarInfo(name)
                told.size = len(held)
                archive.addfile(told, io.BytesIO(held))
            elif path.name != "checkpoint":  # one that came meanwhile is newer than the database
                archive.add(path, name, recursive=False)
        for name, data in _kept_elsewhere(instance):
            if data is None:
                broken.append(name)
                continue
            told = tarfile.TarInfo(name)
            told.size = len(data)
            archive.addfile(told, io.BytesIO(data))
    _sync(target)
    return broken


def _files(instance: Path) -> Iterator[tuple[str, Path]]:
    """What goes along, by its name under the instance folder. Of what lies in the folder itself
    only the journal: secrets made in development and an SQLite database lie beside it."""
    left_out = LEFT_OUT if _keeps_files(instance) else LEFT_OUT.union(KEPT)
    for folder in sorted(path for path in instance.iterdir() if path.is_dir()):
        if folder.name in left_out:
            continue
        for path in sorted(folder.rglob("*")):
            passing = path.suffix in (".lock", ".new") or path.name.startswith(".")
            if path.is_file() and not path.is_symlink() and not passing:
                yield str(path.relative_to(instance)), path
    if (instance / JOURNAL).exists():
        yield JOURNAL, instance / JOURNAL


def _keeps_files(instance: Path) -> bool:
    """Whether files are kept in the instance folder, where they are found with everything else."""
    place = files()
    return isinstance(place, Folder) and place.root == instance


def _kept_elsewhere(instance: Path) -> Iterator[tuple[str, bytes | None]]:
    """Files of a bucket or another folder, by the same names; None for one that is broken. What is
    erased while we are on the way is no part of the backup."""
    if _keeps_files(instance):
        return
    for folder in KEPT:
        for one in files().list(folder):
            try:
                data = b"".join(files().open(one.name).chunks)
            except FileMissing:
                continue
            except FileBroken:
                data = None
            yield one.name, data


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, instance: Path) -> None:
    try:
        member = tarfile.data_filter(member, str(instance))
    except tarfile.FilterError as error:
        raise BackupBroken(reason=f"{FILES} has a file for another place ({error})") from None
    source = archive.extractfile(member)
    path = instance / member.name
    if source is not None and member.name.partition("/")[0] in KEPT and not _keeps_files(instance):
        with source:
            files().put(member.name, source.read())
        return
    if source is None or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with (
        source,
        os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as to,
    ):
        shutil.copyfileobj(source, to)
        to.flush()
        os.fsync(to.fileno())
    fresh.replace(path)


def _measured(path: Path) -> Part:
    with path.open("rb") as file:
        return Part(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _sync(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(path.parent)
