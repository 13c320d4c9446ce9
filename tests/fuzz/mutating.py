"""Mutations without a fuzzer: the same ones each time, from a target's words, seeds and corpus."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.fuzz.target import Target, corpus_of

# What parsers trip over, whatever they read.
BYTES: Final = (
    b"\0",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x8d\x83",
    b" ",
    b"\t",
    b"%",
    b"%00",
    b"+",
    b"-",
    b"--",
    b"/",
    b"//",
    b":",
    b";",
    b",",
    b".",
    b"..",
    b"=",
    b"~",
    b"#",
    b"?",
    b"&",
    b"|",
    b"*",
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"'",
    b"\\",
    b"<",
    b">",
    b"0",
    b"1",
    b"-1",
    b"9" * 20,
    b"9" * 5000,
    b"1e999",
    b"1E-400",
    b"NaN",
    b"Infinity",
    b"null",
    b"true",
    b"[" * 100,
    b'{"a":' * 100,
    "٣".encode(),
    "²".encode(),
    "ß".encode(),
    "İ".encode(),
    "\u202e".encode(),
    "Đ".encode(),
    "e\u0301".encode(),
    b"=?",
    b"0x",
    b"_",
    b"1_0",
    b"\x7f",
    b"A" * 300,
)


def inputs_of(target: Target) -> list[bytes]:
    """What is known of a target: seeds and corpus, each once."""
    return list(dict.fromkeys((b"", *target.seeds(), *corpus_of(target.name))))


def mutations(target: Target, count: int, seed: int = 2026) -> Iterator[bytes]:
    """`count` inputs with something changed."""
    random = Random(f"{target.name} {seed}")
    known = inputs_of(target)
    words = (*target.words, *target.words, *BYTES)
    for _ in range(count):
        data = random.choice(known)
        for _ in range(random.choice((1, 1, 2, 3, 6))):
            data = changed(data, random, words, known)
        yield data[: 8 * target.usual]


def changed(data: bytes, random: Random, words: tuple[bytes, ...], known: list[bytes]) -> bytes:
    """One change: a byte, a bit, a word, a piece of another input, a piece repeated or lost."""
    at = random.randrange(len(data) + 1)
    end = min(len(data), at + random.choice((0, 1, 1, 2, 4, 16, 64)))
    kind = random.randrange(7)
    if kind == 0:
        return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
    if kind == 1 and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + data[end:]
    if kind == 3:
        return data[:at] + data[at:end] * random.choice((2, 3, 30)) + data[end:]
    if kind == 4:
        other = random.choice(known)
        start = random.randrange(len(other) + 1)
        return data[:at] + other[start : start + random.randrange(1, 100)] + data[end:]
    return data[:at] + random.choice(words) + data[at if kind == 5 else end :]
