"""The regulator's packet: what, how much, who before and who after, shelves, answers, evidence.

Everything in it is read from what is on record when it is asked for; what nobody declared stays
empty. A rehearsal's says so in every sheet, on every row and on every page. Headings are in
Vietnamese and English: the file travels without its reader's settings.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, cast, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import (
    Event,
    EventThing,
    Handover,
    Holding,
    LogEntry,
    Organisation,
    Place,
    Recall,
    RecallAnswer,
    RecallHolder,
    Thing,
)
from trace.models.events import ROLES
from trace.services.batches import address_of, short_name
from trace.services.log import current_state
from trace.services.recalls.answering import dues, holders_of
from trace.services.recalls.boards import board_of
from trace.services.recalls.booking import signed_as
from trace.services.recalls.reaching import chosen_things, counted, reached_table
from trace.services.recalls.rules import decide_by
from trace.services.recalls.signing import notices_of, signers
from trace.services.sets import among
from trace.services.sheet_writing import Book
from trace.services.vocabulary import bare_step, uom_name
from trace.services.wards import ward_name

REHEARSAL: Final = "DIỄN TẬP / REHEARSAL"
MOST_ROWS: Final = 20_000
EPC: Final = ROLES.index("epc")


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet: its name, headings, and rows in a sensible order."""

    name: str
    headings: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    cut: bool = False  # there is more than the sheet holds


@dataclass(frozen=True, slots=True)
class Packet:
    """A case as it stands at a moment."""

    recall: Recall
    at: datetime
    summary: list[tuple[str, Any]]
    tables: list[Table]

    def table(self, name: str) -> Table:
        """The sheet of that name. Raises KeyError."""
        return next(one for one in self.tables if one.name == name)


def packet_of(recall: Recall, *, at: datetime) -> Packet:
    """Reads the whole case; set-based, each sheet at most MOST_ROWS long."""
    tables = [
        _goods(recall),
        _holders(recall),
        _steps(recall),
        _shelves(recall),
        _answers(recall),
        _evidence(recall),
    ]
    return Packet(recall, at, _summary(recall, at), tables)


def _summary(recall: Recall, at: datetime) -> list[tuple[str, Any]]:
    board = board_of(recall)
    kinds = counted(reached_table(recall))
    hours = None
    if recall.determined_at is not None and recall.signed_at is not None:
        hours = round((recall.signed_at - recall.determined_at).total_seconds() / 3600, 2)
    told: list[tuple[str, Any]] = [
        ("Hồ sơ / Case", recall.code),
        ("Loại / Kind", recall.kind),
        ("Tình trạng / State", recall.state),
        ("Cơ quan, tổ chức / Run by", recall.organisation.name),
        ("Hình thức / Form", form_of(recall)),
        ("Đề xuất bởi / Proposed by", recall.proposer.name if recall.proposer else None),
        ("Người ký / Signed by", ", ".join(signers(recall)) or None),
        ("Mối nguy / Hazard", recall.hazard),
        ("Cấp / Class", recall.grade or None),
        ("Lý do / Reason", recall.reason),
        ("Xử lý / Instructions", recall.instructions),
        ("Xác định lúc / Determined", recall.determined_at),
        (
            "Hạn quyết định / To decide by",
            decide_by(recall.determined_at) if recall.determined_at else None,
        ),
        ("Quyết định lúc / Decided", recall.signed_at),
        ("Số giờ / Hours", hours),
        ("Trang đang cảnh báo / Pages warned", board.warned),
        *((f"  trong đó / of these: {kind}", count) for kind, count in sorted(kinds.items())),
        ("Nơi phải trả lời / Holders", board.holders),
        ("Đã trả lời đủ / Answered", board.answered),
        ("Trả lời một phần / In part", board.part),
        ("Chưa trả lời / Silent", board.silent),
    ]
    for unit, had in board.had.items():
        name = uom_name(unit) or "gói"
        told.append((f"Đã phân phối / Distributed ({name})", had))
        told.append((f"Đã rõ / Accounted ({name})", board.accounted.get(unit, Decimal(0))))
    told.append(("Lập lúc / Made", at))
    return told


def form_of(recall: Recall) -> str:
    """Voluntary or compulsory (Circular 17/2021)."""
    if recall.organisation.kind == "authority":
        return "bắt buộc / compulsory"
    return "tự nguyện / voluntary"


def _goods(recall: Recall) -> Table:
    rows = []
    for thing in chosen_things(recall):
        owner, product = thing.owner, thing.product
        rows.append(
            (
                short_name(thing.identity),
                thing.kind,
                product.name if product else None,
                product.gtin if product else None,
                owner.name if owner else None,
                owner.address if owner else None,
                ward_name(owner.ward_code) if owner and owner.ward_code else None,
                owner.phone if owner else None,
                address_of(thing),
            )
        )
    headings = (
        "Mã / Code",
        "Loại / Kind",
        "Sản phẩm / Product",
        "GTIN",
        "Nơi làm ra / Maker",
        "Địa chỉ / Address",
        "Phường, xã / Ward",
        "Điện thoại / Phone",
        "Địa chỉ mã / Address of the code",
    )
    return Table("Hàng - Goods", headings, rows)


