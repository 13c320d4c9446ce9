"""A copy of the log is audited and replayed with nothing else; whatever was changed is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.signing import PrivateKey, TrustError, b64url
from trace.core.statements import (
    KEYRING_SALT,
    KeyRecord,
    event_entries,
    event_entry,
    key_entry,
    keyring_identity,
    links_entry,
    origin_entry,
    parse_entry,
    root_kid,
    sign_key_record,
    tag,
)
from trace.core.statements.receipts import Head
from trace.core.tlog import (
    Checkpoint,
    NotWitnessed,
    append,
    entries_path,
    entry_bundle,
    leaf_hash,
    log_signer,
    parse_policy,
    root,
    sign_checkpoint,
    tile_path,
)
from trace.core.verify.mirror import (
    Folder,
    MirrorTiles,
    MirrorUnreadable,
    audit,
    each_entry,
    has_plain_form,
    read_checkpoint_of,
)
from trace.core.verify.monitor import Chain, Monitor, Monitored
from trace.core.verify.origins import follow_origin
from trace.core.verify.policy_file import policy_of, read_policy

ORIGIN = "trace.example/log"
LOG = log_signer(ORIGIN, PrivateKey.from_seed(bytes([1]) * 32))
START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SALT = bytes(range(32))
LOT = "https://trace.example/b/7K3QMP2XV4"
SIZE = 700  # two full bundles and a partial one


def h(number: int) -> str:
    return b64url(sha256(number.to_bytes(4)).digest())


def at(number: int) -> datetime:
    return START + timedelta(seconds=number)


def linked(number: int) -> bytes:
    return event_entry(at(number), h(number), [tag(SALT, LOT, number), tag(SALT, "use", number)])


ENTRIES = [linked(number) for number in range(SIZE)]


class Empty:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


def publish(folder: Path, entries: Sequence[bytes]) -> Folder:
    """A copy of the log of these entries."""
    made = append(0, Empty(), [leaf_hash(entry) for entry in entries])
    files = {tile_path(t.level, t.index, t.width): t.data for t in made.tiles}
    for first in range(0, len(entries), 256):
        some = entries[first : first + 256]
        files[entries_path(first // 256, len(some))] = entry_bundle(some)
    note = sign_checkpoint(Checkpoint(ORIGIN, len(entries), made.root), LOG)
    files["checkpoint"] = note.encode()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Folder(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return publish(tmp_path_factory.mktemp("copy"), ENTRIES)


@pytest.fixture
def copy(whole: Folder, tmp_path: Path) -> Folder:
    shutil.copytree(whole.path, tmp_path / "copy")
    return Folder(tmp_path / "copy")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_whole_copy_has_no_difference(tmp_path: Path, workers: int) -> None:
    several = [linked(number % 9) for number in range(17_000)]  # more than one piece of work
    told: list[tuple[int, int]] = []
    found = audit(
        publish(tmp_path, several),
        [LOG.verifier],
        workers=workers,
        progress=lambda done, size: told.append((done, size)),
    )
    assert (found.entries, found.problems) == (17_000, ())
    assert found.tiles == 67 + 1
    assert told[-1] == (17_000, 17_000)
    assert len(told) == 2


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tile/0/000", "other-tile"),
        ("tile/0/002.p/188", "other-tile"),
        ("tile/1/000.p/2", "other-tile"),
        ("tile/entries/001", "other-tile"),
        ("tile/entries/002.p/188", "other-tile"),
    ],
)
def test_a_changed_byte_is_named_with_its_place(copy: Folder, path: str, code: str) -> None:
    file = copy.path / path
    data = bytearray(file.read_bytes())
    data[50] ^= 1
    file.write_bytes(bytes(data))
    found = audit(copy, [LOG.verifier])
    assert code in {problem.code for problem in found.problems}
    if "entries" in path:
        assert "other-root" in {problem.code for problem in found.problems}
    else:
        assert [problem.place for problem in found.problems] == [path]


@pytest.mark.parametrize(
    "path", ["tile/0/001", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/188"]
)
def test_a_missing_or_cut_file_is_named(copy: Folder, path: str) -> None:
    file = copy.path / path
    whole = file.read_bytes()
    for change in (lambda: file.write_bytes(whole[:-1]), file.unlink):
        change()
        found = audit(copy, [LOG.verifier])
        assert found.problems
        assert path.partition(".")[0] in {p.place.partition(".")[0] for p in found.problems}


def test_where_a_partial_tile_has_gone_the_full_one_serves(copy: Folder) -> None:
    smaller = sign_checkpoint(
        Checkpoint(ORIGIN, 300, append(0, Empty(), [leaf_hash(e) for e in ENTRIES[:300]]).root), LOG
    )
    (copy.path / "checkpoint").write_text(smaller)
    (copy.path / "tile/1/000.p/1").write_bytes((copy.path / "tile/1/000.p/2").read_bytes()[:32])
    found = audit(copy, [LOG.verifier])
    assert (found.entries, found.problems) == (300, ())


def test_a_checkpoint_by_another_key_is_refused(copy: Folder) -> None:
    stranger = log_signer(ORIGIN, PrivateKey.from_seed(bytes([9]) * 32))
    with pytest.raises(NotWitnessed):
        audit(copy, [stranger.verifier])
    (copy.path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(MirrorUnreadable):
        audit(copy, [LOG.verifier])
    (copy.path / "checkpoint").unlink()
    with pytest.raises(MirrorUnreadable):
        audit(copy, [LOG.verifier])


def test_entries_out_of_form_are_named_even_where_the_tree_is_right(tmp_path: Path) -> None:
    entries = [*ENTRIES[:3], ENTRIES[3].replace(b'{"v":1,', b'{"v": 1,'), *ENTRIES[4:10]]
    found = audit(publish(tmp_path, entries), [LOG.verifier])
    assert [(p.code, p.place) for p in found.problems] == [("unreadable", "entry 3")]


def test_proofs_can_be_made_from_a_copy(whole: Folder) -> None:
    checkpoint, _ = read_checkpoint_of(whole, [LOG.verifier])
    assert root(checkpoint.size, MirrorTiles(whole, checkpoint.size)) == checkpoint.root
    assert dict(each_entry(whole, 650, SIZE)) == {n: ENTRIES[n] for n in range(650, SIZE)}


# The quick judgement of an entry's form.

OVERFLOW = event_entries(at(0), h(0), [tag(SALT, "x", n) for n in range(3000)])
FORMS = [ENTRIES[0], event_entry(at(1), h(1), []), event_entry(at(1), h(1), [], 7), *OVERFLOW]


@pytest.mark.parametrize("entry", FORMS)
def test_the_quick_judgement_knows_whole_entries(entry: bytes) -> None:
    assert has_plain_form(entry)


@given(st.sampled_from(FORMS[:3]), st.data())
def test_the_quick_judgement_never_passes_what_the_strict_one_refuses(
    entry: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(entry) - 1))
    with_ = data.draw(st.binary(max_size=3))
    changed = entry[:place] + with_ + entry[place + 1 :]
    if has_plain_form(changed):
        parse_entry(changed)


def test_unsorted_repeated_and_misplaced_members_are_left_to_the_strict_reader() -> None:
    one, two = sorted([tag(SALT, "x", 0), tag(SALT, "x", 1)])
    good = event_entry(at(0), h(0), [one, two])
    for bad in (
        good.replace(f'"{one}","{two}"'.encode(), f'"{two}","{one}"'.encode()),
        good.replace(f'"{one}","{two}"'.encode(), f'"{one}","{one}"'.encode()),
        good.replace(b'"type":"event"', b'"type":"links"').replace(b"]}", b'],"a":1}'),
        links_entry(at(0), h(0), [one]).replace(f'"{one}"'.encode(), b""),
        good.replace(b"2026-11-22T", b"2026-11-32T"),
        good.replace(b"]}", b'],"a":9999999999999999}'),
    ):
        assert not has_plain_form(bad)
        with pytest.raises(TrustError):
            parse_entry(bad)


# Replaying.


def replay(
    entries: Sequence[bytes], chains: Sequence[Chain] = (), heads: Sequence[Head] = ()
) -> Monitored:
    monitor = Monitor(ORIGIN)
    for index, entry in enumerate(entries):
        monitor.take(index, entry)
    return monitor.finish(chains, heads)


def codes(found: Monitored) -> list[tuple[str, str]]:
    return [(problem.code, problem.place) for problem in found.problems]


FOLLOWED = [Chain(LOT, SALT), Chain("use", SALT)]


def test_a_true_log_has_nothing_to_report_and_its_chains_are_followed() -> None:
    entries = [*ENTRIES[:5], *event_entries(at(6), h(6), [tag(SALT, "y", n) for n in range(3000)])]
    found = replay(entries, FOLLOWED, [Head(tag(SALT, LOT, 4), 4, 4)])
    assert found.problems == ()
    assert found.types == {"event": 6, "links": 1}
    assert [chain.places for chain in found.chains] == [(0, 1, 2, 3, 4)] * 2


Change = Callable[[list[bytes]], list[bytes]]
CHANGES: list[tuple[Change, list[tuple[str, str]]]] = [
    (lambda e: [*e[:2], *e[3:]], [("chain-gap", "entry 2"), ("chain-gap", "entry 2")]),
    (
        lambda e: [e[0], e[2], e[1], *e[3:]],
        [("time-decreases", "entry 2"), ("chain-order", "entry 1"), ("chain-order", "entry 1")],
    ),
    (
        lambda e: [*e, event_entry(at(99), h(3), [])],
        [("replayed", "entry 6")],
    ),
    (
        lambda e: [*e, event_entry(at(99), h(99), [tag(SALT, LOT, 1)])],
        [("repeated-link", "entry 6")],
    ),
    (lambda e: [*e, links_entry(at(99), h(2), [tag(SALT, "z", 0)])], [("foreign-link", "entry 6")]),
    (lambda e: [*e, event_entry(at(99), h(99), [], 3)], [("not-approved", "entry 6")]),
    (lambda e: [*e, e[0] + b" "], [("unreadable", "entry 6")]),
    (
        lambda e: [*e, origin_entry(at(99), 1, "old/log", "old/log\n1\n")],
        [("misplaced-origin", "entry 6")],
    ),
    (lambda e: e[1:], [("chain-gap", "entry 0"), ("chain-gap", "entry 0")]),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_whatever_is_missing_moved_or_foreign_is_named(
    change: Change, expected: list[tuple[str, str]]
) -> None:
    assert codes(replay(change(ENTRIES[:6]), FOLLOWED)) == expected


def test_a_chain_shorter_than_its_receipt_says_is_noticed() -> None:
    head = Head(tag(SALT, LOT, 6), 6, 6)
    assert codes(replay(ENTRIES[:6], FOLLOWED)) == []
    assert codes(replay(ENTRIES[:6], FOLLOWED, [head])) == [("chain-gap", "entry 6")]


# Keyrings.

PLATFORM = "did:web:trace.example:o:0000000000"
ROOT = PrivateKey.from_seed(bytes([7]) * 32)


def key_entries(count: int) -> list[bytes]:
    from trace.core.statements import key_record_hash

    entries, previous, last = [], None, ROOT
    for n in range(count):
        new = PrivateKey.from_seed(bytes([20 + n]) * 32)
        kid = f"{PLATFORM}#key-{n}"
        record = KeyRecord(ORIGIN, PLATFORM, n, "add", kid, new.public.jwk, "server", previous)
        signers = [(root_kid(PLATFORM), ROOT)] if n == 0 else [(f"{PLATFORM}#key-{n - 1}", last)]
        jws = sign_key_record(record, signers if n == 0 else [*signers, (kid, new)])
        entries.append(key_entry(at(n), jws, tag(KEYRING_SALT, keyring_identity(PLATFORM), n)))
        previous, last = key_record_hash(jws[0]), new
    return entries


def test_every_organisations_keys_are_followed_without_any_secret() -> None:
    found = replay(key_entries(3))
    assert (found.organisations, found.problems) == (1, ())
    assert found.chains[0].places == (0, 1, 2)


def test_a_key_slipped_in_or_left_out_is_noticed() -> None:
    entries = key_entries(3)
    assert ("bad-key-entry", "entry 1") in codes(replay([entries[0], entries[2]]))
    assert ("bad-key-entry", "entry 0") in codes(replay(entries[1:]))


@pytest.mark.parametrize(
    ("root_key", "good"), [(ROOT, True), (PrivateKey.from_seed(bytes(32)), False)]
)
def test_with_the_root_key_signatures_are_checked_too(root_key: PrivateKey, good: bool) -> None:
    monitor = Monitor(ORIGIN, root_key.public, PLATFORM)
    for index, entry in enumerate(key_entries(2)):
        monitor.take(index, entry)
    found = monitor.finish()
    assert (found.problems == ()) is good


# A log begun anew.


def test_an_older_log_is_followed_only_where_the_policy_names_it() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 41, bytes(32)), LOG)
    entry = origin_entry(at(0), 1, ORIGIN, note)
    new = log_signer(f"{ORIGIN}/2", PrivateKey.from_seed(bytes([3]) * 32))
    both = f"log {LOG.verifier.vkey}\nlog {new.verifier.vkey}\nquorum none\n".encode()
    older = follow_origin(entry, parse_policy(both), now=START)
    assert (older.number, older.checkpoint.size, older.ended) == (1, 41, at(0))
    only_new = f"log {new.verifier.vkey}\nquorum none\n".encode()
    with pytest.raises(NotWitnessed):
        follow_origin(entry, parse_policy(only_new), now=START)
    with pytest.raises(TrustError, match="origin entry"):
        follow_origin(ENTRIES[0], parse_policy(both), now=START)


# Policies of verifiers, from files.


def test_a_verifiers_policy_is_read_from_a_policy_file() -> None:
    lines = [
        f"log {LOG.verifier.vkey}",
        f"#trace platform {PLATFORM}",
        f"#trace root {b64url(ROOT.public.raw)}",
        "#trace inspector did:web:x",
        "#trace max-age 3600",
        "quorum none",
    ]
    policy = read_policy("\n".join(lines).encode())
    assert (policy.log, policy.root, policy.platform) == (LOG.verifier, ROOT.public, PLATFORM)
    assert (policy.quorum, policy.max_age) == (0, timedelta(hours=1))
    assert policy.inspectors == {"did:web:x"}
    for missing in range(3):
        some = [line for n, line in enumerate(lines) if n != missing]
        with pytest.raises(Exception, match="policy") as refused:
            policy_of(parse_policy("\n".join(some).encode()))
        assert getattr(refused.value, "code", "") == "bad-policy"
