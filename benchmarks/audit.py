"""Promises of checking everything.

The log as stored is read and rebuilt at 100,000 entries a second on each core. With signatures an
audit of statements keeps at least 70 % of the rate of bare signature checks, with disclosures 45 %.
All cores together never take longer than one alone, whatever else the machine does. One bundle of a
usual history is checked within 25 ms. (Rebuilding a copy in a folder is measured by `log`.)

Floors: bare Ed25519 checks of the same signatures in the same run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from hashlib import sha256

from benchmarks import Figure, absolute, compare, cpu_seconds
from benchmarks.statements import check_all, harvest, signed_part
from tests.golden.story import tell_story
from tests.golden.world import ID_BASE, World, uuid4
from trace.core.signing import b64url
from trace.core.statements import KeyEntry, Keyrings, event_entry, parse_entry
from trace.core.tlog import root
from trace.core.verify import verify_bundle
from trace.core.verify.signed import SignedRow, audit_statements, known_keys
from trace.services.audits.logged import PIECE, Rebuilt, Row, read_piece

MANY = 1_000
ALL_CORES = 16_000
REBUILT = 65_536


def run() -> Iterable[Figure]:
    """Signatures of many statements, and one bundle."""
    world = World()
    org = world.organisation()
    world.first_key(org, "k1")
    lot = f"{ID_BASE}/b/{world.code()}"
    for _ in range(MANY):
        world.record(org, harvest(lot, uuid4(world.random)))
    keyrings = Keyrings("trace.example/log", world.root.public, world.platform.did)
    for index, entry in enumerate(world.entries):
        parsed = parse_entry(entry)
        if isinstance(parsed, KeyEntry):
            keyrings.apply(index, parsed)
    keys = known_keys(keyrings)
    told = world.recorded.values()
    rows = [SignedRow(r.index, world.entries[r.index], r.statement.jwt) for r in told]
    whole = [
        SignedRow(
            r.index,
            world.entries[r.index],
            r.statement.jwt,
            tuple(d.text for d in r.statement.disclosures),
        )
        for r in told
    ]
    checks = [signed_part(r.statement) for r in told]
    public = org.keys["k1"].public
    signatures, all_of_it, bare = cpu_seconds(
        lambda: _passes(rows, keys),
        lambda: _passes(whole, keys),
        lambda: check_all(public, checks),
        rounds=4,
    )
    floor = MANY / bare
    yield compare("audit: statements and signatures", MANY / signatures, "/s", floor, ">=", 0.7)
    yield compare("audit: disclosures as well", MANY / all_of_it, "/s", floor, ">=", 0.45)
    yield _rebuilding()
    yield _on_all_cores(rows, keys)
    yield _bundle()


def _rebuilding() -> Figure:
    """Entries as they lie in the database, hashed and read, and the tree over them: CPU time."""
    world = World()
    t, rows = world.now, list[Row]()
    for place in range(REBUILT):
        links = [b64url(sha256(f"{place} {n}".encode()).digest()[:16]) for n in range(3)]
        h = b64url(sha256(str(place).encode()).digest())
        rows.append((place, event_entry(t, h, links).decode(), place))
    pieces = [rows[at : at + PIECE] for at in range(0, REBUILT, PIECE)]

    def rebuild() -> None:
        hashes = b"".join(read_piece(piece).hashes for piece in pieces)
        if root(REBUILT, Rebuilt(hashes, 1)) == hashes[:32]:
            raise AssertionError("no tree")

    [spent] = cpu_seconds(rebuild, rounds=3)
    return absolute("audit: entries read and rebuilt, a core", REBUILT / spent, "/s", ">=", 100_000)


def _passes(rows: list[SignedRow], keys: object, workers: int = 1) -> None:
    _, problems = audit_statements(rows, keys, workers=workers)  # type: ignore[arg-type]
    if problems:
        raise AssertionError(problems[0])


def _on_all_cores(rows: list[SignedRow], keys: object) -> Figure:
    """Elapsed, against one process in the same run: what other work leaves of the machine."""
    many = rows * (ALL_CORES // MANY)
    spent = []
    for workers in (1, os.cpu_count() or 1):
        start = time.perf_counter()
        _passes(many, keys, workers)
        spent.append(ALL_CORES / (time.perf_counter() - start))
    return compare("audit: signatures, all cores, elapsed", spent[1], "/s", spent[0], ">=", 0.9)


def _bundle() -> Figure:
    story = tell_story()
    data, policy = story.bundle(), story.world.policy()
    [spent] = cpu_seconds(lambda: verify_bundle(data, policy, story.world.now), rounds=20)
    return absolute("bundle: one usual history checked", spent * 1e3, "ms", "<=", 25)
