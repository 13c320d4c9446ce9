"""Proofs as text: kept in a file, checked without a connection (C2SP tlog-proof)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.signing import PrivateKey, TrustError, Unreadable
from trace.core.tlog import (
    Checkpoint,
    Interiors,
    NotInLog,
    Proof,
    append,
    inclusion_proof,
    leaf_hash,
    log_signer,
    parse_policy,
    parse_proof,
    sign_checkpoint,
    verify_inclusion,
    verify_proof,
)

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ORIGIN = "trace.example/log"
LOG = log_signer(ORIGIN, PrivateKey.from_seed(bytes([1]) * 32))
POLICY = parse_policy(f"log {LOG.verifier.vkey}\nquorum none\n".encode())
ENTRIES = [f"entry {n}".encode() for n in range(600)]


class Tiles:
    def __init__(self) -> None:
        self.reads = 0
        self._tiles: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, index: int, width: int) -> bytes:
        self.reads += 1
        return self._tiles.get((level, index), b"")[: 32 * width]

    def fill(self) -> bytes:
        made = append(0, self, [leaf_hash(entry) for entry in ENTRIES])
        self._tiles = {(t.level, t.index): t.data for t in made.tiles}
        return made.root


TILES = Tiles()
ROOT = TILES.fill()
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 600, ROOT), LOG)


def proof(index: int, extra: bytes | None = None) -> Proof:
    return Proof(index, tuple(inclusion_proof(index, 600, TILES)), NOTE, extra)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 598, 599])
@pytest.mark.parametrize("extra", [None, b"", b"context"])
def test_a_proof_is_read_as_written_and_holds(index: int, extra: bytes | None) -> None:
    made = proof(index, extra)
    assert made.text.startswith("c2sp.org/tlog-proof@v1\n")
    assert parse_proof(made.text) == made
    assert verify_proof(made, ENTRIES[index], POLICY, now=NOW).checkpoint.size == 600


def test_a_log_of_one_entry_needs_no_hash() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, leaf_hash(b"one")), LOG)
    single = parse_proof(Proof(0, (), note).text)
    assert verify_proof(single, b"one", POLICY, now=NOW).checkpoint.size == 1


def test_a_proof_of_another_entry_or_place_does_not_hold() -> None:
    with pytest.raises(NotInLog):
        verify_proof(proof(7), ENTRIES[8], POLICY, now=NOW)
    moved = Proof(8, proof(7).hashes, NOTE)
    with pytest.raises(NotInLog):
        verify_proof(moved, ENTRIES[7], POLICY, now=NOW)


TEXT = proof(300).text.encode()


@given(st.integers(0, len(TEXT) * 8 - 1))
def test_no_flipped_bit_goes_unnoticed(bit: int) -> None:
    changed = bytearray(TEXT)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TrustError):
        _check(bytes(changed))


def _check(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Unreadable("UTF-8", "other bytes") from None
    verify_proof(parse_proof(text), ENTRIES[300], POLICY, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 1\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nindex 01\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra ?\nindex 1\n\n" + NOTE,
        proof(1).text.replace("\n", "\r\n"),
        "c2sp.org/tlog-proof@v1\nindex 1\n" + ("A" * 43 + "=\n") * 64 + "\n" + NOTE,
    ],
)
def test_text_out_of_form_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_proof(text)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 255, 256, 257, 300, 511, 512, 513, 600])
def test_proofs_from_kept_interiors_are_the_same_and_read_no_tile_twice(size: int) -> None:
    root = append(0, Tiles(), [leaf_hash(entry) for entry in ENTRIES[:size]]).root
    kept = Interiors()
    for index in range(size):
        path = inclusion_proof(index, size, TILES, kept)
        verify_inclusion(leaf_hash(ENTRIES[index]), index, size, path, root)
    before = TILES.reads
    for index in range(size):
        inclusion_proof(index, size, TILES, kept)
    assert TILES.reads == before


def test_the_room_for_interiors_is_bounded() -> None:
    kept = Interiors(1)
    for index in (0, 300, 0, 599):
        path = inclusion_proof(index, 600, TILES, kept)
        verify_inclusion(leaf_hash(ENTRIES[index]), index, 600, path, ROOT)
