"""Signed notes (C2SP signed-note v1) and their keys.

Rules.
1. A note is a text that ends in LF, an empty line, and one line `— <name> <base64>` per signature;
   the em dash is U+2014. The text holds no other control character than LF.
2. base64 (standard, padded) holds the key id, 4 bytes, and the signature. The key id is the first
   4 bytes of SHA-256(name ‖ LF ‖ type ‖ public key); Ed25519 is type 0x01.
3. A verifier key is written `<name>+<key id in hex>+<base64(type ‖ public key)>`. Names are
   non-empty, without spaces and `+`.
4. Signatures by unknown keys are passed over; a known key's that does not hold refuses the note.
5. A witness's cosignature (C2SP tlog-cosignature) is type 0x04: 8 bytes of POSIX seconds and an
   Ed25519 signature over `cosignature/v1` LF `time <seconds>` LF and the text.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from trace.core.signing import PrivateKey, PublicKey, Unreadable
from trace.core.signing.errors import BadSignature

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
MAX_NOTE: Final = 1_000_000  # bytes: a receipt of 10,000 chains takes less
MAX_SIGNATURES: Final = 100
_NAME = re.compile(r"[^\s+]{1,512}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]{1,512}) (?P<data>[A-Za-z0-9+/]+={0,2})")


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The 4-byte id of a key under a name (rule 2)."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def unbase64(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise Unreadable("base64", text) from None
    if b64encode(data).decode() != text:
        raise Unreadable("canonical base64", text)
    return data


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and the public key that signs notes (kind 0x01) or cosigns them (kind 0x04)."""

    name: str
    key: PublicKey
    kind: int = ED25519

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Unreadable("a name without spaces and +", self.name)
        if self.kind not in (ED25519, COSIGNATURE):
            raise Unreadable("a key of type 1 or 4", self.kind)

    @property
    def key_id(self) -> bytes:
        """4 bytes."""
        return key_id(self.name, self.kind, self.key.raw)

    @property
    def vkey(self) -> str:
        """The verifier key as text (rule 3)."""
        data = b64encode(bytes([self.kind]) + self.key.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{data}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Reads a verifier key. Raises Unreadable, also when its key id is not the key's."""
        name, _, rest = vkey.partition("+")
        hex_id, _, data = rest.partition("+")
        raw = unbase64(data)
        if len(raw) != 33:
            raise Unreadable("a type and 32 bytes of key", f"{len(raw)} bytes")
        verifier = cls(name, PublicKey(raw[1:]), raw[0])
        if verifier.key_id.hex() != hex_id:
            raise Unreadable(f"key id {verifier.key_id.hex()}", hex_id)
        return verifier


@dataclass(frozen=True, slots=True)
class Signer:
    """A name and the private key that signs notes under it."""

    name: str
    key: PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public)

    def line(self, text: str) -> str:
        """The signature line for a note's text, with its LF."""
        data = self.verifier.key_id + self.key.sign(text.encode())
        return f"— {self.name} {b64encode(data).decode()}\n"


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's name and key (rule 5)."""

    name: str
    key: PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public, COSIGNATURE)

    def line(self, text: str, at: datetime) -> str:
        """The cosignature line for a note's text at an aware moment, with its LF."""
        seconds = int(at.timestamp())
        signature = self.key.sign(_cosigned(text, seconds))
        data = self.verifier.key_id + seconds.to_bytes(8) + signature
        return f"— {self.name} {b64encode(data).decode()}\n"


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: name, key id and what follows it."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was read: its text and its signature lines, none of them checked."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def check(self, verifier: Verifier) -> datetime | None:
        """Raises BadSignature unless `verifier` signed this note.

        Returns the moment of a cosignature, None for a plain signature. Every signature of this
        name and key id must hold (rule 4); of cosignatures the newest counts.
        """
        mine = [
            found
            for found in self.signatures
            if found.name == verifier.name and found.key_id == verifier.key_id
        ]
        if not mine:
            raise BadSignature(f"a signature by {verifier.name}", "none")
        moments = [self._check_one(verifier, found.signature) for found in mine]
        return max((moment for moment in moments if moment is not None), default=None)

    def _check_one(self, verifier: Verifier, data: bytes) -> datetime | None:
        if verifier.kind == ED25519:
            verifier.key.verify(data, self.text.encode())
            return None
        if len(data) != 72:
            raise BadSignature("a cosignature of 72 bytes", f"{len(data)} bytes")
        seconds = int.from_bytes(data[:8])
        verifier.key.verify(data[8:], _cosigned(self.text, seconds))
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise BadSignature("a moment that exists", f"{seconds} seconds") from None


def sign_note(text: str, signers: Sequence[Signer]) -> str:
    """The note of `text` signed by each signer, in order. Raises Unreadable for a text that no
    note may have."""
    _check_text(text)
    return text + "\n" + "".join(signer.line(text) for signer in signers)


def add_signatures(note: str, lines: Iterable[str]) -> str:
    """The note with further signature lines at its end."""
    return note + "".join(lines)


def parse_note(note: str) -> Note:
    """Splits a note into text and signatures (rule 1). Raises Unreadable."""
    if len(note.encode("utf-8", "surrogatepass")) > MAX_NOTE:
        raise Unreadable(f"a note of at most {MAX_NOTE} bytes", f"{len(note)} characters")
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise Unreadable("a text, an empty line and signatures", note[-40:])
    text = head + "\n"
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Unreadable(f"at most {MAX_SIGNATURES} signatures", len(lines))
    signatures = []
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise Unreadable("a line of dash, name and base64", line)
        data = unbase64(found["data"])
        if len(data) < 5:
            raise Unreadable("a key id and a signature", f"{len(data)} bytes")
        signatures.append(NoteSignature(found["name"], data[:4], data[4:]))
    return Note(text, tuple(signatures))


def open_note(note: str, verifiers: Sequence[Verifier]) -> Note:
    """Reads a note that every one of `verifiers` signed. Raises Unreadable or BadSignature."""
    opened = parse_note(note)
    for verifier in verifiers:
        opened.check(verifier)
    return opened


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise Unreadable("lines of text that end in LF", text[-40:])
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("Unicode text", "a lone surrogate") from None
