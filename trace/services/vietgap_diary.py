"""The VietGAP diary as a workbook and as a paper: every book a sheet, or a table, of its own.

The books and their words are made elsewhere (the signed ones from events, the private ones line by
line); here they are only written down. A book nobody wrote in says so: it is not left out. The same
books give the same bytes of the paper. Texts that begin like a formula stay text.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Protocol
from xml.sax.saxutils import escape

from flask_babel import gettext
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PaperTable

from trace.services.fonts import BOLD, REGULAR, register_paper_fonts
from trace.services.records import LOCAL_ZONE
from trace.services.sheet_writing import Book

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF: Final = "application/pdf"
_WIDTH: Final = landscape(A4)[0] - 24 * mm
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
# A cell taller than a page cannot be drawn.
CELL_LIMIT: Final = 600


class BookTable(Protocol):
    """One book: its name, its columns, its rows of text."""

    @property
    def title(self) -> str: ...
    @property
    def head(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class Cover:
    """Whose diary of what, and when it was written down."""

    organisation: str
    code: str
    subject: str
    made: datetime


def workbook(cover: Cover, books: Sequence[BookTable]) -> bytes:
    """A sheet for the cover, and one for each book."""
    file = io.BytesIO()
    book = Book(file)
    front = book.sheet(gettext("Nhật ký sản xuất"), _heads(cover), 34)
    book.rows(front, [[one.title, str(len(one.rows))] for one in books])
    taken: set[str] = {gettext("Nhật ký sản xuất").lower()}
    for one in books:
        sheet = book.sheet(_sheet_name(one.title, taken), list(one.head), 18)
        count = book.rows(sheet, one.rows)
        if count:
            sheet.autofilter(0, 0, count, max(0, len(one.head) - 1))
    book.close()
    return file.getvalue()


def _heads(cover: Cover) -> list[str]:
    made = cover.made.astimezone(LOCAL_ZONE)
    return [
        f"{cover.organisation} ({cover.code}) · {cover.subject}",
        gettext("Số dòng; lập lúc %(time)s", time=f"{made:%d/%m/%Y %H:%M}"),
    ]


def _sheet_name(title: str, taken: set[str]) -> str:
    """A name Excel takes: at most 31 characters, none of []:*?/\\, no other sheet's."""
    base = title.translate(_FORBIDDEN).strip(" '")[:31] or "-"
    name, number = base, 2
    while name.lower() in taken:
        name = f"{base[:27]} {number}"
        number += 1
    taken.add(name.lower())
    return name


def paper(cover: Cover, books: Sequence[BookTable], *, language: str) -> bytes:
    """All books on A4 across, the heads of the columns again on every page."""
    register_paper_fonts()
    styles = _styles()
    made = cover.made.astimezone(LOCAL_ZONE)
    story: list[Any] = [
        Paragraph(escape(cover.organisation), styles["quiet"]),
        Paragraph(escape(f"{gettext('Nhật ký sản xuất')} · {cover.subject}"), styles["title"]),
        Paragraph(
            escape(f"{cover.code} · {gettext('Lập lúc')}: {made:%d/%m/%Y %H:%M}"), styles["quiet"]
        ),
    ]
    for one in books:
        story += [Spacer(1, 5 * mm), Paragraph(escape(one.title), styles["heading"])]
        story.append(
            _drawn(one, styles)
            if one.rows
            else Paragraph(escape(gettext("chưa khai báo")), styles["quiet"])
        )
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=landscape(A4),
        leftMargin=12 * mm,
        rightMargin=12 * mm,
        topMargin=12 * mm,
        bottomMargin=14 * mm,
        title=f"{gettext('Nhật ký sản xuất')} {cover.subject}",
        author=cover.organisation,
        lang=language,
        invariant=1,
    )
    document.build(story, onFirstPage=_numbered, onLaterPages=_numbered)
    return file.getvalue()


def _drawn(one: BookTable, styles: dict[str, ParagraphStyle]) -> PaperTable:
    cells = [[Paragraph(escape(text), styles["head"]) for text in one.head]]
    cells += [[Paragraph(escape(_shown(text)), styles["text"]) for text in row] for row in one.rows]
    return PaperTable(
        cells,
        colWidths=_widths(one),
        repeatRows=1,
        style=[
            ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#6c7b71")),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e4f2e7")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ],
    )


def _shown(text: str) -> str:
    return text if len(text) <= CELL_LIMIT else text[: CELL_LIMIT - 1] + "…"


def _widths(one: BookTable) -> list[float]:
    """Columns as wide as what stands in them asks for, within reason."""
    asked = [
        float(max(8, min(36, max([len(text) / 2, *(len(row[place]) for row in one.rows)]))))
        for place, text in enumerate(one.head)
    ]
    return [_WIDTH * width / sum(asked) for width in asked]


def _numbered(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(REGULAR, 8)
    canvas.drawCentredString(landscape(A4)[0] / 2, 7 * mm, str(document.page))
    canvas.restoreState()


@cache
def _styles() -> dict[str, ParagraphStyle]:
    text = ParagraphStyle("text", fontName=REGULAR, fontSize=8, leading=10)
    return {
        "text": text,
        "quiet": ParagraphStyle("quiet", text, textColor=colors.HexColor("#4b5a50")),
        "head": ParagraphStyle("head", text, fontName=BOLD),
        "heading": ParagraphStyle("heading", text, fontName=BOLD, fontSize=11, spaceAfter=4),
        "title": ParagraphStyle("title", text, fontName=BOLD, fontSize=15, leading=19),
    }
