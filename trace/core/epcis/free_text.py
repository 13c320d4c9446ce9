"""Numbers of people in free text, looked for before it is signed.

What is typed into a note is signed and shown to strangers; a phone or identity number in it can be
taken back by erasure only. Rules:
- digits of any script and width count, and characters without width do not (Unicode NFKC, Nd, Cf)
- a Vietnamese phone number: `0`, `84`, `+84`, `0084` or `+84 (0)`, then 9 digits that begin with 3,
  5, 7, 8 or 9 (mobile), or 10 that begin with 2 (landline)
- a citizen's identity number: 12 digits that begin with a province code from 001 to 096 (numbers of
  products and crates have 8, 13, 14 or 18 digits), whole or in groups of 3 or 4
- after a word for an identity card, 9 digits (the older card) or 12
- groups may be parted by blanks, points, hyphens, slashes, commas, underscores, brackets; single
  digits only by one and the same sign throughout, so that measurements are left alone
- letters may not touch the number, save a word such as `đt` or `CCCD` before it
Not found are numbers written in words ("không chín một…"), split over two members, or disguised on
purpose (a letter O for a zero): this is a help for the careless, no wall against the wilful.
Only members of our own vocabulary are read: what others' members mean is theirs to know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from trace.core.epcis.strict_json import JsonObject, JsonValue, pointer
from trace.core.epcis.vocabulary import OWN_PREFIX

_PHONE: Final = re.compile(r"(?:0|(?:00)?840?)(?:2[0-9]{9}|[35789][0-9]{8})")
_IDENTITY: Final = re.compile(r"0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-9]{9}")
_IDENTITY_GROUPS: Final = frozenset({(12,), (3, 3, 3, 3), (4, 4, 4), (3, 3, 6), (3, 9), (6, 6)})
# Digits and what parts them: one line's worth, at most three signs in a row.
_RUN: Final = re.compile(r"[0-9]+(?:[ \t./,_()+•·-]{1,3}[0-9]+)*")
_GROUP: Final = re.compile(r"([^0-9]*)([0-9]+)")
_PHONE_WORD: Final = re.compile(r"(?:đt|sđt|dt|sdt|đtdđ|tel|phone|zalo|hotline|số|so)$")
_IDENTITY_WORD: Final = re.compile(
    r"(?:cccd|cmnd|cmtnd|cmt|căn cước|can cuoc|chứng minh|chung minh)[^0-9]{0,20}$"
)
_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_MOST_DIGITS: Final = 15
_OWN: Final = f"{OWN_PREFIX}:"
_SHORTEST: Final = 9  # digits of an old identity card
_DIGIT: Final = re.compile(r"\d")
# Characters that become digits when they are made plain (NFKC): ², ½, ⑫, ㏠ …
_FOLDS_TO_DIGITS: Final = re.compile(
    "[\xb2\xb3\xb9\xbc-\xbe\u2070\u2074-\u2079\u2080-\u2089\u2150-\u215f\u2189\u2460-\u249b\u24ea"
    "\u3251-\u325f\u32b1-\u32cb\u3358-\u3370\u3378\u3379\u339f-\u33a6\u33a8\u33af\u33e0-\u33fe"
    "\U0001f100-\U0001f10a]"
)
# Digests are no texts; who typed is ours to say, and private.
_NOT_TEXT: Final = frozenset({"trace:attachments", "trace:recordedBy"})


def personal_numbers(text: str) -> tuple[str, ...]:
    """Which kinds of a person's numbers a text holds: "phone", "identity"."""
    if len(_DIGIT.findall(text)) < _SHORTEST and not _FOLDS_TO_DIGITS.search(text):
        return ()  # nearly every text there is
    plain = _plain(text)
    found = set()
    for run in _RUN.finditer(plain):
        if len(run[0]) < _SHORTEST or plain[run.end() : run.end() + 1].isalnum():
            continue
        before = plain[max(0, run.start() - 40) : run.start()].lower()
        if _IDENTITY_WORD.search(before) and _of_a_card(run[0]):
            found.add("identity")
        elif not before[-1:].isalpha() or _PHONE_WORD.search(before):
            found.update(_kinds(_GROUP.findall(run[0])))
    return tuple(kind for kind in ("phone", "identity") if kind in found)


def _plain(text: str) -> str:
    """The text with plain digits, blanks and hyphens, and nothing that has no width."""
    if text.isascii():
        return text
    seen = []
    for character in unicodedata.normalize("NFKC", text).translate(_DASHES):
        kind = unicodedata.category(character)
        if kind == "Nd":
            seen.append(str(unicodedata.digit(character)))
        elif kind == "Zs":
            seen.append(" ")
        elif kind != "Cf":
            seen.append(character)
    return "".join(seen)


def _of_a_card(run: str) -> bool:
    digits = 0
    for _, group in _GROUP.findall(run):
        digits += len(group)
        if digits in (9, 12):
            return True
    return False


def _kinds(groups: list[tuple[str, str]]) -> Iterator[str]:
    """What the groups of a run say, read from any of them on. A group is (signs before, digits)."""
    for first, (before, _) in enumerate(groups):
        if first and before in (".", ",", "_"):
            continue  # the middle of a number
        said = ""
        sizes: list[int] = []
        signs: list[str] = []
        for sign, digits in groups[first:]:
            if sizes:
                signs.append(sign)
            said += digits
            sizes.append(len(digits))
            if len(said) > _MOST_DIGITS:
                break
            if _PHONE.fullmatch(said) and _grouped(sizes, signs):
                yield "phone"
            if _IDENTITY.fullmatch(said) and tuple(sizes) in _IDENTITY_GROUPS:
                yield "identity"


def _grouped(sizes: list[int], signs: list[str]) -> bool:
    """Whether groups are those of one number, not of a list of measurements or dates."""
    if sizes[0] == 1 and signs[:1] in (["."], [","]):
        return len(sizes) > 2 and set(signs) == {signs[0]} and set(sizes) == {1}
    if all(size == 1 for size in sizes):
        return len(set(signs)) == 1
    if any("," in sign or "/" in sign for sign in signs):
        return all(size >= 3 for size in sizes)
    return all(size >= 2 for size in sizes[1:]) or ("(0)" in "".join(signs))


def texts_with_numbers(event: JsonObject) -> Iterator[tuple[str, str]]:
    """(JSON Pointer, kind) for every personal number in our own members of an event."""
    for name, value in event.items():
        if name == "ilmd" and isinstance(value, dict):
            for inner, content in value.items():
                if inner.startswith(_OWN) and _holds_numbers(content):
                    yield from _inside(content, pointer("ilmd", inner))
        elif name.startswith(_OWN) and name not in _NOT_TEXT and _holds_numbers(value):
            yield from _inside(value, pointer(name))


def _holds_numbers(value: JsonValue) -> bool:
    """Whether there is anything to tell: nearly never, so that no path is made before."""
    if isinstance(value, str):
        return _is_text(value) and personal_numbers(value) != ()
    if isinstance(value, dict):
        return any(_holds_numbers(member) for member in value.values())
    return isinstance(value, list) and any(_holds_numbers(element) for element in value)


def _is_text(value: str) -> bool:
    return len(value) >= _SHORTEST and not value.startswith(("http:", "https:", "urn:"))


def _inside(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _is_text(value):
            for kind in personal_numbers(value):
                yield path, kind
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _inside(member, path + pointer(name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _inside(element, path + pointer(index))
