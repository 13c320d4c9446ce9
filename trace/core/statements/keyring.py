"""Key records and what follows from them: which key may sign for whom, and when.

Rules (docs/reference/formats.md, "Keys").
1. A key entry holds compact JWS, typ `trace-key+jwt`, all over the same record
   `{origin, org, n, action, kid, jwk, custody, prev}`; a passkey's record ends with
   `passkey: {rpId, origin}`, a revocation may end with `since`.
2. Who signs, in this order: the first add by the platform's root key; a later add or a rotate by a
   valid key of the organisation and by the new key; a revoke by a valid key of the organisation, or
   by root and an inspector; a recover by root, an inspector and the new key. A passkey proves
   possession by an assertion over SHA-256("trace-key/v1" LF record in base64url) instead.
3. `n` counts the organisation's key entries from 0; `prev` is the base64url SHA-256 of the previous
   one's first JWS, null for the first; the entry's link is the keyring tag of `n`.
4. A kid is never used again. A signature at index i counts if add ≤ i < end. A rotate ends the key
   that signed it, a revoke the key it names, a recover every earlier key of the organisation.
5. Only a revoke by platform and inspector may carry `since`: entries from that index on are flagged
   and never removed.
6. Keys whose name begins with `receipt` sign receipts and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from trace.core.signing import (
    SAFE_INTEGER,
    Compact,
    JsonObject,
    PasskeyPublicKey,
    PrivateKey,
    PublicKey,
    TrustError,
    Unreadable,
    dumps,
    loads_strict,
    parse_compact,
    parse_kid,
    sign_compact,
    verify_compact,
)
from trace.core.statements.approvals import check_assertion
from trace.core.statements.build import statement_hash
from trace.core.statements.chains import KEYRING_SALT, keyring_identity, tag
from trace.core.statements.entries import KeyEntry
from trace.core.statements.errors import BadKeyEntry

TYP: Final = "trace-key+jwt"
ACTIONS: Final = ("add", "rotate", "revoke", "recover")
CUSTODIES: Final = ("server", "passkey", "own")
RECEIPT_PREFIX: Final = "receipt"
_RECORD = ("origin", "org", "n", "action", "kid", "jwk", "custody", "prev")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One change of an organisation's keys. `jwk` and `custody` are None in a revoke."""

    origin: str
    org: str
    n: int
    action: str
    kid: str
    jwk: JsonObject | None
    custody: str | None
    prev: str | None
    rp_id: str | None = None
    rp_origin: str | None = None
    since: int | None = None

    def to_json(self) -> bytes:
        """The record as it is signed (rule 1)."""
        record: JsonObject = {name: getattr(self, name) for name in _RECORD}
        if self.rp_id is not None:
            record["passkey"] = {"rpId": self.rp_id, "origin": self.rp_origin}
        if self.since is not None:
            record["since"] = self.since
        return dumps(record)


def root_kid(platform: str) -> str:
    """The kid that the platform's root key signs key records under."""
    return f"{platform}#root"


def is_receipt_kid(kid: str) -> bool:
    """True for the kid of a key that signs receipts (rule 6). Raises Unreadable for no kid."""
    return parse_kid(kid).name.startswith(RECEIPT_PREFIX)


def sign_key_record(
    record: KeyRecord, signers: Sequence[tuple[str, PrivateKey]]
) -> tuple[str, ...]:
    """The JWS of a key entry, one per (kid, key), in the order of rule 2."""
    payload = record.to_json()
    return tuple(sign_compact(payload, typ=TYP, kid=kid, key=key) for kid, key in signers)


def key_record_hash(jws: str) -> str:
    """The `prev` of the key entry after the one whose first JWS this is."""
    return statement_hash(jws)


def possession_challenge(record: KeyRecord) -> bytes:
    """What a new passkey signs (32 bytes): it cannot sign a JWS (rule 2)."""
    return sha256(b"trace-key/v1\n" + record.to_json()).digest()


def parse_key_record(jws: Sequence[str]) -> tuple[KeyRecord, tuple[Compact, ...]]:
    """The record that all of `jws` are over, and their headers; no signature is checked.

    Raises BadKeyEntry.
    """
    try:
        parts = tuple(parse_compact(text, typ=TYP) for text in jws)
        if not parts or any(part.payload != parts[0].payload for part in parts):
            raise Unreadable("signatures over one record", "several records")
        value = loads_strict(parts[0].payload, max_depth=3)
        record = _record(value)
        if record.to_json() != parts[0].payload:
            raise Unreadable(record.to_json().decode(), parts[0].payload.decode())
        _check_record(record)
    except TrustError as error:
        raise BadKeyEntry(error.expected, error.got) from None
    return record, parts


