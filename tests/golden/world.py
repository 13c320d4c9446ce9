"""A small world with fixed keys, fixed salts and fixed times: the same bytes on every machine.

A co-operative grows water spinach on one plot, a packer packs it; both are made up. Golden files
are written from it, and tests start from it to try what an attacker would.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256, shake_256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trace.core import tlog
from trace.core.gs1 import canonical_uri, new_code, parse_identity
from trace.core.signing import JsonObject, PasskeyPublicKey, PrivateKey, b64url
from trace.core.statements import (
    KEYRING_SALT,
    Assertion,
    BundledChain,
    BundledEntry,
    BundledStatement,
    Head,
    KeyRecord,
    Since,
    Statement,
    approval_challenge,
    approval_entry,
    build_statement,
    chain_identity,
    erasure_digests,
    erasure_entry,
    event_entries,
    key_entry,
    key_record_hash,
    keyring_identity,
    make_bundle,
    make_receipt,
    possession_challenge,
    present,
    root_kid,
    sign_key_record,
    statement_hash,
    tag,
    thing_uris,
    use_identity,
)
from trace.core.verify import Policy

ID_BASE = "https://trace.example"
ORIGIN = "trace.example/log"
START = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
RP_ID, RP_ORIGIN = "trace.example", "https://trace.example"


class Stream:
    """Bytes that are the same for the same label: SHAKE-256 of label and counter."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return shake_256(f"{self._label} {self._count}".encode()).digest(size)


def private_key(label: str) -> PrivateKey:
    """The Ed25519 key of a label."""
    return PrivateKey.from_seed(sha256(f"key {label}".encode()).digest())


