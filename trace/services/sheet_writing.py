"""Workbooks written row by row, in bounded memory, and never with a formula in them.

Every text goes in as text: a cell that begins with = + - @ is what somebody typed, not something to
run when the file is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import xlsxwriter  # type: ignore[import-untyped]  # it has no type hints

from trace.services.records import LOCAL_ZONE

CELL_LIMIT = 32_000  # Excel keeps 32,767 characters


class Book:
    """A workbook in the making. Sheets are filled one after another, top to bottom."""

    def __init__(self, out: Path | IO[bytes], folder: str | None = None) -> None:
        options: dict[str, Any] = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        if folder is not None:
            options["tmpdir"] = folder
        self.book = xlsxwriter.Workbook(out, options)
        self.head = self.book.add_format(
            {"bold": True, "bg_color": "#E4F0E4", "border": 1, "text_wrap": True}
        )
        self.grey = self.book.add_format({"italic": True, "font_color": "#666666"})
        self.wrap = self.book.add_format({"text_wrap": True, "valign": "top"})
        self.day = self.book.add_format({"num_format": "dd/mm/yyyy"})
        self.moment = self.book.add_format({"num_format": "dd/mm/yyyy hh:mm"})

    def sheet(self, name: str, headings: Sequence[str], width: int = 22) -> Any:
        """A sheet with its row of headings."""
        made = self.book.add_worksheet(name[:31])
        made.freeze_panes(1, 0)
        made.set_column(0, max(len(headings) - 1, 0), width)
        self.row(made, 0, headings, self.head)
        return made

    def row(self, sheet: Any, at: int, values: Iterable[object], form: Any = None) -> None:
        """One row of values, each by its type; None leaves the cell empty."""
        for column, value in enumerate(values):
            self.cell(sheet, at, column, value, form)

    def cell(self, sheet: Any, at: int, column: int, value: object, form: Any = None) -> None:
        """One cell: numbers as numbers, days as days, all else as text."""
        if value is None or value == "":
            return
        if isinstance(value, bool):
            sheet.write_boolean(at, column, value, form)
        elif isinstance(value, datetime):
            local = value.astimezone(LOCAL_ZONE).replace(tzinfo=None)
            sheet.write_datetime(at, column, local, form or self.moment)
        elif isinstance(value, date):
            sheet.write_datetime(at, column, value, form or self.day)
        elif isinstance(value, int | float | Decimal) and abs(float(value)) < 1e15:
            sheet.write_number(at, column, value, form)
        else:
            sheet.write_string(at, column, str(value)[:CELL_LIMIT], form)

    def rows(self, sheet: Any, lines: Iterable[Sequence[object]], start: int = 1) -> int:
        """All lines below the headings; the number written."""
        at = start
        for line in lines:
            self.row(sheet, at, line)
            at += 1
        return at - start

    def close(self) -> None:
        """Writes the file."""
        self.book.close()
