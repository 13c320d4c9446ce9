"""Spreadsheets as people send them (XLSX, CSV), read into rows of text; everything else is refused.

Rules.
1. Nothing in the file is run, and nothing outside it is fetched. Macros (xlsm), old binary and
   encrypted workbooks (xls), other packages and plain pictures are refused by name.
2. A small file may not become a large one: a part is unpacked no further than its package says and
   must be that long; parts, tags and sheets are counted before they are read; XML with a document
   type or in another encoding than UTF-8 is refused (entities that grow); and only cells that are
   there cost anything: a row that says it is the thousand-millionth has no empty ones before it.
3. The first sheet that has rows counts, of those that people see before those that are hidden; the
   others are named. At most ROW_LIMIT rows are read; one more is refused, never cut off. Blank rows
   are no rows. Hidden columns and rows are read like any other, and told.
4. A cell gives text, a number, a day or a moment. A formula gives what was last computed; where
   nothing is stored, the cell is a mistake of its own, as are merged cells below the heading.
5. A web page under another name is no sheet. CSV is UTF-8 (with or without its mark), UTF-16 with
   its mark, or Windows-1258; parted by comma, semicolon or tab, whichever the first line has most
   of.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import unicodedata
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final, cast

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

from trace.errors import TraceError

ROW_LIMIT: Final = 20_000
COLUMN_LIMIT: Final = 100
FILE_LIMIT: Final = 10_000_000  # bytes
UNPACKED_LIMIT: Final = 80_000_000  # bytes of all parts together
# A full sheet of the most rows and columns has some 8,000,000 tags (the most of one part), and no
# other part than sheets and texts has a twentieth of that: styles by the hundred thousand are
# nobody's.
TAG_LIMIT: Final = 8_500_000
OTHER_TAG_LIMIT: Final = 400_000
SHEET_LIMIT: Final = 60
CELL_LIMIT: Final = 4000  # characters

Value = str | int | float | bool | date | datetime | None


class SheetProblem(TraceError):
    """Base of what is wrong with a whole file."""

    code = "sheet-problem"


class NotASheet(SheetProblem):
    code = "not-a-sheet"
    message = "This is neither an Excel workbook (.xlsx) nor a CSV file."
    next_step = "Save it as .xlsx or .csv and send it again."


class MacroSheet(SheetProblem):
    code = "macro-sheet"
    message = "Workbooks with macros (.xlsm) are not read."
    next_step = "Save it as .xlsx, without macros."


class OldSheet(SheetProblem):
    code = "old-sheet"
    message = "Old (.xls) and password-protected workbooks are not read."
    next_step = "Save it as .xlsx without a password."


class SheetTooLarge(SheetProblem):
    code = "sheet-too-large"
    status = 413
    message = "The file has %(got)s MB; at most %(limit)s MB are read."
    next_step = "Split it into several files."


class SheetTooLong(SheetProblem):
    code = "sheet-too-long"
    message = "The sheet has more than %(limit)s rows. Nothing was read."
    next_step = "Split it into files of at most that many rows."


class SheetTooWide(SheetProblem):
    code = "sheet-too-wide"
    message = "The sheet has more than %(limit)d columns."


class SheetBroken(SheetProblem):
    code = "sheet-broken"
    message = "The file is damaged: its contents cannot be read."
    next_step = "Open it in a spreadsheet program, save it as .xlsx and send it again."


class SheetTooComplex(SheetProblem):
    code = "sheet-too-complex"
    status = 413
    message = "The workbook has too many sheets, styles or other parts."
    next_step = "Copy the rows into a new workbook and send that one."


class SheetEmpty(SheetProblem):
    code = "sheet-empty"
    message = "The sheet has no rows."


class MergedCells(TraceError):
    code = "merged-cells"
    message = "Cells %(area)s are merged. Unmerge them and fill in each row."


class FormulaWithoutValue(TraceError):
    code = "formula-without-value"
    message = "This formula has no stored result. Type the value, or save the file in Excel again."


class CellError(TraceError):
    code = "cell-error"
    message = "The cell shows %(value)s instead of a value."


class CellTooLong(TraceError):
    code = "cell-too-long"
    message = "This cell has more than %(limit)d characters."


@dataclass(slots=True)
class Row:
    """One row: its number as the spreadsheet counts, its values, and what is wrong by column."""

    number: int
    values: list[Value]
    problems: dict[int, TraceError] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return not self.problems and all(value in (None, "") for value in self.values)


@dataclass(slots=True)
class Sheet:
    """What was read, and what people may not expect of it. `others` are sheets that were not read:
    name, whether it is hidden, its first rows. A CSV file has no name."""

    rows: list[Row]
    name: str = ""
    hidden: bool = False
    hidden_columns: frozenset[int] = frozenset()  # from 0
    hidden_rows: frozenset[int] = frozenset()  # as the spreadsheet counts
    others: list[tuple[str, bool, list[Row]]] = field(default_factory=list)


def address(column: int, row: int) -> str:
    """The cell's address as the spreadsheet has it: column 0, row 5 is A5."""
    return f"{get_column_letter(column + 1)}{row}"


