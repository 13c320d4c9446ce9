"""Lists of people's pages: searched without diacritics, filtered, paged, taken away as CSV.

    listing = Listing(rows, words=lambda h: (h.code, h.name), filters={"state": state_of})
    if listing.wants_csv:
        return listing.csv("ho", [gettext("Mã"), …], lambda h: [h.code, …])
    return render_template(…, listing=listing)

For the nouns of one organisation (hundreds, a few thousand): rows are filtered in memory, because
neither SQLite nor PostgreSQL folds Vietnamese diacritics without extensions. Where a row takes
reading, the list is of keys, and `load` reads rows by them: those of one page, or some hundreds at
a time where all of them are searched or taken away.

    listing = Listing(lot_ids, load=read_lots, words=…)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar

from flask import Response, request, url_for
from flask_babel import to_user_timezone

from trace.core.folding import fold
from trace.services.sets import batched

T = TypeVar("T")
PAGE_SIZE = 25
LOADED = 250  # rows in memory at once
# A spreadsheet would run a cell that begins like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Listing(Generic[T]):
    """The rows of one page of a list, and what its search box and links say."""

    def __init__(
        self,
        rows: Iterable[Any],
        *,
        words: Callable[[T], Iterable[str]],
        filters: Mapping[str, Callable[[T], str]] | None = None,
        load: Callable[[Sequence[Any]], Sequence[T]] | None = None,
        which: Mapping[str, str] | None = None,
    ) -> None:
        """`rows` are rows, or keys of which `load` makes as many rows in the same order. `which`
        are the parameters that say which list of the page this is."""
        self.text = request.args.get("q", "").strip()[:200]
        self._which = dict(which or {})
        self._filters = dict(filters or {})
        self._load = load or list
        self._keys = list(rows)
        if self.narrowed:
            self._keys = [
                key
                for some in batched(self._keys, LOADED)
                for key, row in zip(some, self._load(some), strict=True)
                if self._fits(row, words)
            ]
        self.total = len(self._keys)
        self.pages = max(1, -(-self.total // PAGE_SIZE))
        asked = request.args.get("page", "1")
        self.page = min(max(int(asked), 1), self.pages) if asked.isdecimal() else 1

    def _fits(self, row: T, words: Callable[[T], Iterable[str]]) -> bool:
        for name, value_of in self._filters.items():
            if self.chosen(name) and value_of(row) != self.chosen(name):
                return False
        if not self.text:
            return True
        told = f" {fold(' '.join(words(row)))}"
        return all(word in told for word in fold(self.text).split())

    @cached_property
    def rows(self) -> Sequence[T]:
        """The rows of this page."""
        return self._load(self._keys[(self.page - 1) * PAGE_SIZE : self.page * PAGE_SIZE])

    @property
    def found(self) -> Iterator[T]:
        """All rows, of all pages."""
        for some in batched(self._keys, LOADED):
            yield from self._load(some)

    @property
    def narrowed(self) -> bool:
        """Whether a search or a filter is on: an empty list then means something else."""
        return bool(self.text or any(self.chosen(name) for name in self._filters))

    @property
    def near(self) -> list[int]:
        """Numbers of the pages around this one, and the ends."""
        around = {1, self.pages, *range(self.page - 2, self.page + 3)}
        return sorted(number for number in around if 1 <= number <= self.pages)

    def chosen(self, name: str) -> str:
        """The value of a filter, "" for all."""
        return request.args.get(name, "")

    def address(self, **changes: object) -> str:
        """This list with something changed (page, format)."""
        chosen = {name: self.chosen(name) for name in self._filters}
        told = {**self._which, "q": self.text, **chosen}
        kept = {name: value for name, value in {**told, **changes}.items() if value}
        return url_for(str(request.endpoint), **{**(request.view_args or {}), **kept})

    @property
    def clear(self) -> str:
        """This list without search and filters."""
        return url_for(str(request.endpoint), **{**(request.view_args or {}), **self._which})

    @property
    def wants_csv(self) -> bool:
        return request.args.get("format") == "csv"

    def csv(
        self, name: str, head: Sequence[str], line: Callable[[T], Sequence[object]]
    ) -> Response:
        """All rows found, as a spreadsheet file."""
        return csv_response(name, head, map(line, self.found))


def csv_response(name: str, head: Sequence[str], lines: Iterable[Sequence[object]]) -> Response:
    """A CSV file that spreadsheets open with Vietnamese letters intact and run nothing of."""
    file = io.StringIO()
    file.write("\ufeff")  # without it, Excel takes UTF-8 for an old code page
    writer = csv.writer(file)
    writer.writerow(head)
    for line in lines:
        writer.writerow([_cell(value) for value in line])
    return Response(
        file.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return f"{to_user_timezone(value):%Y-%m-%d %H:%M}"  # the same in every language
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
