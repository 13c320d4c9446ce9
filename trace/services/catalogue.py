"""Catalogues of crops and inputs: names, active ingredients, label intervals, banned substances.

Rules.
1. Everybody's catalogue is imported by the platform; an organisation may add its own. The few lines
   that ship are marked DEMO: their numbers are nobody's official figures and hold nothing back.
2. A substance is banned when a line that is not DEMO, of everybody's catalogue or of the
   organisation's own, says so of its name or of its active ingredient, compared without case and
   diacritics and by whole words.
3. Nothing of a catalogue is put into an entry without the person seeing it: it is proposed.
4. An import replaces lines of the same name and keeps the others; it is previewed line by line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import or_, select

from trace.core.folding import fold
from trace.errors import TraceError
from trace.extensions import db
from trace.models import CatalogueItem
from trace.models.products import CATEGORIES
from trace.services.actors import Actor
from trace.services.audit import write_audit

LINE_LIMIT: Final = 5000
DATA: Final = Path(__file__).resolve().parent.parent / "data"
# Bytes of a file: it travels through the form of the preview, which keeps half a megabyte.
TEXT_LIMIT: Final = 400_000
INTERVAL_LIMIT: Final = 365
YIELD_LIMIT: Final = 1_000_000  # kg from a hectare in a season: sugar cane gives a tenth of it
COLUMNS: Final = {
    "input": (
        "name",
        "active_ingredient",
        "registration",
        "interval_days",
        "banned",
        "source",
        "date",
    ),
    "crop": ("name", "name_en", "category", "yield_ceiling", "source", "date"),
}
_YES: Final = frozenset({"1", "x", "yes", "true", "co", "cam", "banned"})
_NO: Final = frozenset({"", "0", "no", "false", "khong"})
_HEADS: Final = {
    "ten": "name",
    "hoat chat": "active_ingredient",
    "so dang ky": "registration",
    "ngay cach ly": "interval_days",
    "cam": "banned",
    "nguon": "source",
    "ngay": "date",
    "ten tieng anh": "name_en",
    "nhom": "category",
    "nang suat toi da": "yield_ceiling",
    "nang suat toi da kg ha vu": "yield_ceiling",
}


class CatalogueTooLarge(TraceError):
    code = "catalogue-too-large"
    message = "The file has more than %(limit)d lines or 400 kilobytes."


class CatalogueUnreadable(TraceError):
    code = "catalogue-unreadable"
    message = "The file is not a CSV text in UTF-8 with a first line of column names."


class ColumnMissing(TraceError):
    code = "column-missing"
    message = "The column “%(column)s” is missing. There are: %(got)s."


class BadCell(TraceError):
    code = "bad-cell"
    message = "Line %(line)d, column %(column)s: “%(value)s” is not %(expected)s."


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a catalogue as read."""

    line: int
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)


def catalogue(actor: Actor, kind: str) -> list[CatalogueItem]:
    """Everybody's lines and the organisation's own, by name; its own stand before everybody's.
    While nobody has imported any, the few lines that ship, marked DEMO and kept nowhere."""
    actor.check("read")
    rows = db.session.scalars(
        select(CatalogueItem)
        .where(CatalogueItem.kind == kind, _mine(actor))
        .order_by(CatalogueItem.name, CatalogueItem.organisation_id.is_(None))
    )
    return list(rows) or shipped(kind)


def shipped(kind: str) -> list[CatalogueItem]:
    """The lines that ship with the program, all marked DEMO; not rows of the database."""
    entries, _ = read_catalogue(kind, (DATA / f"{kind}s_demo.csv").read_bytes())
    found = []
    for entry in entries:
        values = dict(entry.values)
        row = CatalogueItem(kind=kind, name=entry.name, demonstration=True, name_en="", category="")
        row.intervals = orjson.dumps(values.pop("intervals", {})).decode()
        row.banned, row.active_ingredient, row.registration = False, "", ""
        for name, value in values.items():
            setattr(row, name, value)
        found.append(row)
    return found


def _mine(actor: Actor) -> Any:
    return or_(
        CatalogueItem.organisation_id.is_(None),
        CatalogueItem.organisation_id == actor.organisation.id,
    )


