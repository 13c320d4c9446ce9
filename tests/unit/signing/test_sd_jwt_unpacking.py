"""Putting disclosures back, strictly (RFC 9901 sections 4.2, 7.1 and 7.3)."""

from __future__ import annotations

import json

import pytest

from trace.core.signing import DisclosureMismatch, Unreadable, b64url
from trace.core.signing.sdjwt import (
    digest_of,
    make_disclosure,
    parse_disclosure,
    split_sd_jwt,
    unpack,
)

SALT = bytes(range(16))
NAME = make_disclosure(SALT, "Bình", "name")
ELEMENT = make_disclosure(SALT, {"a": 1})


def raw(value: object) -> str:
    return b64url(json.dumps(value).encode())


def test_members_and_elements_come_back_where_they_were() -> None:
    payload = {"_sd": [digest_of(NAME)], "list": ["x", {"...": digest_of(ELEMENT)}]}
    done = unpack(payload, [ELEMENT, NAME])
    assert done.claims == {"name": "Bình", "list": ["x", {"a": 1}]}
    assert done.shown == {NAME: ("name",), ELEMENT: ("list", 1)}


def test_what_is_not_disclosed_stays_hidden_and_counted() -> None:
    payload = {"_sd": [digest_of(NAME)], "list": ["x", {"...": digest_of(ELEMENT)}]}
    done = unpack(payload, [])
    assert done.claims == {"list": ["x"]}
    assert done.hidden_elements == [("list", 1)]
    assert set(done.hidden_digests) == {digest_of(NAME), digest_of(ELEMENT)}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"_sd": []},
        {"_sd": [digest_of(NAME), digest_of(NAME)]},
        {"_sd": [digest_of(NAME)], "x": {"_sd": [digest_of(NAME)]}},
        {"_sd": [digest_of(NAME)], "name": "Minh"},
        {"_sd": "x"},
        {"_sd": [5]},
        {"_sd": ["short"]},
        {"list": [{"...": digest_of(NAME)}]},
        {"list": [{"...": digest_of(NAME), "more": 1}]},
        {"...": digest_of(NAME)},
        {"_sd": [digest_of(NAME)], "_sd_alg": "sha-512"},
        {"_sd": [digest_of(NAME)], "x": {"_sd_alg": "sha-256"}},
    ],
)
def test_a_disclosure_is_referenced_once_in_its_place_or_refused(
    payload: dict[str, object],
) -> None:
    with pytest.raises(DisclosureMismatch):
        unpack(payload, [NAME])


def test_an_element_is_no_member() -> None:
    with pytest.raises(DisclosureMismatch):
        unpack({"_sd": [digest_of(ELEMENT)]}, [ELEMENT])


def test_a_disclosure_given_twice_is_refused() -> None:
    with pytest.raises(DisclosureMismatch):
        unpack({"_sd": [digest_of(NAME)]}, [NAME, NAME])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        raw({}),
        raw([]),
        raw(["x"]),
        raw([b64url(SALT), "n", 1, 2]),
        raw(["short", "n", 1]),
        raw([b64url(SALT) + "A", "n", 1]),
        raw([5, "n", 1]),
        raw(["A" * 21 + "B", "n", 1]),
        raw([b64url(SALT), 5, 1]),
        raw([b64url(SALT), "_sd", []]),
        raw([b64url(SALT), "_sd_alg", "sha-256"]),
        raw([b64url(SALT), "...", 1]),
        b64url(b'["' + b64url(SALT).encode() + b'","n",{"a":1,"a":2}]'),
        NAME + "=",
    ],
)
def test_a_disclosure_of_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(DisclosureMismatch):
        parse_disclosure(text)


def test_a_presentation_ends_with_a_tilde_and_has_no_key_binding() -> None:
    assert split_sd_jwt("jwt~a~b~") == ("jwt", ["a", "b"])
    assert split_sd_jwt("jwt~") == ("jwt", [])
    for text in ("jwt", "jwt~a", "jwt~a~kb.kb.kb", "jwt~" + "a~" * 9000):
        with pytest.raises(Unreadable):
            split_sd_jwt(text)


def test_a_chain_of_disclosures_inside_disclosures_is_followed() -> None:
    inner = make_disclosure(SALT, 1, "inner")
    outer = make_disclosure(SALT, {"_sd": [digest_of(inner)]}, "outer")
    assert unpack({"_sd": [digest_of(outer)]}, [inner, outer]).claims == {"outer": {"inner": 1}}
    with pytest.raises(DisclosureMismatch):
        unpack({"_sd": [digest_of(outer)]}, [inner])
