"""Workbooks to fill in: headings, an example that is skipped, lists of one's own names to choose
from, and an explanation of every column in both languages."""

from __future__ import annotations

import io
from typing import Any, Final

from trace.schemas.import_columns import Column, Kind
from trace.services import choices
from trace.services.actors import Actor
from trace.services.batches import list_things
from trace.services.sheet_writing import Book

LISTED: Final = 1000  # names offered in a list
FILLED: Final = 5000  # rows that offer them
_ANY: Final = "*"  # after headings that must be filled


def heading(column: Column, language: str) -> str:
    """What stands above the column."""
    words = column.vi if language == "vi" else column.en
    return f"{words} {_ANY}" if column.required else words


def template(actor: Actor, kind: Kind, language: str) -> bytes:
    """The workbook. Its first sheet is the one that is read back."""
    out = io.BytesIO()
    book = Book(out)
    vi = language == "vi"
    heads = [heading(column, language) for column in kind.columns]
    sheet = book.sheet(kind.vi if vi else kind.en, heads)
    example = [column.example for column in kind.columns]
    mark = "VÍ DỤ (dòng này được bỏ qua)" if vi else "EXAMPLE (this row is skipped)"
    example[0] = f"{mark}: {example[0]}" if example[0] else mark
    book.row(sheet, 1, example, book.grey)
    lists = _lists(actor, kind)
    _validate(book, sheet, kind, lists)
    _explain(book, kind, vi=vi)
    book.close()
    return out.getvalue()


def _lists(actor: Actor, kind: Kind) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for column in kind.columns:
        if column.labels is not None:
            found[column.name] = [words[0] for words in column.labels.values()]
        elif column.ref == "place":
            found[column.name] = [one.name for one in choices.places(actor)]
        elif column.ref == "product?":
            found[column.name] = [one.name for one in choices.products(actor)]
        elif column.ref == "household":
            found[column.name] = [one.code for one in choices.households(actor)]
        elif column.ref in ("cycle", "lot"):
            found[column.name] = [one.name for one in list_things(actor, column.ref)]
    return {name: words[:LISTED] for name, words in found.items() if words}


def _validate(book: Book, sheet: Any, kind: Kind, lists: dict[str, list[str]]) -> None:
    names = list(lists)
    if not names:
        return
    page = book.sheet("Danh sách – Lists", [kind.column(name).vi for name in names])
    for at in range(max(len(words) for words in lists.values())):
        book.row(page, at + 1, [words[at] if at < len(words) else None for words in lists.values()])
    for place, name in enumerate(names):
        column = next(at for at, one in enumerate(kind.columns) if one.name == name)
        letter = chr(ord("A") + place)
        last = len(lists[name]) + 1
        sheet.data_validation(
            *(2, column, FILLED, column),
            {
                "validate": "list",
                "source": f"='Danh sách – Lists'!${letter}$2:${letter}${last}",
                "error_type": "information",  # other words may be typed; the check says what fits
            },
        )


def _explain(book: Book, kind: Kind, *, vi: bool) -> None:
    heads = ("Cột", "Column", "Bắt buộc", "Cách ghi", "How to fill it", "Ví dụ")
    page = book.sheet("Hướng dẫn – Help", heads, 28)
    for at, column in enumerate(kind.columns, start=1):
        must = "có / yes" if column.required else ""
        hint_vi, hint_en = column.hint_vi, column.hint_en
        if column.labels is not None:
            words = " · ".join(one[0] for one in column.labels.values())
            hint_vi, hint_en = f"{hint_vi} {words}".strip(), f"{hint_en} {words}".strip()
        line = (column.vi, column.en, must, hint_vi, hint_en, column.example)
        book.row(page, at, line, book.wrap)
