"""The packet on paper: an A4 report, and the draft of the decision in its official form.

The form is that of a decision on recalling food that is not assured to be safe, with the fields of
Circular 17/2021/TT-BNNPTNT. It is a draft and says so; what is not on record is left blank, for a
hand to fill: number, legal grounds of the day, the person who signs. A lawyer must confirm the form
before it is used.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    Flowable,
    LongTable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    TableStyle,
)

from trace.services.fonts import BOLD, REGULAR, register_paper_fonts
from trace.services.recalls.packet import REHEARSAL, Packet, Table, form_of
from trace.services.recalls.reaching import chosen_things
from trace.services.records import LOCAL_ZONE
from trace.services.wards import ward_name

# On paper as many rows as somebody reads; the workbook has all.
ROWS_ON_PAPER: Final = 300
BLANK: Final = "…" * 24
AFTERWARDS: Final = (
    "Hình thức: khắc phục lỗi ghi nhãn; chuyển mục đích sử dụng; tái xuất; tiêu huỷ "
    "(gạch bỏ hình thức không áp dụng)."
)
# Of each table the columns that fit on A4.
COLUMNS: Final = {
    "Hàng - Goods": (0, 2, 4, 6, 7),
    "Nơi giữ - Holders": (0, 3, 4, 5, 10, 11, 12, 13),
    "Quầy kệ - Shelves": (0, 2, 3, 5, 6, 7),
    "Trả lời - Answers": (0, 1, 2, 3, 4, 7),
}


def to_pdf(packet: Packet) -> bytes:
    """The report with the draft decision at its end, A4."""
    register_paper_fonts()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=16 * mm,
        rightMargin=16 * mm,
        topMargin=20 * mm,
        bottomMargin=16 * mm,
        title=f"{packet.recall.code}",
        author=packet.recall.organisation.name,
    )
    story: list[Flowable] = [_p(f"Hồ sơ {packet.recall.code}", _TITLE)]
    if packet.recall.rehearsal:
        story.append(_p(REHEARSAL, _TITLE))
    story.append(_grid([("Mục / Item", "Giá trị / Value"), *packet.summary], (62, 116)))
    for name in COLUMNS:
        story += _part(packet.table(name))
    story.append(PageBreak())
    story += _decision(packet)
    page = _marked(packet)
    document.build(story, onFirstPage=page, onLaterPages=page)
    return out.getvalue()


def _part(table: Table) -> list[Flowable]:
    chosen = COLUMNS[table.name]
    rows = [tuple(row[column] for column in chosen) for row in table.rows[:ROWS_ON_PAPER]]
    head = tuple(table.headings[column] for column in chosen)
    width = 178 / len(chosen)
    part: list[Flowable] = [_p(table.name, _HEAD)]
    if not rows:
        return [*part, _p("Không có / None", _TEXT)]
    part.append(_grid([head, *rows], (width,) * len(chosen)))
    if table.cut or len(table.rows) > ROWS_ON_PAPER:
        part.append(_p(f"{ROWS_ON_PAPER} dòng đầu; đủ trong tệp XLSX / all rows: XLSX", _TEXT))
    return part


def _decision(packet: Packet) -> list[Flowable]:
    recall = packet.recall
    lines: list[tuple[str, ParagraphStyle]] = [
        ("DỰ THẢO – chưa có hiệu lực", _TITLE),
        *([(REHEARSAL, _TITLE)] if recall.rehearsal else []),
        ("CỘNG HOÀ XÃ HỘI CHỦ NGHĨA VIỆT NAM", _CENTRE),
        ("Độc lập – Tự do – Hạnh phúc", _CENTRE),
        (f"{recall.organisation.name.upper()}", _CENTRE),
        (f"Số: {BLANK}", _TEXT),
        (f"{BLANK}, ngày ….. tháng ….. năm ………", _RIGHT),
        ("QUYẾT ĐỊNH", _TITLE),
        (f"Về việc {_SUBJECT[recall.kind]}", _CENTRE),
        (f"Căn cứ {BLANK}{BLANK};", _TEXT),
        ("Căn cứ Thông tư 17/2021/TT-BNNPTNT;", _TEXT),
        (f"Theo đề nghị của {recall.proposer.name if recall.proposer else BLANK};", _TEXT),
        (f"Điều 1. Đối tượng. Hình thức: {form_of(recall).split(' / ')[0]}.", _BOLD),
    ]
    for thing in chosen_things(recall):
        owner, product = thing.owner, thing.product
        ward = ward_name(owner.ward_code) if owner and owner.ward_code else ""
        where = ", ".join(filter(None, (owner.address, ward))) if owner else ""
        lines += [
            (f"– Tên sản phẩm: {product.name if product else BLANK}", _TEXT),
            (f"  Mã lô, vụ: {thing.identity.rpartition('/')[2]}", _TEXT),
            (f"  Nơi sản xuất: {owner.name if owner else BLANK}", _TEXT),
            (f"  Địa chỉ: {where or BLANK}", _TEXT),
            (f"  Ngày sản xuất: {BLANK}  Hạn dùng: {BLANK}", _TEXT),
        ]
    answer_by = _moment(recall.answer_by) or BLANK
    lines += [
        ("Điều 2. Lý do và phạm vi.", _BOLD),
        (f"Lý do: {recall.reason or BLANK}", _TEXT),
        (f"Xác định lúc: {_moment(recall.determined_at) or BLANK}", _TEXT),
        (f"Phạm vi: {recall.reached} lô, kiện, gói theo hồ sơ truy xuất (kèm theo).", _TEXT),
        ("Điều 3. Xử lý sau thu hồi.", _BOLD),
        (recall.instructions or BLANK, _TEXT),
        (AFTERWARDS, _TEXT),
        (f"Thời hạn báo cáo: {answer_by}", _TEXT),
        (f"Điều 4. Tổ chức thực hiện: {BLANK}{BLANK}", _BOLD),
        (f"Nơi nhận: {BLANK}", _TEXT),
        ("NGƯỜI CÓ THẨM QUYỀN (ký, ghi rõ họ tên, đóng dấu)", _RIGHT),
        (BLANK, _RIGHT),
    ]
    return [_p(text, style) for text, style in lines]


_SUBJECT: Final = {
    "recall": "thu hồi thực phẩm không bảo đảm an toàn",
    "hold": "tạm dừng lưu thông thực phẩm chờ kết quả",
    "advice": "cảnh báo về thực phẩm",
}


def _grid(rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> Flowable:
    cells = [[_p(_words(value), _CELL) for value in row] for row in rows]
    table = LongTable(cells, colWidths=[width * mm for width in widths], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.3, colors.HexColor("#9aa79a")),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e4f0e4")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _moment(value)
    return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)


def _moment(value: datetime | None) -> str:
    return "" if value is None else f"{value.astimezone(LOCAL_ZONE):%d/%m/%Y %H:%M}"


def _p(text: str, style: ParagraphStyle) -> Flowable:
    """Text as text: nothing in it is markup."""
    return Paragraph(escape(text), style)


def _marked(packet: Packet) -> Any:
    def page(canvas: Any, _document: Any) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 8)
        canvas.drawString(16 * mm, A4[1] - 12 * mm, f"{packet.recall.code} · {_moment(packet.at)}")
        canvas.drawRightString(A4[0] - 16 * mm, 10 * mm, str(canvas.getPageNumber()))
        if packet.recall.rehearsal:
            canvas.setFont(BOLD, 11)
            canvas.drawRightString(A4[0] - 16 * mm, A4[1] - 12 * mm, REHEARSAL)
            canvas.setFillGray(0.88)
            canvas.setFont(BOLD, 54)
            canvas.translate(A4[0] / 2, A4[1] / 2)
            canvas.rotate(50)
            canvas.drawCentredString(0, 0, "DIỄN TẬP")
        canvas.restoreState()

    return page


_TEXT: Final = ParagraphStyle("text", fontName=REGULAR, fontSize=10, leading=14, spaceAfter=3)
_CELL: Final = ParagraphStyle("cell", fontName=REGULAR, fontSize=7.5, leading=9.5)
_HEAD: Final = ParagraphStyle(
    "head", fontName=BOLD, fontSize=12, leading=16, spaceBefore=10, spaceAfter=4
)
_TITLE: Final = ParagraphStyle(
    "title", fontName=BOLD, fontSize=15, leading=20, alignment=1, spaceAfter=6
)
_CENTRE: Final = ParagraphStyle("centre", parent=_TEXT, alignment=1)
_RIGHT: Final = ParagraphStyle("right", parent=_TEXT, alignment=2)
_BOLD: Final = ParagraphStyle("bold", parent=_TEXT, fontName=BOLD, spaceBefore=6)

__all__ = ["to_pdf"]
