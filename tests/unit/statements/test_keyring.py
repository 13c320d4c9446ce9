"""Key records: who may add, rotate, revoke and recover, and what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.golden.world import ORIGIN, Organisation, Passkey, World, private_key
from trace.core.signing import PrivateKey, sign_compact
from trace.core.statements import (
    KEYRING_SALT,
    BadKeyEntry,
    KeyEntry,
    KeyRecord,
    Keyrings,
    key_entry,
    key_record_hash,
    keyring_identity,
    parse_entry,
    possession_challenge,
    sign_key_record,
    tag,
)

Signers = list[tuple[str, PrivateKey]]


class Ring:
    """A world's key entries replayed, with shortcuts to try a next one."""

    def __init__(self) -> None:
        self.world = World()
        self.org, self.inspector = self.world.organisation(), self.world.organisation()
        self.world.first_key(self.org, "k1")
        self.world.first_key(self.inspector, "i1")

    def rings(self) -> Keyrings:
        world = self.world
        rings = Keyrings(ORIGIN, world.root.public, world.platform.did, {self.inspector.did})
        for index, raw in enumerate(world.entries):
            entry = parse_entry(raw)
            assert isinstance(entry, KeyEntry)
            rings.apply(index, entry)
        return rings

    def entry(self, record: KeyRecord, signers: Signers, assertion: Any = None) -> KeyEntry:
        link = tag(KEYRING_SALT, keyring_identity(record.org), record.n)
        raw = key_entry(self.world.tick(), sign_key_record(record, signers), link, assertion)
        entry = parse_entry(raw)
        assert isinstance(entry, KeyEntry)
        return entry

    def refused(self, record: KeyRecord, signers: Signers, assertion: Any = None) -> None:
        rings = self.rings()
        before = dict(rings.keys)
        with pytest.raises(BadKeyEntry):
            rings.apply(len(self.world.entries), self.entry(record, signers, assertion))
        assert rings.keys == before

    def signer(self, org: Organisation, name: str) -> tuple[str, PrivateKey]:
        return org.kid(name), org.keys[name]


@pytest.fixture
def ring() -> Ring:
    return Ring()


def test_keys_are_valid_from_their_entry_to_their_end(ring: Ring) -> None:
    added = ring.world.next_key(ring.org, "add", "k2", "k1")
    rotated = ring.world.next_key(ring.org, "rotate", "k3", "k2")
    revoked = ring.world.revoke(ring.org, "k1", "k3")
    keys = ring.rings().keys
    k1, k2, k3 = (keys[ring.org.kid(name)] for name in ("k1", "k2", "k3"))
    assert (k2.start, k2.end) == (added, rotated)
    assert (k1.end, k3.end) == (revoked, None)
    assert k2.valid_at(added)
    assert k2.valid_at(rotated - 1)
    assert not k2.valid_at(rotated)
    assert not k2.valid_at(added - 1)


def test_a_first_key_needs_the_platforms_root(ring: Ring) -> None:
    org = ring.world.organisation()
    record = ring.world.key_record(org, "add", "k1")
    ring.refused(record, [ring.signer(org, "k1")])
    ring.refused(record, [(ring.world.root_signer[0], private_key("not the root"))])
    ring.refused(record, [ring.world.root_signer, ring.signer(org, "k1")])
    ring.rings().apply(9, ring.entry(record, [ring.world.root_signer]))


def test_a_later_key_needs_a_valid_key_and_its_own_signature(ring: Ring) -> None:
    record = ring.world.key_record(ring.org, "add", "k2")
    k1, k2 = ring.signer(ring.org, "k1"), ring.signer(ring.org, "k2")
    ring.refused(record, [k1])
    ring.refused(record, [k2])
    ring.refused(record, [k2, k1])
    ring.refused(record, [k1, k1])
    ring.refused(record, [k1, k2, k2])
    ring.refused(record, [ring.world.root_signer, k2])
    ring.refused(record, [ring.signer(ring.inspector, "i1"), k2])
    ring.refused(record, [(k1[0], private_key("stolen name")), k2])
    ring.rings().apply(9, ring.entry(record, [k1, k2]))


