"""A target: a function of bytes that gives them to one parser, or to a few of one kind.

A target returns for input that is taken and for input that is refused by name (TraceError); it
raises for everything else. Where it is cheap it also holds what was read to an oracle: written
again it reads the same, a canonical form is its own, two parsers of one thing agree, a flipped bit
is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from trace.errors import TraceError, problem_members

CORPUS: Final = Path(__file__).parent / "corpus"
VECTORS: Final = Path(__file__).parents[3] / "shared" / "vectors"
Run = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """`covers` are the functions that inputs reach, `words` what inputs are made of, `longest` the
    most bytes the parser takes by its own limit, `patterns` (head, body, tail) of which the body is
    repeated up to there. `seeds` make inputs that the parser takes; `usual` bounds the fuzzer's."""

    name: str
    run: Run
    covers: tuple[Callable[..., Any], ...]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...]
    longest: int
    patterns: tuple[tuple[bytes, bytes, bytes], ...]
    usual: int
    heavy: bool


TARGETS: dict[str, Target] = {}


def target(
    *covers: Callable[..., Any],
    seeds: Callable[[], Iterable[bytes]] | Iterable[bytes],
    words: Iterable[bytes] = (),
    longest: int = 4096,
    patterns: Iterable[tuple[bytes, bytes, bytes]] = (),
    usual: int = 512,
    heavy: bool = False,
) -> Callable[[Run], Run]:
    """Puts a function among the targets, under its own name. `heavy` ones take a millisecond and
    more, so that `make test` gives them fewer inputs."""

    def put(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        if name in TARGETS:
            raise ValueError(name)
        given = seeds if callable(seeds) else partial(tuple[bytes, ...], tuple(seeds))
        TARGETS[name] = Target(
            name, run, covers, given, tuple(words), longest, tuple(patterns), usual, heavy
        )
        return run

    return put


def corpus_of(name: str) -> list[bytes]:
    """The inputs kept for a target: one a line, as Python writes bytes."""
    file = CORPUS / f"{name}.txt"
    if not file.is_file():
        return []
    return [bytes_of(line) for line in file.read_text("ascii").splitlines()]


def line_of(data: bytes) -> str:
    """An input as a line of a corpus: printable ASCII as it is, everything else escaped."""
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


def bytes_of(line: str) -> bytes:
    """The input of a line."""
    return line.encode("ascii").decode("unicode_escape").encode("latin-1")


def text_of(data: bytes) -> str:
    """Any bytes as a text: UTF-8 (lone surrogates too, which JSON can bring), else Latin-1."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def json_of(data: bytes) -> Any:
    """A JSON value, None where the bytes are none: for parsers that are given values."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def refused(parse: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What a parser returns, or None where it refuses by name. The refusal can be told."""
    try:
        return parse(*given, **named)
    except TraceError as error:
        told(error)
        return None


def holds(check: Callable[..., object], *given: Any, **named: Any) -> bool:
    """Whether a check that raises lets something through."""
    try:
        check(*given, **named)
    except TraceError as error:
        told(error)
        return False
    return True


def told(error: TraceError) -> None:
    """A refusal has a sentence and a code, and both can be sent."""
    members = problem_members(error)
    if not error.code or not members["detail"]:
        broken("a refusal that says nothing", type(error))
    json.dumps(members, default=str)


def broken(what: str, *found: Any) -> NoReturn:
    """An oracle was not kept."""
    raise AssertionError(what + ": " + " | ".join(ascii(one)[:300] for one in found))


def same(what: str, one: Any, other: Any) -> None:
    """An oracle: these are equal."""
    if one != other:
        broken(what, one, other)
