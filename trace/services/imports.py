"""Spreadsheets: received, checked, recorded, undone.

Rules.
1. Nothing is recorded before people have seen what the file says and chosen: all rows or none, or
   the good ones only.
2. A file is recorded in one transaction, whatever was chosen: "nothing was recorded" is true after
   any failure, a worker killed at any moment leaves nothing half done, and what failed is begun
   again from its page. Events are signed before that, window by window, with no lock held; the
   transaction then writes them in a second or two for a sheet of ROW_LIMIT rows, the log's
   lock taken last. The import's own row is taken first: of two workers one records.
3. Where the organisation's entries wait for a passkey, a file's wait together, for one approval.
4. Undoing is possible for UNDO_FOR, in one transaction as well: events are declared void (nothing
   is removed), catalogue rows that nobody used are removed, households are put out of use. A row on
   which something was built stays, and is said to.
5. The file itself is dropped once it is recorded, what its rows said after KEPT; a file nobody
   decided about, or that could not be read, goes whole after KEPT.

Nothing here commits: `trace.jobs.imports` does, step by step.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import and_, delete, func, or_, select, update

from trace.core.statements.entries import MAX_APPROVED
from trace.errors import Conflict, NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import Import, ImportRow, Job
from trace.services import approvals
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.bulk import execute_many, insert_rows
from trace.services.jobs import enqueue

CHECK_KIND: Final = "import-check"
RUN_KIND: Final = "import-run"
UNDO_KIND: Final = "import-undo"
# What follows an approval by passkey, given or not.
RECORDED_KIND: Final = "import-recorded"
UNDONE_KIND: Final = "import-undone"
BUSY: Final = ("checking", "running", "undoing")  # a job works on it
UNDO_FOR: Final = timedelta(days=7)
KEPT: Final = timedelta(days=30)  # what rows said: names, phone numbers, notes
MASTERS: Final = frozenset({"households", "places", "products"})
COLUMNS: Final = ("import_id", "number", "state", "cells", "clean", "errors", "record_id")


class ImportBusy(Conflict):
    code = "import-busy"
    message = "This file is being worked on. Wait until it is done."


class ImportDecided(Conflict):
    code = "import-decided"
    message = "This file was recorded before. Nothing is recorded twice."


class ImportHasErrors(Conflict):
    code = "import-has-errors"
    message = "%(bad)d rows have mistakes. Mend the file, or take the good rows only."


class NothingToImport(Conflict):
    code = "nothing-to-import"
    message = "No row of this file can be recorded."


class TooManyToApprove(Conflict):
    code = "too-many-to-approve"
    message = "One approval by passkey covers %(limit)d rows; this file has %(rows)d good ones."
    next_step = "Split it into several files."


class ImportStopped(TraceError):
    code = "import-stopped"
    status = 500
    message = "Something went wrong on our side."
    next_step = "Try again; if it happens again, tell whoever runs the service."


class ImportAside(TraceError):
    code = "import-aside"
    status = 500
    message = "The work on this file stopped by a fault of the service, not of the file."
    next_step = "Wait: an administrator was told, and has it done again from the beginning."


class TakenMeanwhile(Conflict):
    code = "taken-meanwhile"
    message = "Somebody took a code of this file meanwhile, so the file was looked through again."


class UndoTooLate(Conflict):
    code = "undo-too-late"
    message = "This was recorded more than %(days)d days ago. Correct single entries instead."


class RecordedBefore(Conflict):
    code = "recorded-before"
    message = "This very file was recorded before. Tick the box if it is to be recorded again."


def receive_file(actor: Actor, kind: str, filename: str, data: bytes, *, at: datetime) -> Import:
    """Keeps an uploaded file and asks for its check."""
    actor.check("record")
    row = Import(
        public_id=str(uuid.uuid4()),
        organisation_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        kind=kind,
        filename=filename[:200],
        digest=hashlib.sha256(data).hexdigest(),
        source=zlib.compress(data, 1),
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    enqueue(CHECK_KIND, {"import": row.public_id}, at=at, actor=actor)
    return row


def ask_again(actor: Actor, row: Import, mapping: dict[str, int], *, at: datetime) -> None:
    """Checks the file once more, with the columns that people chose."""
    actor.check("record")
    if row.state not in ("checked", "failed") or row.source is None:
        raise ImportDecided
    row.state, row.error, row.done = "checking", "", 0
    row.mapping = orjson.dumps({"chosen": mapping}).decode()
    enqueue(CHECK_KIND, {"import": row.public_id}, at=at, actor=actor)


def earlier(actor: Actor, row: Import) -> Import | None:
    """The newest import of the same file that was recorded, or is about to be, and not undone."""
    return db.session.scalar(
        select(Import)
        .where(
            Import.organisation_id == actor.organisation.id,
            Import.digest == row.digest,
            Import.kind == row.kind,
            Import.id != row.id,
            Import.state.in_(("running", "waiting", "done")),
        )
        .order_by(Import.id.desc())
        .limit(1)
    )


def start_once(actor: Actor, row: Import, mode: str, *, again: bool, at: datetime) -> None:
    """Starts the recording; the very file that was recorded before only where `again` says so.
    Raises RecordedBefore, and what `start` raises."""
    if row.state == "checked" and not again and earlier(actor, row) is not None:
        raise RecordedBefore(path="again")
    start(actor, row, mode, at=at)


def list_imports(actor: Actor) -> Sequence[Import]:
    """The organisation's imports, newest first."""
    actor.check("read")
    return db.session.scalars(
        select(Import)
        .where(Import.organisation_id == actor.organisation.id)
        .order_by(Import.id.desc())
        .limit(200)
    ).all()


