"""Spreadsheets: received, checked, recorded, undone.

Rules.
1. Nothing is recorded before people have seen what the file says and chosen: all rows or none, or
   the good ones only.
2. What is recorded is recorded once: a row's codes and eventID come from the import and the row's
   number, a window of rows is captured under a key of its own, and its rows are marked in the same
   transaction. A worker killed at any moment leaves the rest to the next.
3. Rows of catalogues (households, places, products) are written in one transaction.
4. Undoing is possible for UNDO_FOR: events are declared void (nothing is removed), catalogue rows
   that nobody used are removed, households are put out of use. A row on which something was built
   stays, and is said to.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from trace.errors import Conflict, NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import Import, ImportRow, Product
from trace.services import approvals
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import organisation_address
from trace.services.bulk import execute_many, insert_rows
from trace.services.capture import capture
from trace.services.import_events import Frame, event_of
from trace.services.import_masters import write_masters
from trace.services.jobs import enqueue
from trace.services.sets import batched
from trace.services.settings import current_settings

CHECK_KIND: Final = "import-check"
RUN_KIND: Final = "import-run"
UNDO_KIND: Final = "import-undo"
WINDOW: Final = 500  # rows captured together: about a quarter of a second
UNDO_FOR: Final = timedelta(days=7)
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


class ImportNeedsApproval(Conflict):
    code = "import-needs-approval"
    message = "Your organisation approves entries by passkey; files of entries cannot be approved."
    next_step = "Enter them singly, or switch the approval off while the file is recorded."


class UndoTooLate(Conflict):
    code = "undo-too-late"
    message = "This was recorded more than %(days)d days ago. Correct single entries instead."


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
    """The newest import of the same file that was recorded and not undone."""
    return db.session.scalar(
        select(Import)
        .where(
            Import.organisation_id == actor.organisation.id,
            Import.digest == row.digest,
            Import.kind == row.kind,
            Import.id != row.id,
            Import.state.in_(("running", "done")),
        )
        .order_by(Import.id.desc())
        .limit(1)
    )


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


def ready_rows(import_id: int, limit: int | None = None) -> Told:
    """Numbers and clean values of the rows still to be recorded, in the sheet's order."""
    found = db.session.execute(
        select(ImportRow.number, ImportRow.clean)
        .where(ImportRow.import_id == import_id, ImportRow.state == "ready")
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
    return {"cell": cell, "code": error.code, "message": error.message, "params": params}


# -- check -----------------------------------------------------------------------------------------


def source_of(row: Import) -> bytes:
    """The file. Raises NotFound once it is dropped."""
    if row.source is None:
        raise NotFound
    return zlib.decompress(row.source)


def store_check(
    row: Import,
    mapping: dict[str, Any],
    checked: Iterable[tuple[int, list[str], dict[str, Any], list[dict[str, Any]]]],
    total: int,
    beat: Callable[[], None],
) -> None:
    """Writes what the check found: (number, cells, clean, errors) a row. Commits as it goes;
    doing it again replaces what was there."""
    import_id = row.id
    db.session.execute(delete(ImportRow).where(ImportRow.import_id == import_id))
    row.rows, row.good, row.bad, row.done = total, 0, 0, 0
    row.mapping = orjson.dumps(mapping).decode()
    db.session.commit()
    good = bad = 0
    for some in batched(checked, 2000):
        rows = []
        for number, cells, clean, errors in some:
            state = "refused" if errors else "ready"
            bad += bool(errors)
            rows.append(
                (
                    import_id,
                    number,
                    state,
                    orjson.dumps(cells).decode(),
                    "" if errors else orjson.dumps(clean).decode(),
                    orjson.dumps(errors).decode() if errors else "",
                    None,
                )
            )
        good += len(rows)
        insert_rows("import_rows", COLUMNS, rows)
        _note(import_id, done=good)
        beat()
        db.session.commit()
    _note(import_id, rows=good, good=good - bad, bad=bad, done=0, state="checked")
    db.session.commit()


def _note(import_id: int, **values: Any) -> None:
    db.session.execute(
        update(Import)
        .where(Import.id == import_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def fail(row_id: int, error: TraceError) -> None:
    """The file as a whole cannot be read or recorded; the reason is kept for its page."""
    errors = error.errors if isinstance(error, Refused) else (error,)
    told = [error_json(one.path, one) for one in errors]
    _note(row_id, state="failed", error=orjson.dumps(told).decode(), done=0)


# -- record ----------------------------------------------------------------------------------------


def start(actor: Actor, row: Import, mode: str, *, at: datetime) -> None:
    """Asks for the recording. Raises ImportBusy, ImportDecided, ImportHasErrors, NothingToImport,
    ImportNeedsApproval."""
    actor.check("record")
    if row.state == "checking":
        raise ImportBusy
    if row.kind not in MASTERS and approvals.is_demanded(actor):
        raise ImportNeedsApproval
    if mode == "all" and row.bad:
        raise ImportHasErrors(bad=row.bad)
    if not row.good:
        raise NothingToImport
    taken = db.session.execute(
        update(Import)
        .where(Import.id == row.id, Import.state == "checked")
        .values(state="running", mode=mode, done=0)
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]  # an UPDATE tells how many it hit
        raise ImportDecided
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


def frame_of(actor: Actor, row: Import) -> Frame:
    """What all events of the import share."""
    settings = current_settings()
    gtins = db.session.execute(
        select(Product.id, Product.gtin).where(Product.organisation_id == actor.organisation.id)
    )
    return Frame(
        settings.id_base,
        settings.secret_key,
        actor.organisation.code,
        organisation_address(actor.organisation),
        row.public_id,
        {gtin[0]: gtin[1] for gtin in gtins},
    )


def record_rows(
    actor: Actor, row: Import, *, at: datetime, beat: Callable[[], None]
) -> dict[str, int]:
    """Records every row that is ready, in windows; commits each. Raises what capture raises where
    no single row is at fault, and in mode `all` where one is."""
    if row.kind in MASTERS:
        try:
            made = write_masters(actor, row, frame_of(actor, row), ready_rows(row.id), at=at)
        except IntegrityError as error:
            db.session.rollback()
            raise Conflict from error
        _note(row.id, done=made)
    else:
        frame = frame_of(actor, row)
        while window := ready_rows(row.id, WINDOW):
            _record_window(actor, row, frame, window, at=at)
            beat()
            db.session.commit()
    counts = count_rows(row)
    made = counts.get("made", 0)
    _note(
        row.id,
        state="done",
        finished_at=at,
        done=made,
        bad=counts.get("refused", 0),
        source=None,
    )
    db.session.commit()
    return {"made": made, "refused": counts.get("refused", 0)}


def _record_window(actor: Actor, row: Import, frame: Frame, told: Told, *, at: datetime) -> None:
    import_id, mode, kind, public_id = row.id, row.mode, row.kind, row.public_id
    db.session.rollback()  # nothing is held while statements are signed
    numbers = [number for number, _ in told]
    events = [event_of(kind, frame, number, clean) for number, clean in told]
    try:
        captured = capture(
            actor,
            events,
            at=at,
            idempotency_key=f"import:{public_id}:{numbers[0]}:{numbers[-1]}:{len(numbers)}",
            paths=[f"/{number}" for number in numbers],
        )
    except Refused as refused:
        db.session.rollback()
        if mode == "all":
            raise
        _refuse(import_id, refused)
        return
    execute_many(
        "UPDATE import_rows SET state = 'made', record_id = ? "
        "WHERE import_id = ? AND number = ? AND state = 'ready'",
        [
            (one.event_id, import_id, number)
            for number, one in zip(numbers, captured.events, strict=True)
        ],
    )
    _note(import_id, done=Import.done + len(numbers))


def _refuse(import_id: int, refused: Refused) -> None:
    """Marks the rows that capture would not take; the others are tried again without them."""
    by_row: dict[int, list[dict[str, Any]]] = {}
    for error in refused.errors:
        number = int(error.path.split("/")[1])
        by_row.setdefault(number, []).append(error_json(f"{number}", error))
    execute_many(
        "UPDATE import_rows SET state = 'refused', errors = ? WHERE import_id = ? AND number = ?",
        [(orjson.dumps(errors).decode(), import_id, number) for number, errors in by_row.items()],
    )


def may_undo(row: Import, *, at: datetime) -> bool:
    """Whether undoing can be asked for."""
    return row.state == "done" and row.finished_at is not None and at - row.finished_at <= UNDO_FOR


def ask_undo(actor: Actor, row: Import, *, at: datetime) -> None:
    """Asks for the undoing. Raises ImportBusy, UndoTooLate."""
    actor.check("record")
    if row.state != "done":
        raise ImportBusy
    if row.finished_at is None or at - row.finished_at > UNDO_FOR:
        raise UndoTooLate(days=UNDO_FOR.days)
    row.state, row.done = "undoing", 0
    job = {"import": row.public_id, "at": at.isoformat()}
    enqueue(UNDO_KIND, job, at=at, actor=actor, total=row.good)
    write_audit(actor, "import.undo", f"import:{row.public_id}", at=at, kind=row.kind)