def _record(value: Any) -> KeyRecord:
    if not isinstance(value, dict) or not set(_RECORD) <= set(value):
        raise Unreadable(f"a record of {', '.join(_RECORD)}", value)
    passkey = value.get("passkey", {})
    if not isinstance(passkey, dict):
        raise Unreadable("rpId and origin of a passkey", passkey)
    return KeyRecord(
        **{name: value[name] for name in _RECORD},
        rp_id=passkey.get("rpId"),
        rp_origin=passkey.get("origin"),
        since=value.get("since"),
    )


def _check_record(r: KeyRecord) -> None:
    texts: list[object] = [r.origin, r.org, r.kid]
    if not all(isinstance(text, str) and text != "" for text in texts):
        raise Unreadable("origin, org and kid as texts", texts)
    if not _whole(r.n) or not (r.since is None or _whole(r.since)):
        raise Unreadable("whole numbers n and since", [r.n, r.since])
    if r.action not in ACTIONS:
        raise Unreadable(f"one of {', '.join(ACTIONS)}", r.action)
    if parse_kid(r.kid).issuer != r.org:
        raise Unreadable(f"a kid of {r.org}", r.kid)
    if (r.n == 0) != (r.prev is None) or not isinstance(r.prev, str | None):
        raise Unreadable("prev after the first record only", r.prev)
    if (r.n == 0) != (r.action == "add" and r.prev is None):
        raise Unreadable("an add as the first record", r.action)
    if r.since is not None and r.action != "revoke":
        raise Unreadable("since in a revoke only", r.action)
    _check_key(r)


def _whole(number: object) -> bool:
    return type(number) is int and 0 <= number <= SAFE_INTEGER


def _check_key(r: KeyRecord) -> None:
    if r.action == "revoke":
        if r.jwk is not None or r.custody is not None or r.rp_id is not None:
            raise Unreadable("no key and no custody in a revoke", r.custody)
        return
    if r.custody not in CUSTODIES or not isinstance(r.jwk, dict):
        raise Unreadable(f"a key and one of {', '.join(CUSTODIES)}", r.custody)
    if r.custody == "passkey":
        PasskeyPublicKey.from_jwk(r.jwk)
        if r.action != "add" or r.n == 0:
            raise Unreadable("a passkey as a later add", r.action)
        if not (isinstance(r.rp_id, str) and isinstance(r.rp_origin, str)):
            raise Unreadable("rpId and origin of a passkey", [r.rp_id, r.rp_origin])
    else:
        PublicKey.from_jwk(r.jwk)
        if r.rp_id is not None:
            raise Unreadable("rpId with a passkey only", r.custody)


@dataclass(slots=True)
class KeyState:
    """A key as the log has it: valid at index i if start ≤ i < end; flagged from `since` on."""

    record: KeyRecord
    start: int
    end: int | None = None
    since: int | None = None
    public: PublicKey | None = field(default=None, repr=False, compare=False)

    def valid_at(self, index: int) -> bool:
        """Rule 4."""
        return self.start <= index and (self.end is None or index < self.end)

    def flagged_at(self, index: int) -> bool:
        """Rule 5."""
        return self.since is not None and index >= self.since