def get_import(actor: Actor, public_id: str) -> Import:
    """The organisation's own import. Raises NotFound."""
    actor.check("read")
    return _import(public_id, actor.organisation.id)


def is_aside(row: Import) -> bool:
    """Whether the work on it stopped by no fault of whoever sent it, and waits for an administrator
    (services.jobs_aside)."""
    if row.state not in BUSY:
        return False
    found = select(Job.id).where(
        Job.organisation_id == row.organisation_id,
        Job.kind.in_((CHECK_KIND, RUN_KIND, UNDO_KIND)),
        Job.set_aside_at.is_not(None),
        Job.argument.contains(row.public_id, autoescape=True),
    )
    return db.session.scalar(found.limit(1)) is not None


def _import(public_id: str, organisation_id: int) -> Import:
    row = db.session.scalar(
        select(Import).where(
            Import.public_id == public_id, Import.organisation_id == organisation_id
        )
    )
    if row is None:
        raise NotFound
    return row


def rows_of(row: Import, *states: str, limit: int = 0, after: int = 0) -> Sequence[ImportRow]:
    """Rows in these states, in the sheet's order."""
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == row.id, ImportRow.number > after)
        .order_by(ImportRow.number)
    )
    if states:
        query = query.where(ImportRow.state.in_(states))
    return db.session.scalars(query.limit(limit) if limit else query).all()


Told = list[tuple[int, dict[str, Any]]]


def ready_rows(import_id: int, limit: int | None = None, after: int = 0) -> Told:
    """Numbers and clean values of the rows still to be recorded, in the sheet's order."""
    found = db.session.execute(
        select(ImportRow.number, ImportRow.clean)
        .where(
            ImportRow.import_id == import_id,
            ImportRow.state == "ready",
            ImportRow.number > after,
        )
        .order_by(ImportRow.number)
        .limit(limit)
    )
    return [(number, orjson.loads(clean)) for number, clean in found]


def count_rows(row: Import) -> dict[str, int]:
    """How many rows stand in each state."""
    found = db.session.execute(
        select(ImportRow.state, func.count())
        .where(ImportRow.import_id == row.id)
        .group_by(ImportRow.state)
    )
    return {row[0]: row[1] for row in found}


def error_json(cell: str, error: TraceError) -> dict[str, Any]:
    """An error as a row keeps it: where, and what to say in either language."""
    params = {
        name: value if isinstance(value, int) else str(value)
        for name, value in error.params.items()
    }
    told = {"cell": cell, "code": error.code, "message": error.message, "params": params}
    return {**told, "next": error.next_step} if error.next_step else told


# -- steps, each in its caller's transaction -----------------------------------------------------


