"""The smaller formats: approvals, erasures, receipts, bundles."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.story import tell_story
from tests.golden.world import ORIGIN, RP_ID, RP_ORIGIN, START, Passkey, private_key
from trace.core.signing import BadSignature, TrustError, Unreadable, b64url
from trace.core.statements import (
    ERASABLE,
    Assertion,
    Head,
    NotApproved,
    NotErasable,
    Statement,
    approval_challenge,
    check_assertion,
    disclosures_of,
    erased_paths,
    erasure_digests,
    make_receipt,
    open_receipt,
    open_statement,
    parse_bundle,
    present,
    tags,
)
from trace.core.tlog import Verifier
from trace.core.verify import verify_bundle

STORY = tell_story()

# -- approvals -------------------------------------------------------------------------------------

PASSKEY = Passkey("approver")
HASHES = [b64url(bytes([n]) * 32) for n in (2, 1)]
CHALLENGE = approval_challenge(HASHES)
APPROVED = PASSKEY.assertion(CHALLENGE)


def approve(assertion: Assertion, **members: Any) -> None:
    arguments: dict[str, Any] = {"challenge": CHALLENGE, "rp_id": RP_ID, "origin": RP_ORIGIN}
    check_assertion(assertion, PASSKEY.public, **{**arguments, **members})


def test_the_challenge_is_over_the_sorted_hashes() -> None:
    text = "\n".join(["trace-approval/v1", *sorted(HASHES)])
    assert sha256(text.encode()).digest() == CHALLENGE
    assert approval_challenge(reversed(HASHES)) == CHALLENGE
    assert approval_challenge(HASHES[:1]) != CHALLENGE


def test_an_assertion_by_the_registered_passkey_approves() -> None:
    approve(PASSKEY.assertion(CHALLENGE))


@pytest.mark.parametrize(
    "members",
    [
        {"challenge": approval_challenge(HASHES[:1])},
        {"rp_id": "evil.example"},
        {"origin": "https://evil.example"},
    ],
)
def test_an_assertion_for_anything_else_approves_nothing(members: dict[str, Any]) -> None:
    with pytest.raises(NotApproved):
        approve(PASSKEY.assertion(CHALLENGE), **members)


@pytest.mark.parametrize(
    "client",
    [
        b"",
        b"{}",
        b"[]",
        b'{"type":"webauthn.create"}',
        b'{"type":"webauthn.get","type":"webauthn.get"}',
        f'{{"type":"webauthn.get","challenge":"{b64url(CHALLENGE)}"}}'.encode(),
        (
            f'{{"type":"webauthn.get","challenge":"{b64url(CHALLENGE)}",'
            f'"origin":"{RP_ORIGIN}","crossOrigin":true}}'
        ).encode(),
    ],
)
def test_client_data_of_any_other_kind_approve_nothing(client: bytes) -> None:
    with pytest.raises(NotApproved):
        approve(replace(PASSKEY.assertion(CHALLENGE), client_data_json=client))


@given(st.data())
def test_no_bit_of_an_assertion_may_change(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["authenticator_data", "client_data_json", "signature"]))
    raw = bytearray(getattr(APPROVED, name))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotApproved):
        approve(replace(APPROVED, **{name: bytes(raw)}))


# -- erasure ---------------------------------------------------------------------------------------


def test_erasing_a_person_takes_the_event_id_along_and_what_hangs_below() -> None:
    statement = STORY.harvested.statement
    paths = erased_paths(statement, ["trace:performedBy", "trace:note"])
    assert paths == ["eventID", "trace:performedBy", "trace:note"]
    digests = erasure_digests(statement, ["trace:performedBy", "trace:note"])
    assert digests == sorted(d.digest for d in statement.disclosures if d.path in paths)
    assert erased_paths(statement, []) == []


@pytest.mark.parametrize(
    "path",
    [
        "outputQuantityList",
        "inputQuantityList",
        "ilmd",
        "ilmd/cbvmda:lotNumber",
        "trace:notice",
        "bizStep",
        "errorDeclaration",
        "trace:attachments",  # personal, but this statement has none
        "",
    ],
)
def test_notices_quantities_and_core_are_never_erased(path: str) -> None:
    with pytest.raises(NotErasable):
        erasure_digests(STORY.harvested.statement, [path])


def test_nothing_erasable_is_core_or_a_quantity() -> None:
    from trace.core.statements import CORE, THING_MEMBERS

    assert ERASABLE.isdisjoint(CORE)
    assert ERASABLE.isdisjoint(THING_MEMBERS)


def test_what_is_left_after_an_erasure_still_verifies() -> None:
    statement = STORY.harvested.statement
    gone = erased_paths(statement, ["readPoint", "trace:recordedBy"])
    texts = [None if d.path in gone else d.text for d in statement.disclosures]
    left = Statement(statement.jwt, disclosures_of(statement.jwt, texts))
    assert set(open_statement(present(left)).withheld) == set(gone)


# -- receipts --------------------------------------------------------------------------------------

KEY = private_key("receipt")
NAME = "did:web:trace.example:o:7K3QMP2XV4#receipt-1"
HEADS = [Head(name, n, n + 3) for n, name in enumerate(tags(bytes(32), "x", 0, 3))]


def receipt(**members: Any) -> str:
    arguments: dict[str, Any] = {
        "origin": ORIGIN,
        "size": 9,
        "root": bytes(32),
        "time": START,
        "heads": HEADS,
        "name": NAME,
        "key": KEY,
    }
    return make_receipt(**{**arguments, **members})


def test_a_receipt_reads_back_with_its_heads_sorted_by_tag() -> None:
    read, note = open_receipt(receipt())
    assert (read.origin, read.size, read.time) == (ORIGIN, 9, START)
    assert list(read.heads) == sorted(HEADS)
    assert note.check(Verifier(NAME, KEY.public)) is None
    with pytest.raises(BadSignature):
        note.check(Verifier(NAME, private_key("another").public))


def test_a_receipt_without_chains_is_a_receipt() -> None:
    assert open_receipt(receipt(heads=[]))[0].heads == ()


@pytest.mark.parametrize(
    "members",
    [
        {"size": 0},
        {"size": 4},
        {"root": bytes(31)},
        {"origin": ""},
        {"origin": "a\nb"},
        {"heads": [HEADS[0], HEADS[0]]},
        {"heads": [Head("short", 0, 1)]},
    ],
)
def test_a_receipt_of_any_other_form_is_not_written(members: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        receipt(**members)


@given(st.data())
def test_no_bit_of_a_receipt_may_change(data: st.DataObject) -> None:
    raw = bytearray(receipt().encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TrustError):
        open_receipt(raw.decode("latin-1"))[1].check(Verifier(NAME, KEY.public))


# -- bundles ---------------------------------------------------------------------------------------


def changed(change: Callable[[Any], None]) -> bytes:
    value = json.loads(STORY.bundle())
    change(value)
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.pop("receipt"),
        lambda b: b.update(subject=5),
        lambda b: b.update(v=True),
        lambda b: b.update(statements={}),
        lambda b: b["statements"].reverse(),
        lambda b: b["entries"].reverse(),
        lambda b: b["entries"].append(b["entries"][-1]),
        lambda b: b["entries"].append(
            {k: b["statements"][0][k] for k in ("index", "entry", "path")}
        ),
        lambda b: b["chains"].append(b["chains"][0]),
        lambda b: b["chains"][0].update(salt="AAAA"),
        lambda b: b["chains"][0].update(salt="=" * 43),
        lambda b: b["statements"][0].update(index=-1),
        lambda b: b["statements"][0].update(index=1.0),
        lambda b: b["statements"][0].update(index="1"),
        lambda b: b["statements"][0].update(path=["AAAA"]),
        lambda b: b["statements"][0].update(path=[5]),
        lambda b: b["statements"][0].update(path=[b64url(bytes(32))] * 65),
        lambda b: b["statements"][0].pop("sdjwt"),
        lambda b: b["statements"][0].update(extra=1),
        lambda b: b.update(since={"checkpoint": "x"}),
        lambda b: b.update(since={"checkpoint": "x", "proof": [1]}),
        lambda b: b.update(since=None),
        lambda b: b.update(attachments=[5]),
    ],
)
def test_a_bundle_of_any_other_form_is_unreadable(change: Callable[[Any], None]) -> None:
    with pytest.raises(Unreadable):
        parse_bundle(changed(change))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_bit_of_a_bundle_may_change_and_go_unnoticed(data: st.DataObject) -> None:
    good = STORY.bundle()
    raw = bytearray(good)
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TrustError):
        verify_bundle(bytes(raw), STORY.world.policy(), STORY.world.now)
