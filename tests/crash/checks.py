"""What must hold after a kill and the next start: nothing acknowledged is lost, nothing half done.

The checks ask the database and the disk, not the services that wrote there. `after_start` looks at
what is new since it looked last; `everything` rebuilds the log and audits every row against its
statement.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import func, select

from tests.crash.acts import Ack
from tests.crash.world import World
from tests.functional.test_log_processes import check_whole
from tests.support.kept import kept_root, photo_file
from trace import clock
from trace.core.signing import b64url
from trace.core.statements import kept_texts, statement_hash
from trace.errors import TraceError
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.models import (
    Alert,
    Attachment,
    Erasure,
    Event,
    EventKey,
    IdempotencyKey,
    Import,
    ImportRow,
    Job,
    LogEntry,
    Recall,
    RecallAnswer,
    RecallHolder,
    RecallNotice,
    Unit,
)
from trace.services.audits import Summary, audit
from trace.services.capture.prepare import event_key_digest
from trace.services.label_sheets import sheet_folder
from trace.services.log import current_state
from trace.services.log_file import checkpoint_path
from trace.services.settings import current_settings

SHEET: Final = 45
ROWS: Final = 11


class Broken(AssertionError):
    """Something acknowledged is lost, or something is half done."""


def must(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


class Checker:
    """Remembers how far it has looked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events = 0  # rows up to this id were looked at
        self.entries = 0
        self.acked = 0
        self.jobs = 0
        self.longest = 0.0  # seconds from a start to the end of what was left to do

    def start(self) -> None:
        """What a restart does, and nothing else."""
        self.world.start()
        begin = time.monotonic()
        try:
            self.world.run_jobs()
        except TraceError as error:
            raise Broken(f"lost: the next start refuses: {error.detail}") from error
        self.longest = max(self.longest, time.monotonic() - begin)
        db.session.rollback()

    def after_start(self, acks: Sequence[Ack]) -> None:
        """After `start`. Raises Broken."""
        db.session.rollback()
        for ack in acks:
            for kind, value in ack.items():
                CHECKS[kind](self.world, value)
                self.acked += 1
        self._new_rows()
        self._jobs_ended()
        nothing_under_way()
        db.session.rollback()

    def _new_rows(self) -> None:
        rows = db.session.execute(
            select(Event.id, Event.jwt, LogEntry.entry)
            .outerjoin(LogEntry, LogEntry.event_id == Event.id)
            .where(Event.id > self.events)
            .order_by(Event.id)
        ).all()
        must(len({row.id for row in rows}) == len(rows), "an event has two entries")
        for row in rows:
            must(row.entry is not None, f"event {row.id} has no entry in the log")
            hashed = orjson.loads(row.entry)["h"]
            must(hashed == statement_hash(row.jwt), f"event {row.id} is not its entry's")
        keys = db.session.scalar(
            select(func.count()).select_from(EventKey).where(EventKey.event_id > self.events)
        )
        must(
            (keys or 0) + self._erased() == len(rows),
            f"{keys} keys of {len(rows)} events",
        )
        state = current_state()
        count = db.session.scalar(
            select(func.count()).select_from(LogEntry).where(LogEntry.index >= self.entries)
        )
        must(count == state.size - self.entries, f"{count} entries from {self.entries}")
        must(state.size == state.integrated, f"{state.size} entries, {state.integrated} in tiles")
        kept = int(checkpoint_path(state.id).read_text().split("\n")[1])
        must(kept == state.size - state.start, f"the file says {kept}, the log has {state.size}")
        self.entries = state.size
        self.events = max((row.id for row in rows), default=self.events)

    def _erased(self) -> int:
        """Events whose eventID went with an erasure."""
        return (
            db.session.scalar(
                select(func.count(func.distinct(Erasure.event_id))).where(
                    Erasure.event_id > self.events
                )
            )
            or 0
        )

    def _jobs_ended(self) -> None:
        rows = db.session.scalars(select(Job).where(Job.id > self.jobs, Job.state != "done")).all()
        must(not rows, f"jobs not done: {[(one.kind, one.state, one.result) for one in rows]}")
        self.jobs = db.session.scalar(select(func.max(Job.id))) or 0

    def everything(self) -> int:
        """The whole log and every row, and the disk after its tidying; the log's size."""
        db.session.rollback()
        self.world.hands.ahead += timedelta(days=2)
        tidy(at=clock.now())
        self.world.run_jobs()
        db.session.rollback()
        size = check_whole()
        found = list(audit(Summary(), now=clock.now()))
        must(not found, f"the audit found {found[:5]}")
        whole_rolls()
        answered_keys()
        no_file_without_a_row()
        db.session.rollback()
        return size


