"""Everything an organisation owns in one file: "my data".

A zip of a workbook and the same tables as CSV, its events as one EPCIS 2.0 document, its statements
with every disclosure beside their log entries, the log's checkpoint, proof bundles of its newest
lots, and its photos. Written piece by piece: memory does not grow with the organisation. The file
waits KEPT for its members who manage, then it is removed.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from trace.core.epcis import event_context
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Attachment,
    Certificate,
    Event,
    Handover,
    Holding,
    Household,
    Job,
    LogEntry,
    Place,
    Product,
    Thing,
)
from trace.services.actors import Actor
from trace.services.attachments import is_served, photo_path
from trace.services.audit import write_audit
from trace.services.bundles import bundle_of
from trace.services.jobs import enqueue, get_job
from trace.services.log import current_state
from trace.services.log_reading import published
from trace.services.naming import issuer_of
from trace.services.settings import current_settings
from trace.services.sheet_writing import Book
from trace.services.timelines import open_event

KIND: Final = "my-data"
KEPT: Final = timedelta(days=3)
BATCH: Final = 200
BUNDLES: Final = 200  # newest lots; every page gives its own at any time
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_FILE: Final = re.compile(r"[0-9a-f-]{36}")

Table = tuple[str, tuple[str, ...], Any]  # name, columns, rows

README: Final = """DỮ LIỆU CỦA TỔ CHỨC / DATA OF THE ORGANISATION
{name} ({code}) – {at} UTC

Tệp này có tên, điện thoại và vị trí riêng: giữ cẩn thận.
This file holds names, phone numbers and private positions: keep it well.

