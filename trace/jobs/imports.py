"""Work on spreadsheets: checking, recording, undoing. Each may be killed and run again.

Steps commit: what a check found, how far the signing is, and at the end everything that is recorded
or undone at once (`trace.services.imports`, rule 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from trace import clock
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.jobs.worker import ATTEMPTS
from trace.models import Import, Job, Organisation, Person
from trace.schemas.import_checking import check_file
from trace.services import import_recording, import_undo, imports
from trace.services.actors import Actor
from trace.services.capture import Sheaf
from trace.services.collecting import collector_resting
from trace.services.keys import NoKey
from trace.services.outages import is_outage
from trace.services.sets import batched

logger = structlog.get_logger()

# As long as a worker may take for a window of rows, or for writing all of them.
LEASE = timedelta(seconds=120)
WINDOW = 500  # rows signed between two signs of life: a fifth of a second
CHECKED = 2000  # rows checked between two


def _opened(job: Job) -> tuple[Actor, Import, dict[str, Any]]:
    argument = orjson.loads(job.argument)
    organisation = db.session.get(Organisation, job.organisation_id)
    row = db.session.scalar(select(Import).where(Import.public_id == argument["import"]))
    if organisation is None or row is None or row.organisation_id != organisation.id:
        raise NotFound
    person = db.session.get(Person, job.person_id) if job.person_id else None
    return Actor(organisation, person, "recorder"), row, argument


def _beat(job: Job) -> Callable[[], None]:
    """Holds the lease of a job that lasts, in the transaction of the step it has done."""
    job_id = job.id

    def beat() -> None:
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=clock.now() + LEASE)
            .execution_options(synchronize_session=False)
        )

    return beat


@contextmanager
def _returning(job: Job, import_id: int, state: str) -> Iterator[None]:
    """Whatever goes wrong inside, nothing of the present step is kept, and the import is what it
    was, with the reason on its page. What is nobody's fault is tried again first."""
    last = job.attempts >= ATTEMPTS
    try:
        yield
    except TraceError as error:
        if error.passes:  # its files are away: the worker comes back to it
            raise
        _stop(import_id, error, state)
    except IntegrityError as error:
        _stop(import_id, Conflict(), state)
        logger.warning("import-conflict", error=str(error.orig))
    except Exception as error:
        if last and not is_outage(error):  # the database is away: the worker comes back to it
            _stop(import_id, imports.ImportStopped(), state)
        raise


def _stop(import_id: int, error: TraceError, state: str) -> None:
    db.session.rollback()
    if state == "failed":
        imports.fail(import_id, error)
    else:
        row = db.session.get_one(Import, import_id)
        imports.stop(import_id, error, state=state, done=row.good if state == "done" else 0)
    db.session.commit()


def _signing(work: Callable[[], None]) -> None:
    """Does it; where the key that signed was rotated meanwhile, once more with the new one."""
    try:
        work()
    except NoKey:
        db.session.rollback()
        work()


@handles(imports.CHECK_KIND, apart=True)
def check_import(job: Job) -> dict[str, int]:
    """Reads the file and stores what each row says and what is wrong with it."""
    actor, row, _ = _opened(job)
    beat, import_id = _beat(job), row.id
    if row.state != "checking":
        return {"rows": row.rows}
    chosen = orjson.loads(row.mapping).get("chosen")
    total = 0
    with _returning(job, import_id, "failed"), collector_resting():
        found = check_file(actor, row.kind, imports.source_of(row), chosen)
        total = found.total
        # What people chose stays: a worker that is killed here leaves the next one to begin anew.
        mapping = {**found.mapping(), "chosen": chosen}
        imports.begin_check(import_id, mapping, total)
        db.session.commit()
        for some in batched(found.rows, CHECKED):
            imports.keep_rows(import_id, some)
            beat()
            db.session.commit()
        imports.take(import_id, "checking", "checked")
        imports.note(import_id, done=0)
        db.session.commit()
    return {"rows": total}


