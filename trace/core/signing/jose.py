"""JOSE compact serialisation (RFC 7515 section 7.1) with a closed header.

Rules.
1. The header has exactly the members alg, typ and kid. No `crit`, `jwk`, `x5u`, `b64`: nothing in a
   header may bring its own key or change how the rest is read.
2. alg is written `Ed25519` (RFC 9864 section 2.2); `EdDSA` (RFC 8037) is read too; nothing else.
3. typ is the one the caller expects; kid is `issuer#name` with a name of 1 to 64 of `A-Za-z0-9._-`.
4. The signing input is the text as received: nothing is re-serialised before checking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from trace.core.remembering import remembered
from trace.core.signing.encoding import JsonObject, b64url_bytes, dumps, loads_strict, unb64url
from trace.core.signing.errors import BadSignature, Unreadable
from trace.core.signing.keys import PrivateKey, PublicKey

ALG: Final = "Ed25519"
_READ_ALGS = (ALG, "EdDSA")  # a tuple: what stands there may be a list, which no set can hold
_KID = re.compile(r"(?P<issuer>[!-\"$-~]{1,512})#(?P<name>[A-Za-z0-9._-]{1,64})")
MAX_JWT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kid:
    """A key identifier: the issuer's DID and the key's name."""

    issuer: str
    name: str

    def __str__(self) -> str:
        return f"{self.issuer}#{self.name}"


@dataclass(frozen=True, slots=True)
class Compact:
    """A parsed compact JWS whose signature has not been checked yet."""

    text: str
    header: JsonObject
    payload_text: str
    payload: bytes
    signature: bytes

    @property
    def kid(self) -> str:
        kid: str = self.header["kid"]
        return kid


def parse_kid(text: str) -> Kid:
    """Splits `issuer#name`. Raises Unreadable."""
    found = _KID.fullmatch(text)
    if found is None:
        raise Unreadable("a kid of the form issuer#name", text)
    return Kid(found["issuer"], found["name"])


@lru_cache(maxsize=4096)
def header_bytes(typ: str, kid: str) -> bytes:
    """The header as it stands before the payload, with its dot."""
    parse_kid(kid)
    return b64url_bytes(dumps({"alg": ALG, "typ": typ, "kid": kid})) + b"."


def sign_compact(payload: bytes, *, typ: str, kid: str, key: PrivateKey) -> str:
    """`header.payload.signature`. Raises Unreadable for a malformed kid."""
    signing_input = header_bytes(typ, kid) + b64url_bytes(payload)
    return (signing_input + b"." + b64url_bytes(key.sign(signing_input))).decode()


@remembered(4096, longest=1000)  # of a kid with 577 characters, in base64url
def _read_header(text: str, typ: str) -> tuple[str, str]:
    """alg and kid of a header (rules 1 to 3): a few keys sign many statements."""
    header = loads_strict(unb64url(text), max_depth=2)
    if not isinstance(header, dict) or set(header) != {"alg", "typ", "kid"}:
        got = ", ".join(map(str, header)) if isinstance(header, dict) else header
        raise BadSignature("a header of exactly alg, typ and kid", got)
    if header["alg"] not in _READ_ALGS:
        raise BadSignature("alg Ed25519 or EdDSA", header["alg"])
    if header["typ"] != typ:
        raise BadSignature(f"typ {typ}", header["typ"])
    if not isinstance(header["kid"], str):
        raise BadSignature("a kid of the form issuer#name", header["kid"])
    parse_kid(header["kid"])
    return header["alg"], header["kid"]


def parse_compact(text: str, *, typ: str) -> Compact:
    """Reads a compact JWS (rules 1 to 3). Raises Unreadable for its form, BadSignature for its
    header."""
    if len(text) > MAX_JWT:
        raise Unreadable(f"a JWS of at most {MAX_JWT} characters", f"{len(text)} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise Unreadable("three parts joined by dots", f"{len(parts)} parts")
    alg, kid = _read_header(parts[0], typ)
    header: JsonObject = {"alg": alg, "typ": typ, "kid": kid}
    return Compact(text, header, parts[1], unb64url(parts[1]), unb64url(parts[2]))


def read_kid(text: str, *, typ: str) -> str:
    """The kid of a compact JWS (rules 1 to 3), from its header alone. Raises Unreadable,
    BadSignature."""
    return _read_header(text.partition(".")[0], typ)[1]


def verify_compact(jws: Compact, key: PublicKey) -> None:
    """Checks the signature over the text as received (rule 4). Raises BadSignature."""
    key.verify(jws.signature, jws.text.rpartition(".")[0].encode())
