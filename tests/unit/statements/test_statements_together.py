"""Statements of a whole document built together are those that each event alone would get."""

from __future__ import annotations

import base64
import hmac
import math
import os
from typing import Any

import pytest

from tests.golden.signed import EVENT, ISSUER, KEY, KID
from tests.golden.world import START, Stream, uuid4
from trace.core.signing import JsonObject, Unreadable
from trace.core.statements import (
    NotSignable,
    build_statement,
    event_entry,
    open_statement,
    parse_entry,
    paths_of,
    present,
    tags,
)
from trace.core.statements.build import TOGETHER, build_statements

ARGUMENTS: dict[str, Any] = {"issuer": ISSUER, "kid": KID, "key": KEY, "valid_from": START}
MANY = 2 * TOGETHER + 3  # whole lots and a rest


def event(number: int) -> JsonObject:
    """Events that differ, so that a slot of one taken for another's would show."""
    made = {**EVENT, "trace:note": f"Cắt lứa {number}"}
    if number % 3 == 0:
        del made["ilmd"]
    if number % 4 == 0:
        made["epcList"] = [f"https://trace.example/b/7K3QMP2XV4/{n}" for n in range(number % 7)]
    if number % 5 == 0:
        made["ilmd"] = {}
    return made


def ids(count: int) -> list[str]:
    stream = Stream("ids")
    return [uuid4(stream) for _ in range(count)]


def test_every_event_comes_back_from_its_own_statement() -> None:
    events = [event(number) for number in range(MANY)]
    signed = build_statements(events, statement_ids=ids(MANY), salts=os.urandom, **ARGUMENTS)
    assert len(signed) == MANY
    for one, given, statement_id in zip(signed, events, ids(MANY), strict=True):
        opened = open_statement(present(one.statement))
        assert opened.event == {name: v for name, v in given.items() if name != "recordTime"}
        assert opened.statement_id == statement_id
        assert [d.path for d in one.statement.disclosures] == list(paths_of(given))
        assert [d.text for d in one.statement.disclosures] == one.texts


def test_no_salt_is_used_twice() -> None:
    events = [event(number) for number in range(MANY)]
    signed = build_statements(events, statement_ids=ids(MANY), salts=os.urandom, **ARGUMENTS)
    salts = [text[:31] for one in signed for text in one.texts]  # '["' and 22 characters in base64
    assert len(set(salts)) == len(salts)


def test_one_alone_is_the_same_bytes_as_among_others() -> None:
    (statement_id,) = ids(1)
    alone = build_statement(EVENT, statement_id=statement_id, salts=Stream("salts"), **ARGUMENTS)
    (together,) = build_statements(
        [EVENT], statement_ids=[statement_id], salts=Stream("salts"), **ARGUMENTS
    )
    assert together.statement == alone


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("trace:a", {"inner": {"_sd": []}}, "/trace:a/inner/_sd"),
        ("trace:b", {"x": math.nan}, "/trace:b/x"),
        ("trace:c", [{"y": 1}, {"...": "z"}], "/trace:c/1/..."),
        ("trace:d", "\ud800", "/trace:d"),
        ("trace:e", 2**60, "/trace:e"),
    ],
)
@pytest.mark.parametrize("place", [0, TOGETHER - 1, TOGETHER, MANY - 1])
def test_what_cannot_be_signed_is_named_wherever_it_stands(
    name: str, value: Any, path: str, place: int
) -> None:
    events = [event(number) for number in range(MANY)]
    events[place] = {**events[place], name: value}
    with pytest.raises(NotSignable) as caught:
        build_statements(events, statement_ids=ids(MANY), salts=os.urandom, **ARGUMENTS)
    assert caught.value.path == path


def test_a_value_that_several_events_share_is_looked_at_in_the_first_of_them() -> None:
    shared = {"deep": [{"_sd_alg": "none"}]}
    events = [{**event(number), "trace:shared": shared} for number in range(3)]
    with pytest.raises(NotSignable) as caught:
        build_statements(events, statement_ids=ids(3), salts=os.urandom, **ARGUMENTS)
    assert caught.value.path == "/trace:shared/deep/0/_sd_alg"


def test_too_few_salts_sign_nothing() -> None:
    with pytest.raises(Unreadable):
        build_statements(
            [EVENT], statement_ids=ids(1), salts=lambda count: bytes(count - 1), **ARGUMENTS
        )


def test_tags_in_a_row_are_hmac_of_each_number() -> None:
    salt, identity = os.urandom(32), "https://trace.example/b/7K3QMP2XV4"
    wanted = [
        hmac.digest(salt, f"{identity}\n{n}".encode(), "sha256")[:16].hex() for n in range(7, 12)
    ]
    got = [base64.urlsafe_b64decode(tag + "==").hex() for tag in tags(salt, identity, 7, 5)]
    assert got == wanted


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_an_entry_written_short_reads_back_as_written_in_full(count: int) -> None:
    links = tags(bytes(range(32)), "x", 0, count)
    entry = event_entry(START, "A" * 43, links)
    parsed = parse_entry(entry)
    assert parsed == parse_entry(event_entry(START, "A" * 43, list(reversed(links))))
    assert entry.count(b'"') == 16 + 2 * count