@handles(imports.RUN_KIND, apart=True)
def run_import(job: Job) -> dict[str, int]:
    """Records the rows: all that were chosen, or nothing."""
    actor, row, _ = _opened(job)
    import_id = row.id
    if row.state != "running":
        return {"made": 0}
    with _returning(job, import_id, "checked"), collector_resting():
        if row.kind in imports.MASTERS:
            _write_catalogue(actor, row)
        else:
            _signing(lambda: _record_events(actor, row, _beat(job)))
    made = db.session.get_one(Import, import_id, populate_existing=True)
    return {"made": made.done if made.state == "done" else 0}


def _write_catalogue(actor: Actor, row: Import) -> None:
    import_id = row.id
    try:
        import_recording.write_catalogue(actor, row, at=clock.now())
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        logger.info("import-taken-meanwhile", error=str(error.orig))
        imports.check_anew(actor, db.session.get_one(Import, import_id), at=clock.now())
        db.session.commit()


def _record_events(actor: Actor, row: Import, beat: Callable[[], None]) -> None:
    import_id, kind, mode, at = row.id, row.kind, row.mode, clock.now()
    frame = import_recording.frame_of(actor, row)
    sheaf = Sheaf(actor, at=at)
    numbers: list[int] = []
    refused: dict[int, list[TraceError]] = {}
    after = 0
    while told := imports.ready_rows(import_id, WINDOW, after):
        after = told[-1][0]
        db.session.rollback()  # nothing is held while statements are signed
        signed, wrong = import_recording.sign_rows(sheaf, kind, frame, told)
        numbers += signed
        refused |= wrong
        imports.note(import_id, done=len(numbers))
        beat()
        db.session.commit()
    if refused and (mode == "all" or not numbers):
        imports.refuse_rows(import_id, refused)
        imports.stop(import_id, imports.ImportHasErrors(bad=len(refused)), state="checked")
    elif import_recording.write_rows(actor, row, sheaf, numbers, at=at):
        imports.refuse_rows(import_id, refused)
    db.session.commit()


@handles(imports.UNDO_KIND, apart=True)
def undo_import(job: Job) -> dict[str, int]:
    """Undoes what was recorded and not built on: all of it, or nothing."""
    actor, row, _ = _opened(job)
    import_id = row.id
    if row.state != "undoing":
        return {"undone": 0}
    with _returning(job, import_id, "done"), collector_resting():
        if row.kind in imports.MASTERS:
            import_undo.undo_catalogue(row, at=clock.now())
        else:
            _signing(lambda: _void_events(actor, row, _beat(job)))
        db.session.commit()
    undone = db.session.get_one(Import, import_id, populate_existing=True)
    return {"undone": undone.done if undone.state == "undone" else 0}


def _void_events(actor: Actor, row: Import, beat: Callable[[], None]) -> None:
    import_id = row.id
    sheaf = Sheaf(actor, at=clock.now())
    made: dict[int, int] = {}
    kept: set[int] = set()
    while window := import_undo.made_rows(row, max(made, default=0), WINDOW):
        kept |= import_undo.sign_voids(sheaf, window)
        made |= window
        imports.note(import_id, done=len(made))
        beat()
        db.session.commit()
    import_undo.write_voids(actor, row, sheaf, made, kept)


@handles(imports.RECORDED_KIND)
def settle_recorded(job: Job) -> dict[str, int]:
    """The approval of a file's rows was given, refused or awaited in vain."""
    _, row, told = _opened(job)
    import_recording.settle(row, told["events"], expired=told["expired"], at=clock.now())
    db.session.commit()
    return {"made": len(told["events"])}


@handles(imports.UNDONE_KIND)
def settle_undone(job: Job) -> dict[str, int]:
    """The approval of the voids was given, refused or awaited in vain."""
    _, row, told = _opened(job)
    expired = told["expired"]
    import_undo.settle(row, told["events"], told["kept"], expired=expired, at=clock.now())
    db.session.commit()
    return {"undone": len(told["events"])}