def test_a_key_that_ended_adds_no_other(ring: Ring) -> None:
    ring.world.next_key(ring.org, "rotate", "k2", "k1")
    record = ring.world.key_record(ring.org, "add", "k3")
    ring.refused(record, [ring.signer(ring.org, "k1"), ring.signer(ring.org, "k3")])


def test_a_kid_is_never_used_again(ring: Ring) -> None:
    ring.world.next_key(ring.org, "rotate", "k2", "k1")
    record = ring.world.key_record(ring.org, "add", "k1")
    ring.refused(record, [ring.signer(ring.org, "k2"), ring.signer(ring.org, "k1")])


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "another.example/log"},
        {"n": 2},
        {"n": 0},
        {"prev": None},
        {"prev": "A" * 43},
        {"kid": "did:web:trace.example:o:OTHER#k2"},
        {"kid": "k2"},
        {"action": "delete"},
        {"custody": None},
        {"custody": "somebody"},
        {"jwk": None},
        {"jwk": {"kty": "RSA"}},
        {"since": 0},
        {"rp_id": "trace.example", "rp_origin": "https://trace.example"},
        {"custody": "passkey"},
    ],
)
def test_a_record_that_does_not_follow_is_refused(ring: Ring, change: dict[str, Any]) -> None:
    record = replace(ring.world.key_record(ring.org, "add", "k2"), **change)
    ring.refused(record, [ring.signer(ring.org, "k1"), ring.signer(ring.org, "k2")])


def test_a_record_under_another_link_is_refused(ring: Ring) -> None:
    record = ring.world.key_record(ring.org, "add", "k2")
    jws = sign_key_record(record, [ring.signer(ring.org, "k1"), ring.signer(ring.org, "k2")])
    link = tag(KEYRING_SALT, keyring_identity(ring.org.did), record.n + 1)
    entry = parse_entry(key_entry(ring.world.tick(), jws, link))
    assert isinstance(entry, KeyEntry)
    with pytest.raises(BadKeyEntry):
        ring.rings().apply(9, entry)


def test_signatures_over_two_different_records_are_refused(ring: Ring) -> None:
    record = ring.world.key_record(ring.org, "add", "k2")
    other = replace(record, custody="own")
    jws = (
        *sign_key_record(record, [ring.signer(ring.org, "k1")]),
        *sign_key_record(other, [ring.signer(ring.org, "k2")]),
    )
    link = tag(KEYRING_SALT, keyring_identity(ring.org.did), record.n)
    entry = parse_entry(key_entry(ring.world.tick(), jws, link))
    assert isinstance(entry, KeyEntry)
    with pytest.raises(BadKeyEntry):
        ring.rings().apply(9, entry)


@pytest.mark.parametrize("payload", [b"5", b"[]", b"{}", b'{"origin":1}', b'{"n":0,"n":0}'])
def test_a_record_that_is_none_is_refused(ring: Ring, payload: bytes) -> None:
    kid, key = ring.signer(ring.org, "k1")
    jws = sign_compact(payload, typ="trace-key+jwt", kid=kid, key=key)
    entry = parse_entry(key_entry(ring.world.tick(), [jws], tag(KEYRING_SALT, "x", 0)))
    assert isinstance(entry, KeyEntry)
    with pytest.raises(BadKeyEntry):
        ring.rings().apply(9, entry)


def test_a_key_is_revoked_by_its_organisation_or_by_platform_and_inspector(ring: Ring) -> None:
    record = ring.world.key_record(ring.org, "revoke", "k1")
    root, inspector = ring.world.root_signer, ring.signer(ring.inspector, "i1")
    own = ring.signer(ring.org, "k1")
    for signers in ([own], [root, inspector]):
        ring.rings().apply(9, ring.entry(record, signers))
    for signers in ([root], [inspector], [inspector, root], [root, own], [root, inspector, own]):
        ring.refused(record, signers)


