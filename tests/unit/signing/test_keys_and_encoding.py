"""Keys, sealing, base64url, strict JSON and the closed JOSE header."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.world import Passkey, Stream, private_key
from trace.core.signing import (
    BadSignature,
    PasskeyPublicKey,
    PrivateKey,
    PublicKey,
    SealBroken,
    TrustError,
    Unreadable,
    b64url,
    dumps,
    loads_strict,
    parse_compact,
    parse_kid,
    seal_key,
    sign_compact,
    unb64url,
    unseal_key,
    verify_compact,
)

KEK = bytes(range(32))
KID = "did:web:trace.example:o:7K3QMP2XV4#k1"


@given(st.binary(max_size=80))
def test_base64url_has_one_text_for_each_byte_string(data: bytes) -> None:
    text = b64url(data)
    assert "=" not in text
    assert unb64url(text) == data


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "A-+/", "A B", "AAA\n", "Ä", "AAAAA"])
def test_any_other_text_of_the_same_bytes_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        unb64url(text)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_strict_json_reads_what_any_honest_writer_writes(value: object) -> None:
    assert loads_strict(dumps(value)) == value
    assert loads_strict(json.dumps(value, indent=2)) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1, "\\u0061":2}',
        '[{"b":{"c":1,"c":1}}]',
        "9007199254740992",
        "-9007199254740992",
        "123456789012345678901234567890",
        "0.1000000000000000000001",
        "1e400",
        "1" * 5000,
        "NaN",
        "Infinity",
        '"\\ud800"',
        '"a\nb"',
        "01",
        "1 2",
        "[1,]",
        "{'a':1}",
        "",
        "\ufeff1",
        "[" * 100 + "]" * 100,
        "[" * 100_000,
    ],
)
def test_strict_json_refuses_what_two_readers_could_read_differently(text: str) -> None:
    with pytest.raises(Unreadable):
        loads_strict(text)


@pytest.mark.parametrize("data", [b'"\xff"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1"])
def test_strict_json_refuses_what_is_not_utf_8(data: bytes) -> None:
    with pytest.raises(Unreadable):
        loads_strict(data)


@pytest.mark.parametrize("text", ["1.50", "1E3", "100000000000000000000.0", "-0", "0.1", "5e-324"])
def test_strict_json_keeps_numbers_by_value_however_they_are_written(text: str) -> None:
    assert float(loads_strict(text)) == float(text)


@pytest.mark.parametrize("value", [2**53, object(), {1: 2}, "\ud800"])
def test_what_no_reader_could_keep_is_not_written(value: object) -> None:
    with pytest.raises(Unreadable):
        dumps(value)


def test_a_key_signs_what_only_its_public_key_accepts() -> None:
    key, other = private_key("one"), PrivateKey.generate()
    signature = key.sign(b"message")
    key.public.verify(signature, b"message")
    for public, message in ((other.public, b"message"), (key.public, b"massage")):
        with pytest.raises(BadSignature):
            public.verify(signature, message)


@given(st.integers(0, 64 * 8 - 1))
def test_no_bit_of_a_signature_may_change(bit: int) -> None:
    key = private_key("one")
    signature = bytearray(key.sign(b"message"))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSignature):
        key.public.verify(bytes(signature), b"message")


def test_a_public_key_survives_its_jwk_and_shows_no_secret() -> None:
    key = private_key("one")
    assert PublicKey.from_jwk(key.public.jwk) == key.public
    assert PrivateKey.from_seed(key.seed).public == key.public
    assert b64url(key.seed) not in repr(key)
    passkey = Passkey("one")
    assert PasskeyPublicKey.from_jwk(passkey.public.jwk).jwk == passkey.public.jwk


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AA"},
        {"kty": "EC"},
        {"crv": "X25519"},
        {"x": "AA"},
        {"x": 5},
        {"x": "A" * 42 + "B"},
        {"alg": "Ed25519"},
    ],
)
def test_a_jwk_of_any_other_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        PublicKey.from_jwk({**private_key("one").public.jwk, **change})


@pytest.mark.parametrize("change", [{"x": "AA"}, {"y": b64url(bytes(32))}, {"crv": "P-384"}])
def test_a_passkey_off_the_curve_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        PasskeyPublicKey.from_jwk({**Passkey("one").public.jwk, **change})


def test_a_sealed_key_opens_only_for_its_organisation_its_name_and_its_key() -> None:
    key = private_key("one")
    sealed = seal_key(key, KEK, org="org", kid=KID, randbytes=Stream("nonce"))
    assert key.seed not in sealed
    assert unseal_key(sealed, KEK, org="org", kid=KID).public == key.public
    for kek, org, kid in (
        (bytes(32), "org", KID),
        (KEK, "another", KID),
        (KEK, "org", KID + "2"),
        (KEK, "or", "g" + KID),
    ):
        with pytest.raises(SealBroken):
            unseal_key(sealed, kek, org=org, kid=kid)


@given(st.integers(0, 61 * 8 - 1))
def test_no_bit_of_a_sealed_key_may_change(bit: int) -> None:
    sealed = bytearray(seal_key(private_key("one"), KEK, org="o", kid=KID, randbytes=Stream("n")))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        unseal_key(bytes(sealed), KEK, org="o", kid=KID)


def test_a_cut_sealed_key_does_not_open() -> None:
    with pytest.raises(SealBroken):
        unseal_key(b"\x01short", KEK, org="o", kid=KID)


def test_a_compact_jws_has_exactly_the_closed_header() -> None:
    text = sign_compact(b'{"a":1}', typ="t+jwt", kid=KID, key=private_key("one"))
    jws = parse_compact(text, typ="t+jwt")
    assert list(jws.header) == ["alg", "typ", "kid"]
    assert jws.header["alg"] == "Ed25519"
    verify_compact(jws, private_key("one").public)
    with pytest.raises(BadSignature):
        parse_compact(text, typ="u+jwt")


@given(st.data())
def test_no_bit_of_a_jws_may_change(data: st.DataObject) -> None:
    key = private_key("one")
    text = sign_compact(b'{"a":1}', typ="t+jwt", kid=KID, key=key)
    raw = bytearray(text.encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TrustError):
        verify_compact(parse_compact(raw.decode("latin-1"), typ="t+jwt"), key.public)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "..", "é.é.é", "e30.e30."])
def test_what_is_no_jws_is_refused(text: str) -> None:
    with pytest.raises(TrustError):
        parse_compact(text, typ="t+jwt")


@pytest.mark.parametrize(
    "kid", ["", "#", "a#", "#k", "a#k#l", "a#k l", "a b#k", "a#" + "k" * 65, "a#k\n"]
)
def test_a_kid_is_an_issuer_and_a_name(kid: str) -> None:
    assert parse_kid(KID).name == "k1"
    with pytest.raises(Unreadable):
        parse_kid(kid)