du-lieu.xlsx        các bảng danh mục, mở bằng Excel / tables, for a spreadsheet program
csv/*.csv           cùng các bảng ấy, UTF-8 / the same tables, UTF-8
events.jsonld       mọi sự kiện đã ghi, EPCIS 2.0 (JSON-LD) / every event, as recorded
statements.jsonl    từng tuyên bố đã ký (SD-JWT đủ phần), vị trí và dòng của nó trong sổ công khai /
                    each signed statement with every disclosure, its index and entry in the log
checkpoint.txt      đầu sổ công khai lúc gom, có chữ ký / the log's signed checkpoint
bundles/*.json      gói bằng chứng của {bundles} lô mới nhất; kiểm bằng trace-verify /
                    proof bundles of the newest {bundles} lots, for trace-verify
photos/             ảnh, tên tệp là mã băm của nó / photos, named by their digest

Ô bắt đầu bằng = + - @ trong CSV có dấu ' phía trước để không chạy như công thức.
Cells of the CSV files that begin with = + - @ have a ' before them, so that nothing runs.
Không có trong tệp: khóa ký (máy chủ giữ), mật khẩu, dữ liệu của tổ chức khác.
Not in here: signing keys (the server keeps them), passwords, other organisations' data.
"""


def ask(actor: Actor, *, at: datetime) -> Job:
    """A job that collects the data; the one that is under way where there is one."""
    actor.check("manage")
    going = db.session.scalar(
        select(Job).where(
            Job.kind == KIND,
            Job.organisation_id == actor.organisation.id,
            Job.state.in_(("queued", "running")),
        )
    )
    if going is not None:
        return going
    total = db.session.scalar(
        select(func.count()).select_from(Event).where(Event.issuer_id == actor.organisation.id)
    )
    job = enqueue(KIND, {}, at=at, actor=actor, total=total or 0)
    write_audit(actor, "export.ask", f"export:{job.public_id}", at=at)
    return job


def list_exports(actor: Actor) -> Sequence[Job]:
    """The newest collections of the organisation."""
    actor.check("manage")
    query = select(Job).where(Job.kind == KIND, Job.organisation_id == actor.organisation.id)
    return db.session.scalars(query.order_by(Job.id.desc()).limit(10)).all()


def folder() -> Path:
    """Where finished files wait."""
    return current_settings().instance / "exports"


def find_file(public_id: str) -> Path | None:
    """The file while it waits."""
    path = folder() / f"{public_id}.zip"
    return path if _FILE.fullmatch(public_id) and path.is_file() else None


def fetch(actor: Actor, public_id: str, *, at: datetime) -> Path:
    """The organisation's own file, and a line in the audit log. Raises NotFound."""
    actor.check("manage")
    job = get_job(actor, public_id, KIND)
    path = find_file(job.public_id)
    if job.state != "done" or path is None or is_over(job, at=at):
        raise NotFound
    write_audit(actor, "export.fetch", f"export:{public_id}", at=at)
    return path


def is_over(job: Job, *, at: datetime) -> bool:
    """Whether the file's time is up."""
    return job.finished_at is not None and at - job.finished_at > KEPT


def drop_old(now: datetime) -> int:
    """Removes files older than KEPT; returns how many."""
    dropped = 0
    for path in folder().glob("*.zip"):
        if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
            path.unlink(missing_ok=True)
            dropped += 1
    return dropped


# -- collecting ------------------------------------------------------------------------------------


def collect(
    actor: Actor, public_id: str, *, at: datetime, beat: Callable[[int], None]
) -> dict[str, int]:
    """Writes the file; `beat` hears how many events are in. Doing it again replaces the file."""
    folder().mkdir(parents=True, exist_ok=True)
    drop_old(at)
    part = folder() / f".{public_id}.part"
    told: dict[str, int] = {}
    with (
        tempfile.TemporaryDirectory(dir=folder(), prefix=".work-") as work,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as out,
    ):
        _tables(actor, out, Path(work))
        told["events"] = _events(actor, out, at=at, beat=beat)
        told["bundles"] = _bundles(actor, out, at=at)
        told["photos"] = _photos(actor, out)
        out.writestr("checkpoint.txt", _checkpoint())
        organisation = actor.organisation
        readme = README.format(
            name=organisation.name,
            code=organisation.code,
            at=at.strftime("%d/%m/%Y %H:%M"),
            bundles=told["bundles"],
        )
        out.writestr("README.txt", readme)
    told["bytes"] = part.stat().st_size
    part.replace(folder() / f"{public_id}.zip")
    return told


def _checkpoint() -> str:
    try:
        return published(current_state().id).note
    except TraceError:
        return ""  # nothing is published yet


def _tables(actor: Actor, out: zipfile.ZipFile, work: Path) -> None:
    mine = actor.organisation.id
    path = work / "book.xlsx"
    book = Book(path, str(work))
    for name, columns, query in _queries(mine):
        sheet = book.sheet(name, columns)
        with out.open(f"csv/{name}.csv", "w", force_zip64=True) as raw:
            text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
            writer = csv.writer(text)
            writer.writerow(columns)
            result = db.session.execute(query.execution_options(yield_per=BATCH))
            for at, row in enumerate(result, start=1):
                book.row(sheet, at, row)
                writer.writerow([_plain(value) for value in row])
            text.flush()
            text.detach()
    book.close()
    out.write(path, "du-lieu.xlsx", zipfile.ZIP_STORED)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULAS) and not _is_number(value) else text


def _is_number(value: object) -> bool:
    return not isinstance(value, str)


def _queries(mine: int) -> Iterator[Table]:
    own: list[tuple[str, Any, tuple[str, ...]]] = [
        (
            "places",
            Place,
            (
                *("code", "gln", "identity", "name", "name_en", "kind", "ward_code", "address"),
                *("latitude", "longitude", "area_m2", "planting_area_code", "public"),
                "created_at",
            ),
        ),
        (
            "products",
            Product,
            (
                *("code", "gtin", "identity", "name", "name_en", "category", "description"),
                *("unit", "net_weight", "shelf_life_days", "use_by", "created_at"),
            ),
        ),
        ("households", Household, ("code", "name", "phone", "ward_code", "active", "created_at")),
        (
            "certificates",
            Certificate,
            ("standard", "number", "issuer_name", "valid_from", "valid_until", "created_at"),
        ),
    ]
    for name, model, columns in own:
        chosen = [getattr(model, column) for column in columns]
        yield name, columns, select(*chosen).where(model.organisation_id == mine).order_by(model.id)
    held = (
        select(Thing.identity, Thing.kind, Product.name, Thing.created_at)
        .outerjoin(Product, Product.id == Thing.product_id)
        .where(Thing.owner_id == mine)
        .order_by(Thing.id)
    )
    yield "things", ("identity", "kind", "product", "created_at"), held
    stock = (
        select(Thing.identity, Holding.quantity, Holding.unit, Holding.place, Holding.on_sale)
        .join(Thing, Thing.id == Holding.thing_id)
        .where(Holding.holder_id == mine)
        .order_by(Thing.id)
    )
    yield "holdings", ("identity", "quantity", "unit", "place", "on_sale"), stock
    moved = (
        select(Event.event_time, Handover.received, Handover.note, Handover.voided)
        .join(Event, Event.id == Handover.event_id)
        .where((Handover.giver_id == mine) | (Handover.taker_id == mine))
        .order_by(Event.id)
    )
    yield "handovers", ("event_time", "received", "note", "voided"), moved


def _pages(mine: int) -> Iterator[Sequence[tuple[Event, int | None, str | None]]]:
    after = 0
    while True:
        rows = db.session.execute(
            select(Event, LogEntry.index, LogEntry.entry)
            .outerjoin(LogEntry, LogEntry.event_id == Event.id)
            .where(Event.issuer_id == mine, Event.id > after)
            .order_by(Event.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        after = rows[-1][0].id
        yield [(row[0], row[1], row[2]) for row in rows]


def _events(
    actor: Actor, out: zipfile.ZipFile, *, at: datetime, beat: Callable[[int], None]
) -> int:
    mine, count = actor.organisation.id, 0
    head: dict[str, Any] = {
        "@context": event_context(current_settings().id_base),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": at.isoformat(timespec="seconds"),
        "sender": issuer_of(actor.organisation.code),
    }
    # Two members of a zip cannot be written at once: the statements wait in a file beside it.
    with tempfile.TemporaryFile(dir=folder()) as lines:
        with out.open("events.jsonld", "w", force_zip64=True) as document:
            document.write(orjson.dumps(head)[:-1] + b',"epcisBody":{"eventList":[')
            for rows in _pages(mine):
                for event, index, entry in rows:
                    document.write(b"," if count else b"")
                    document.write(orjson.dumps(open_event(event)[0]))
                    lines.write(orjson.dumps(_statement(event, index, entry)) + b"\n")
                    count += 1
                    db.session.expunge(event)  # or all of them would stay in memory
                beat(count)
            document.write(b"]}}")
        lines.seek(0)
        with out.open("statements.jsonl", "w", force_zip64=True) as statements:
            shutil.copyfileobj(lines, statements)
    return count


def _statement(event: Event, index: int | None, entry: str | None) -> dict[str, Any]:
    texts = [text for text in orjson.loads(event.disclosures) if text is not None]
    return {"index": index, "entry": entry, "sdjwt": "~".join([event.jwt, *texts, ""])}


def _bundles(actor: Actor, out: zipfile.ZipFile, *, at: datetime) -> int:
    mine, count = actor.organisation.id, 0
    newest = select(Thing.id, Thing.identity).where(Thing.owner_id == mine, Thing.kind == "lot")
    for row in db.session.execute(newest.order_by(Thing.id.desc()).limit(BUNDLES)).all():
        try:
            data = bundle_of(row.id, at=at, viewer=mine)
        except TraceError:
            continue  # too large, or not published yet: its page gives it later
        finally:
            db.session.commit()  # a passport may have been built anew
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", row.identity.partition("://")[2])[-80:]
        out.writestr(f"bundles/{name}.json", data)
        count += 1
    return count


def _photos(actor: Actor, out: zipfile.ZipFile) -> int:
    count = 0
    query = select(Attachment.digest).where(Attachment.organisation_id == actor.organisation.id)
    for digest in db.session.scalars(query.order_by(Attachment.digest)).all():
        if not is_served(digest):
            continue
        try:
            path = photo_path(digest)
        except TraceError:
            continue
        out.write(path, f"photos/{path.name}", zipfile.ZIP_STORED)
        count += 1
    return count
