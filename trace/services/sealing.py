"""Personal texts at rest: sealed under a key of their own, made from the key-encryption key.

AES-256-GCM (NIST SP 800-38D) with 96-bit random nonces; the key is HKDF-SHA-256 (RFC 5869) of the
key-encryption key, so that a sealed text can never be taken for a sealed signing key. `place`
(table and row, say) is authenticated along: a text moved to another row does not open.
"""

from __future__ import annotations

import os
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trace.errors import TraceError
from trace.services.settings import current_settings

_VERSION: Final = b"\x01"
_NONCE: Final = 12


class SealedTextBroken(TraceError):
    code = "sealed-text-broken"
    status = 503
    message = "A sealed text cannot be opened: it was changed, or sealed under another key."
    next_step = "Start the application with the key-encryption key that it was sealed under."


def seal(value: Any, place: str, *, secret: bytes | None = None) -> bytes:
    """A JSON value, sealed for `place`; `secret` is a key-encryption key other than ours."""
    return seal_bytes(orjson.dumps(value), place, secret=secret)


def unseal(sealed: bytes, place: str, *, secret: bytes | None = None) -> Any:
    """What `seal` sealed for the same place. Raises SealedTextBroken."""
    try:
        return orjson.loads(unseal_bytes(sealed, place, secret=secret))
    except ValueError:
        raise SealedTextBroken from None


def seal_bytes(data: bytes, place: str, *, secret: bytes | None = None) -> bytes:
    """Bytes (a photo, say), sealed for `place`."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _box(secret).encrypt(nonce, data, place.encode())


def unseal_bytes(sealed: bytes, place: str, *, secret: bytes | None = None) -> bytes:
    """What `seal_bytes` sealed for the same place. Raises SealedTextBroken."""
    nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        if sealed[:1] != _VERSION:
            raise SealedTextBroken
        return _box(secret).decrypt(nonce, body, place.encode())
    except (InvalidTag, ValueError):
        raise SealedTextBroken from None


def reseal(sealed: bytes, place: str, old: bytes, new: bytes) -> bytes:
    """The same under another key-encryption key; what is sealed under it already stays, so that a
    change stopped half way can be gone on with. Raises SealedTextBroken."""
    try:
        data = unseal_bytes(sealed, place, secret=old)
    except SealedTextBroken:
        unseal_bytes(sealed, place, secret=new)
        return sealed
    return seal_bytes(data, place, secret=new)


def _box(secret: bytes | None) -> AESGCM:
    from_key = secret if secret is not None else current_settings().key_encryption_key
    return AESGCM(HKDF(SHA256(), 32, None, b"trace sealed texts").derive(from_key))
