"""What somebody may have meant who typed a code whose last character does not match.

The check character notices every single wrong character and every two neighbours swapped, but not
which. Of all codes one such mistake away about ten fit; those in which the mistake is a character
that looks like the typed one are the likeliest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trace.core.gs1.codes import ALPHABET, check_code
from trace.core.gs1.errors import Gs1Error

# What is taken for what on a small, dirty or hand-written label.
_ALIKE: Final = ("8B", "5S", "2Z", "0DQ", "6GC", "17T", "VYW", "MNH", "EF", "PR", "KX", "4A", "1J")


def _fits(code: str) -> bool:
    try:
        check_code(code)
    except Gs1Error:
        return False
    return True


def _others(character: str) -> Iterator[str]:
    """Characters that look like this one, then the rest."""
    alike = {one for group in _ALIKE if character in group for one in group} - {character}
    yield from sorted(alike)
    yield from (one for one in ALPHABET if one != character and one not in alike)


def near_codes(code: str) -> list[str]:
    """The codes one wrong character or one swap away from ten characters that do not fit."""
    found = {
        code[:place] + other + code[place + 1 :]
        for place, character in enumerate(code)
        for other in _others(character)
    }
    found |= {
        code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        for place in range(len(code) - 1)
    }
    return sorted(one for one in found if one != code and _fits(one))


def doubtful(code: str) -> list[tuple[int, str, str]]:
    """(place from 1, what stands there, what may be meant): mistakes of characters that look alike
    and that make the code fit."""
    return [
        (place + 1, character, other)
        for place, character in enumerate(code)
        for other in sorted({o for group in _ALIKE if character in group for o in group})
        if other != character and _fits(code[:place] + other + code[place + 1 :])
    ]
