"""Strict JSON: what cannot be kept exactly is refused, by the fast way and the slow one alike."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trace.core.epcis.strict_json import SAFE_INTEGER, load, pointer
from trace.errors import Refused

NUMBERS = st.integers(-SAFE_INTEGER, SAFE_INTEGER) | st.floats(
    allow_nan=False, allow_infinity=False
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def read(data: bytes | str, **limits: int) -> Any:
    some = {"max_bytes": 10**6, "max_depth": 64, **limits}
    return load(data.encode() if isinstance(data, str) else data, **some)


def refusals(data: bytes | str, **limits: int) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        read(data, **limits)
    return [(error.code, error.path) for error in refused.value.errors]


@given(VALUES, st.sampled_from((None, 1, 2)), st.booleans())
def test_whatever_is_written_is_read_back(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = read(text)
    assert found == value
    assert json.dumps(found) == json.dumps(json.loads(text))  # -0.0 and 1.0 stay what they were


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4), st.data(), st.booleans())
def test_a_member_given_twice_is_always_refused(
    members: dict[str, Any], data: st.DataObject, spaced: bool
) -> None:
    name = data.draw(st.sampled_from(sorted(members)))
    again = data.draw(VALUES)
    separators = (", ", ": ") if spaced else (",", ":")
    parts = [
        json.dumps(key, ensure_ascii=False) + separators[1] + json.dumps(value, ensure_ascii=False)
        for key, value in [*members.items(), (name, again)]
    ]
    text = "{" + separators[0].join(parts) + "}"
    assert ("duplicate-key", pointer(name)) in refusals(text)


def test_a_repeated_member_is_found_where_it_stands_even_with_escapes() -> None:
    text = r'{"a": [{"b/c": 1}, {"\u0062/c": 1, "b/c": 2}], "a": 3}'
    assert refusals('{"x": ' + text + "}") == [("duplicate-key", "/x/a")]
    assert refusals(r'[{"b/c": 1}, {"\u0062/c": 1, "b/c": 2}]') == [("duplicate-key", "/1/b~1c")]


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
)
@example("0.1")
@example("0.10000000000000000001")
@example("0.1000000000000000055511151231257827")
@example("1e400")
@example("1e-400")
@example("9007199254740991")
@example("9007199254740992")
@example("-9007199254740993")
@example("18446744073709551616")
@example("1.0")
@example("-0")
@example("0e0")
def test_a_number_is_read_exactly_or_refused(literal: str) -> None:
    whole = not any(mark in literal for mark in ".eE")
    if whole:
        exact = abs(int(literal)) <= SAFE_INTEGER
    else:
        number = float(literal)
        exact = abs(number) != float("inf") and Decimal(repr(number)) == Decimal(literal)
    for text in (f'{{"n":{literal}}}', f'{{"n" : {literal} , "t": "\\u00e1"}}'):
        if exact:
            found = read(text)["n"]
            assert Decimal(repr(found)) == Decimal(literal)
            assert isinstance(found, int) == whole
        else:
            assert refusals(text) == [("inexact-number", "/n")]


def test_an_exponent_beyond_all_bounds_is_refused_without_a_crash() -> None:
    for literal in ("1e-99999999999999999999", "1e99999999999999999999", "9" * 5000):
        assert refusals(f"[{literal}]") == [("inexact-number", "/0")]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused_as_one(word: str) -> None:
    assert refusals(f'{{"a": {word}}}') == [("inexact-number", "/a")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": 1,}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": "line\nbreak"}',
        b"{} {}",
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    assert [code for code, _ in refusals(data)] == ["bad-json"]


@pytest.mark.parametrize("levels", [65, 500, 999, 1100, 10_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_beyond_the_limit_is_refused(levels: int, opening: str, closing: str) -> None:
    text = opening * levels + "1" + closing * levels
    assert refusals(text) == [("too-deep", "")]
    assert refusals(text + " ") == [("too-deep", "")]


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read("[" * 64 + "]" * 64) is not None
    assert refusals("[" * 64 + "]" * 64, max_depth=63) == [("too-deep", "")]


def test_a_deep_document_with_a_repeated_member_is_refused_without_a_crash() -> None:
    assert refusals('{"a":1,"a":' * 900 + "1" + "}" * 900) == [("too-deep", "")]


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    assert refusals(b"[" + b" " * 100 + b"]", max_bytes=101) == [("too-large", "")]
    assert read(b"[" + b" " * 99 + b"]", max_bytes=101) == []


def test_every_repeated_member_and_number_is_reported_at_once() -> None:
    text = '{"a": 1e999, "b": {"c": 1, "c": 2}, "d": [9007199254740993]}'
    assert refusals(text) == [
        ("inexact-number", "/a"),
        ("duplicate-key", "/b/c"),
        ("inexact-number", "/d/0"),
    ]
