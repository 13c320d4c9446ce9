"""Numbers of people in free text, looked for before it is signed.

What is typed into a note is signed and shown to strangers; a phone or identity number in it can be
taken back by erasure only. Rules:
- a Vietnamese phone number: `0` or `+84`, then 9 digits that begin with 3, 5, 7, 8 or 9 (mobile),
  or 10 that begin with 2 (landline), however grouped by blanks, points or hyphens
- a citizen's identity number: 12 digits, beginning with a province code from 001 to 096 (numbers of
  products and crates have 8, 13, 14 or 18 digits)
Only members of our own vocabulary are read: what others' members mean is theirs to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from trace.core.epcis.strict_json import JsonObject, JsonValue, pointer
from trace.core.epcis.vocabulary import OWN_PREFIX

_PHONE: Final = re.compile(
    r"(?<![\w+])(?:\+?84|0)[ .-]?(?:2(?:[ .-]?[0-9]){9}|[35789](?:[ .-]?[0-9]){8})(?!\w)"
)
_IDENTITY: Final = re.compile(r"(?<![\w])0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-9]{9}(?![\w])")
_OWN: Final = f"{OWN_PREFIX}:"
_SHORTEST: Final = 10  # characters of a phone number
# Digests are no texts; codes of households and recorders are ours.
_NOT_TEXT: Final = frozenset({"trace:attachments", "trace:performedBy", "trace:recordedBy"})


def personal_numbers(text: str) -> tuple[str, ...]:
    """Which kinds of a person's numbers a text holds: "phone", "identity"."""
    found = []
    if _PHONE.search(text):
        found.append("phone")
    if _IDENTITY.search(text):
        found.append("identity")
    return tuple(found)


def texts_with_numbers(event: JsonObject) -> Iterator[tuple[str, str]]:
    """(JSON Pointer, kind) for every personal number in our own members of an event."""
    for name, value in event.items():
        if name == "ilmd" and isinstance(value, dict):
            for inner, content in value.items():
                if inner.startswith(_OWN) and _may_hold_numbers(content):
                    yield from _inside(content, pointer("ilmd", inner))
        elif name.startswith(_OWN) and name not in _NOT_TEXT and _may_hold_numbers(value):
            yield from _inside(value, pointer(name))


def _may_hold_numbers(value: JsonValue) -> bool:
    """False for what is surely too short: nearly everything."""
    return not isinstance(value, str) or len(value) >= _SHORTEST


def _inside(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if len(value) >= _SHORTEST and not value.startswith(("http:", "https:", "urn:")):
            for kind in personal_numbers(value):
                yield path, kind
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _inside(member, path + pointer(name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _inside(element, path + pointer(index))
