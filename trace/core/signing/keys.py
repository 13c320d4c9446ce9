"""Keys: Ed25519 (RFC 8032) as JWK (RFC 8037, RFC 9864), passkeys' P-256 (RFC 7518), and sealing.

Sealing: a server-held private key is stored as `0x01 ‖ nonce (12) ‖ AES-256-GCM(seed)`; the
associated data is `trace-sealed-key/v1`, organisation and kid, each ended by LF, so a sealed key
moved to another organisation's row or under another name does not open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trace.core.signing.encoding import b64url, unb64url
from trace.core.signing.errors import BadSignature, SealBroken, Unreadable

_SEAL_VERSION: Final = b"\x01"
_NONCE = 12


class PublicKey:
    """An Ed25519 public key."""

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes) -> None:
        """From its 32 bytes. Raises Unreadable when they are not 32 bytes."""
        try:
            self._key = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError:
            raise Unreadable("an Ed25519 key of 32 bytes", f"{len(raw)} bytes") from None
        self.raw = raw

    @classmethod
    def from_bytes(cls, raw: bytes) -> PublicKey:
        """The same as the constructor."""
        return cls(raw)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> PublicKey:
        """From exactly `{kty: OKP, crv: Ed25519, x}`. Raises Unreadable."""
        x = jwk.get("x")
        if (
            set(jwk) != {"kty", "crv", "x"}
            or jwk["kty"] != "OKP"
            or jwk["crv"] != "Ed25519"
            or not isinstance(x, str)
        ):
            raise Unreadable("a JWK with kty OKP, crv Ed25519 and x", dict(jwk))
        return cls(unb64url(x))

    @property
    def jwk(self) -> dict[str, str]:
        """The public JWK, members in the order written everywhere."""
        return {"kty": "OKP", "crv": "Ed25519", "x": b64url(self.raw)}

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises BadSignature unless `signature` (64 bytes) is this key's over `message`."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise BadSignature(f"a signature by key {b64url(self.raw)}", "another one") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"PublicKey({b64url(self.raw)})"


class PrivateKey:
    """An Ed25519 private key. Its representation never shows the seed."""

    __slots__ = ("_key", "public", "sign")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(
            key.public_key().public_bytes(
                serialization.Encoding.Raw, serialization.PublicFormat.Raw
            )
        )
        # The bound method of the library itself: the hot path pays for no wrapper.
        self.sign: Callable[[bytes], bytes] = key.sign

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> PrivateKey:
        """From the 32-byte seed of RFC 8032. Raises Unreadable for any other length."""
        if len(seed) != 32:
            raise Unreadable("a seed of 32 bytes", f"{len(seed)} bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        """The 32-byte seed. For sealing only."""
        return self._key.private_bytes(
            serialization.Encoding.Raw,
            serialization.PrivateFormat.Raw,
            serialization.NoEncryption(),
        )

    def __repr__(self) -> str:
        return f"PrivateKey(of {self.public!r})"


class PasskeyPublicKey:
    """The ES256 (P-256, SHA-256) public key of a passkey."""

    __slots__ = ("_key", "_x", "_y")

    def __init__(self, x: bytes, y: bytes) -> None:
        """From the two 32-byte coordinates. Raises Unreadable for a point off the curve."""
        if len(x) != 32 or len(y) != 32:
            raise Unreadable("two coordinates of 32 bytes", f"{len(x)} and {len(y)} bytes")
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x), int.from_bytes(y), ec.SECP256R1()
        )
        try:
            self._key = numbers.public_key()
        except ValueError:
            raise Unreadable("a point on the curve P-256", "another point") from None
        self._x, self._y = x, y

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> PasskeyPublicKey:
        """From exactly `{kty: EC, crv: P-256, x, y}`. Raises Unreadable."""
        x, y = jwk.get("x"), jwk.get("y")
        if (
            set(jwk) != {"kty", "crv", "x", "y"}
            or jwk["kty"] != "EC"
            or jwk["crv"] != "P-256"
            or not isinstance(x, str)
            or not isinstance(y, str)
        ):
            raise Unreadable("a JWK with kty EC, crv P-256, x and y", dict(jwk))
        return cls(unb64url(x), unb64url(y))

    @property
    def jwk(self) -> dict[str, str]:
        """The public JWK, members in the order written everywhere."""
        return {"kty": "EC", "crv": "P-256", "x": b64url(self._x), "y": b64url(self._y)}

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises BadSignature unless the DER signature is this key's over `message`."""
        try:
            self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise BadSignature("a signature by this passkey", "another one") from None


def _associated(org: str, kid: str) -> bytes:
    if "\n" in org or "\n" in kid:
        raise Unreadable("names without line breaks", f"{org!r} and {kid!r}")
    return f"trace-sealed-key/v1\n{org}\n{kid}\n".encode()


def seal_key(
    key: PrivateKey, kek: bytes, *, org: str, kid: str, randbytes: Callable[[int], bytes]
) -> bytes:
    """Seals `key` under the 32-byte key-encryption key; 61 bytes. `randbytes` gives the nonce."""
    nonce = randbytes(_NONCE)
    return _SEAL_VERSION + nonce + AESGCM(kek).encrypt(nonce, key.seed, _associated(org, kid))


def unseal_key(sealed: bytes, kek: bytes, *, org: str, kid: str) -> PrivateKey:
    """Opens what seal_key made. Raises SealBroken when anything at all differs."""
    if len(sealed) != 1 + _NONCE + 32 + 16 or sealed[:1] != _SEAL_VERSION:
        raise SealBroken(kid=kid)
    nonce, box = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return PrivateKey.from_seed(AESGCM(kek).decrypt(nonce, box, _associated(org, kid)))
    except InvalidTag:
        raise SealBroken(kid=kid) from None
