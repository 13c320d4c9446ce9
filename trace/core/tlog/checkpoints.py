"""Checkpoints (C2SP tlog-checkpoint v1): origin, size and root as the text of a signed note.

Rules.
1. Line 1 is the origin: the identifier base without scheme, and `/log`. Line 2 is the size in
   decimal without leading zeros. Line 3 is the root in standard base64. Further lines, if any, are
   extensions and not empty.
2. The log signs under a key whose name is the origin; witnesses cosign the same text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from trace.core.signing import PrivateKey, Unreadable
from trace.core.signing.errors import BadSignature
from trace.core.tlog.errors import NotWitnessed
from trace.core.tlog.notes import Note, Signer, Verifier, parse_note, sign_note, unbase64
from trace.core.tlog.tiles import HASH

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_ORIGIN = re.compile(r"(\S+?)/log(?:/(?:[2-9]|[1-9][0-9]{1,5}))?")


def origin_of(id_base: str, number: int = 1) -> str:
    """The origin line of the log under a base: `https://a.example/b` gives `a.example/b/log`.

    A log begun anew (number 2 and on) bears its number: `a.example/b/log/2`.
    """
    return id_base.partition("://")[2] + "/log" + (f"/{number}" if number > 1 else "")


def id_base_of_origin(origin: str) -> str:
    """The identifier base whose log has this origin line. Raises Unreadable for a foreign one."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        raise Unreadable("an origin that ends in /log or /log/<number>", origin)
    return "https://" + found[1]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at one size: `root` has 32 bytes."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed (rule 1)."""
        lines = [self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Reads the text of a checkpoint. Raises Unreadable."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] != "" or "" in lines[:-1]:
            raise Unreadable("origin, size and root, each on its line", text)
        origin, size, root_text, *extensions = lines[:-1]
        if not _SIZE.fullmatch(size):
            raise Unreadable("a size in decimal", size)
        root = unbase64(root_text)
        if len(root) != HASH:
            raise Unreadable("a root of 32 bytes", f"{len(root)} bytes")
        return cls(origin, int(size), root, tuple(extensions))


def log_signer(origin: str, key: PrivateKey) -> Signer:
    """The signer of a log's checkpoints (rule 2)."""
    return Signer(origin, key)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The checkpoint as a note signed by the log."""
    return sign_note(checkpoint.text, [signer])


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """Reads a checkpoint signed by its log. Raises Unreadable or NotWitnessed."""
    return read_checkpoint(note, verifier)[0]


def open_checkpoint_by(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Reads a checkpoint that one of these keys signed: a log has two while its key is changed.

    Raises Unreadable or NotWitnessed.
    """
    refusal: NotWitnessed | None = None
    for verifier in verifiers:
        try:
            return open_checkpoint(note, verifier)
        except NotWitnessed as error:
            refusal = error
    raise refusal or NotWitnessed("a key to check the checkpoint with", "none")


def read_checkpoint(note: str, verifier: Verifier) -> tuple[Checkpoint, Note]:
    """The same, with the note for its cosignatures."""
    opened = parse_note(note)
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != verifier.name:
        raise NotWitnessed(f"a checkpoint of {verifier.name}", checkpoint.origin)
    try:
        opened.check(verifier)
    except BadSignature as error:
        raise NotWitnessed(error.expected, error.got) from None
    return checkpoint, opened