def holder_name(holder: RecallHolder) -> str:
    """The organisation, who answered a note, or that nobody was named."""
    if holder.organisation is not None:
        return holder.organisation.name
    return holder.name or "chưa khai báo người nhận / taker not declared"


def holder_phone(holder: RecallHolder) -> str:
    """The number to call: theirs, or that of who gave it to them."""
    if holder.organisation is not None:
        return holder.organisation.phone
    return holder.phone


def _holders(recall: Recall) -> Table:
    found = holders_of(recall)
    due = dues([one.id for one in found])
    rows: list[tuple[Any, ...]] = []
    for one in found:
        place = one.organisation
        base = (
            holder_name(one),
            place.kind if place else None,
            place.address if place else None,
            ward_name(place.ward_code) if place and place.ward_code else None,
            holder_phone(one),
            one.giver.name if one.giver else None,
            one.giver.phone if one.giver else None,
            "một bên khai / one-sided" if one.one_sided else None,
            "có thể chứa / may contain" if one.mixed_only else None,
            one.things,
        )
        tail = (one.state or "chưa / none", one.told_at, one.last_answer_at)
        if not due[one.id]:
            rows.append((*base, None, None, None, *tail))
        rows += [
            (*base, each.had, each.answered, uom_name(each.unit) or "gói", *tail)
            for each in due[one.id]
        ]
    headings = (
        "Tên / Name",
        "Loại / Kind",
        "Địa chỉ / Address",
        "Phường, xã / Ward",
        "Điện thoại / Phone",
        "Ai giao / Given by",
        "Điện thoại bên giao / Giver's phone",
        "Một bên / One-sided",
        "Lô gộp / Mixed",
        "Số lô, kiện / Things",
        "Đã có / Had",
        "Đã rõ / Accounted",
        "Đơn vị / Unit",
        "Trả lời / Answer",
        "Báo lúc / Told",
        "Trả lời lúc / Answered",
    )
    return Table("Nơi giữ - Holders", headings, rows[:MOST_ROWS], len(rows) > MOST_ROWS)


