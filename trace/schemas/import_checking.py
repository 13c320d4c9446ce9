"""A whole file checked: headings recognised, every row read, nothing recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from trace.schemas import import_values as values
from trace.schemas.import_columns import Kind
from trace.schemas.import_kinds import KINDS
from trace.schemas.imports import Headings, Reader, Taken, find_headings
from trace.services.actors import Actor
from trace.services.import_references import References, codes_in_use, gtins_of
from trace.services.imports import error_json
from trace.services.sheet_files import (
    ROW_LIMIT,
    Row,
    Sheet,
    SheetEmpty,
    SheetTooLong,
    address,
    read_sheet,
)

# The column whose codes nobody else may have.
CODES: Final = {"households": "code", "places": "gln", "products": "gtin"}

Checked = tuple[int, list[str], dict[str, Any], list[dict[str, Any]]]


@dataclass(slots=True)
class CheckedFile:
    """The headings, how many rows there are, and each row: number, cells, clean, errors."""

    headings: Headings
    total: int
    rows: Iterator[Checked]
    notes: dict[str, Any]  # what people may not expect: see `_notes`

    def mapping(self) -> dict[str, Any]:
        """What the import remembers of the columns."""
        return {
            "row": self.headings.row,
            "headings": list(self.headings.texts),
            "columns": self.headings.mapping,
            "errors": [error_json(error.path, error) for error in self.headings.errors],
            **self.notes,
        }


def check_file(
    actor: Actor, kind_key: str, data: bytes, chosen: dict[str, int] | None
) -> CheckedFile:
    """Reads the file. Raises a SheetProblem; missing or doubled headings are told in `headings`,
    and then no row is read."""
    kind = KINDS[kind_key]
    sheet = read_sheet(data)
    headings = find_headings(kind, sheet.rows, chosen)
    rows = [row for row in sheet.rows if row.number > headings.row]
    if headings.errors:
        notes = {} if chosen else {"looks_like": _looks_like(sheet.rows)}
        return CheckedFile(headings, len(rows), iter(()), notes)
    references = References(actor)
    reader = Reader(kind, headings.mapping, references, taken(actor, kind_key, references))
    rows = [row for row in rows if not reader.is_example(row)]
    if kind_key in CODES:
        wanted = reader.values_of(CODES[kind_key], rows)
        reader.taken.codes = dict.fromkeys(codes_in_use(actor, kind_key, wanted), 0)
    if not rows:
        raise SheetEmpty
    if len(rows) > ROW_LIMIT:
        raise SheetTooLong(limit=ROW_LIMIT)

    def read() -> Iterator[Checked]:
        for row in rows:
            checked = reader.read(row)
            cells = [values.shown(value) for value in row.values]
            errors = [error_json(cell, error) for cell, error in checked.errors]
            yield row.number, cells, checked.clean, errors

    return CheckedFile(headings, len(rows), read(), _notes(kind, sheet, headings, rows))


def _looks_like(rows: list[Row]) -> str:
    """The kind of sheet this rather is, where there is one."""
    fitting = (
        (len(found.mapping), key)
        for key, kind in KINDS.items()
        if not (found := find_headings(kind, rows, None)).errors
    )
    return max(fitting, default=(0, ""))[1]


def _notes(kind: Kind, sheet: Sheet, headings: Headings, rows: list[Row]) -> dict[str, Any]:
    """Sheets that were not read though they have such rows too, and what is read though Excel does
    not show it."""
    used = set(headings.mapping.values()) & sheet.hidden_columns
    return {
        "sheet": sheet.name,
        "hidden": sheet.hidden,
        "others": [
            name for name, _, head in sheet.others if not find_headings(kind, head, None).errors
        ],
        "hidden_columns": [address(at, headings.row) for at in sorted(used)],
        "hidden_rows": sum(row.number in sheet.hidden_rows for row in rows),
    }


def taken(actor: Actor, kind: str, references: References) -> Taken:
    """Names of lots that are in use already, and the GTINs they are told apart by."""
    lots: dict[tuple[str, str], int] = {}
    if kind in ("lots", "harvests"):
        for found in references.all("lot"):
            gtin_part, _, lot = found.uri.partition("/01/")[2].partition("/10/")
            if lot:
                lots[gtin_part, unquote(lot)] = 0
    return Taken({}, lots, gtins_of(actor))