def interval_of(item: CatalogueItem, crop: str) -> int | None:
    """Days the label asks for on this crop, None where the line does not say."""
    days = {fold(name): number for name, number in orjson.loads(item.intervals).items()}
    found = days.get(fold(crop), days.get(""))
    return int(found) if found is not None else None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an entry's form may be filled with once a product is chosen: the days are those of the
    crop, None where the line does not say."""

    name: str
    active_ingredient: str
    days: int | None
    banned: bool
    demonstration: bool


# A phone's list of suggestions; whoever has more types the name.
PROPOSED: Final = 300


def proposals(actor: Actor, crop: str) -> list[Proposal]:
    """The inputs of the catalogue for one crop, each name once (the organisation's own line)."""
    found: dict[str, Proposal] = {}
    for one in catalogue(actor, "input"):
        told = Proposal(
            one.name,
            one.active_ingredient,
            interval_of(one, crop),
            one.banned and not one.demonstration,
            one.demonstration,
        )
        found.setdefault(one.name, told)
    return list(found.values())[:PROPOSED]


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in fold(text)).split())


def banned_lines(organisation_id: int | None) -> list[tuple[str, str]]:
    """(folded words, name) of every banned substance an organisation's entries are held against."""
    rows = db.session.execute(
        select(CatalogueItem.name, CatalogueItem.active_ingredient).where(
            CatalogueItem.kind == "input",
            CatalogueItem.banned,
            CatalogueItem.demonstration.is_(False),
            or_(
                CatalogueItem.organisation_id.is_(None),
                CatalogueItem.organisation_id == organisation_id,
            ),
        )
    )
    return [
        (words, name)
        for name, ingredient in rows
        for words in {_words(name), _words(ingredient)}
        if words
    ]


def find_banned(used: Iterable[tuple[str, str]], lines: Sequence[tuple[str, str]]) -> list[str]:
    """Names of the banned substances among (name, active ingredient) pairs; rule 2."""
    found: dict[str, None] = {}
    for name, ingredient in used:
        told = f" {_words(name)} | {_words(ingredient)} "
        for words, banned in lines:
            if f" {words} " in told:
                found[banned] = None
    return list(found)


def banned_among(actor: Actor, used: Iterable[tuple[str, str]]) -> list[str]:
    """Names of the banned substances among what the organisation used."""
    told = list(used)
    return find_banned(told, banned_lines(actor.organisation.id)) if told else []


# -- importing -------------------------------------------------------------------------------------