def note(import_id: int, **values: Any) -> None:
    """Sets columns of the import."""
    db.session.execute(
        update(Import)
        .where(Import.id == import_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def take(import_id: int, state: str, then: str) -> bool:
    """Moves the import on and holds its row until the transaction ends; False where another worker
    was first."""
    taken = db.session.execute(
        update(Import)
        .where(Import.id == import_id, Import.state == state)
        .values(state=then)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]  # an UPDATE tells how many it hit


def source_of(row: Import) -> bytes:
    """The file. Raises NotFound once it is dropped."""
    if row.source is None:
        raise NotFound
    return zlib.decompress(row.source)


def begin_check(import_id: int, mapping: Mapping[str, Any], total: int) -> None:
    """What a check finds replaces what an earlier one found."""
    db.session.execute(delete(ImportRow).where(ImportRow.import_id == import_id))
    note(import_id, rows=total, good=0, bad=0, done=0, mapping=orjson.dumps(mapping).decode())


def keep_rows(
    import_id: int, checked: Iterable[tuple[int, list[str], dict[str, Any], list[dict[str, Any]]]]
) -> None:
    """Keeps checked rows: (number, cells, clean, errors) each."""
    rows = [
        (
            import_id,
            number,
            "refused" if errors else "ready",
            orjson.dumps(cells).decode(),
            "" if errors else orjson.dumps(clean).decode(),
            orjson.dumps(errors).decode() if errors else "",
            None,
        )
        for number, cells, clean, errors in checked
    ]
    insert_rows("import_rows", COLUMNS, rows)
    bad = sum(row[2] == "refused" for row in rows)
    note(
        import_id,
        done=Import.done + len(rows),
        good=Import.good + len(rows) - bad,
        bad=Import.bad + bad,
    )


def fail(import_id: int, error: TraceError) -> None:
    """The file cannot be read; the reason is kept for its page."""
    note(import_id, state="failed", error=_told(error), done=0)


def stop(import_id: int, error: TraceError | None, *, state: str, done: int = 0) -> None:
    """Recording or undoing came to nothing: the import is what it was, and its page says why."""
    note(import_id, state=state, error=_told(error) if error else "", done=done)


def _told(error: TraceError) -> str:
    errors = error.errors if isinstance(error, Refused) else (error,)
    return orjson.dumps([error_json(one.path, one) for one in errors]).decode()


def check_anew(actor: Actor, row: Import, *, at: datetime) -> None:
    """A code was taken between the check and the recording: a check tells at which cell."""
    row.state, row.done, row.error = "checking", 0, _told(TakenMeanwhile())
    db.session.flush()
    enqueue(CHECK_KIND, {"import": row.public_id}, at=at, actor=actor)


def refuse_rows(import_id: int, refused: Mapping[int, Sequence[TraceError]]) -> None:
    """Marks rows that cannot be recorded after all."""
    execute_many(
        "UPDATE import_rows SET state = 'refused', errors = ? WHERE import_id = ? AND number = ?",
        [
            (orjson.dumps([error_json(f"{at}", one) for one in errors]).decode(), import_id, at)
            for at, errors in refused.items()
        ],
    )
    note(import_id, good=Import.good - len(refused), bad=Import.bad + len(refused))


# -- asking ----------------------------------------------------------------------------------------


def start(actor: Actor, row: Import, mode: str, *, at: datetime) -> None:
    """Asks for the recording. Raises ImportBusy, ImportDecided, ImportHasErrors, NothingToImport,
    TooManyToApprove."""
    actor.check("record")
    if row.state == "checking":
        raise ImportBusy
    if mode == "all" and row.bad:
        raise ImportHasErrors(bad=row.bad)
    if not row.good:
        raise NothingToImport
    if row.kind not in MASTERS and row.good > MAX_APPROVED and approvals.is_demanded(actor):
        raise TooManyToApprove(limit=MAX_APPROVED, rows=row.good)
    if not take(row.id, "checked", "running"):
        raise ImportDecided
    note(row.id, mode=mode, done=0, error="")
    db.session.refresh(row)
    enqueue(RUN_KIND, {"import": row.public_id}, at=at, actor=actor, total=row.good)
    write_audit(
        actor,
        "import.run",
        f"import:{row.public_id}",
        at=at,
        kind=row.kind,
        mode=mode,
        rows=row.good,
    )


def may_undo(row: Import, *, at: datetime) -> bool:
    """Whether undoing can be asked for."""
    return row.state == "done" and row.finished_at is not None and at - row.finished_at <= UNDO_FOR


def ask_undo(actor: Actor, row: Import, *, at: datetime) -> None:
    """Asks for the undoing. Raises ImportBusy, UndoTooLate, TooManyToApprove."""
    actor.check("record")
    if row.state != "done":
        raise ImportBusy
    if row.finished_at is None or at - row.finished_at > UNDO_FOR:
        raise UndoTooLate(days=UNDO_FOR.days)
    if row.kind not in MASTERS and row.done > MAX_APPROVED and approvals.is_demanded(actor):
        raise TooManyToApprove(limit=MAX_APPROVED, rows=row.done)
    if not take(row.id, "done", "undoing"):
        raise ImportBusy
    enqueue(UNDO_KIND, {"import": row.public_id}, at=at, actor=actor, total=row.done)
    note(row.id, done=0, error="")
    write_audit(actor, "import.undo", f"import:{row.public_id}", at=at, kind=row.kind)


def forget_old(*, at: datetime) -> int:
    """Drops what files said once their purpose is over (rule 5); returns how many files."""
    before = at - KEPT
    undecided = and_(Import.state.in_(("checked", "failed")), Import.created_at < before)
    over = and_(Import.state.in_(("done", "undone")), Import.finished_at < before)
    has_rows = select(ImportRow.import_id).where(ImportRow.import_id == Import.id).exists()
    ids = db.session.scalars(select(Import.id).where(or_(undecided, and_(over, has_rows)))).all()
    if ids:
        db.session.execute(delete(ImportRow).where(ImportRow.import_id.in_(ids)))
        db.session.execute(delete(Import).where(Import.id.in_(ids), undecided))
    return len(ids)