def test_only_platform_and_inspector_may_doubt_earlier_signatures(ring: Ring) -> None:
    record = replace(ring.world.key_record(ring.org, "revoke", "k1"), since=1)
    ring.refused(record, [ring.signer(ring.org, "k1")])
    rings = ring.rings()
    signers = [ring.world.root_signer, ring.signer(ring.inspector, "i1")]
    rings.apply(9, ring.entry(record, signers))
    state = rings.keys[ring.org.kid("k1")]
    assert state.flagged_at(1)
    assert not state.flagged_at(0)
    assert state.valid_at(8)


def test_a_key_is_revoked_once_and_only_when_it_is_there(ring: Ring) -> None:
    ring.world.next_key(ring.org, "add", "k2", "k1")
    ring.world.revoke(ring.org, "k2", "k1")
    for name in ("k2", "k9"):
        record = ring.world.key_record(ring.org, "revoke", name)
        ring.refused(record, [ring.signer(ring.org, "k1")])


def test_a_recovery_needs_platform_inspector_and_the_new_key_and_ends_the_others(
    ring: Ring,
) -> None:
    record = ring.world.key_record(ring.org, "recover", "k2")
    root, inspector = ring.world.root_signer, ring.signer(ring.inspector, "i1")
    new, old = ring.signer(ring.org, "k2"), ring.signer(ring.org, "k1")
    for signers in ([root, new], [inspector, new], [root, inspector], [old, new], [root, old, new]):
        ring.refused(record, signers)
    rings = ring.rings()
    rings.apply(9, ring.entry(record, [root, inspector, new]))
    assert rings.keys[ring.org.kid("k1")].end == 9
    assert rings.keys[ring.org.kid("k2")].valid_at(9)


def test_an_inspector_does_not_recover_its_own_keys(ring: Ring) -> None:
    record = ring.world.key_record(ring.inspector, "recover", "i2")
    signers = [
        ring.world.root_signer,
        ring.signer(ring.inspector, "i1"),
        ring.signer(ring.inspector, "i2"),
    ]
    ring.refused(record, signers)


def test_a_passkey_proves_that_it_is_held(ring: Ring) -> None:
    passkey, thief = Passkey("mine"), Passkey("thief")
    record = ring.world.key_record(
        ring.org,
        "add",
        "phone",
        jwk=passkey.public.jwk,
        custody="passkey",
        rp_id=passkey.rp_id,
        rp_origin=passkey.origin,
    )
    k1 = ring.signer(ring.org, "k1")
    challenge = possession_challenge(record)
    ring.refused(record, [k1])
    ring.refused(record, [k1], thief.assertion(challenge))
    ring.refused(record, [k1], passkey.assertion(bytes(32)))
    ring.refused(record, [k1], passkey.assertion(challenge, kind="webauthn.create"))
    rings = ring.rings()
    rings.apply(9, ring.entry(record, [k1], passkey.assertion(challenge)))
    with pytest.raises(KeyError):
        rings.public_key(ring.org.kid("phone"))
    with pytest.raises(BadKeyEntry):
        rings.apply(
            10,
            ring.entry(
                replace(
                    ring.world.key_record(ring.org, "add", "k2"),
                    n=2,
                    prev=key_record_hash(sign_key_record(record, [k1])[0]),
                ),
                [(ring.org.kid("phone"), k1[1]), ring.signer(ring.org, "k2")],
            ),
        )


def test_an_assertion_beside_an_ordinary_key_is_refused(ring: Ring) -> None:
    record = ring.world.key_record(ring.org, "add", "k2")
    signers = [ring.signer(ring.org, "k1"), ring.signer(ring.org, "k2")]
    ring.refused(record, signers, Passkey("x").assertion(possession_challenge(record)))
    revoke = ring.world.key_record(ring.org, "revoke", "k1")
    ring.refused(revoke, signers[:1], Passkey("x").assertion(possession_challenge(revoke)))


def test_a_receipt_key_signs_no_records(ring: Ring) -> None:
    platform = ring.world.platform
    record = ring.world.key_record(platform, "add", "receipt-2")
    ring.refused(record, [ring.signer(platform, "receipt-1"), ring.signer(platform, "receipt-2")])