def read_catalogue(kind: str, data: bytes) -> tuple[list[Entry], list[TraceError]]:
    """The lines of a CSV and what is wrong with it, line and column named. Raises
    CatalogueTooLarge, CatalogueUnreadable, ColumnMissing. Vietnamese or English column names,
    comma, semicolon or tab between them."""
    if len(data) > TEXT_LIMIT:
        raise CatalogueTooLarge(path="file", limit=LINE_LIMIT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CatalogueUnreadable(path="file") from None
    first = text.split("\n", 1)[0]
    if "\0" in text or not first.strip():
        raise CatalogueUnreadable(path="file")
    separator = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return _entries(kind, rows)
    except csv.Error:
        raise CatalogueUnreadable(path="file") from None


def _entries(kind: str, rows: Iterable[list[str]]) -> tuple[list[Entry], list[TraceError]]:
    told = iter(rows)
    head = [_HEADS.get(_words(name), _words(name).replace(" ", "_")) for name in next(told, [])]
    if "name" not in head:
        raise ColumnMissing(path="file", column="name", got=", ".join(head)[:200])
    merged: dict[str, Entry] = {}
    errors: list[TraceError] = []
    for count, row in enumerate(told, 2):
        if count > LINE_LIMIT + 1:
            raise CatalogueTooLarge(path="file", limit=LINE_LIMIT)
        cells = {name: cell.strip() for name, cell in zip(head, row, strict=False)}
        if not any(cells.values()):
            continue
        try:
            entry = _entry(kind, count, cells)
        except BadCell as error:
            errors.append(error)
            continue
        known = merged.get(fold(entry.name))
        if known is not None and "intervals" in entry.values:  # a line for each crop
            known.values["intervals"].update(entry.values["intervals"])
        else:
            merged[fold(entry.name)] = entry
    return list(merged.values()), errors


def _entry(kind: str, line: int, cells: Mapping[str, str]) -> Entry:
    def text(column: str, limit: int = 200) -> str:
        value = cells.get(column, "")
        if len(value) > limit:
            raise BadCell(
                path="file", line=line, column=column, value=value[:40], expected=f"≤ {limit}"
            )
        return value

    name = text("name")
    if not name:
        raise BadCell(path="file", line=line, column="name", value="", expected="a name")
    values: dict[str, Any] = {"source": text("source", 300), "as_of": _day(line, cells)}
    if kind == "crop":
        category = text("category", 30)
        if category and category not in CATEGORIES:
            _bad(line, "category", category, " | ".join(CATEGORIES))
        told = {"category": category, "yield_ceiling": _yield(line, cells)}
        return Entry(line, name, {**values, "name_en": text("name_en"), **told})
    banned = _words(cells.get("banned", ""))
    if banned not in _YES | _NO:
        _bad(line, "banned", banned, "yes | no")
    values |= {
        "active_ingredient": text("active_ingredient"),
        "registration": text("registration", 60),
        "banned": banned in _YES,
        "intervals": _intervals(line, cells),
    }
    return Entry(line, name, values)


def _bad(line: int, column: str, value: str, expected: str) -> None:
    raise BadCell(path="file", line=line, column=column, value=value[:40], expected=expected)


def _day(line: int, cells: Mapping[str, str]) -> date | None:
    text = cells.get("date", "")
    if not text:
        return None
    parts = text.split("/")
    try:
        if len(parts) == 3:
            return date(int(parts[2]), int(parts[1]), int(parts[0]))
        return date.fromisoformat(text)
    except ValueError:
        _bad(line, "date", text, "2026-11-20 | 20/11/2026")
        return None


def _yield(line: int, cells: Mapping[str, str]) -> Decimal | None:
    """The most one hectare gives in one season, kg; empty where nobody says."""
    text = cells.get("yield_ceiling", "").replace(" ", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= YIELD_LIMIT:
        _bad(line, "yield_ceiling", text, "18000 (kg/ha)")
    return Decimal(text)


def _intervals(line: int, cells: Mapping[str, str]) -> dict[str, int]:
    """`7`, or crops with their days: `cải ngọt: 7; cà chua: 5`; or a column `crop` beside it."""
    text = cells.get("interval_days", "")
    found: dict[str, int] = {}
    for part in text.replace("|", ";").split(";"):
        if not part.strip():
            continue
        crop, _, days = part.rpartition(":")
        number = days.strip()
        if not (number.isascii() and number.isdigit()) or int(number) > INTERVAL_LIMIT:
            _bad(line, "interval_days", part.strip(), "7 | cải ngọt: 7; cà chua: 5")
        found[crop.strip() or cells.get("crop", "")] = int(number)
    return found


def import_catalogue(
    actor: Actor, kind: str, entries: Sequence[Entry], *, everyone: bool, at: datetime
) -> int:
    """Writes the lines; those of the same name are replaced. `everyone` needs the platform."""
    actor.check("administer" if everyone else "record")
    owner = None if everyone else actor.organisation.id
    known = {
        fold(row.name): row
        for row in db.session.scalars(
            select(CatalogueItem).where(
                CatalogueItem.kind == kind,
                CatalogueItem.organisation_id.is_(None)
                if owner is None
                else CatalogueItem.organisation_id == owner,
            )
        )
    }
    for entry in entries:
        row = known.get(fold(entry.name))
        if row is None:
            row = CatalogueItem(organisation_id=owner, kind=kind, created_at=at, name=entry.name)
            db.session.add(row)
        values = dict(entry.values)
        row.intervals = orjson.dumps(values.pop("intervals", {})).decode()
        row.name, row.demonstration = entry.name, False
        row.folded = f"{_words(entry.name)}|{_words(str(values.get('active_ingredient', '')))}"
        for name, value in values.items():
            setattr(row, name, value)
    db.session.flush()
    write_audit(actor, "catalogue.import", kind, at=at, lines=len(entries), everyone=everyone)
    return len(entries)
