"""The application identifiers compiled for use: one `Spec` each, and which may stand together.

`check_value` is the one place where a value meets its form; `check_companions` the one place
where the associations of the General Specifications, section 4.13, are held over a whole set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from trace.core.gs1.application_identifiers import KEYS, MEASURES, ROWS
from trace.core.gs1.errors import (
    BadCharacter,
    BadLength,
    Conflicting,
    EmptyValue,
    MissingCompanion,
)
from trace.core.gs1.values import CHECKS, CSET82, Check

_CLASSES: Final = {
    "N": "0-9",
    "X": re.escape(CSET82),
    "Y": "#/A-Z0-9\\-",
    "Z": "A-Za-z0-9_=\\-",
}
_COMPONENT: Final = re.compile(r"(\[)?([NXYZ])(\.\.)?([0-9]+)\]?((?:,[a-z0-9]+)*)")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a value: `kind` N, X, Y or Z; `length` exact, or the greatest when `variable`."""

    kind: str
    length: int
    variable: bool
    optional: bool
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """One application identifier. `needs` holds alternatives, each a tuple of sets of which one
    member must be present; `excludes` those that may not be present."""

    ai: str
    title: str
    form: str
    components: tuple[Component, ...]
    predefined: bool
    attribute: bool
    needs: tuple[tuple[frozenset[str], ...], ...]
    needs_text: str
    excludes: frozenset[str]
    fits: Callable[[str], object]
    checks: tuple[tuple[int, int, tuple[Check, ...]], ...]

    @property
    def shortest(self) -> int:
        return sum(0 if c.optional else 1 if c.variable else c.length for c in self.components)

    @property
    def longest(self) -> int:
        return sum(c.length for c in self.components)


def _components(form: str) -> tuple[Component, ...]:
    parts = []
    for text in form.split():
        found = _COMPONENT.fullmatch(text)
        if found is None:
            raise ValueError(form)
        optional, kind, variable, length, checks = found.groups()
        parts.append(
            Component(
                kind,
                int(length),
                variable is not None,
                optional is not None,
                tuple(checks.split(",")[1:]),
            )
        )
    return tuple(parts)


def _pattern(components: tuple[Component, ...]) -> str:
    pattern = ""
    for part in reversed(components):
        least = f"1,{part.length}" if part.variable else f"{part.length}"
        one = f"[{_CLASSES[part.kind]}]{{{least}}}{pattern}"
        pattern = f"(?:{one})?" if part.optional else one
    return pattern


def _compiled_checks(
    components: tuple[Component, ...],
) -> tuple[tuple[int, int, tuple[Check, ...]], ...]:
    found, start = [], 0
    for part in components:
        checks = tuple(check for name in part.checks for check in CHECKS[name])
        if checks:
            found.append((start, start + part.length, checks))
        start += part.length
    return tuple(found)


def _expand(identifiers: str) -> Iterator[str]:
    first, _, last = identifiers.partition("-")
    width = len(first)
    for number in range(int(first), int(last or first) + 1):
        yield f"{number:0{width}}"


def _build() -> dict[str, Spec]:
    rows = ROWS + MEASURES
    known = frozenset(ai for row in rows for ai in _expand(row[0]))

    def matching(text: str) -> frozenset[str]:
        if "n" not in text:
            return frozenset({text})
        digits = re.compile(text.replace("n", "[0-9]"))
        return frozenset(ai for ai in known if digits.fullmatch(ai))

    table: dict[str, Spec] = {}
    for identifiers, flags, form, needs, excludes, title in rows:
        components = _components(form)
        fits = re.compile(_pattern(components)).fullmatch
        alternatives = tuple(
            tuple(matching(one) for one in group.split("+")) for group in needs.split(",") if group
        )
        excluded = frozenset().union(*(matching(one) for one in excludes.split(",") if one))
        for ai in _expand(identifiers):
            table[ai] = Spec(
                ai=ai,
                title=title,
                form=form,
                components=components,
                predefined="f" in flags,
                attribute="a" in flags,
                needs=alternatives,
                needs_text=needs.replace(",", " / "),
                excludes=excluded - {ai},
                fits=fits,
                checks=_compiled_checks(components),
            )
    return table


AIS: Final[dict[str, Spec]] = _build()

# Every sequence a path may hold, with the letter-perfect order: key and a choice of qualifiers.
SEQUENCES: Final[frozenset[tuple[str, ...]]] = frozenset(
    (key, *chosen)
    for key, alternatives in KEYS.items()
    for alternative in (*alternatives, ())
    for size in range(len(alternative) + 1)
    for chosen in combinations(alternative, size)
)


def _explain(spec: Spec, value: str) -> Exception:
    if not value:
        return EmptyValue(ai=spec.ai)
    start = 0
    for part in spec.components:
        allowed = re.compile(f"[{_CLASSES[part.kind]}]")
        for character in value[start : start + part.length]:
            if not allowed.match(character):
                return BadCharacter(character=character, where=f"({spec.ai})")
        start += part.length
    shortest, longest = spec.shortest, spec.longest
    expected = str(longest) if shortest == longest else f"{shortest}–{longest}"
    return BadLength(ai=spec.ai, expected=expected, got=len(value))


def check_value(spec: Spec, value: str) -> None:
    """The value (decoded) against form, check digit, calendar and code lists, or a Gs1Error."""
    if spec.fits(value) is None:
        raise _explain(spec, value)
    for start, end, checks in spec.checks:
        part = value[start:end]
        if part:
            for check in checks:
                check(spec.ai, part)


@lru_cache(maxsize=2048)
def check_companions(identifiers: tuple[str, ...]) -> None:
    """All given identifiers together: MissingCompanion, Conflicting or nothing."""
    present = frozenset(identifiers)
    for ai in identifiers:
        spec = AIS[ai]
        others = spec.excludes & present
        if others:
            raise Conflicting(ai=ai, other=min(others))
        if spec.needs and not any(
            all(not one.isdisjoint(present) for one in group) for group in spec.needs
        ):
            raise MissingCompanion(ai=ai, needs=spec.needs_text)
