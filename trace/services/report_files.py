"""A kept report drawn as a workbook and as a paper in the form of Vietnamese offices (Decree
30/2020/ND-CP, appendix I: name of the office on the left, the country's name and motto on the
right, title in the middle). The same figures give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

import xlsxwriter  # type: ignore[import-untyped]  # it has no stubs
from flask_babel import force_locale, gettext
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PaperTable

from trace.models import AuthorityReport
from trace.services import open_data
from trace.services.fonts import BOLD, REGULAR, register_paper_fonts
from trace.services.report_words import Table, area_name, day_words, tables, title_of
from trace.services.scheduled_reports import figures_of

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF: Final = "application/pdf"
LANGUAGES: Final = ("vi", "en")
_WIDTH: Final = 170 * mm
_STARTS: Final = ("=", "+", "-", "@")  # a spreadsheet would run such a cell


# A text is a text: neither a formula nor a link that a click follows.
WORDS_ONLY: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def workbook(report: AuthorityReport, language: str) -> bytes:
    """The report as XLSX: a sheet of the tables, a sheet of open data, a sheet of what its columns
    mean."""
    figures = figures_of(report)
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, WORDS_ONLY)
    book.set_properties({"title": report.period, "created": _made(figures)})
    bold = book.add_format({"bold": True})
    large = book.add_format({"bold": True, "font_size": 14})
    with force_locale(language):
        sheet = book.add_worksheet(gettext("Báo cáo"))
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 3, 16)
        line = 0
        for text, look in _head(report, figures):
            sheet.write(line, 0, text, large if look else None)
            line += 1
        for heading, columns, rows in tables(figures):
            line += 1
            sheet.write(line, 0, heading, bold)
            sheet.write_row(line + 1, 0, columns, bold)
            line += 2
            for row in rows:
                sheet.write_row(line, 0, row)
                line += 1
        data = book.add_worksheet(gettext("Dữ liệu mở"))
        data.write_row(0, 0, open_data.COLUMNS, bold)
        for place, row in enumerate(open_data.table(figures), 1):
            data.write_row(place, 0, ["" if cell is None else cell for cell in row])
        data.autofilter(0, 0, max(1, len(figures["cells"])), len(open_data.COLUMNS) - 1)
        meaning = book.add_worksheet(gettext("Từ điển dữ liệu"))
        told = open_data.about(figures)
        lines = [[name, *words] for name, words in open_data.DICTIONARY.items()]
        lines += [["k", str(told["k"])], ["licence", told["licence"]], ["source", told["source"]]]
        for place, words in enumerate(lines):
            meaning.write_row(place, 0, words)
        meaning.set_column(0, 0, 14)
        meaning.set_column(1, 2, 70)
    book.close()
    return file.getvalue()


def paper(report: AuthorityReport, language: str) -> bytes:
    """The report as PDF, A4."""
    figures = figures_of(report)
    file = io.BytesIO()
    register_paper_fonts()
    styles = _styles()
    with force_locale(language):
        story: list[Any] = [_letterhead(figures, styles), Spacer(1, 8 * mm)]
        for text, look in _head(report, figures):
            story.append(Paragraph(escape(text), styles["title" if look else "middle"]))
        for table in tables(figures):
            story += _drawn(table, styles)
        story += [
            Spacer(1, 6 * mm),
            Paragraph(
                escape(gettext("Số liệu đếm từ sổ truy xuất, theo ngày sự việc diễn ra.")),
                styles["small"],
            ),
            Paragraph(escape(f"{gettext('Nguồn')}: {figures['source']}"), styles["small"]),
            Spacer(1, 10 * mm),
            _signatures(styles),
        ]
        document = SimpleDocTemplate(
            file,
            pagesize=A4,
            leftMargin=20 * mm,
            rightMargin=20 * mm,
            topMargin=15 * mm,
            bottomMargin=15 * mm,
            title=f"{title_of(report.period)} {day_words(figures['first_day'])}",
            author=figures["authority"],
            lang=language,
            invariant=1,
        )
        document.build(story, onFirstPage=_numbered, onLaterPages=_numbered)
    return file.getvalue()


def _head(report: AuthorityReport, figures: Mapping[str, Any]) -> list[tuple[str, bool]]:
    days = f"{day_words(figures['first_day'])} – {day_words(figures['last_day'])}"
    area = area_name(figures["areas"])
    return [
        (f"{title_of(report.period)}: {gettext('truy xuất nông sản, thực phẩm')}", True),
        (days, False),
        (f"{gettext('Địa bàn')}: {area}", False),
        (f"{gettext('Lập lúc')}: {_made(figures):%d/%m/%Y %H:%M}", False),
    ]


def _made(figures: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(figures["made"]).replace(tzinfo=None)


def _letterhead(figures: Mapping[str, Any], styles: Mapping[str, ParagraphStyle]) -> Any:
    left = [
        Paragraph(escape(figures["authority"].upper()), styles["bold"]),
        Paragraph("———", styles["middle"]),
    ]
    right = [
        Paragraph(escape(gettext("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")), styles["bold"]),
        Paragraph(escape(gettext("Độc lập – Tự do – Hạnh phúc")), styles["bold"]),
        Paragraph("———————", styles["middle"]),
    ]
    return PaperTable(
        [[left, right]],
        colWidths=[_WIDTH * 0.42, _WIDTH * 0.58],
        style=[("VALIGN", (0, 0), (-1, -1), "TOP")],
    )


def _drawn(table: Table, styles: Mapping[str, ParagraphStyle]) -> list[Any]:
    heading, columns, rows = table
    cells = [[Paragraph(escape(str(cell)), styles["bold-left"]) for cell in columns]]
    cells += [[Paragraph(escape(_shown(cell)), styles["text"]) for cell in row] for row in rows]
    rest = (_WIDTH * 0.5) / max(1, len(columns) - 1)
    drawn = PaperTable(
        cells,
        colWidths=[_WIDTH * 0.5, *([rest] * (len(columns) - 1))],
        repeatRows=1,
        style=[
            ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#6c7b71")),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e4f2e7")),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ],
    )
    return [Spacer(1, 5 * mm), Paragraph(escape(heading), styles["heading"]), drawn]


def _shown(cell: object) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}".replace(",", ".")
    return str(cell)


def _signatures(styles: Mapping[str, ParagraphStyle]) -> Any:
    left = [Paragraph(escape(gettext("NGƯỜI LẬP")), styles["bold"])]
    right = [
        Paragraph(escape(gettext("THỦ TRƯỞNG CƠ QUAN")), styles["bold"]),
        Paragraph(escape(gettext("(ký, ghi rõ họ tên, đóng dấu)")), styles["middle"]),
    ]
    return PaperTable([[left, right]], colWidths=[_WIDTH / 2, _WIDTH / 2])


def _numbered(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(REGULAR, 8)
    canvas.drawCentredString(A4[0] / 2, 8 * mm, str(document.page))
    canvas.restoreState()


@cache
def _styles() -> dict[str, ParagraphStyle]:
    text = ParagraphStyle("text", fontName=REGULAR, fontSize=9.5, leading=12)
    return {
        "text": text,
        "small": ParagraphStyle("small", text, fontSize=8, leading=10),
        "middle": ParagraphStyle("middle", text, alignment=TA_CENTER),
        "bold": ParagraphStyle("bold", text, fontName=BOLD, alignment=TA_CENTER),
        "bold-left": ParagraphStyle("bold-left", text, fontName=BOLD),
        "heading": ParagraphStyle("heading", text, fontName=BOLD, fontSize=11, spaceAfter=4),
        "title": ParagraphStyle(
            "title", text, fontName=BOLD, fontSize=14, leading=18, alignment=TA_CENTER
        ),
    }
