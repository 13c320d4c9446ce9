"""Every stored statement against the log, by the thousand: what was edited or swapped is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.golden.story import event_of, quantity
from tests.golden.world import ID_BASE, ORIGIN, Organisation, World, uuid4
from trace.core.signing import b64url, unb64url
from trace.core.statements import KeyEntry, Keyrings, parse_entry
from trace.core.verify.signed import PIECE, KnownKey, SignedRow, audit_statements, known_keys

Change = Callable[[SignedRow, SignedRow], SignedRow]


@pytest.fixture(scope="module")
def log() -> tuple[World, Organisation]:
    world = World()
    org = world.organisation()
    world.first_key(org, "k1")
    for _ in range(3):
        told(world, org, "k1")
    world.next_key(org, "rotate", "k2", by="k1")
    for _ in range(3):
        told(world, org, "k2")
    return world, org


def told(world: World, org: Organisation, key: str) -> None:
    event = event_of(
        "ObjectEvent",
        "storing",
        "2026-11-21T08:00",
        eventID=uuid4(world.random),
        action="OBSERVE",
        quantityList=[quantity(f"{ID_BASE}/b/{world.code()}", 1)],
    )
    world.record(org, event, key=key)


def keys_of(world: World) -> dict[str, KnownKey]:
    keyrings = Keyrings(ORIGIN, world.root.public, world.platform.did)
    for index, entry in enumerate(world.entries):
        parsed = parse_entry(entry)
        if isinstance(parsed, KeyEntry):
            keyrings.apply(index, parsed)
    return known_keys(keyrings)


def rows_of(world: World) -> list[SignedRow]:
    return [
        SignedRow(
            one.index,
            world.entries[one.index],
            one.statement.jwt,
            tuple(d.text for d in one.statement.disclosures),
        )
        for one in world.recorded.values()
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_true_statements_have_no_problem_on_any_number_of_processes(
    log: tuple[World, Organisation], workers: int
) -> None:
    world, _ = log
    rows = rows_of(world) * (PIECE // 3)  # two pieces of work
    seen: list[int] = []
    found = audit_statements(rows, keys_of(world), workers=workers, progress=seen.append)
    assert found == (len(rows), ())
    assert seen == [PIECE, len(rows)]


def flipped(text: str) -> str:
    data = bytearray(unb64url(text))
    data[0] ^= 1
    return b64url(bytes(data))


def other_signature(row: SignedRow, _other: SignedRow) -> SignedRow:
    signed, _, signature = row.jwt.rpartition(".")
    jwt = f"{signed}.{flipped(signature)}"
    return replace(row, jwt=jwt, entry=logged(row, jwt))


def logged(row: SignedRow, jwt: str) -> bytes:
    """The entry as an operator who edits both would write it."""
    from trace.core.statements import statement_hash

    return row.entry.replace(statement_hash(row.jwt).encode(), statement_hash(jwt).encode())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda row, other: replace(row, jwt=other.jwt), "not-this-entry"),
        (lambda row, other: replace(row, entry=other.entry), "not-this-entry"),
        (lambda row, other: replace(row, jwt=row.jwt + "A"), "not-this-entry"),
        (lambda row, other: replace(row, entry=b"{}"), "unreadable"),
        (other_signature, "bad-signature"),
        (lambda row, other: replace(row, disclosures=other.disclosures), "disclosure-mismatch"),
        (lambda row, other: replace(row, disclosures=(row.disclosures[0],) * 2), None),
        (lambda row, other: replace(row, index=0), "key-not-valid-then"),
        (lambda row, other: replace(row, index=10_000), "key-not-valid-then"),
    ],
)
def test_whatever_was_edited_is_named_with_its_place(
    log: tuple[World, Organisation], change: Change, code: str | None
) -> None:
    world, _ = log
    rows = rows_of(world)
    rows[1] = change(rows[1], rows[2])
    count, [problem] = audit_statements(rows, keys_of(world))
    assert count == len(rows)
    assert problem.place == f"entry {rows[1].index}"
    assert code in (None, problem.code)


def test_an_erased_disclosure_is_no_problem(log: tuple[World, Organisation]) -> None:
    world, _ = log
    rows = rows_of(world)
    rows[0] = replace(rows[0], disclosures=(None, *rows[0].disclosures[1:]))
    assert audit_statements(rows, keys_of(world))[1] == ()


def test_a_key_that_the_log_does_not_have_is_named(log: tuple[World, Organisation]) -> None:
    world, org = log
    keys = keys_of(world)
    del keys[org.kid("k1")]
    _, problems = audit_statements(rows_of(world), keys)
    assert [problem.code for problem in problems] == ["unknown-key"] * 3


def test_receipt_keys_sign_no_statements(log: tuple[World, Organisation]) -> None:
    world, org = log
    assert set(keys_of(world)) == {org.kid("k1"), org.kid("k2")}
