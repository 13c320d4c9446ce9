"""What a witness is asked and what it answers (C2SP tlog-witness, add-checkpoint)."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.signing import PrivateKey, TrustError, Unreadable
from trace.core.tlog import (
    EMPTY_ROOT,
    Checkpoint,
    Cosigner,
    append,
    consistency_proof,
    log_signer,
    root,
    sign_checkpoint,
)
from trace.core.tlog.witness import (
    AddCheckpoint,
    DoesNotContinue,
    NotSignedByLog,
    OldSizeAbove,
    OtherRoot,
    OtherSize,
    Seen,
    UnknownOrigin,
    WitnessRefusal,
    cosignature_lines,
    judge,
    parse_add_checkpoint,
)

ORIGIN = "trace.example/log"
LOG = log_signer(ORIGIN, PrivateKey.from_seed(bytes([1]) * 32))
WITNESS = Cosigner("witness.example/w1", PrivateKey.from_seed(bytes([2]) * 32))
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class Tiles:
    def __init__(self, size: int, salt: bytes = b"") -> None:
        leaves = [sha256(salt + bytes([n])).digest() for n in range(size)]
        self._tiles = {(t.level, t.index): t.data for t in append(0, self, leaves).tiles}

    def read(self, level: int, index: int, width: int) -> bytes:
        tiles = getattr(self, "_tiles", {})
        data: bytes = tiles.get((level, index), b"")
        return data[: 32 * width]


TREE = Tiles(200)
FORK = Tiles(200, b"another history")


def note(size: int, tree: Tiles = TREE) -> str:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root(size, tree)), LOG)


def asked(old: int, new: int, tree: Tiles = TREE) -> AddCheckpoint:
    return AddCheckpoint(old, tuple(consistency_proof(old, new, tree)), note(new, tree))


def seen(size: int) -> Seen:
    return Seen(size, root(size, TREE))


@pytest.mark.parametrize(
    ("old", "new"), [(0, 0), (0, 1), (0, 7), (1, 2), (7, 7), (7, 130), (64, 200)]
)
def test_a_log_that_only_grew_is_cosigned(old: int, new: int) -> None:
    assert judge(asked(old, new), [LOG.verifier], seen(old)).size == new


def test_a_request_is_read_as_it_was_written() -> None:
    request = asked(7, 130)
    assert parse_add_checkpoint(request.body) == request
    assert request.body.startswith(b"old 7\n")
    assert parse_add_checkpoint(asked(0, 5).body) == asked(0, 5)


@pytest.mark.parametrize(
    ("request_", "known", "refusal", "status"),
    [
        (asked(7, 9), [], UnknownOrigin, 404),
        (asked(7, 9), ["other"], NotSignedByLog, 403),
        (AddCheckpoint(9, (), note(7)), ["log"], OldSizeAbove, 400),
        (asked(6, 9), ["log"], OtherSize, 409),
        (asked(7, 7, FORK), ["log"], OtherRoot, 409),
        (asked(7, 9, FORK), ["log"], DoesNotContinue, 422),
        (AddCheckpoint(7, (), note(9)), ["log"], DoesNotContinue, 422),
        (AddCheckpoint(7, (bytes(32),), note(7)), ["log"], DoesNotContinue, 422),
    ],
)
def test_anything_else_is_refused_with_its_status(
    request_: AddCheckpoint, known: list[str], refusal: type[WitnessRefusal], status: int
) -> None:
    stranger = log_signer(ORIGIN, PrivateKey.from_seed(bytes([3]) * 32))
    keys = {"log": LOG.verifier, "other": stranger.verifier}
    with pytest.raises(refusal) as refused:
        judge(request_, [keys[name] for name in known], seen(7))
    assert refused.value.status == status


def test_the_refusal_of_another_size_tells_which_size_was_seen() -> None:
    with pytest.raises(OtherSize) as refused:
        judge(asked(0, 9), [LOG.verifier], seen(7))
    assert refused.value.size == 7


def test_an_empty_log_with_another_root_is_not_the_empty_log() -> None:
    false = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    with pytest.raises(OtherRoot):
        judge(AddCheckpoint(0, (), false), [LOG.verifier], Seen())
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG)
    assert judge(AddCheckpoint(0, (), empty), [LOG.verifier], Seen()).size == 0


def test_either_key_of_an_origin_is_enough_while_it_changes() -> None:
    new = log_signer(ORIGIN, PrivateKey.from_seed(bytes([4]) * 32))
    assert judge(asked(7, 9), [new.verifier, LOG.verifier], seen(7)).size == 9


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 7",
        b"old 07\n\n" + note(9).encode(),
        b"old -1\n\n" + note(9).encode(),
        b"old 7\r\n\n" + note(9).encode(),
        b"old 7\nAAAA\n\n" + note(9).encode(),
        b"old 7\nnot base64\n\n" + note(9).encode(),
        b"old 7\n" + b"A" * 43 + b"=\n" * 1 + b"\n" + b"no note at all",
        b"old 7\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + note(9).encode(),
        b"old 7\n\n" + note(9).encode()[:-10],
        b"\xff" * 40,
        b"old 7\n\n" + b"x" * 70_000,
    ],
)
def test_a_request_out_of_form_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_add_checkpoint(body)


BODY = asked(7, 130).body


@given(st.integers(0, len(BODY) * 8 - 1))
def test_no_flipped_bit_is_cosigned_as_it_stood(bit: int) -> None:
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        cosigned = judge(parse_add_checkpoint(bytes(changed)), [LOG.verifier], seen(7))
    except TrustError:
        return
    # What still passes is the same checkpoint: the flip hit a line nobody knows the key of.
    assert cosigned.text == Checkpoint(ORIGIN, 130, root(130, TREE)).text


def test_only_lines_of_known_keys_are_taken_from_an_answer() -> None:
    checkpoint = note(9)
    stranger = Cosigner("elsewhere.example", PrivateKey.from_seed(bytes([5]) * 32))
    text = checkpoint.rpartition("\n\n")[0] + "\n"
    good = WITNESS.line(text, NOW)
    answer = stranger.line(text, NOW) + good
    assert cosignature_lines(answer, checkpoint, [WITNESS.verifier]) == [good]
    assert cosignature_lines(answer, checkpoint, []) == []


def test_a_cosignature_of_something_else_is_not_taken() -> None:
    other = WITNESS.line(Checkpoint(ORIGIN, 10, bytes(32)).text, NOW)
    with pytest.raises(TrustError):
        cosignature_lines(other, note(9), [WITNESS.verifier])
    for answer in ("", "garbage", "garbage\n", "— witness.example/w1 AAAA\n"):
        with pytest.raises(TrustError):
            cosignature_lines(answer, note(9), [WITNESS.verifier])
