"""Log entries: one form only, blind, bounded; and the tags that link them."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.world import START
from trace.core.gs1 import Identity, parse_identity
from trace.core.signing import Unreadable, b64url
from trace.core.statements import (
    ENTRY_LIMIT,
    LINKS_AN_ENTRY,
    Assertion,
    BadEntry,
    EventEntry,
    LinksEntry,
    approval_entry,
    audit_entry,
    chain_identity,
    erasure_entry,
    event_entries,
    event_entry,
    key_entry,
    links_entry,
    moment_text,
    origin_entry,
    parse_entry,
    parse_moment,
    tag,
    tags,
    thing_uris,
)

H = b64url(bytes(range(32)))
SALT = bytes(range(32))
TAGS = tags(SALT, "https://trace.example/b/7K3QMP2XV4", 0, 3)
ASSERTION = Assertion(b"data", b"client", b"signature")
OTHERS: list[Any] = [None, {}, [[]], True, -1, "x", [5], 1.5, [None]]
ENTRIES = [
    event_entry(START, H, TAGS),
    event_entry(START, H, TAGS, 7),
    event_entry(START, H, []),
    links_entry(START, H, TAGS),
    key_entry(START, ["a.b.c"], TAGS[0]),
    key_entry(START, ["a.b.c", "d.e.f"], TAGS[0], ASSERTION),
    approval_entry(START, [H], ASSERTION),
    erasure_entry(START, [H]),
    audit_entry(START, date(2026, 11, 22), 3, H),
    origin_entry(START, 1, "trace.example/log", "trace.example/log\n5\n"),
]


def dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def test_an_event_entry_has_the_members_in_the_written_order() -> None:
    entry = event_entry(START, H, TAGS, 7).decode()
    links = ",".join(f'"{link}"' for link in sorted(TAGS))
    assert entry == (
        f'{{"v":1,"type":"event","t":"2026-11-22T03:00:00.000Z","h":"{H}","links":[{links}],"a":7}}'
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: json.loads(e)["type"])
def test_every_entry_reads_back_and_stays_the_same_bytes(entry: bytes) -> None:
    parsed = parse_entry(entry)
    assert parsed.type == json.loads(entry)["type"]
    assert parsed.t == START
    assert b"\n" not in entry


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: json.loads(e)["type"])
def test_any_other_bytes_of_the_same_meaning_are_refused(entry: bytes) -> None:
    value: dict[str, Any] = json.loads(entry)
    members = list(value.items())
    variants = [
        entry + b"\n",
        b" " + entry,
        entry.replace(b":", b": ", 1),
        json.dumps(dict(reversed(members)), separators=(",", ":")).encode(),
        entry.replace(b'"v":1', b'"v":1.0'),
        entry.replace(b'"v":1', b'"v":1,"v":1'),
        entry.replace(b'"type"', b'"typ\\u0065"'),
        json.dumps({**value, "x": 1}, separators=(",", ":")).encode(),
        *(
            json.dumps({n: v for n, v in members if n != name}, separators=(",", ":")).encode()
            for name in value
            if name not in ("a", "assertion")
        ),
        *(dumped({**value, name: other}) for name in value for other in OTHERS),
    ]
    for variant in variants:
        with pytest.raises(BadEntry):
            parse_entry(variant)


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"5", b'"x"', b"\xff", b"{", b'{"v":1}', b"[" * 50_000]
)
def test_what_is_no_entry_is_refused(data: bytes) -> None:
    with pytest.raises(BadEntry):
        parse_entry(data)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(BadEntry):
        parse_entry(data)


@given(st.sampled_from(ENTRIES), st.data())
def test_a_changed_bit_is_refused_or_tells_something_else(
    entry: bytes, data: st.DataObject
) -> None:
    """What still parses is another entry with another leaf: its proof fails, never its meaning."""
    raw = bytearray(entry)
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(BadEntry):
        assert parse_entry(bytes(raw)) != parse_entry(entry)


def test_links_are_sorted_and_each_once() -> None:
    entry = parse_entry(event_entry(START, H, sorted(TAGS, reverse=True)))
    assert isinstance(entry, EventEntry)
    assert list(entry.links) == sorted(TAGS)
    with pytest.raises(BadEntry):
        event_entry(START, H, [TAGS[0], TAGS[0]])


def test_an_entry_with_unsorted_links_is_refused() -> None:
    first, second = sorted(TAGS)[:2]
    entry = event_entry(START, H, [first, second]).decode()
    swapped = entry.replace(f'"{first}","{second}"', f'"{second}","{first}"')
    with pytest.raises(BadEntry):
        parse_entry(swapped.encode())


@pytest.mark.parametrize("count", [0, 1, LINKS_AN_ENTRY, LINKS_AN_ENTRY + 1, 6_000])
def test_links_that_do_not_fit_follow_at_once_in_entries_of_their_own(count: int) -> None:
    links = tags(SALT, "many", 0, count)
    entries = event_entries(START, H, links, 2**53 - 1)
    assert all(len(entry) < ENTRY_LIMIT for entry in entries)
    parsed = [parse_entry(entry) for entry in entries]
    assert isinstance(parsed[0], EventEntry)
    assert all(isinstance(entry, LinksEntry) and entry.h == H for entry in parsed[1:])
    found = [
        link
        for entry in parsed
        if isinstance(entry, EventEntry | LinksEntry)
        for link in entry.links
    ]
    assert found == sorted(links)


def test_an_entry_of_60000_bytes_is_refused() -> None:
    with pytest.raises(BadEntry):
        event_entry(START, H, tags(SALT, "many", 0, 2_400))
    with pytest.raises(BadEntry):
        parse_entry(b" " * ENTRY_LIMIT)
    with pytest.raises(BadEntry):
        approval_entry(START, [b64url(n.to_bytes(32)) for n in range(1001)], ASSERTION)


@pytest.mark.parametrize(
    "make",
    [
        lambda: event_entry(START, "short", TAGS),
        lambda: event_entry(START, "A" * 42 + "B", TAGS),
        lambda: event_entry(START, H, ["short"]),
        lambda: event_entry(START, H, TAGS, -1),
        lambda: event_entry(START, H, TAGS, 2**53),
        lambda: links_entry(START, H, []),
        lambda: key_entry(START, [], TAGS[0]),
        lambda: approval_entry(START, [], ASSERTION),
        lambda: approval_entry(START, [H, H], ASSERTION),
        lambda: erasure_entry(START, []),
        lambda: audit_entry(START, date(2026, 1, 1), -1, H),
        lambda: origin_entry(START, 0, "trace.example/log", "trace.example/log\n"),
        lambda: origin_entry(START, 1, "two lines\n", "two lines\n\n"),
        lambda: origin_entry(START, 1, "trace.example/log", "another.example/log\n5\n"),
        lambda: key_entry(START, ["not a JWS"], TAGS[0]),
    ],
)
def test_an_entry_that_could_not_be_read_is_not_written(make: Any) -> None:
    with pytest.raises((BadEntry, Unreadable)):
        make()


# -- tags and chains -------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_tags_differ_by_number_identity_and_salt(one: int, other: int) -> None:
    first = tag(SALT, "https://trace.example/b/A", one)
    assert len(first) == 22
    assert (first == tag(SALT, "https://trace.example/b/A", other)) == (one == other)
    assert first != tag(SALT, "https://trace.example/b/B", one)
    assert first != tag(bytes(32), "https://trace.example/b/A", one)


@pytest.mark.parametrize(
    ("salt", "identity", "n"), [(b"x", "a", 0), (SALT, "a\n1", 0), (SALT, "a", -1)]
)
def test_a_tag_needs_a_whole_salt_one_line_and_a_number(salt: bytes, identity: str, n: int) -> None:
    with pytest.raises(Unreadable):
        tag(salt, identity, n)


@pytest.mark.parametrize(
    ("uri", "chain"),
    [
        ("https://id.gs1.org/01/09521234543213/10/L1", ("01", (("10", "L1"),))),
        ("https://id.gs1.org/01/09521234543213/10/L1/21/S1", ("01", (("10", "L1"),))),
        ("https://id.gs1.org/00/095212345678901235", ("00", ())),
    ],
)
def test_a_unit_links_its_lots_chain(uri: str, chain: tuple[str, Any]) -> None:
    identity = parse_identity(uri, "https://trace.example")
    assert identity is not None
    found = chain_identity(identity)
    assert found is not None
    assert (found.key, found.qualifiers) == chain


def test_own_units_link_their_lots_chain_and_places_have_none() -> None:
    unit = Identity("b", "7K3QMP2XV4", (("serial", "7K3QMP2XV47K3QMP"),))
    assert chain_identity(unit) == Identity("b", "7K3QMP2XV4")
    for key in ("q", "l", "p", "o", "n", "414", "417"):
        assert chain_identity(Identity(key, "1")) is None
    assert chain_identity(Identity("01", "09521234543213")) is None
    assert chain_identity(Identity("01", "09521234543213", (("21", "S"),))) is None


def test_things_are_found_in_every_list_and_oddities_passed_over() -> None:
    event = {
        "parentID": "p",
        "epcList": ["a", 5],
        "childEPCs": ["b"],
        "inputEPCList": ["c"],
        "outputEPCList": "not a list",
        "quantityList": [{"epcClass": "d"}, {"quantity": 1}, "x"],
        "childQuantityList": [{"epcClass": "e"}],
        "inputQuantityList": [{"epcClass": "f"}],
        "outputQuantityList": [{"epcClass": "g"}],
    }
    assert thing_uris(event) == [
        ("parent", "p"),
        ("epc", "a"),
        ("child", "b"),
        ("input", "c"),
        ("epc", "d"),
        ("child", "e"),
        ("input", "f"),
        ("output", "g"),
    ]
    assert thing_uris({}) == []


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_keep_their_milliseconds(moment: datetime) -> None:
    text = moment_text(moment)
    assert len(text) == 24
    assert parse_moment(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "text", ["2026-11-22T03:00:00Z", "2026-11-22T03:00:00.000+00:00", "2026-13-01T00:00:00.000Z", 5]
)
def test_a_moment_has_one_form(text: object) -> None:
    with pytest.raises(Unreadable):
        parse_moment(text)
