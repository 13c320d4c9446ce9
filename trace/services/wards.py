"""Provinces and wards of Viet Nam as of July 2025, and what they were called before.

Read once from trace/data; made by deploy/make_wards.py. Codes are five digits for a ward and two
for a province. They are the ones in circulation, not presented as official
(docs/reference/wards.md says where published lists disagree).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True, slots=True)
class Province:
    """A province or centrally run city; `lat` and `lon` are WGS 84 degrees of its middle."""

    code: str
    name: str
    kind: str
    lat: float
    lon: float

    @property
    def full_name(self) -> str:
        """ "Thành phố Hà Nội"."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward, commune or special zone (`kind` is Phường, Xã or Đặc khu)."""

    code: str
    name: str
    kind: str
    province: Province
    lat: float
    lon: float

    @property
    def short_name(self) -> str:
        """ "Xã Đan Phượng"."""
        return f"{self.kind} {self.name}"

    @property
    def full_name(self) -> str:
        """ "Xã Đan Phượng, Hà Nội": what labels and pages show."""
        return f"{self.short_name}, {self.province.name}"


@dataclass(frozen=True, slots=True)
class FormerWard:
    """A ward before July 2025; `now` is where it went, the main part first."""

    name: str
    district: str
    province: str
    now: tuple[Ward, ...]

    @property
    def full_name(self) -> str:
        """ "Xã Song Phượng, Huyện Đan Phượng, Hà Nội"."""
        return ", ".join(part for part in (self.name, self.district, self.province) if part)


def fold(text: str) -> str:
    """Lower case, no diacritics, words parted by single spaces: "Đan Phượng" -> "dan phuong"."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    kept = "".join(char if char.isalnum() else " " for char in plain if not _is_mark(char))
    return " ".join(kept.split())


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


def provinces() -> tuple[Province, ...]:
    """All 34, in the order of their codes."""
    return tuple(_provinces().values())


def find_ward(code: str) -> Ward | None:
    """The ward with this five-digit code."""
    return _wards().get(code)


def ward_name(code: str) -> str:
    """ "Xã Đan Phượng, Hà Nội"; the code itself when it is not known, never a guess."""
    ward = find_ward(code)
    return ward.full_name if ward else code


def search_wards(text: str, province: str | None = None, limit: int = 20) -> list[Ward]:
    """Wards that the words of `text` lead to, best first; diacritics and case do not matter.

    Every word must begin a word of the ward's name, kind or province, or of a ward or district
    that went into it in 2025 (its old address). `province` is a two-digit code. A name that is
    the whole text comes first, then names that begin with it, then other names, then old ones.
    """
    wanted = fold(text)
    if not wanted or limit < 1:
        return []
    ranked: dict[str, tuple[int, int]] = {}
    for order, (words, name, code) in enumerate(_index()):
        if province is not None and _wards()[code].province.code != province:
            continue
        if not all(f" {word}" in words for word in wanted.split()):
            continue
        rank = _rank(words, name, wanted)
        if code not in ranked or rank < ranked[code][0]:
            ranked[code] = (rank, order)
    best = sorted(ranked, key=lambda code: ranked[code])[:limit]
    return [_wards()[code] for code in best]


def former_wards(text: str, limit: int = 20) -> list[FormerWard]:
    """Old wards whose name, district or province the words of `text` begin, by the same rules."""
    wanted = fold(text).split()
    if not wanted:
        return []
    found = (
        former for words, former in _former_index() if all(f" {word}" in words for word in wanted)
    )
    return [former for former, _ in zip(found, range(limit), strict=False)]


@cache
def former_provinces() -> dict[str, str]:
    """The provinces before July 2025 by name, each with the code of the one that most of its wards
    went to."""
    counted: dict[str, Counter[str]] = {}
    for former in _former():
        codes = counted.setdefault(former.province, Counter())
        codes.update(ward.province.code for ward in former.now[:1])
    return {name: codes.most_common(1)[0][0] for name, codes in counted.items()}


def _rank(words: str, name: str | None, wanted: str) -> int:
    if name == wanted:
        return 0
    if name is not None:
        return 1 if name.startswith(wanted) else 2
    return 3 if f" {wanted}" in words else 4


def _rows(file: str) -> Iterator[list[str]]:
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return (line.split("\t") for line in lines[1:])


@cache
def _provinces() -> dict[str, Province]:
    return {
        code: Province(code, name, kind, float(lat), float(lon))
        for code, name, kind, lat, lon in _rows("provinces.tsv")
    }


@cache
def _wards() -> dict[str, Ward]:
    return {
        code: Ward(code, name, kind, _provinces()[province], float(lat), float(lon))
        for code, name, kind, province, lat, lon in _rows("wards.tsv")
    }


@cache
def _former() -> tuple[FormerWard, ...]:
    found = []
    province = district = ""
    for new_province, new_district, name, now in _rows("former_wards.tsv"):
        # An empty cell repeats the line above.
        province, district = new_province or province, new_district or district
        wards = tuple(_wards()[code] for code in now.split(","))
        found.append(FormerWard(name, district, province, wards))
    return tuple(found)


@cache
def _index() -> tuple[tuple[str, str | None, str], ...]:
    """(searchable words, folded name or None for an old one, code); today's names come first."""
    today = [
        (_searchable(ward.full_name), fold(ward.name), ward.code) for ward in _wards().values()
    ]
    old = [
        (_searchable(former.full_name), None, ward.code)
        for former in _former()
        for ward in former.now
    ]
    return (*today, *old)


@cache
def _former_index() -> tuple[tuple[str, FormerWard], ...]:
    return tuple((_searchable(former.full_name), former) for former in _former())


def _searchable(text: str) -> str:
    # A space in front, so that " word" finds the beginning of any word.
    return f" {fold(text)}"
