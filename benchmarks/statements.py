"""Promises: a typical event's statement (12 disclosures) costs at most 100 µs beyond its signature;
reading one back, strictly, stays within 3 times its bare signature check, verifying a bundle of 200
statements within 4 times theirs; the log takes 1,000 leaves within 4 times their bare hashes.

Floors, in the same run and process: bare Ed25519 signatures and checks over the same texts, bare
SHA-256 over the same leaves and as many nodes. CPU time, least of several rounds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from benchmarks import Figure, absolute, compare, cpu_seconds
from tests.golden.story import event_of, quantity
from tests.golden.world import ID_BASE, START, Organisation, Tiles, World, uuid4
from trace.core.signing import JsonObject, PublicKey, parse_compact
from trace.core.statements import Statement, build_statement, open_signed, paths_of, present
from trace.core.statements.build import TYP
from trace.core.tlog import append, leaf_hash
from trace.core.verify import verify_bundle

MANY = 200
LEAVES = 1_000


def harvest(lot: str, event_id: str) -> JsonObject:
    """An event of the usual size: 12 disclosures."""
    return event_of(
        "ObjectEvent",
        "trace:harvesting",
        "2026-11-20T08:00",
        eventID=event_id,
        action="ADD",
        disposition="active",
        quantityList=[quantity(lot, 120.5)],
        readPoint={"id": f"{ID_BASE}/l/7K3QMP2XV4"},
        ilmd={
            "cbvmda:lotNumber": "L2011",
            "cbvmda:harvestStartDate": "2026-11-20",
            "trace:productName": "Rau muống",
        },
        **{"trace:performedBy": {"household": "H07"}, "trace:recordedBy": {"person": "P1"}},
    )


def run() -> Iterable[Figure]:
    """Statement, reading, bundle, log."""
    world = World()
    org = world.organisation()
    world.first_key(org, "k1")
    lot = f"{ID_BASE}/b/{world.code()}"
    yield from _statement(world, org, harvest(lot, uuid4(world.random)))
    yield _bundle(world, org, lot)
    yield _log()


def _statement(world: World, org: Organisation, event: JsonObject) -> Iterable[Figure]:
    key = org.keys["k1"]
    arguments: dict[str, Any] = {
        "issuer": org.did,
        "kid": org.kid("k1"),
        "key": key,
        "statement_id": uuid4(world.random),
        "valid_from": START,
        "salts": os.urandom,
    }
    statement = build_statement(event, **arguments)
    message, signature = signed_part(statement)
    sdjwt = present(statement)
    build, sign, read, check = cpu_seconds(
        lambda: [build_statement(event, **arguments) for _ in range(MANY)],
        lambda: [key.sign(message) for _ in range(MANY)],
        lambda: [open_signed(sdjwt, key.public) for _ in range(MANY)],
        lambda: check_all(key.public, [(message, signature)] * MANY),
        rounds=12,
    )
    micro = 1e6 / MANY
    count = len(paths_of(event))
    yield absolute(
        f"statement of {count} disclosures beyond its signature",
        (build - sign) * micro,
        "us",
        "<=",
        100,
    )
    yield compare("statement built and signed", build * micro, "us", sign * micro, "<=", 4)
    yield compare("statement read and checked", read * micro, "us", check * micro, "<=", 3)


def check_all(public: PublicKey, signed: Sequence[tuple[bytes, bytes]]) -> None:
    """Bare signature checks."""
    for message, signature in signed:
        public.verify(signature, message)


def signed_part(statement: Statement) -> tuple[bytes, bytes]:
    """The message that is signed and its signature."""
    compact = parse_compact(statement.jwt, typ=TYP)
    return statement.jwt.rpartition(".")[0].encode(), compact.signature


def _bundle(world: World, org: Organisation, lot: str) -> Figure:
    for _ in range(MANY):
        world.record(org, harvest(lot, uuid4(world.random)))
    data = world.bundle(lot, [lot])
    policy = world.policy()
    checks = [signed_part(recorded.statement) for recorded in world.recorded.values()]
    whole, bare = cpu_seconds(
        lambda: verify_bundle(data, policy, world.now),
        lambda: check_all(org.keys["k1"].public, checks),
        rounds=6,
    )
    return compare(f"bundle of {MANY} statements", whole * 1e3, "ms", bare * 1e3, "<=", 4)


def _log() -> Figure:
    leaves = [leaf_hash(os.urandom(160)) for _ in range(LEAVES)]
    store = Tiles()
    for tile in append(0, store, [leaf_hash(os.urandom(8)) for _ in range(700)]).tiles:
        store[tile.level, tile.index] = tile.data
    pairs = [one + other for one, other in zip(leaves, reversed(leaves), strict=True)]
    ours, bare = cpu_seconds(
        lambda: append(700, store, leaves),
        lambda: [sha256(b"\x01" + pair).digest() for pair in pairs],
        rounds=12,
    )
    return compare(f"log takes {LEAVES} leaves", ours * 1e3, "ms", bare * 1e3, "<=", 4)
