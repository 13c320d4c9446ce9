"""What spreadsheets of each kind hold: columns with their headings in both languages, and rows read
into clean values, each error at its cell.

A heading is recognised whatever its order, case and diacritics, in either language, by the words of
our template and by others in use. The example row of a template (it begins with "VÍ DỤ" or
"EXAMPLE") is no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError

from trace.core.epcis.free_text import personal_numbers
from trace.core.folding import fold
from trace.errors import TraceError
from trace.schemas import import_values as values
from trace.schemas.base import Day, NotAChoice
from trace.schemas.import_columns import Column, Kind
from trace.schemas.import_labels import TREATMENTS
from trace.schemas.people import Phone
from trace.schemas.records import Moment, WrongOrder
from trace.services.batches import LotExists
from trace.services.capture.prepare import PersonalNumber
from trace.services.households import HouseholdCodeTaken
from trace.services.import_references import References
from trace.services.places import GlnTaken, check_degrees
from trace.services.products import GtinTaken
from trace.services.refusals import FieldMissing
from trace.services.sheet_files import Row, Value, address

EXAMPLE_MARKS: Final = ("vi du", "example")
KNOWN_LIMIT: Final = 50_000
HEADING_ROWS: Final = 20  # titles may stand above the headings


class DuplicateHeading(TraceError):
    code = "duplicate-heading"
    message = "Two columns mean the same: %(first)s and %(second)s. Leave one out below."


class HeadingMissing(TraceError):
    code = "heading-missing"
    message = "No column gives “%(heading)s”. Choose the column below."


class RepeatedInFile(TraceError):
    code = "repeated-in-file"
    message = "Row %(row)d has the same “%(value)s”."


class NothingUsed(TraceError):
    code = "nothing-used"
    message = "Write what was used: this work puts something on the crop."


# -- headings --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Headings:
    """The row of headings, its texts, which column gives which field, and what is wrong."""

    row: int
    texts: tuple[str, ...]
    mapping: dict[str, int]  # field -> column from 0
    errors: tuple[TraceError, ...]


def _words(kind: Kind) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in kind.columns:  # the template's own words win over others in use
        for word in (column.vi, column.en):
            found.setdefault(fold(word), column.name)
    for column in kind.columns:
        for word in (*column.also, column.name):
            found.setdefault(fold(word), column.name)
    return found


def find_headings(kind: Kind, rows: Sequence[Row], chosen: Mapping[str, int] | None) -> Headings:
    """The first row near the top with most known headings; `chosen` puts people's choice first."""
    words = _words(kind)
    best, most = rows[0], -1
    for row in rows[:HEADING_ROWS]:
        count = len({words.get(_heading(value)) for value in row.values} - {None})
        if count > most:
            best, most = row, count
    texts = tuple(values.shown(value).strip() for value in best.values)
    mapping: dict[str, int] = {}
    errors: list[TraceError] = []
    if chosen is not None:
        mapping = {name: at for name, at in chosen.items() if 0 <= at < len(texts)}
    else:
        for at, value in enumerate(best.values):
            name = words.get(_heading(value))
            if name is None:
                continue
            if name in mapping:
                cells = [address(one, best.number) for one in (mapping[name], at)]
                errors.append(DuplicateHeading(path=name, first=cells[0], second=cells[1]))
            else:
                mapping[name] = at
    errors += [
        HeadingMissing(path=column.name, heading=column.vi)
        for column in kind.columns
        if column.required and column.name not in mapping
    ]
    return Headings(best.number, texts, mapping, tuple(errors))


def _heading(value: Value) -> str:
    return fold(values.shown(value).replace("*", " ").replace("m²", "m2").replace("(m2)", " m2"))


# -- rows ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CheckedRow:
    """A row: what it means (JSON values), and what is wrong as (cell, error)."""

    row: Row
    clean: dict[str, Any]
    errors: list[tuple[str, TraceError]]


