"""Which of several links of one type a request means (Resolver 1.2, section 2.6.3).

Rules, in this order; a step that would leave nothing is passed over.
1. What the request cannot read goes: a media type that its Accept header rules out.
2. Context: a request that names one gets the links for it. Else, and where none is for it, the
   links that are for everywhere.
3. Language, by lookup (RFC 4647, section 3.4): ranges in the order of their weights, each cut from
   its end until a link speaks it (pt-BR, then pt). `*` and weight 0 choose nothing; languages of
   weight 0 go. Where no range finds one: links without a language.
4. Media type: those of the highest weight in Accept (RFC 9110, section 12.5.1).
5. What leads to the same place is the same answer. Whatever is left is undecided: the request gets
   the choice (300), never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from trace.core.gs1.linkset import Target

# As many as any browser sends; whoever sends more is not choosing.
RANGES: Final = 40
LONGEST_TAG: Final = 100  # characters of a language; registered ones have up to 35
_WEIGHT: Final = re.compile(r"\s*[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?)\s*")


def preferences(header: str) -> list[tuple[str, float]]:
    """(range in small letters, weight), the heaviest first, equals in their order; parameters but
    `q` are dropped, items whose weight is none as well."""
    found = []
    for item in header.split(",", RANGES)[:RANGES]:
        name, *parameters = item.split(";")
        weight = 1.0
        for parameter in parameters:
            name_of, _, _ = parameter.partition("=")
            if name_of.strip().lower() == "q":
                given = _WEIGHT.fullmatch(parameter)
                weight = min(float(given[1]), 1.0) if given else -1.0
        if (name := name.strip().lower()) and weight >= 0:
            found.append((name, weight))
    return sorted(found, key=lambda one: -one[1])


def media_weight(accept: str, media_type: str) -> float:
    """What an Accept header gives a media type, 0 to 1: the most specific range counts; a header
    that is absent gives everything 1."""
    ranges = dict(reversed(preferences(accept)))
    if not ranges:
        return 1.0
    media_type = media_type.partition(";")[0].strip().lower()
    for named in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if named in ranges:
            return ranges[named]
    return 0.0


def names_type(accept: str, media_type: str) -> bool:
    """Whether the header asks for this very type."""
    return any(name == media_type and weight > 0 for name, weight in preferences(accept))


def choose(
    targets: Sequence[Target], *, accept: str = "", accept_language: str = "", context: str = ""
) -> tuple[Target, ...]:
    """What is left of the links by the rules above; one: decided."""

    def weight(one: Target) -> float:
        return media_weight(accept, one.media_type) if one.media_type else 0.0

    left = _kept(targets, lambda one: not one.media_type or weight(one) > 0)
    left = _by_context(left, context)
    left = _by_language(left, accept_language)
    best = max(map(weight, left), default=0.0)
    found: dict[str, Target] = {}
    for one in left:
        if weight(one) == best:
            found.setdefault(one.href, one)
    return tuple(found.values())


def _kept(targets: Sequence[Target], wanted: Callable[[Target], bool]) -> Sequence[Target]:
    return [one for one in targets if wanted(one)] or targets


def _by_context(targets: Sequence[Target], context: str) -> Sequence[Target]:
    asked = {one for one in re.split(r"[\s,;+]+", context.lower()) if one}
    meant = [one for one in targets if asked & {word.lower() for word in one.context}]
    return meant or _kept(targets, lambda one: not one.context)


def _by_language(targets: Sequence[Target], header: str) -> Sequence[Target]:
    ranges = preferences(header)
    unwanted = [name for name, weight in ranges if weight == 0]

    def may_be_read(one: Target) -> bool:
        return not one.languages or any(not _is_in(tag, unwanted) for tag in one.languages)

    targets = _kept(targets, may_be_read)
    for name, weight in ranges:
        if weight == 0 or name == "*":
            continue
        for wanted in _cut(name):
            spoken = [one for one in targets if wanted in {tag.lower() for tag in one.languages}]
            if spoken:
                return spoken
    return _kept(targets, lambda one: not one.languages) if header else targets


def _is_in(tag: str, ranges: Iterable[str]) -> bool:
    tag = tag.lower()
    return any(tag == one or tag.startswith(f"{one}-") for one in ranges)


def _cut(name: str) -> Iterable[str]:
    """zh-hant-cn, zh-hant, zh: a single letter goes with what follows it (RFC 4647, 3.4)."""
    if len(name) > LONGEST_TAG:
        return
    parts = name.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        if parts and len(parts[-1]) == 1:
            parts.pop()
