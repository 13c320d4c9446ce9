"""What a process that died left on the disk, and what keeps it from staying for ever.

1. A file is written before the row that names it is committed: a process that dies in between
   leaves a file that no row names. After KEPT it goes.
2. A row goes before its file: a process that dies in between leaves the file. The same look finds
   it.
3. A file under its own name is whole. What is being written has a name of its own (`.….part`);
   after KEPT nobody is writing it any more.
Whoever keeps the same bytes once more while they are taken away gets them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from trace.extensions import db
from trace.models import Attachment, DirectiveFile, Job
from trace.services import directive_files
from trace.services.files import KEPT as FOLDERS
from trace.services.files import PASSING, FileMissing, Folder, files
from trace.services.jobs import enqueue
from trace.services.sets import among, batched

logger = structlog.get_logger()

KIND: Final = "sweep-files"
EVERY: Final = timedelta(days=1)
KEPT: Final = timedelta(days=1)
AT_ONCE: Final = 500


class Place(NamedTuple):
    """A folder of files named by digests, the column that names them, and what follows a digest in
    their names. Photos of reports and of papers are looked after where their rows are."""

    folder: str
    column: InstrumentedAttribute[Any]
    endings: tuple[str, ...]


PLACES: Final = (
    Place("attachments", Attachment.digest, ("-s.jpg", ".jpg")),
    Place(directive_files.FOLDER, DirectiveFile.digest, (directive_files.ENDING,)),
)


def ask_when_due(*, at: datetime) -> int:
    """Asks for a look where the last was asked for EVERY ago; 1 if it did. The caller commits."""
    last = db.session.scalar(
        select(Job.created_at)
        .where(Job.organisation_id.is_(None), Job.kind == KIND)
        .order_by(Job.id.desc())
        .limit(1)
    )
    if last is not None and timedelta() <= at - last < EVERY:
        return 0
    enqueue(KIND, {}, at=at)
    return 1


def sweep(*, at: datetime) -> dict[str, int]:
    """Takes away what rules 1 to 3 say; how many files, and how many parts of files."""
    before = at - KEPT
    removed = sum(_sweep(place, before) for place in PLACES)
    parts = 0
    where = files()
    if isinstance(where, Folder):
        parts = where.drop_parts((*FOLDERS, *PASSING), before)
    if removed or parts:
        logger.info("files-swept", files=removed, parts=parts)
    return {"files": removed, "parts": parts}


def _sweep(place: Place, before: datetime) -> int:
    removed = 0
    for some in batched(_old(place, before), AT_ONCE):
        known = _known(place, {digest for digest, _ in some})
        for digest, name in some:
            if digest not in known:
                removed += _remove(place, digest, name)
    return removed


def _remove(place: Place, digest: str, name: str) -> bool:
    """Takes a file away, unless somebody kept the same bytes once more in this very moment."""
    try:
        data = files().read(name)
    except FileMissing:
        return False
    files().remove(name)
    if _known(place, {digest}):
        files().put(name, data)
        return False
    return True


def _known(place: Place, digests: set[str]) -> set[str]:
    query = select(place.column).where(among(place.column, sorted(digests)))
    return set(db.session.scalars(query))


def _old(place: Place, before: datetime) -> Iterator[tuple[str, str]]:
    """(digest, name) of every file written before a moment."""
    for one in files().list(place.folder):
        last = one.name.rpartition("/")[2]
        ending = next((e for e in place.endings if last.endswith(e)), None)
        if ending is not None and one.written < before:
            yield last.removesuffix(ending), one.name
