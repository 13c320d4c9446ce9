"""Answers remembered for short texts: what strangers send long is worked out each time.

A cache counts its entries, not their size: four thousand remembered texts of a megabyte are all the
memory there is. Identifiers, names and moments are short; what is longer is not worth remembering.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, ParamSpec, TypeVar, cast

LONGEST: Final = 200  # characters of a text; of all identifiers seen so far none has more

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def remembered(
    maxsize: int, *, longest: int = LONGEST
) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """A decorator: the function's last `maxsize` answers, for texts up to `longest` characters
    each. The function takes texts and whole numbers, by position."""

    def wrap(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
        kept = lru_cache(maxsize=maxsize)(function)

        @wraps(function)
        def ask(*given: str | int) -> Answer:
            for text in given:
                if type(text) is str and len(text) > longest:
                    return function(*given)  # type: ignore[arg-type, call-arg]
            return kept(*given)

        # For tests and figures, as of any cache.
        ask.cache_info = kept.cache_info  # type: ignore[attr-defined]
        ask.cache_clear = kept.cache_clear  # type: ignore[attr-defined]
        return cast("Callable[Given, Answer]", ask)

    return wrap