def _steps(recall: Recall) -> Table:
    """One step up and one down: every handover of what is reached."""
    table = reached_table(recall)
    giver, taker = aliased(Organisation), aliased(Organisation)
    found = db.session.execute(
        select(
            Event.event_time,
            Event.biz_step,
            giver.name,
            giver.phone,
            giver.address,
            taker.name,
            taker.phone,
            taker.address,
            Thing.identity,
            cast(EventThing.quantity, BigInteger),
            EventThing.unit,
            Handover.note,
            Handover.answered_by,
            Handover.received,
        )
        .join(EventThing, EventThing.event_id == Event.id)
        .join(table, table.c.thing_id == EventThing.thing_id)
        .join(Handover, Handover.event_id == Event.id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .outerjoin(giver, giver.id == Handover.giver_id)
        .outerjoin(taker, taker.id == Handover.taker_id)
        .where(EventThing.role == EPC, ~Handover.voided)
        .order_by(Event.event_time, Event.id)
        .limit(MOST_ROWS + 1)
    ).all()
    rows = [
        (
            row[0],
            bare_step(row[1]),
            *row[2:8],
            short_name(row[8]),
            _told(row[9]),
            uom_name(row[10]) or "gói",
            short_name(row[11]) if row[11] else None,
            None if row[13] or row[12] is not None else "một bên khai / one-sided",
        )
        for row in found[:MOST_ROWS]
    ]
    headings = (
        "Lúc / When",
        "Việc / Step",
        "Bên giao (trước) / Giver (one up)",
        "Điện thoại / Phone",
        "Địa chỉ / Address",
        "Bên nhận (sau) / Taker (one down)",
        "Điện thoại bên nhận / Taker's phone",
        "Địa chỉ bên nhận / Taker's address",
        "Mã / Code",
        "Số lượng / Quantity",
        "Đơn vị / Unit",
        "Phiếu giao / Note",
        "Một bên / One-sided",
    )
    return Table("Trước sau - One up, one down", headings, rows, len(found) > MOST_ROWS)


def _told(micro: Any) -> Decimal | None:
    """An amount of the index; None where nobody gave one."""
    return None if micro is None else Decimal(micro) / 1_000_000


def _shelves(recall: Recall) -> Table:
    table = reached_table(recall)
    found = db.session.execute(
        select(
            Organisation.name,
            Organisation.phone,
            Place.name,
            Place.ward_code,
            Holding.on_sale,
            Thing.identity,
            cast(Holding.quantity, BigInteger),
            Holding.unit,
        )
        .join(table, table.c.thing_id == Holding.thing_id)
        .join(Thing, Thing.id == Holding.thing_id)
        .join(Organisation, Organisation.id == Holding.holder_id)
        .outerjoin(Place, Place.identity == Holding.place)
        .where(cast(Holding.quantity, BigInteger) > 0)
        .order_by(Organisation.name, Thing.id)
        .limit(MOST_ROWS + 1)
    ).all()
    rows = [
        (
            name,
            phone,
            place,
            ward_name(ward) if ward else None,
            "đang bày bán / on sale" if on_sale else None,
            short_name(identity),
            Decimal(micro) / 1_000_000,
            uom_name(unit) or "gói",
        )
        for name, phone, place, ward, on_sale, identity, micro, unit in found[:MOST_ROWS]
    ]
    headings = (
        "Nơi giữ / Holder",
        "Điện thoại / Phone",
        "Quầy, kho / Place",
        "Phường, xã / Ward",
        "Bày bán / On sale",
        "Mã / Code",
        "Số lượng / Quantity",
        "Đơn vị / Unit",
    )
    return Table("Quầy kệ - Shelves", headings, rows, len(found) > MOST_ROWS)


def _answers(recall: Recall) -> Table:
    found = db.session.execute(
        select(RecallAnswer, RecallHolder)
        .join(RecallHolder, RecallHolder.id == RecallAnswer.holder_id)
        .where(RecallHolder.recall_id == recall.id)
        .order_by(RecallAnswer.id)
        .limit(MOST_ROWS + 1)
    ).all()
    signed = signed_as(recall)
    rows = [
        (
            one.answered_at,
            holder_name(holder),
            one.fate,
            one.quantity,
            uom_name(one.unit) or "gói",
            one.way,
            one.teller,
            one.note,
            _late(recall, one.answered_at),
            signed.get(one.id),
        )
        for one, holder in found[:MOST_ROWS]
    ]
    headings = (
        "Lúc / When",
        "Nơi giữ / Holder",
        "Đã làm gì / What became of it",
        "Số lượng / Quantity",
        "Đơn vị / Unit",
        "Bằng cách / By",
        "Người nói / Told by",
        "Ghi chú / Note",
        "Muộn / Late",
        "Ký / Signed",
    )
    return Table("Trả lời - Answers", headings, rows, len(found) > MOST_ROWS)


def _late(recall: Recall, answered: datetime) -> str | None:
    late = recall.answer_by is not None and answered > recall.answer_by
    return "muộn / late" if late else None


def _evidence(recall: Recall) -> Table:
    """Statements and their places in the public log: the notices, and every event that moved or
    changed what is reached."""
    notices = [event for event, _ in notices_of(recall)]
    table = reached_table(recall)
    about = select(EventThing.event_id).join(table, table.c.thing_id == EventThing.thing_id)
    found = db.session.execute(
        select(
            Event.statement_id,
            LogEntry.index,
            Event.event_time,
            Event.biz_step,
            Event.notice,
            Organisation.name,
        )
        .join(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(Event.id.in_(about) | among(Event.id, notices))
        .order_by(LogEntry.index)
        .limit(MOST_ROWS + 1)
    ).all()
    rows = [
        (
            f"urn:uuid:{UUID(bytes=bytes(statement))}",
            index,
            moment,
            notice or bare_step(biz_step),
            issuer,
            f"/log/proof/{index}",
        )
        for statement, index, moment, biz_step, notice, issuer in found[:MOST_ROWS]
    ]
    headings = (
        "Tuyên bố / Statement",
        "Số trong sổ / Log index",
        "Lúc / When",
        "Việc / Step",
        "Ai ký / Signed by",
        "Bằng chứng / Proof",
    )
    return Table("Bằng chứng - Evidence", headings, rows, len(found) > MOST_ROWS)


# -- as files --------------------------------------------------------------------------------------


def to_json(packet: Packet) -> bytes:
    """The packet as JSON: summary and tables as lists of objects."""
    body: dict[str, Any] = {
        "rehearsal": packet.recall.rehearsal,
        "log": current_state().origin,
        "summary": {name.strip(): _plain(value) for name, value in packet.summary},
    }
    if packet.recall.rehearsal:
        body["mark"] = REHEARSAL
    body["tables"] = {
        one.name: {
            "complete": not one.cut,
            "rows": [dict(zip(one.headings, map(_plain, row), strict=True)) for row in one.rows],
        }
        for one in packet.tables
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def to_xlsx(packet: Packet) -> bytes:
    """The packet as a workbook: one sheet a table, each with a filter, and no formula in it."""
    out = io.BytesIO()
    book = Book(out)
    marks: tuple[str, ...] = (REHEARSAL,) if packet.recall.rehearsal else ()
    _sheet(book, "Tóm tắt - Summary", ("Mục / Item", "Giá trị / Value"), packet.summary, marks)
    for one in packet.tables:
        _sheet(book, one.name, one.headings, one.rows, marks)
    book.close()
    return out.getvalue()


def _sheet(
    book: Book,
    name: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    marks: tuple[str, ...],
) -> None:
    title = f"DIỄN TẬP {name}" if marks else name
    made = book.sheet(title.replace("/", "-"), (*marks, *headings))
    if marks:
        made.set_header(f"&C{REHEARSAL}")
    count = book.rows(made, ((*marks, *row) for row in rows))
    made.autofilter(0, 0, max(count, 1), len(marks) + len(headings) - 1)
