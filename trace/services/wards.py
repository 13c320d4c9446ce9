"""Provinces and wards of Viet Nam as of July 2025, and what they were called before.

Read once from trace/data; made by deploy/make_wards.py. Codes are five digits for a ward and two
for a province. They are the ones in circulation, not presented as official
(docs/reference/wards.md says where published lists disagree).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from trace.core.folding import fold

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


def provinces() -> tuple[Province, ...]:
    """All 34, in the order of their codes."""
    return tuple(_provinces().values())


def find_ward(code: str) -> Ward | None:
    """The ward with this five-digit code."""
    return _wards().get(code)


def wards_in(codes: Collection[str]) -> frozenset[str]:
    """The wards that two-digit codes of provinces and five-digit codes of wards stand for."""
    return frozenset(
        ward.code for ward in _wards().values() if ward.code in codes or ward.province.code in codes
    )


def ward_name(code: str) -> str:
    """ "Xã Đan Phượng, Hà Nội"; the code itself when it is not known, never a guess."""
    ward = find_ward(code)
    return ward.full_name if ward else code


# Short forms of kinds and of two cities; those that only begin the word need no entry.
_SHORT: Final = {
    "tp": "thanh pho",
    "tx": "thi xa",
    "tt": "thi tran",
    "dk": "dac khu",
    "hcm": "ho chi minh",
    "tphcm": "ho chi minh",
    "sg": "ho chi minh",
    "hn": "ha noi",
    "tphn": "ha noi",
}
# "P5", "Q.3" and "F12" are said of numbered wards and districts.
_NUMBERED: Final = re.compile(r"^(p|q|f|x|h|tt)(\d{1,2})$")
_LONG: Final = {
    "p": "phuong",
    "f": "phuong",
    "q": "quan",
    "x": "xa",
    "h": "huyen",
    "tt": "thi tran",
}
TYPO_LETTERS: Final = 4  # shorter words are too like one another to be guessed at


@dataclass(frozen=True, slots=True)
class Match:
    """A ward that was found, the old name it was found by ("" by today's), and whether a word had
    to be taken for another one."""

    ward: Ward
    was: str = ""
    guessed: bool = False

    @property
    def words(self) -> str:
        """ "Xã Đan Phượng, Hà Nội (Xã Song Phượng, Huyện Đan Phượng, Hà Nội)"."""
        return f"{self.ward.full_name} ({self.was})" if self.was else self.ward.full_name


def match_wards(text: str, province: str | None = None, limit: int = 20) -> list[Match]:
    """Wards that the words of `text` lead to, best first; diacritics and case do not matter.

    Every word must begin a word of the ward's name, kind or province, or of a ward or district
    that went into it in 2025 (its old address). Short forms are read (P., X., TT., TX., TP., Q.3,
    TPHCM). Where nothing fits, words of four letters or more are taken for the nearest word known
    with one letter wrong, missing or too many (two in words of eight). `province` is a two-digit
    code. A name that is the whole text comes first, then names that begin with it, then other
    names, then old ones.
    """
    wanted = _spelled_out(fold(text))
    if not wanted or limit < 1:
        return []
    plain = _without_kind(wanted)
    found = _matches(wanted, province) or _matches(plain, province)
    if not found:
        near = [_nearest(word) for word in plain]
        found = [replace(one, guessed=True) for one in _matches(near, province)]
    return found[:limit]


def _without_kind(words: list[str]) -> list[str]:
    """Without "tỉnh" and "thành phố", which no name of a province is kept with."""
    text = f" {' '.join(words)} ".replace(" thanh pho ", " ").replace(" tinh ", " ")
    return text.split()


def _matches(wanted: list[str], province: str | None) -> list[Match]:
    if not wanted:
        return []
    whole = " ".join(wanted)
    ranked: dict[str, tuple[int, int, str]] = {}
    for order, (words, name, code, was) in enumerate(_index()):
        if province is not None and _wards()[code].province.code != province:
            continue
        if not all(_begins(words, word) for word in wanted):
            continue
        rank = _rank(words, name, whole)
        if code not in ranked or rank < ranked[code][0]:
            ranked[code] = (rank, order, was)
    best = sorted(ranked, key=lambda code: ranked[code][:2])
    return [Match(_wards()[code], ranked[code][2]) for code in best]


def _begins(words: str, word: str) -> bool:
    # A number is a whole word: ward 1 is not ward 12.
    return f" {word} " in f"{words} " if word.isdecimal() else f" {word}" in words


def _spelled_out(folded: str) -> list[str]:
    found: list[str] = []
    for word in folded.split():
        numbered = _NUMBERED.match(word)
        if numbered:
            found += [*_LONG[numbered[1]].split(), str(int(numbered[2]))]
        elif word.isdecimal():
            found.append(str(int(word)))
        else:
            found += _SHORT.get(word, word).split()
    return found


def _nearest(word: str) -> str:
    """The known word nearest to a mistyped one; the word itself where it begins one, or none is
    near."""
    if len(word) < TYPO_LETTERS or any(known.startswith(word) for known in _vocabulary()):
        return word
    most = 2 if len(word) >= 8 else 1
    near = [
        (slips, -count, known)
        for known, count in _vocabulary().items()
        if abs(len(known) - len(word)) <= most and (slips := _slips(word, known, most)) <= most
    ]
    return min(near)[2] if near else word


def _slips(one: str, other: str, most: int) -> int:
    """Letters to change, add, leave out or exchange with the next (optimal string alignment);
    anything above `most` is `most + 1`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


@cache
def _vocabulary() -> dict[str, int]:
    """Every word of names, with how many names have it."""
    return dict(Counter(word for words, *_ in _index() for word in words.split()))


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
def _index() -> tuple[tuple[str, str | None, str, str], ...]:
    """(searchable words, folded name or None for an old one, code, old name); today's names come
    first."""
    today = [
        (_searchable(ward.full_name), fold(ward.name), ward.code, "") for ward in _wards().values()
    ]
    old = [
        (_searchable(former.full_name), None, ward.code, former.full_name)
        for former in _former()
        for ward in former.now
    ]
    return (*today, *old)


@cache
def _former_index() -> tuple[tuple[str, FormerWard], ...]:
    return tuple((_searchable(former.full_name), former) for former in _former())


def _searchable(text: str) -> str:
    # A space in front, so that " word" finds the beginning of any word; "Phường 01" is ward 1.
    words = (str(int(word)) if word.isdecimal() else word for word in fold(text).split())
    return f" {' '.join(words)}"
