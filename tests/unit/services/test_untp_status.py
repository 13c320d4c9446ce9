"""Bitstring status lists: what goes in comes out, and what is no list is refused by name."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trace.core.signing import b64url, unb64url
from trace.services.untp_status import PLACES, BadStatusList, decode, encode, status_credential


@settings(max_examples=25)
@given(st.sets(st.integers(0, PLACES - 1), max_size=40))
def test_the_places_set_are_read_back_and_no_others(places: set[int]) -> None:
    assert decode(encode(places)) == places
    assert encode(places) == encode(sorted(places, reverse=True))


def test_place_nought_is_the_leftmost_bit_of_the_first_byte() -> None:
    bits = gzip.decompress(unb64url(encode({0, 9})[1:]))
    assert len(bits) * 8 == PLACES == 131_072
    assert bits[:3] == bytes([0b1000_0000, 0b0100_0000, 0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u",
        "z" + encode(set())[1:],
        "u!!!",
        "u" + b64url(b"no gzip"),
        "u" + b64url(gzip.compress(bytes(10), mtime=0)),
        "u" + b64url(gzip.compress(bytes(PLACES // 8), mtime=0)[:-9]),
        "\ud800",
        "u\x00",
    ],
)
def test_what_is_no_list_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadStatusList):
        decode(text)


def test_a_place_beyond_the_list_is_a_mistake_of_ours() -> None:
    for place in (-1, PLACES):
        with pytest.raises(IndexError):
            encode({place})


def test_the_credential_of_a_list_says_how_long_it_is_good() -> None:
    day = datetime(2026, 11, 22, tzinfo=UTC)
    told = status_credential("https://x/1", "revocation", [3], issuer="did:web:x", day=day)
    assert told["validUntil"] > told["validFrom"]
    assert decode(told["credentialSubject"]["encodedList"]) == {3}
    assert told["credentialSubject"]["statusPurpose"] == "revocation"
