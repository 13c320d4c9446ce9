"""No pattern of the product can be made to try again and again (regular expressions that take
quadratic or exponential time for a hostile text).

For every pattern, and every part of it that may repeat, texts are made that fit that part thousands
of times and then do not fit: from what comes before it, from the whole beginning over and over, and
with every sign that the pattern names. Linear, each takes a thousandth of a second.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trace

# How the library reads patterns: by name, for they are its own rooms and have no types.
says: Any = importlib.import_module("re._constants")
parser: Any = importlib.import_module("re._parser")

LENGTH = 20_000
# Seconds of this thread alone, for twenty thousand characters: quadratic ones take one and more.
MOST = 0.1
MANY = 50  # repetitions below this many cannot hurt
REPEATS = (says.MAX_REPEAT, says.MIN_REPEAT, says.POSSESSIVE_REPEAT)
CLASSES = {says.CATEGORY_DIGIT: "0", says.CATEGORY_SPACE: " ", says.CATEGORY_WORD: "a"}
# Never given what a stranger wrote, or only what the pattern before them let through.
SPARED = {
    "trace.core.epcis.free_text._GROUP": "is given runs of digits with three signs between at most",
    "trace.web.how_to._ITEM": "reads our own pages",
    "trace.web.how_to._LINK": "reads our own pages",
    "trace.web.how_to._PICTURE": "reads our own pages",
}
SEARCHING = re.compile(r"\b(\w+)\.(?:search|findall|finditer|sub|subn|split)\(")


def patterns() -> dict[re.Pattern[Any], str]:
    """Every compiled pattern that a module keeps, with its name."""
    found: dict[re.Pattern[Any], str] = {}
    for module in pkgutil.walk_packages(trace.__path__, "trace."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                found.setdefault(value, f"{module.name}.{name}")
    return found


def written_in_place() -> Iterator[tuple[re.Pattern[Any], str, bool]]:
    """Patterns that stand in a call, where they stand, and whether they look for their place."""
    for file in sorted(Path(trace.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (found := IN_PLACE.fullmatch(ast.unparse(node.func))):
                said = node.args[0]
                if isinstance(said, ast.Constant):
                    where = f"{file.name}:{node.lineno}"
                    yield re.compile(said.value), where, found[1] not in ("match", "fullmatch")


IN_PLACE = re.compile(r"re\.(match|fullmatch|search|findall|finditer|sub|split)")


def searched() -> frozenset[str]:
    """Names of patterns that look for their place themselves: private ones with their module's."""
    root = Path(trace.__file__).parent
    found = set()
    for file in root.rglob("*.py"):
        module = ".".join(file.relative_to(root.parent).with_suffix("").parts)
        for name in SEARCHING.findall(file.read_text()):
            found.add(f"{module.removesuffix('.__init__')}.{name}" if name[0] == "_" else name)
    return frozenset(found)


def one_of(items: list[Any]) -> str:
    """A character of a class."""
    named = [arg if isinstance(arg, int) else arg[0] for op, arg in items if op in RANGED]
    if items[0][0] is says.NEGATE:
        return str(next(sign for sign in "a0 !-é" if ord(sign) not in named))
    kind = next((arg for op, arg in items if op is says.CATEGORY), None)
    return chr(min(named)) if named else str(CLASSES.get(kind, "!"))


RANGED = (says.LITERAL, says.RANGE)


def sample(tree: Any) -> str:
    """A short text that fits."""
    return "".join(fitting(op, arg) for op, arg in tree)


def fitting(op: Any, arg: Any) -> str:
    """A text that fits one part."""
    if op is says.LITERAL:
        return chr(int(arg))
    if op is says.IN:
        return one_of(arg)
    if op in REPEATS:
        return sample(arg[2]) * int(min(arg[0], 100))
    if op is says.BRANCH:
        return sample(arg[1][0])
    if op is says.SUBPATTERN:
        return sample(arg[3])
    if op is says.ATOMIC_GROUP:
        return sample(arg)
    return "a" if op in (says.ANY, says.NOT_LITERAL) else ""


def inner(op: Any, arg: Any) -> list[Any]:
    """The parts of a part."""
    if op in REPEATS:
        return [arg[2]]
    if op is says.BRANCH:
        return list(arg[1])
    if op is says.SUBPATTERN:
        return [arg[3]]
    return [arg] if op is says.ATOMIC_GROUP else []


def attacks(tree: Any, signs: frozenset[str], before: str = "", *, search: bool) -> Iterator[str]:
    """Texts that fit far and then not; where a place is looked for, such that begin often."""
    for op, arg in tree:
        if op in REPEATS and arg[1] > MANY:
            for body in {sample(arg[2]), *signs} - {""}:
                yield before + long(body)
                if search:
                    yield long(before + body)
                    yield long(body + before)
        for part in inner(op, arg):
            yield from attacks(part, signs, before, search=search)
        before += fitting(op, arg) or (sample(arg[2]) if op in REPEATS else "")


def long(text: str) -> str:
    return text * (LENGTH // len(text)) + "\0"


def signs_of(tree: Any) -> frozenset[str]:
    """The signs, neither letters nor digits, that a pattern names one by one."""
    found: set[str] = set()
    for op, arg in tree:
        literals = arg if op is says.IN else [(op, arg)]
        found |= {chr(one) for kind, one in literals if kind is says.LITERAL}
        for part in inner(op, arg):
            found |= signs_of(part)
    return frozenset(sign for sign in found if not sign.isalnum())


def slow(pattern: re.Pattern[Any], *, search: bool) -> str:
    """A text that a pattern takes too long for, or ""."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    ask = pattern.search if search else pattern.fullmatch
    for text in set(attacks(tree, signs_of(tree), search=search)):
        told: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
        began = time.thread_time()
        ask(told)
        if time.thread_time() - began > MOST:
            return text[:60]
    return ""


def test_no_text_makes_a_pattern_try_again_and_again() -> None:
    known, looking = patterns(), searched()
    assert len(known) > 100
    found = {
        name: slow(pattern, search=bool({name, name.rpartition(".")[2]} & looking))
        for pattern, name in known.items()
        if name not in SPARED
    }
    found |= {where: slow(pattern, search=look) for pattern, where, look in written_in_place()}
    assert set(SPARED) <= set(known.values())
    assert {name: text for name, text in found.items() if text} == {}


def test_patterns_that_do_are_noticed() -> None:
    assert slow(re.compile(r"https?://[^/]*\.[^/]*/x"), search=False)
    assert slow(re.compile(r"\s*=\s*1"), search=True)
    assert slow(re.compile(rb"<row([^>]*)hidden"), search=True)
    assert not slow(re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"), search=False)