@dataclass(slots=True)
class Keyrings:
    """All keyrings of one log, replayed in the log's order.

    `root` and `platform` come from the verifier's policy, `inspectors` are the issuers that may
    take part in recoveries and revocations.
    """

    origin: str
    root: PublicKey
    platform: str
    inspectors: Collection[str] = ()
    keys: dict[str, KeyState] = field(default_factory=dict)
    _last: dict[str, tuple[int, str]] = field(default_factory=dict)  # org -> n, hash

    def apply(self, index: int, entry: KeyEntry) -> KeyRecord:
        """Takes the next key entry (rules 1 to 6). Raises BadKeyEntry; then nothing changed."""
        record, jws = parse_key_record(entry.jws)
        self._check_place(record, entry)
        ended: Collection[KeyState] = ()
        try:
            ended = self._check_signers(index, record, jws, entry)
        except BadKeyEntry:
            raise
        except TrustError as error:
            raise BadKeyEntry(error.expected, error.got) from None
        for state in ended:
            state.end = index
            if record.since is not None:
                state.since = record.since
        if record.action != "revoke":
            self.keys[record.kid] = KeyState(record, index)
        self._last[record.org] = (record.n, key_record_hash(entry.jws[0]))
        return record

    def of(self, issuer: str) -> list[KeyState]:
        """All keys an organisation ever had, in the log's order."""
        return [state for state in self.keys.values() if state.record.org == issuer]

    def public_key(self, kid: str) -> PublicKey:
        """The Ed25519 key of a kid. Raises KeyError when the log has none."""
        state = self.keys[kid]
        if state.record.custody == "passkey" or state.record.jwk is None:
            raise KeyError(kid)
        if state.public is None:
            state.public = PublicKey.from_jwk(state.record.jwk)
        return state.public

    def _check_place(self, record: KeyRecord, entry: KeyEntry) -> None:
        n, prev = self._last.get(record.org, (-1, None))
        if record.origin != self.origin:
            raise BadKeyEntry(f"a record for {self.origin}", record.origin)
        if record.n != n + 1 or record.prev != prev:
            raise BadKeyEntry(f"record {n + 1} after {prev}", f"{record.n} after {record.prev}")
        expected = tag(KEYRING_SALT, keyring_identity(record.org), record.n)
        if entry.links != (expected,):
            raise BadKeyEntry(f"the link {expected}", entry.links)
        if record.action == "revoke":
            state = self.keys.get(record.kid)
            if state is None or state.end is not None:
                raise BadKeyEntry("a valid key to revoke", record.kid)
        elif record.kid in self.keys:
            raise BadKeyEntry("a kid never used before", record.kid)

    def _check_signers(
        self, index: int, record: KeyRecord, jws: tuple[Compact, ...], entry: KeyEntry
    ) -> Collection[KeyState]:
        """Checks every signature; returns the keys that end here (rule 4)."""
        signers = list(jws)
        first = signers.pop(0)
        by_root = first.kid == root_kid(self.platform)
        if by_root:
            verify_compact(first, self.root)
        else:
            verify_compact(first, self._own_key(index, record, first.kid))
        if by_root and record.n > 0:
            if record.action not in ("revoke", "recover"):
                raise BadKeyEntry("a signature by a valid key of the organisation", first.kid)
            inspector = _next(signers, "a signature by an inspector")
            verify_compact(inspector, self._inspector_key(index, record, inspector.kid))
        elif not by_root and _needs_root(record):
            raise BadKeyEntry(f"a signature by {root_kid(self.platform)}", first.kid)
        if record.n > 0 and record.action != "revoke":
            self._check_possession(record, signers, entry)
        elif entry.assertion is not None:
            raise BadKeyEntry("an assertion for a new passkey only", record.action)
        if signers:
            raise BadKeyEntry("no further signature", signers[0].kid)
        return self._ending(record, first.kid)

    def _check_possession(self, record: KeyRecord, signers: list[Compact], entry: KeyEntry) -> None:
        assert record.jwk is not None  # noqa: S101 - _check_key refused a missing one
        if record.custody == "passkey":
            if entry.assertion is None or record.rp_id is None or record.rp_origin is None:
                raise BadKeyEntry("an assertion by the new passkey", "none")
            check_assertion(
                entry.assertion,
                PasskeyPublicKey.from_jwk(record.jwk),
                challenge=possession_challenge(record),
                rp_id=record.rp_id,
                origin=record.rp_origin,
            )
            return
        if entry.assertion is not None:
            raise BadKeyEntry("an assertion for a new passkey only", record.custody)
        new = _next(signers, "a signature by the new key")
        if new.kid != record.kid:
            raise BadKeyEntry(f"a signature by {record.kid}", new.kid)
        verify_compact(new, PublicKey.from_jwk(record.jwk))

    def _own_key(self, index: int, record: KeyRecord, kid: str) -> PublicKey:
        if parse_kid(kid).issuer != record.org:
            raise BadKeyEntry(f"a key of {record.org}", kid)
        return self._valid_key(index, kid)

    def _inspector_key(self, index: int, record: KeyRecord, kid: str) -> PublicKey:
        issuer = parse_kid(kid).issuer
        if issuer not in self.inspectors or issuer == record.org:
            raise BadKeyEntry("a key of another accredited inspector", kid)
        return self._valid_key(index, kid)

    def _valid_key(self, index: int, kid: str) -> PublicKey:
        state = self.keys.get(kid)
        if state is None or not state.valid_at(index) or is_receipt_kid(kid):
            raise BadKeyEntry(f"a key valid at {index}", kid)
        try:
            return self.public_key(kid)
        except KeyError:
            raise BadKeyEntry("a key that signs records", kid) from None

    def _ending(self, record: KeyRecord, signer: str) -> Collection[KeyState]:
        if record.action == "rotate":
            return [self.keys[signer]]
        if record.action == "revoke":
            return [self.keys[record.kid]]
        if record.action == "recover":
            return [state for state in self.of(record.org) if state.end is None]
        return []


def _needs_root(record: KeyRecord) -> bool:
    return record.n == 0 or record.action == "recover" or record.since is not None


def _next(signers: list[Compact], expected: str) -> Compact:
    if not signers:
        raise BadKeyEntry(expected, "none")
    return signers.pop(0)