class Reader:
    """Reads the rows of one file; knows what earlier rows said."""

    def __init__(
        self, kind: Kind, mapping: Mapping[str, int], references: References, taken: Taken
    ) -> None:
        self.kind = kind
        self.mapping = dict(mapping)
        self.references = references
        self.taken = taken
        self._known: dict[tuple[str, str], Any] = {}
        self._labels = {
            column.name: {fold(word): key for key, words in column.labels.items() for word in words}
            for column in kind.columns
            if column.labels is not None
        }
        self._columns = [
            (column, self.mapping[column.name], _typed_as(column))
            for column in kind.columns
            if column.name in self.mapping
        ]

    def is_example(self, row: Row) -> bool:
        """Whether this is the template's example."""
        first = next((value for value in row.values if value not in (None, "")), None)
        return isinstance(first, str) and fold(first).startswith(EXAMPLE_MARKS)

    def values_of(self, name: str, rows: Iterable[Row]) -> set[str]:
        """What a column says in all rows that say it well."""
        at = self.mapping.get(name)
        if at is None:
            return set()
        column = self.kind.column(name)
        typed_as = _typed_as(column)
        found = set()
        for row in rows:
            value = row.values[at] if at < len(row.values) else None
            with suppress(TraceError):
                found.add(self._cell(column, typed_as(value).strip()))
        return {value for value in found if value}

    def read(self, row: Row) -> CheckedRow:
        """One row; never raises."""
        checked = CheckedRow(row, {}, [])
        given, width = row.values, len(row.values)
        for column, at, typed_as in self._columns:
            try:
                if at in row.problems:
                    raise row.problems[at]
                typed = typed_as(given[at]).strip() if at < width else ""
                checked.clean[column.name] = self._cell(column, typed)
            except TraceError as error:
                checked.errors.append((address(at, row.number), error))
        if not checked.errors:
            checked.errors += [
                (address(self.mapping.get(name, 0), row.number), error)
                for name, error in self._together(checked.clean, row.number)
            ]
        return checked

    def _cell(self, column: Column, typed: str) -> Any:
        if not typed:
            if column.required:
                raise FieldMissing
            return None
        key = (column.name, typed)
        known = self._known.get(key)
        if known is None:
            known = self._meaning(column, typed)
            if len(self._known) < KNOWN_LIMIT:  # most words of a sheet come again and again
                self._known[key] = known
        if isinstance(known, TraceError):
            raise known
        return known

    def _meaning(self, column: Column, typed: str) -> Any:
        try:
            if column.labels is not None:
                key = self._labels[column.name].get(fold(typed))
                if key is None:
                    raise NotAChoice
                return key
            if column.ref == "organisation":
                return self.references.organisation(typed)
            found = _json(_deserialize(column.field, column.name, typed))
            if column.ref and column.ref != "ward":
                return self._refer(column, str(found))
            if column.free:
                for kind in personal_numbers(typed):
                    raise PersonalNumber(kind=kind)
        except TraceError as error:
            return error
        return found

    def _refer(self, column: Column, typed: str) -> Any:
        try:
            found = self.references.find(column.ref.rstrip("?"), typed)
        except TraceError:
            if not column.ref.endswith("?"):
                raise
            for kind in personal_numbers(typed):
                raise PersonalNumber(kind=kind) from None
            return {"name": typed}  # a name of no product of theirs: just a name
        told = {"id": found.id, "uri": found.uri, "name": found.name, "product": found.product}
        if column.ref == "cycle" and (gives := self.references.by_id("product", found.product)):
            told["gives"] = {"id": gives.id, "uri": gives.uri, "name": gives.name}
        return told

    def _together(self, clean: dict[str, Any], row: int) -> Iterable[tuple[str, TraceError]]:
        rule = _RULES.get(self.kind.key)
        return [] if rule is None else list(rule(clean, row, self.taken))


def _typed_as(column: Column) -> Callable[[Value], str]:
    """How a cell of this column becomes the text that the field reads."""
    if isinstance(column.field, Moment):
        return values.moment_text
    if isinstance(column.field, Day):
        return values.day_text
    return values.phone_text if isinstance(column.field, Phone) else values.shown


def _deserialize(field: Any, name: str, typed: str) -> Any:
    try:
        return field.deserialize(typed, name, {})
    except ValidationError as error:
        first = error.messages[0] if isinstance(error.messages, list) else error
        raise (first if isinstance(first, TraceError) else NotAChoice()) from None


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


# -- what several cells say together ---------------------------------------------------------------


@dataclass(slots=True)
class Taken:
    """Codes in use: before this file (row 0) and by earlier rows."""

    codes: dict[str, int]
    lots: dict[tuple[str, str], int]
    gtins: Mapping[int, str | None]

    def claim(self, value: str, row: int, inside: TraceError) -> TraceError | None:
        """None when free; then it is taken."""
        earlier = self.codes.setdefault(value, row)
        if earlier == row:
            return None
        return inside if earlier == 0 else RepeatedInFile(row=earlier, value=value)


Rule = Callable[[dict[str, Any], int, Taken], Iterable[tuple[str, TraceError]]]


def _household(clean: dict[str, Any], row: int, taken: Taken) -> Iterable[tuple[str, TraceError]]:
    error = taken.claim(clean["code"], row, HouseholdCodeTaken(value=clean["code"]))
    if error is not None:
        yield "code", error


def _place(clean: dict[str, Any], row: int, taken: Taken) -> Iterable[tuple[str, TraceError]]:
    try:
        check_degrees(clean.get("latitude"), clean.get("longitude"))
    except TraceError as error:
        yield error.path, error
    gln = clean.get("gln")
    if gln and (used := taken.claim(gln, row, GlnTaken(value=gln))):
        yield "gln", used


def _product(clean: dict[str, Any], row: int, taken: Taken) -> Iterable[tuple[str, TraceError]]:
    gtin = clean.get("gtin")
    if gtin and (error := taken.claim(gtin, row, GtinTaken(value=gtin))):
        yield "gtin", error


def _lot(clean: dict[str, Any], row: int, taken: Taken) -> Iterable[tuple[str, TraceError]]:
    first, last = clean.get("first_day"), clean.get("last_day")
    if first and last and last < first:
        yield "last_day", WrongOrder()
    product = (clean.get("product") or clean.get("cycle") or {}).get("product")
    gtin, lot = taken.gtins.get(product or 0), clean.get("lot")
    if gtin and lot:
        earlier = taken.lots.setdefault((gtin, lot), row)
        if earlier != row:
            known = LotExists(lot=lot) if earlier == 0 else RepeatedInFile(row=earlier, value=lot)
            yield "lot", known


def _diary(clean: dict[str, Any], row: int, taken: Taken) -> Iterable[tuple[str, TraceError]]:
    if clean["step"] in TREATMENTS and not clean.get("name"):
        yield "name", NothingUsed()


_RULES: Final[dict[str, Rule]] = {
    "households": _household,
    "places": _place,
    "products": _product,
    "lots": _lot,
    "harvests": _lot,
    "diary": _diary,
}
