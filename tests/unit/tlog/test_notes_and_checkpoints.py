"""Signed notes, verifier keys, checkpoints and cosignatures (C2SP)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.world import ORIGIN, START, private_key
from trace.core.signing import BadSignature, TrustError, Unreadable
from trace.core.tlog import (
    Checkpoint,
    Cosigner,
    NotWitnessed,
    Signer,
    Verifier,
    add_signatures,
    id_base_of_origin,
    log_signer,
    open_checkpoint,
    open_note,
    origin_of,
    parse_note,
    sign_checkpoint,
    sign_note,
)

KEY = private_key("log")
SIGNER = log_signer(ORIGIN, KEY)
CHECKPOINT = Checkpoint(ORIGIN, 42, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)
WITNESS = Cosigner("witness.example/w1", private_key("witness"))


def test_a_verifier_key_is_name_id_and_key() -> None:
    name, key_id, data = SIGNER.verifier.vkey.split("+", 2)
    assert name == ORIGIN
    assert b64decode(data) == b"\x01" + KEY.public.raw
    assert sha256(name.encode() + b"\n\x01" + KEY.public.raw).hexdigest()[:8] == key_id
    assert Verifier.parse(SIGNER.verifier.vkey) == SIGNER.verifier
    assert Verifier.parse(WITNESS.verifier.vkey).kind == 0x04


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        SIGNER.verifier.vkey.replace("+", "+0", 1),
        SIGNER.verifier.vkey[:-4],
        "other" + SIGNER.verifier.vkey,
        f"a b+00000000+{b64encode(bytes(33)).decode()}",
        f"+00000000+{b64encode(bytes(33)).decode()}",
        SIGNER.verifier.vkey + "é",
    ],
)
def test_a_verifier_key_of_any_other_form_is_refused(vkey: str) -> None:
    with pytest.raises(Unreadable):
        Verifier.parse(vkey)


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    origin, size, root, empty, signature, end = NOTE.split("\n")
    assert (origin, size, empty, end) == (ORIGIN, "42", "", "")
    assert b64decode(root) == CHECKPOINT.root
    assert signature.startswith(f"— {ORIGIN} ")
    assert open_checkpoint(NOTE, SIGNER.verifier) == CHECKPOINT


def test_extension_lines_are_kept_and_signed() -> None:
    longer = Checkpoint(ORIGIN, 42, bytes(32), ("one", "two"))
    assert open_checkpoint(sign_checkpoint(longer, SIGNER), SIGNER.verifier) == longer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n42\n",
        f"{ORIGIN}\n042\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n-1\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n42\n{b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n42\n{b64encode(bytes(32)).decode().rstrip('=')}\n",
        f"{ORIGIN}\n42\n{b64encode(bytes(32)).decode()}",
        f"{ORIGIN}\n42\n{b64encode(bytes(32)).decode()}\n\n",
        f"\n42\n{b64encode(bytes(32)).decode()}\n",
    ],
)
def test_a_checkpoint_of_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        Checkpoint.parse(text)


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_no_bit_of_a_checkpoint_may_change(bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TrustError):
        open_checkpoint(raw.decode("utf-8", "replace"), SIGNER.verifier)


def test_a_checkpoint_by_another_log_or_key_is_refused() -> None:
    for verifier in (
        Verifier(ORIGIN, private_key("another").public),
        Verifier("another.example/log", KEY.public),
    ):
        with pytest.raises(NotWitnessed):
            open_checkpoint(NOTE, verifier)


def test_unknown_signatures_are_passed_over_and_a_false_one_of_a_known_key_refuses() -> None:
    stranger = Signer("stranger.example", private_key("stranger"))
    both = add_signatures(NOTE, [stranger.line(CHECKPOINT.text)])
    assert open_checkpoint(both, SIGNER.verifier) == CHECKPOINT
    assert open_note(both, [SIGNER.verifier, stranger.verifier]).text == CHECKPOINT.text
    false = add_signatures(NOTE, [SIGNER.line("another text\n")])
    with pytest.raises(NotWitnessed):
        open_checkpoint(false, SIGNER.verifier)
    with pytest.raises(BadSignature):
        open_note(NOTE, [stranger.verifier])


def test_a_cosignature_carries_its_moment_and_holds_for_this_text_only() -> None:
    note = parse_note(add_signatures(NOTE, [WITNESS.line(CHECKPOINT.text, START)]))
    assert note.check(WITNESS.verifier) == START
    other = parse_note(add_signatures(NOTE, [WITNESS.line("another\n", START)]))
    with pytest.raises(BadSignature):
        other.check(WITNESS.verifier)
    with pytest.raises(BadSignature):  # the same key as a plain signer is another key
        note.check(Verifier(WITNESS.name, WITNESS.key.public))


def test_the_newest_of_several_cosignatures_counts() -> None:
    later = START + timedelta(hours=1)
    lines = [WITNESS.line(CHECKPOINT.text, moment) for moment in (later, START)]
    assert parse_note(add_signatures(NOTE, lines)).check(WITNESS.verifier) == later


def test_a_cosignature_with_another_moment_is_refused() -> None:
    line = WITNESS.line(CHECKPOINT.text, START)
    name, data = line.strip().split(" ")[1:]
    raw = bytearray(b64decode(data))
    raw[11] ^= 1
    forged = f"— {name} {b64encode(bytes(raw)).decode()}\n"
    with pytest.raises(BadSignature):
        parse_note(add_signatures(NOTE, [forged])).check(WITNESS.verifier)


@pytest.mark.parametrize("tail", [b"", bytes(8), bytes(71), bytes(73)])
def test_a_cosignature_of_another_length_is_refused(tail: bytes) -> None:
    data = b64encode(WITNESS.verifier.key_id + tail + b"x").decode()
    note = add_signatures(NOTE, [f"— {WITNESS.name} {data}\n"])
    with pytest.raises(TrustError):
        parse_note(note).check(WITNESS.verifier)


def test_a_moment_beyond_all_calendars_is_refused() -> None:
    seconds = 2**63
    signed = f"cosignature/v1\ntime {seconds}\n{CHECKPOINT.text}".encode()
    data = WITNESS.verifier.key_id + seconds.to_bytes(8) + WITNESS.key.sign(signed)
    note = add_signatures(NOTE, [f"— {WITNESS.name} {b64encode(data).decode()}\n"])
    with pytest.raises(BadSignature):
        parse_note(note).check(WITNESS.verifier)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name AAAA",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n— name\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAAA\n",
        "text\r\n\n— name AAAAAAAA\n",
        "text\t\n\n— name AAAAAAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 101,
        "t" * 1_000_001,
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(Unreadable):
        parse_note(note)


@pytest.mark.parametrize("text", ["", "no end", "tab\t\n", "\ud800\n"])
def test_a_text_that_no_note_may_have_is_not_signed(text: str) -> None:
    with pytest.raises(Unreadable):
        sign_note(text, [SIGNER])


def test_a_text_with_empty_lines_keeps_them() -> None:
    text = "one\n\ntwo\n"
    assert open_note(sign_note(text, [SIGNER]), [SIGNER.verifier]).text == text


def test_the_origin_is_the_base_without_scheme() -> None:
    assert origin_of("https://trace.example") == ORIGIN
    assert origin_of("https://a.example/stem") == "a.example/stem/log"
    assert id_base_of_origin("a.example/stem/log") == "https://a.example/stem"
    with pytest.raises(Unreadable):
        id_base_of_origin("a.example")
