"""The diary to take away: the signed books and the private ones, as a workbook or as a paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import Response
from flask_babel import gettext

from trace import clock
from trace.models import BookLine
from trace.services.books import list_lines
from trace.services.vietgap_diary import PDF, XLSX, Cover, paper, workbook
from trace.web.access import actor
from trace.web.pages import day, page_language
from trace.web.producer.book_words import book_names, line_words
from trace.web.producer.diary_tables import Table

FORMATS = ("xlsx", "pdf")


def private_tables(since: date | None = None, until: date | None = None) -> list[Table]:
    """The organisation's private books between two days, oldest line first; struck ones say so."""
    return [
        Table(
            book,
            name,
            [gettext("Ngày"), gettext("Mục"), gettext("Nội dung"), gettext("Gạch bỏ")],
            [_row(row) for row in reversed(list_lines(actor(), book, since=since, until=until))],
        )
        for book, (name, _) in book_names().items()
    ]


def _row(row: BookLine) -> list[str]:
    told = "; ".join(f"{term}: {text}" for term, text in line_words(row))
    return [day(row.day), row.item, told, gettext("có") if row.struck_at is not None else ""]


def diary_file(form: str, tables: Sequence[Table], subject: str, file: str) -> Response:
    """The books in one of FORMATS."""
    organisation = actor().organisation
    cover = Cover(organisation.name, organisation.code, subject, clock.now())
    if form == "xlsx":
        body, kind = workbook(cover, tables), XLSX
    else:
        body, kind = paper(cover, tables, language=page_language()), PDF
    headers = {"Content-Disposition": f'attachment; filename="{file}.{form}"'}
    return Response(body, content_type=kind, headers=headers)
