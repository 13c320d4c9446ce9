"""Files of lots, sent and started as a page does it; for what is killed or raced."""

from __future__ import annotations

import os

from sqlalchemy import func, select, text

from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.registry import load_handlers
from trace.models import Event, Import, ImportRow
from trace.services import imports
from trace.services.actors import Actor


def lots(count: int) -> bytes:
    """A CSV file of so many lots, unlike any other."""
    lines = ["Ngày giờ;Sản phẩm;Số lượng;Đơn vị;Ghi chú"]
    name = os.urandom(4).hex()
    lines += [f"20/11/2026 07:30;Rau {name};{at + 1};kg;dòng {at}" for at in range(count)]
    return "\n".join(lines).encode()


def run_jobs() -> None:
    """Runs what is asked for, also what a dead worker has left, and publishes nothing."""
    load_handlers()
    db.session.execute(text("UPDATE jobs SET lease_until = 0 WHERE state = 'running'"))
    db.session.commit()
    while (job := worker.claim("w")) is not None:
        worker.run(job)


def begun(actor: Actor, count: int, mode: str = "all") -> str:
    """A file that was sent and looked at, and whose recording has been asked for: its id."""
    row = imports.receive_file(actor, "lots", "lo.csv", lots(count), at=clock.now())
    public_id = row.public_id
    db.session.commit()
    run_jobs()
    row = imports.get_import(actor, public_id)
    imports.start(actor, row, mode, at=clock.now())
    db.session.commit()
    return public_id


def found(public_id: str) -> tuple[str, int, int]:
    """(state, rows made and not undone, voids) of a file; every row that was made has an event."""
    db.session.rollback()
    row = db.session.scalars(select(Import).where(Import.public_id == public_id)).one()
    made = db.session.scalar(
        select(func.count())
        .select_from(ImportRow)
        .join(Event, Event.id == ImportRow.record_id)
        .where(ImportRow.import_id == row.id, ImportRow.state == "made")
    )
    voids = db.session.scalar(
        select(func.count()).select_from(Event).where(Event.corrects.is_not(None))
    )
    return row.state, made or 0, voids or 0