# -- what was acknowledged -------------------------------------------------------------------------


def captured(world: World, events: list[list[Any]]) -> None:
    for statement, index in events:
        row = db.session.execute(
            select(LogEntry.index)
            .join(Event, Event.id == LogEntry.event_id)
            .where(Event.statement_id == UUID(statement[9:]).bytes)
        ).one_or_none()
        must(row is not None and row.index == index, f"lost: {statement} at {index}")


def recorded(_world: World, names: list[str]) -> None:
    found = db.session.scalars(
        select(EventKey.event_id).where(
            EventKey.event_key.in_([event_key_digest(name) for name in names])
        )
    ).all()
    must(len(set(found)) == len(names), f"lost: {len(names) - len(found)} of {names}")


def filed(world: World, public_id: str) -> None:
    row = db.session.scalars(select(Import).where(Import.public_id == public_id)).one_or_none()
    must(row is not None, f"lost: file {public_id}")


def imported(world: World, public_id: str) -> None:
    row = db.session.scalars(select(Import).where(Import.public_id == public_id)).one_or_none()
    must(row is not None and row.state == "done", f"import {public_id} is not done")


def drawn(world: World, public_id: str) -> None:
    job = db.session.scalars(select(Job).where(Job.public_id == public_id)).one_or_none()
    must(job is not None and job.state == "done", f"sheet {public_id} is not done")
    file = sheet_folder() / f"{public_id}.pdf"
    must(file.is_file() and file.read_bytes().rstrip().endswith(b"%%EOF"), "the sheet is not whole")


def recalled(world: World, recall_id: int) -> None:
    recall = db.session.get(Recall, recall_id)
    must(recall is not None and recall.state == "open", f"recall {recall_id} is not open")
    warned = db.session.scalar(
        select(func.count())
        .select_from(Alert)
        .join(RecallNotice, RecallNotice.event_id == Alert.event_id)
        .where(RecallNotice.recall_id == recall_id)
    )
    must(warned, f"recall {recall_id} warns nobody")
    held = db.session.scalars(
        select(RecallHolder.organisation_id).where(RecallHolder.recall_id == recall_id)
    ).all()
    must(sorted(held, key=str) == sorted(set(held), key=str), "a holder twice")
    must(world.shop_id in held, f"the shop was not asked by recall {recall_id}")


def answered(world: World, holder_id: int) -> None:
    amounts = db.session.scalars(
        select(RecallAnswer.quantity).where(RecallAnswer.holder_id == holder_id)
    ).all()
    must([int(one) for one in amounts] == [10], f"holder {holder_id} answered {amounts}")


def photographed(world: World, named: list[str]) -> None:
    """The photo is there, whole, unless its record was erased meanwhile; then it is not."""
    statement, digest = named
    must(db.session.get(Attachment, digest) is not None, f"lost: the row of photo {digest}")
    event_id = event_of(statement)
    gone = db.session.scalar(select(Erasure.id).where(Erasure.event_id == event_id)) is not None
    path = photo_file(digest)
    small = path.with_name(f"{digest}-s.jpg")
    must(path.is_file() != gone and small.is_file() != gone, f"photo {digest}: erased {gone}")
    if not gone:
        must(b64url(hashlib.sha256(path.read_bytes()).digest()) == digest, "a photo is not whole")