def read_sheet(data: bytes) -> Sheet:
    """All rows that are not blank. Raises a SheetProblem."""
    if len(data) > FILE_LIMIT:
        raise SheetTooLarge(got=-(-len(data) // 1_000_000), limit=FILE_LIMIT // 1_000_000)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise OldSheet
    found = _workbook(data) if data.startswith(b"PK") else Sheet(list(_limited(_csv(data))))
    if not found.rows:
        raise SheetEmpty
    return found


def _limited(rows: Iterator[Row]) -> Iterator[Row]:
    count = 0
    for row in rows:
        if row.blank:
            continue
        count += 1
        if count > ROW_LIMIT + 20:  # headings and titles above the rows
            raise SheetTooLong(limit=ROW_LIMIT)
        yield row


# -- workbooks -------------------------------------------------------------------------------------

# None of them reads on past the next “<”: in a comment of many megabytes that begins a tag again
# and again, each beginning would otherwise be read to the end.
_SHEET_PART: Final = re.compile(r"xl/worksheets/[^/]+\.xml")
_LARGE_PART: Final = re.compile(r"xl/(?:worksheets/[^/]+|sharedStrings)\.xml")
_SHEET: Final = re.compile(rb"<(?:\w+:)?sheet[\s/>]")
_MERGED: Final = re.compile(
    rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"'
)
_HIDDEN: Final = re.compile(rb'<(?:\w+:)?(col|row)((?:\s[^<>]*)?\shidden="(?:1|true)"[^<>]*)>')
_NUMBERS: Final = re.compile(rb'(?:^|\s)(min|max|r)="(\d{1,7})"')
PEEK: Final = 20  # rows of a sheet that is not read
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of the format (ECMA-376)
_ERRORS: Final = frozenset(
    {"#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!", "#GETTING_DATA"}
)


def _check_package(data: bytes) -> bool:
    """Whether there are merged cells anywhere. Raises a SheetProblem."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
            names = {part.filename for part in parts}
            if "xl/vbaProject.bin" in names:
                raise MacroSheet
            if "xl/workbook.xml" not in names:
                raise NotASheet
            total = sum(part.file_size for part in parts)
            if total > UNPACKED_LIMIT:
                raise SheetTooLarge(got=-(-total // 1_000_000), limit=UNPACKED_LIMIT // 1_000_000)
            merged = False
            for part in parts:
                text = _unpacked(data, part)
                if part.filename.endswith((".xml", ".rels")):
                    _check_part(part.filename, text)
                    if _SHEET_PART.fullmatch(part.filename):
                        merged = merged or b"mergeCell" in text
            return merged
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise SheetBroken from error
    except Exception as error:
        if isinstance(error, TraceError):
            raise
        raise SheetBroken from error  # zlib.error and whatever else a damaged package brings


def _unpacked(data: bytes, part: zipfile.ZipInfo) -> bytes:
    """A part that is exactly as long as its package says. Whoever reads it later (zipfile unpacks a
    whole part before it looks how long it should be) finds no more. Raises SheetBroken."""
    head = data[part.header_offset : part.header_offset + 30]
    if len(head) < 30 or part.flag_bits & 1:
        raise SheetBroken
    begin = part.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
    packed = data[begin : begin + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        text, whole = packed, True
    elif part.compress_type == zipfile.ZIP_DEFLATED:
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        text = unpacking.decompress(packed, part.file_size + 1)
        whole = unpacking.eof
    else:
        raise SheetBroken
    if not whole or len(text) != part.file_size:
        raise SheetBroken
    return text


def _check_part(name: str, text: bytes) -> None:
    """Raises a SheetProblem."""
    if b"\0" in text[:4096] or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise SheetBroken
    if name == "[Content_Types].xml" and b"macroEnabled" in text:
        raise MacroSheet
    if text.count(b"<") > (TAG_LIMIT if _LARGE_PART.fullmatch(name) else OTHER_TAG_LIMIT):
        raise SheetTooComplex
    if name == "xl/workbook.xml" and any(islice(_SHEET.finditer(text), SHEET_LIMIT, None)):
        raise SheetTooComplex


def _workbook(data: bytes) -> Sheet:
    merged = _check_package(data)
    found = Sheet([])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and validations it does not know
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            for sheet in sorted(book.worksheets, key=lambda one: one.sheet_state != "visible"):
                hidden = sheet.sheet_state != "visible"
                if found.rows:
                    head = _peek(sheet)
                    if head:
                        found.others.append((sheet.title, hidden, head))
                    continue
                areas = _merged_areas(data, sheet) if merged else {}
                rows = list(_limited(_sheet_rows(sheet, areas)))
                if rows:
                    found = Sheet(rows, sheet.title, hidden, *_hidden_parts(data, sheet))
    except TraceError:
        raise
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise SheetBroken from error
    return found


def _peek(sheet: Any) -> list[Row]:
    try:
        return list(islice(_limited(_sheet_rows(sheet, {})), PEEK))
    except TraceError:  # it is not read: what is wrong with it is nobody's trouble
        return []


def _part(data: bytes, sheet: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(str(sheet._worksheet_path).lstrip("/"))


def _hidden_parts(data: bytes, sheet: Any) -> tuple[frozenset[int], frozenset[int]]:
    """Columns from 0, and rows, that Excel does not show."""
    text = _part(data, sheet)
    columns: set[int] = set()
    rows: set[int] = set()
    if b' hidden="' not in text:
        return frozenset(), frozenset()
    for kind, attributes in _HIDDEN.findall(text):
        numbers = {name: int(number) for name, number in _NUMBERS.findall(attributes)}
        if kind == b"row":
            rows.add(numbers.get(b"r", 0))
        else:
            last = min(numbers.get(b"max", 0), COLUMN_LIMIT)
            columns.update(range(numbers.get(b"min", 1) - 1, last))
    return frozenset(columns), frozenset(rows)


@dataclass(frozen=True, slots=True)
class _Area:
    """Merged cells: columns from 0, rows as the spreadsheet counts."""

    columns: range
    bottom: int
    problem: MergedCells


def _merged_areas(data: bytes, sheet: Any) -> dict[int, list[_Area]]:
    """By their first row."""
    found: dict[int, list[_Area]] = defaultdict(list)
    for match in _MERGED.finditer(_part(data, sheet)):
        name = match[1].decode()
        left, top, right, bottom = (cast("int", part) for part in range_boundaries(name))
        columns = range(left - 1, min(right, COLUMN_LIMIT))
        found[top].append(_Area(columns, bottom, MergedCells(area=name)))
    return found


class _Cells(WorkSheetParser):
    """Rows as they stand in the file: neither gaps between rows nor cells before the last one are
    filled in, which is what openpyxl's own rows do however large the gap is."""

    def __init__(self, sheet: Any, source: Any) -> None:
        book = sheet.parent
        super().__init__(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )

    def parse_cell(self, element: Any) -> dict[str, Any]:
        """One cell with what was last computed, and whether there is a formula."""
        cell: dict[str, Any] = super().parse_cell(element)
        return {**cell, "formula": element.find(FORMULA_TAG) is not None}


def _sheet_rows(sheet: Any, areas: Mapping[int, Sequence[_Area]]) -> Iterator[Row]:
    waiting = sorted(areas, reverse=True)
    merged: dict[int, _Area] = {}  # by column, at the row that is read
    before = 0
    with sheet._get_source() as source:
        for number, cells in _Cells(sheet, source).parse():
            if not before < number <= LAST_ROW:
                raise SheetBroken
            before = number
            while waiting and waiting[-1] <= number:
                for area in areas[waiting.pop()]:
                    merged.update((column, area) for column in area.columns)
            merged = {column: area for column, area in merged.items() if area.bottom >= number}
            yield _row(number, cells, merged)


def _row(number: int, cells: Sequence[Mapping[str, Any]], merged: Mapping[int, _Area]) -> Row:
    values: list[Value] = []
    problems: dict[int, TraceError] = {}
    for cell in cells:
        column, value = cell["column"] - 1, cell["value"]
        if value is None and not cell["formula"]:
            continue
        if column >= COLUMN_LIMIT and value not in (None, ""):
            raise SheetTooWide(limit=COLUMN_LIMIT)
        if not 0 <= column < COLUMN_LIMIT:
            continue
        values += [None] * (column + 1 - len(values))
        values[column] = value
        if value is None:
            problems[column] = FormulaWithoutValue()
    problems |= _checked(values)
    # A row of nothing but merged cells belongs to the one above, where it is told.
    if merged and any(value not in (None, "") for value in values):
        problems = {column: area.problem for column, area in merged.items()} | problems
    return Row(number, values, problems)


def _checked(kept: list[Any]) -> dict[int, TraceError]:
    """What is wrong with values; times are put into words, and what is too long is cut."""
    problems: dict[int, TraceError] = {}
    for column, value in enumerate(kept):
        if isinstance(value, str):
            if value in _ERRORS:
                problems[column] = CellError(value=value)
            elif len(value) > CELL_LIMIT:
                problems[column], kept[column] = CellTooLong(limit=CELL_LIMIT), value[:80]
        elif isinstance(value, time):
            kept[column] = value.isoformat(timespec="minutes")
        elif isinstance(value, timedelta):
            kept[column] = str(value)
    return problems


# -- CSV -------------------------------------------------------------------------------------------


def decode(data: bytes) -> str:
    """The text of a CSV file, composed (NFC). Raises NotASheet."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        codecs: tuple[str, ...] = ("utf-16",)
    else:
        codecs = ("utf-8-sig", "cp1258")
    for codec in codecs:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if any(ord(char) < 32 and char not in "\t\r\n" for char in text):
            break
        # Windows-1258 writes tones as marks of their own.
        return unicodedata.normalize("NFC", text)
    raise NotASheet


def _csv(data: bytes) -> Iterator[Row]:
    text = decode(data)
    if text.lstrip().startswith("<"):
        raise NotASheet
    first, _, rest = text.partition("\n")
    parted = re.fullmatch(r'"?sep=(.)"?\s*', first)  # Excel's own way to say it
    skipped = 1 if parted else 0
    text = rest if parted else text
    head = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", head)
    delimiter = parted[1] if parted else max(",;\t", key=bare.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        before = 0
        for values in reader:
            number, before = before + 1 + skipped, reader.line_num
            kept: list[Value] = list(values)
            while kept and kept[-1] == "":
                kept.pop()
            if len(kept) > COLUMN_LIMIT:
                raise SheetTooWide(limit=COLUMN_LIMIT)
            problems: dict[int, TraceError] = {
                column: CellTooLong(limit=CELL_LIMIT)
                for column, value in enumerate(values)
                if len(value) > CELL_LIMIT
            }
            for column in problems:
                kept[column] = values[column][:80]
            yield Row(number, kept, problems)
    except csv.Error as error:
        raise SheetBroken from error