def uuid4(stream: Stream) -> str:
    """A version 4 `urn:uuid:` from a stream."""
    raw = bytearray(stream(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Passkey:
    """A synthetic authenticator (WebAuthn Level 3, section 6): one P-256 key, user verified."""

    def __init__(self, label: str, rp_id: str = RP_ID, origin: str = RP_ORIGIN) -> None:
        number = int.from_bytes(sha256(f"passkey {label}".encode()).digest()[1:])
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self.public = PasskeyPublicKey(numbers.x.to_bytes(32), numbers.y.to_bytes(32))
        self.rp_id, self.origin = rp_id, origin
        self.counter = 0

    def assertion(
        self, challenge: bytes, *, flags: int = 0x05, kind: str = "webauthn.get"
    ) -> Assertion:
        """What the authenticator answers to a challenge; signatures follow RFC 6979."""
        self.counter += 1
        data = sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)
        client = (
            f'{{"type":"{kind}","challenge":"{b64url(challenge)}",'
            f'"origin":"{self.origin}","crossOrigin":false}}'
        ).encode()
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        return Assertion(data, client, self._key.sign(data + sha256(client).digest(), algorithm))


class Tiles(dict[tuple[int, int], bytes]):
    """A tile store in memory."""

    def read(self, level: int, index: int, width: int) -> bytes:
        return self.get((level, index), b"")[: 32 * width]


@dataclass
class Organisation:
    """An organisation with its keys by name and what its keyring came to."""

    did: str
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    records: int = 0
    prev: str | None = None

    def kid(self, name: str) -> str:
        return f"{self.did}#{name}"


@dataclass(frozen=True)
class Recorded:
    """A statement in the log."""

    index: int
    statement: Statement

    @property
    def h(self) -> str:
        return statement_hash(self.statement.jwt)


@dataclass
class Chain:
    """A chain's salt and the indexes of its links."""

    salt: bytes
    places: list[int] = field(default_factory=list)


class World:
    """A log with its organisations, written the way the product writes it."""

    origin = ORIGIN

    def __init__(self) -> None:
        self.random = Stream("world")
        self.codes = Stream("codes")
        self.root = private_key("root")
        self.log_key = tlog.log_signer(ORIGIN, private_key("log"))
        self.witness = tlog.Cosigner("witness.example/w1", private_key("witness"))
        self.entries: list[bytes] = []
        self.tiles = Tiles()
        self.chains: dict[str, Chain] = {}
        self.recorded: dict[int, Recorded] = {}
        self.now = START
        self.tree_root = tlog.EMPTY_ROOT
        self.platform = self.organisation()
        self.first_key(self.platform, "receipt-1")

    # -- writing -----------------------------------------------------------------------------------

    def organisation(self) -> Organisation:
        return Organisation(f"did:web:trace.example:o:{self.code()}")

    def code(self) -> str:
        return new_code(self.codes)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1, milliseconds=1)
        return self.now

    def append(self, *entries: bytes) -> int:
        """Logs entries; returns the first one's index."""
        first = len(self.entries)
        done = tlog.append(first, self.tiles, [tlog.leaf_hash(entry) for entry in entries])
        for tile in done.tiles:
            self.tiles[tile.level, tile.index] = tile.data
        self.entries.extend(entries)
        self.tree_root = done.root
        return first

    def link(self, identity: str, *, salt: bytes | None = None) -> str:
        """The next tag of a chain, for the entry that is logged next."""
        chain = self.chains.get(identity)
        if chain is None:
            chain = self.chains[identity] = Chain(self.random(32) if salt is None else salt)
        chain.places.append(len(self.entries))
        return tag(chain.salt, identity, len(chain.places) - 1)

    def key_record(self, org: Organisation, action: str, name: str, **members: Any) -> KeyRecord:
        """The organisation's next key record; a new Ed25519 key unless `members` say otherwise."""
        made: dict[str, Any] = {"jwk": None, "custody": None}
        if action != "revoke" and "jwk" not in members:
            org.keys[name] = private_key(f"{org.did} {name}")
            made = {"jwk": org.keys[name].public.jwk, "custody": "server"}
        return KeyRecord(
            origin=self.origin,
            org=org.did,
            n=org.records,
            action=action,
            kid=org.kid(name),
            prev=org.prev,
            **{**made, **members},
        )

    def log_key_record(
        self,
        org: Organisation,
        record: KeyRecord,
        signers: Sequence[tuple[str, PrivateKey]],
        assertion: Assertion | None = None,
    ) -> int:
        jws = sign_key_record(record, signers)
        link = self.link(keyring_identity(org.did), salt=KEYRING_SALT)
        index = self.append(key_entry(self.tick(), jws, link, assertion))
        org.records, org.prev = record.n + 1, key_record_hash(jws[0])
        return index

    @property
    def root_signer(self) -> tuple[str, PrivateKey]:
        return root_kid(self.platform.did), self.root

    def first_key(self, org: Organisation, name: str) -> int:
        return self.log_key_record(org, self.key_record(org, "add", name), [self.root_signer])

    def next_key(self, org: Organisation, action: str, name: str, by: str) -> int:
        """An add or a rotate signed by the key `by` and the new one."""
        record = self.key_record(org, action, name)
        signers = [(org.kid(by), org.keys[by]), (org.kid(name), org.keys[name])]
        return self.log_key_record(org, record, signers)

    def revoke(self, org: Organisation, name: str, by: str) -> int:
        record = self.key_record(org, "revoke", name)
        return self.log_key_record(org, record, [(org.kid(by), org.keys[by])])

    def add_passkey(self, org: Organisation, name: str, passkey: Passkey, by: str) -> int:
        record = self.key_record(
            org,
            "add",
            name,
            jwk=passkey.public.jwk,
            custody="passkey",
            rp_id=passkey.rp_id,
            rp_origin=passkey.origin,
        )
        return self.log_key_record(
            org,
            record,
            [(org.kid(by), org.keys[by])],
            passkey.assertion(possession_challenge(record)),
        )

    def sign(self, org: Organisation, event: JsonObject, key: str = "k1") -> Statement:
        return build_statement(
            event,
            issuer=org.did,
            kid=org.kid(key),
            key=org.keys[key],
            statement_id=uuid4(self.random),
            valid_from=self.now,
            salts=self.random,
        )

    def approve(self, passkey: Passkey, statements: Collection[Statement]) -> int:
        named = [statement_hash(statement.jwt) for statement in statements]
        assertion = passkey.assertion(approval_challenge(named))
        return self.append(approval_entry(self.tick(), named, assertion))

    def chains_of(self, event: JsonObject) -> list[str]:
        """The identity texts of the chains an event links, each once, in the event's order."""
        found: dict[str, None] = {}
        for _, uri in thing_uris(event):
            identity = parse_identity(uri, ID_BASE)
            chain = chain_identity(identity) if identity else None
            if chain is not None:
                found[canonical_uri(chain, ID_BASE)] = None
        return list(found)

    def log(
        self,
        org: Organisation,
        event: JsonObject,
        statement: Statement,
        *,
        approval: int | None = None,
        chains: Sequence[str] | None = None,
    ) -> Recorded:
        """Logs a signed statement, linked to its things' chains (or to `chains`)."""
        linked = self.chains_of(event) if chains is None else chains
        links = [self.link(identity) for identity in (*linked, use_identity(org.did))]
        h = statement_hash(statement.jwt)
        entries = event_entries(self.tick(), h, links, approval)
        index = self.append(*entries)
        if len(entries) > 1:  # some links stand in the entries that follow
            for identity, link in zip((*linked, use_identity(org.did)), links, strict=True):
                behind = next(n for n, entry in enumerate(entries) if link.encode() in entry)
                self.chains[identity].places[-1] += behind
        self.recorded[index] = Recorded(index, statement)
        return self.recorded[index]

    def record(self, org: Organisation, event: JsonObject, *, key: str = "k1") -> Recorded:
        return self.log(org, event, self.sign(org, event, key))

    def erase(self, recorded: Recorded, paths: Collection[str]) -> int:
        return self.append(erasure_entry(self.tick(), erasure_digests(recorded.statement, paths)))

    # -- reading -----------------------------------------------------------------------------------

    @property
    def checkpoint(self) -> tlog.Checkpoint:
        return tlog.Checkpoint(self.origin, len(self.entries), self.tree_root)

    def signed_checkpoint(self, *, witnessed: bool = False) -> str:
        note = tlog.sign_checkpoint(self.checkpoint, self.log_key)
        if witnessed:
            note = tlog.add_signatures(note, [self.witness.line(self.checkpoint.text, self.now)])
        return note

    def receipt(self, identities: Collection[str], *, key: str = "receipt-1") -> str:
        heads = []
        for identity in identities:
            chain = self.chains[identity]
            n = len(chain.places) - 1
            heads.append(Head(tag(chain.salt, identity, n), n, chain.places[n]))
        return make_receipt(
            origin=self.origin,
            size=len(self.entries),
            root=self.tree_root,
            time=self.now,
            heads=heads,
            name=self.platform.kid(key),
            key=self.platform.keys[key],
        )

    def entry(self, index: int) -> BundledEntry:
        path = tlog.inclusion_proof(index, len(self.entries), self.tiles)
        return BundledEntry(index, self.entries[index], tuple(path))

    def bundle(
        self,
        subject: str,
        things: Collection[str],
        *,
        withhold: Mapping[int, Collection[str]] | None = None,
        hide: Collection[int] = (),
        more: Collection[int] = (),
        since: Since | None = None,
        witnessed: bool = False,
    ) -> bytes:
        """The bundle of `subject` with the chains `things` (its own and its ancestors').

        `withhold` maps indexes to member paths, `hide` lists statements wholly withheld, `more`
        further entries (approvals, erasures).
        """
        keyrings = [identity for identity in self.chains if identity.endswith("#keyring")]
        identities = [*things, *keyrings]
        shown: dict[int, BundledStatement] = {}
        others: dict[int, BundledEntry] = {}
        places = {place for identity in identities for place in self.chains[identity].places}
        for place in sorted(places | set(more)):
            entry = self.entry(place)
            if place in self.recorded and place not in hide:
                statement = self.recorded[place].statement
                sdjwt = present(statement, (withhold or {}).get(place, ()))
                shown[place] = BundledStatement(sdjwt, place, entry.entry, entry.path)
            else:
                others[place] = entry
        return make_bundle(
            subject=subject,
            checkpoint=self.signed_checkpoint(witnessed=witnessed),
            statements=list(shown.values()),
            entries=list(others.values()),
            chains=[BundledChain(one, self.chains[one].salt) for one in identities],
            receipt=self.receipt(identities),
            since=since,
        )

    def policy(self, **members: Any) -> Policy:
        base: dict[str, Any] = {
            "log": self.log_key.verifier,
            "root": self.root.public,
            "platform": self.platform.did,
        }
        return Policy(**{**base, **members})