def erased(world: World, named: list[str]) -> None:
    event_id = event_of(named[0])
    disclosures = db.session.get_one(Event, event_id).disclosures
    must(None in kept_texts(disclosures), "not erased")
    known = db.session.scalar(select(Erasure.id).where(Erasure.event_id == event_id))
    must(known is not None, "the erasure is not told")
    photographed(world, named)


def event_of(statement: str) -> int:
    found = db.session.scalar(
        select(Event.id).where(Event.statement_id == UUID(statement[9:]).bytes)
    )
    must(found is not None, f"lost: {statement}")
    return found or 0


def published(world: World, size: int) -> None:
    must(current_state().integrated >= size, f"{size} entries had been published")


CHECKS: Final[dict[str, Callable[[World, Any], None]]] = {
    "captured": captured,
    "recorded": recorded,
    "file": filed,
    "import": imported,
    "sheet": drawn,
    "recall": recalled,
    "answered": answered,
    "photo": photographed,
    "erased": erased,
    "published": published,
}


# -- nothing half done -----------------------------------------------------------------------------


def nothing_under_way() -> None:
    """After what was left to do was done, nothing says that it is being done."""
    states = ("checking", "running", "undoing")
    stuck = db.session.scalars(select(Import.public_id).where(Import.state.in_(states))).all()
    must(not stuck, f"imports for ever under way: {stuck}")
    torn = db.session.execute(
        select(Import.public_id, Import.state, func.count(ImportRow.record_id))
        .join(ImportRow, ImportRow.import_id == Import.id)
        .where(Import.state.in_(("checked", "done")))
        .group_by(Import.id, Import.public_id, Import.state)
        .having(func.count(ImportRow.record_id).not_in((0, ROWS)))
    ).all()
    must(not torn, f"imports half made: {torn}")
    told = select(RecallNotice.recall_id)
    half = db.session.scalars(
        select(Recall.id).where(
            ((Recall.state == "open") & Recall.id.not_in(told))
            | ((Recall.state == "draft") & Recall.id.in_(told))
        )
    ).all()
    must(not half, f"recalls half signed: {half}")


def whole_rolls() -> None:
    rolls = db.session.scalars(select(func.count(Unit.serial)).group_by(Unit.range_id)).all()
    must(set(rolls) <= {SHEET}, f"rolls half issued: {sorted(set(rolls))}")
    serials = db.session.scalar(select(func.count(func.distinct(Unit.serial))))
    must(serials == sum(rolls), "a serial twice")


def answered_keys() -> None:
    """The first answer to an idempotency key names statements that are there."""
    for response in db.session.scalars(select(IdempotencyKey.response)):
        wanted = [UUID(statement[9:]).bytes for statement, _ in orjson.loads(response)]
        found = db.session.scalar(
            select(func.count()).select_from(Event).where(Event.statement_id.in_(wanted))
        )
        must(found == len(wanted), "an answer without its event")


def no_file_without_a_row() -> None:
    """After a day and the hourly tidying the disk holds what rows name, and no parts of files."""
    instance = current_settings().instance
    parts = [
        path
        for path in instance.rglob("*")
        # The log's and the keys' next files have one name each: the next writing takes it over.
        if path.is_file() and is_part(path.name) and path.parent.name not in ("log", "keys")
    ]
    must(not parts, f"parts of files: {parts}")
    known = set(db.session.scalars(select(Attachment.digest)))
    photos = {path.name.split(".")[0].removesuffix("-s") for path in photo_files()}
    must(photos <= known, f"photos nobody knows of: {sorted(photos - known)}")


def is_part(name: str) -> bool:
    return name.endswith((".part", ".new", ".tmp")) or name.startswith(".")


def photo_files() -> Iterable[Any]:
    base = kept_root() / "attachments"
    return base.rglob("*.jpg") if base.is_dir() else ()
