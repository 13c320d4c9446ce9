"""A witness's questions and answers (C2SP tlog-witness, `add-checkpoint`).

Rules.
1. A request is the line `old <size>`, up to 63 lines of a consistency proof in base64, an empty
   line, and the log's checkpoint as a signed note.
2. In this order: an unknown origin is 404; no valid signature by one of the origin's keys 403; an
   old size above the checkpoint's 400; an old size other than the one cosigned last 409 with that
   size as the body; equal sizes with different roots 409; a proof that does not hold 422.
3. Otherwise the witness stores the checkpoint as its newest, in one step with the comparison, and
   answers 200 with its cosignature lines.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trace.core.signing import BadSignature, TrustError, Unreadable
from trace.core.tlog.checkpoints import Checkpoint
from trace.core.tlog.errors import NotConsistent
from trace.core.tlog.notes import Note, NoteSignature, Verifier, parse_note, unbase64
from trace.core.tlog.proofs import verify_consistency
from trace.core.tlog.tiles import EMPTY_ROOT, HASH

MAX_PROOF: Final = 63
MAX_REQUEST: Final = 64 * 1024  # bytes: a checkpoint with a hundred signatures takes less
SIZE_TYPE: Final = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")


class WitnessRefusal(TrustError):
    """A witness does not cosign; `status` is the HTTP status of its answer."""

    code = "witness-refusal"
    usual_step = 7
    message = "The witness does not cosign: expected %(expected)s, got %(got)s."


class UnknownOrigin(WitnessRefusal):
    code = "unknown-origin"
    status = 404
    message = "The witness does not know this log: expected %(expected)s, got %(got)s."


class NotSignedByLog(WitnessRefusal):
    code = "not-signed-by-log"
    status = 403
    message = "The log has not signed this checkpoint: expected %(expected)s, got %(got)s."


class OldSizeAbove(WitnessRefusal):
    code = "old-size-above"
    status = 400
    message = "The old size is above the new one: expected %(expected)s, got %(got)s."


class OtherSize(WitnessRefusal):
    """The witness has cosigned another size; `size` is that one."""

    code = "other-size"
    status = 409
    message = "The witness saw another size last: expected %(expected)s, got %(got)s."

    def __init__(self, size: int, got: object) -> None:
        self.size = size
        super().__init__(f"old size {size}", got)


class OtherRoot(WitnessRefusal):
    """The same size with another root: the log has forked. `size` is what was cosigned."""

    code = "other-root"
    status = 409
    message = "The log shows another tree of the same size: expected %(expected)s, got %(got)s."

    def __init__(self, size: int, expected: object, got: object) -> None:
        self.size = size
        super().__init__(expected, got)


class DoesNotContinue(WitnessRefusal):
    code = "does-not-continue"
    status = 422
    message = "The proof of growth does not hold: expected %(expected)s, got %(got)s."


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: the size the client believes was cosigned last, the proof from it, the note."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def body(self) -> bytes:
        """The request as it is sent (rule 1)."""
        lines = [f"old {self.old}\n", *(f"{b64encode(node).decode()}\n" for node in self.proof)]
        return ("".join(lines) + "\n" + self.note).encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint a witness cosigned; size 0 with the empty root before the first."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Reads a request (rule 1). Raises Unreadable."""
    if len(data) > MAX_REQUEST:
        raise Unreadable(f"at most {MAX_REQUEST} bytes", len(data))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Unreadable("UTF-8", "other bytes") from None
    head, gap, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    found = _OLD.fullmatch(first)
    if not gap or found is None:
        raise Unreadable("old <size>, a proof, an empty line and a checkpoint", first)
    if len(lines) > MAX_PROOF:
        raise Unreadable(f"at most {MAX_PROOF} hashes", len(lines))
    proof = tuple(unbase64(line) for line in lines)
    if any(len(node) != HASH for node in proof):
        raise Unreadable("hashes of 32 bytes", "other lengths")
    Checkpoint.parse(parse_note(note).text)
    return AddCheckpoint(int(found[1]), proof, note)


def judge(request: AddCheckpoint, verifiers: Sequence[Verifier], seen: Seen) -> Checkpoint:
    """The checkpoint to cosign. `verifiers` are the keys trusted for the request's origin, none
    for an unknown origin; `seen` is what was cosigned last. Raises WitnessRefusal (rule 2)."""
    note = parse_note(request.note)
    checkpoint = Checkpoint.parse(note.text)
    if not verifiers:
        raise UnknownOrigin("a log this witness was told of", checkpoint.origin)
    if not any(_signed(note, verifier) for verifier in verifiers):
        raise NotSignedByLog(f"a signature by {checkpoint.origin}", "none that holds")
    if request.old > checkpoint.size:
        raise OldSizeAbove(f"an old size up to {checkpoint.size}", request.old)
    if request.old != seen.size:
        raise OtherSize(seen.size, request.old)
    if request.old == checkpoint.size and checkpoint.root != seen.root:
        raise OtherRoot(seen.size, seen.root.hex(), checkpoint.root.hex())
    try:
        verify_consistency(
            seen.size, checkpoint.size, seen.root, checkpoint.root, list(request.proof)
        )
    except NotConsistent as error:
        raise DoesNotContinue(error.expected, error.got) from None
    return checkpoint


def _signed(note: Note, verifier: Verifier) -> bool:
    try:
        note.check(verifier)
    except BadSignature:
        return False
    return True


def cosignature_lines(answer: str, note: str, verifiers: Sequence[Verifier]) -> list[str]:
    """The lines of a witness's answer by these keys that hold over the note, with their LF; lines
    by unknown keys are left out. Raises Unreadable, BadSignature."""
    if not answer.endswith("\n"):
        raise Unreadable("signature lines", answer[-40:])
    text = parse_note(note).text
    cosigned = parse_note(text + "\n" + answer)
    if cosigned.text != text:  # an empty line in the answer would make a text of what is above it
        raise Unreadable("signature lines and no empty one", answer[-40:])
    known = {(v.name, v.key_id): v for v in verifiers}
    lines = []
    for found, line in zip(cosigned.signatures, answer.splitlines(keepends=True), strict=True):
        verifier = known.get((found.name, found.key_id))
        if verifier is None:
            continue
        Note(text, (NoteSignature(found.name, found.key_id, found.signature),)).check(verifier)
        lines.append(line)
    return lines
