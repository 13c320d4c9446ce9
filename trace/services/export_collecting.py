"""What goes into "my data", written piece by piece: memory does not grow with the organisation.

`step` is called after every piece with the number of events that are in so far; whoever runs this
commits there. What cannot be put in is written down with its reason, never passed over.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from trace.core.epcis import event_context
from trace.core.statements import kept_texts
from trace.errors import TraceError
from trace.extensions import db
from trace.models import (
    Application,
    ApplicationPaper,
    Attachment,
    Event,
    LogEntry,
    Thing,
)
from trace.services.actors import Actor
from trace.services.attachments import read_kept
from trace.services.bundles import bundle_of
from trace.services.capture.prepare import urn_of
from trace.services.export_tables import LEFT_OUT, TITLES, own_tables
from trace.services.files import FilesAway
from trace.services.log import current_state
from trace.services.log_reading import published
from trace.services.naming import issuer_of
from trace.services.papers import read_paper
from trace.services.settings import current_settings
from trace.services.sheet_writing import Book
from trace.services.timelines import open_event

BATCH: Final = 200
PHOTOS: Final = 10  # read between two signs of life: a bucket may take seconds for each
BUNDLES: Final = 200  # newest lots; every page gives its own at any time
SHEET_ROWS: Final = 1_000_000  # Excel ends a little later
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")

Step = Callable[[int], None]
Missing = list[tuple[str, str, str, str]]  # what, code, why in Vietnamese, why in English

WHY: Final = {
    "bundle-too-large": (
        "lịch sử quá dài cho một gói; trang của lô cho từng phần",
        "its history is too long for one bundle; the lot's page gives it in parts",
    ),
    "not-published": (
        "vừa ghi, sổ công khai chưa kịp công bố; gom lại sau ít phút",
        "just recorded, not yet published; collect again in some minutes",
    ),
    "older-lot": (
        "lô cũ hơn: trang của từng lô cho gói của nó bất cứ lúc nào",
        "older lots: the page of each gives its bundle at any time",
    ),
    "photo-taken-down": ("ảnh đã bị gỡ", "the photo was taken down"),
    "not-found": ("tệp không còn trên máy chủ", "the file is no longer on the server"),
    "too-many-rows": (
        "bảng quá dài cho Excel; đủ cả trong csv/",
        "too long for a workbook; complete in csv/",
    ),
}
OTHERWISE: Final = ("không lấy được: mã lỗi ở cột bên", "could not be read; the code tells why")

README: Final = """DỮ LIỆU CỦA TỔ CHỨC / DATA OF THE ORGANISATION
{name} ({code}) – {at} UTC

Tệp này có tên, điện thoại và vị trí riêng: giữ cẩn thận.
This file holds names, phone numbers and private positions: keep it well.

du-lieu.xlsx        {tables} bảng và mục lục, mở bằng Excel /
                    {tables} tables and their list, for a spreadsheet program
csv/*.csv           cùng các bảng ấy, UTF-8 / the same tables, UTF-8
events.jsonld       mọi sự kiện đã ghi, EPCIS 2.0 (JSON-LD) / every event, as recorded
statements.jsonl    từng tuyên bố đã ký (SD-JWT đủ phần), vị trí và dòng của nó trong sổ công khai /
                    each signed statement with every disclosure, its index and entry in the log
checkpoint.txt      đầu sổ công khai lúc gom, có chữ ký / the log's signed checkpoint
bundles/*.json      gói bằng chứng của {bundles} lô mới nhất; kiểm bằng trace-verify /
                    proof bundles of the newest {bundles} lots, for trace-verify
photos/ papers/     ảnh và giấy tờ, tên tệp là mã băm của nó / photos and papers, named by digest

Ô bắt đầu bằng = + - @ trong CSV có dấu ' phía trước để không chạy như công thức.
Cells of the CSV files that begin with = + - @ have a ' before them, so that nothing runs.

KHÔNG LẤY ĐƯỢC / COULD NOT BE INCLUDED: {missing}
{missing_where}

KHÔNG CÓ TRONG TỆP / LEFT OUT ON PURPOSE
- khóa ký, mật khẩu, mã bí mật; dữ liệu của tổ chức khác; lời của người yêu cầu về dữ liệu của họ
  signing keys, passwords, secrets; other organisations' data; what people asked about their own
{left_out}
"""


def collect(
    actor: Actor, public_id: str, folder: Path, *, at: datetime, step: Step
) -> tuple[Path, dict[str, int]]:
    """Writes the file into `folder`: where it is, and what is in it. Doing it again replaces it."""
    part = folder / f".{public_id}.part"
    missing: Missing = []
    told: dict[str, int] = {}
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".work-") as work,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as out,
    ):
        told["tables"] = _tables(actor, out, Path(work), missing)
        told["events"] = _events(actor, out, folder, at=at, step=step)
        told["bundles"] = _bundles(actor, out, missing, at=at, step=lambda: step(told["events"]))
        told["photos"] = _photos(actor, out, missing, step=lambda: step(told["events"]))
        out.writestr("checkpoint.txt", _checkpoint())
        told["missing"] = len(missing)
        if missing:
            with out.open("not-included.csv", "w") as raw:
                _csv(raw, ("what", "code", "vi", "en"), missing)
        out.writestr("README.txt", _readme(actor, told, at))
    told["bytes"] = part.stat().st_size
    return part, told


def _readme(actor: Actor, told: dict[str, int], at: datetime) -> str:
    where = (
        "từng thứ và lý do ở not-included.csv / each with its reason in not-included.csv"
        if told["missing"]
        else "đủ cả / nothing is missing"
    )
    left_out = "\n".join(
        f"- {', '.join(sorted(tables))}\n  {vi}\n  {en}" for (vi, en), tables in LEFT_OUT.items()
    )
    return README.format(
        name=actor.organisation.name,
        code=actor.organisation.code,
        at=at.strftime("%d/%m/%Y %H:%M"),
        tables=told["tables"],
        bundles=told["bundles"],
        missing=told["missing"],
        missing_where=where,
        left_out=left_out,
    )


def _miss(missing: Missing, what: str, code: str) -> None:
    missing.append((what, code, *WHY.get(code, OTHERWISE)))


def _checkpoint() -> str:
    try:
        return published(current_state().id).note
    except TraceError:
        return ""  # nothing is published yet


def _tables(actor: Actor, out: zipfile.ZipFile, work: Path, missing: Missing) -> int:
    path = work / "book.xlsx"
    book = Book(path, str(work))
    contents = book.sheet("Mục lục", ("Trang – Sheet", "Nội dung", "Contents", "Dòng – Rows"), 34)
    count = 0
    for name, columns, query in own_tables(actor.organisation.id):
        rows = db.session.execute(query.execution_options(yield_per=BATCH))
        sheet = book.sheet(name, columns)
        count += 1
        at = 0

        def each(sheet: Any = sheet, rows: Any = rows, name: str = name) -> Iterator[list[Any]]:
            nonlocal at
            for at, row in enumerate(rows, start=1):
                values = [_value(value) for value in row]
                if at <= SHEET_ROWS:
                    book.row(sheet, at, values)
                elif at == SHEET_ROWS + 1:
                    _miss(missing, f"du-lieu.xlsx: {name}", "too-many-rows")
                yield values

        with out.open(f"csv/{name}.csv", "w", force_zip64=True) as raw:
            _csv(raw, columns, each())
        book.row(contents, count, (name, *TITLES[name], at))
    book.close()
    out.write(path, "du-lieu.xlsx", zipfile.ZIP_STORED)
    return count


def _csv(raw: Any, columns: Sequence[str], rows: Any) -> None:
    text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_plain(value) for value in row])
    text.flush()
    text.detach()


def _value(value: object) -> object:
    return urn_of(value) if isinstance(value, bytes) else value  # a statement's identifier


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return str(value)


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


def _events(actor: Actor, out: zipfile.ZipFile, folder: Path, *, at: datetime, step: Step) -> int:
    mine, count = actor.organisation.id, 0
    head: dict[str, Any] = {
        "@context": event_context(current_settings().id_base),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": at.isoformat(timespec="seconds"),
        "sender": issuer_of(actor.organisation.code),
    }
    # Two members of a zip cannot be written at once: the statements wait in a file beside it.
    with tempfile.TemporaryFile(dir=folder) as lines:
        with out.open("events.jsonld", "w", force_zip64=True) as document:
            document.write(orjson.dumps(head)[:-1] + b',"epcisBody":{"eventList":[')
            for rows in _pages(mine):
                for event, index, entry in rows:
                    document.write(b"," if count else b"")
                    document.write(orjson.dumps(open_event(event)[0]))
                    lines.write(orjson.dumps(_statement(event, index, entry)) + b"\n")
                    count += 1
                    db.session.expunge(event)  # or all of them would stay in memory
                step(count)
            document.write(b"]}}")
        lines.seek(0)
        with out.open("statements.jsonl", "w", force_zip64=True) as statements:
            shutil.copyfileobj(lines, statements)
    return count


def _statement(event: Event, index: int | None, entry: str | None) -> dict[str, Any]:
    texts = [text for text in kept_texts(event.disclosures) if text is not None]
    return {
        "id": urn_of(event.statement_id),
        "index": index,
        "entry": entry,
        "sdjwt": "~".join([event.jwt, *texts, ""]),
    }


def _bundles(
    actor: Actor, out: zipfile.ZipFile, missing: Missing, *, at: datetime, step: Callable[[], None]
) -> int:
    mine, count = actor.organisation.id, 0
    lots = (Thing.owner_id == mine, Thing.kind == "lot")
    newest = select(Thing.id, Thing.identity).where(*lots).order_by(Thing.id.desc()).limit(BUNDLES)
    for row in db.session.execute(newest).all():
        try:
            data = bundle_of(row.id, at=at, viewer=mine)
        except TraceError as error:
            if isinstance(error, FilesAway):  # it comes back, and all is collected anew then
                raise
            _miss(missing, f"bundles: {row.identity}", error.code)
            continue
        finally:
            step()  # a passport may have been built anew
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", row.identity.partition("://")[2])[-80:]
        out.writestr(f"bundles/{name}.json", data)
        count += 1
    whole = db.session.scalar(select(func.count()).select_from(Thing).where(*lots)) or 0
    if whole > BUNDLES:
        _miss(missing, f"bundles: {whole - BUNDLES}", "older-lot")
    return count


def _photos(
    actor: Actor, out: zipfile.ZipFile, missing: Missing, *, step: Callable[[], None]
) -> int:
    mine, count = actor.organisation.id, 0
    photos = select(Attachment.digest).where(Attachment.organisation_id == mine)
    papers = (
        select(ApplicationPaper.digest)
        .join(Application, Application.id == ApplicationPaper.application_id)
        .where(Application.organisation_id == mine)
        .distinct()
    )
    for kind, query, read in (("photos", photos, read_kept), ("papers", papers, read_paper)):
        for at, digest in enumerate(db.session.scalars(query).all()):
            if at % PHOTOS == 0:
                step()
            try:
                data = read(digest)
            except TraceError as error:
                if isinstance(error, FilesAway):
                    raise
                _miss(missing, f"{kind}: {digest}", error.code)
                continue
            out.writestr(f"{kind}/{digest}.jpg", data, zipfile.ZIP_STORED)
            count += 1
    return count
