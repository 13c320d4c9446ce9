"""The Merkle tree of RFC 6962 over C2SP tiles: roots, proofs, paths, bundles of entries."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.world import Tiles
from trace.core.signing import Unreadable
from trace.core.tlog import (
    EMPTY_ROOT,
    BrokenTiles,
    NotConsistent,
    NotInLog,
    append,
    consistency_proof,
    entries_path,
    entry_bundle,
    inclusion_proof,
    leaf_hash,
    node_hash,
    parse_entry_bundle,
    parse_tile_path,
    root,
    tile_path,
    tile_widths,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(f"entry {n}".encode()) for n in range(66_000)]
SMALL = 700  # crosses two full tiles


def word_for_word(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(word_for_word(leaves[:k]), word_for_word(leaves[k:]))


def grown(*steps: int) -> Tiles:
    """A store after appends of these many leaves."""
    tiles, size = Tiles(), 0
    for step in steps:
        done = append(size, tiles, LEAVES[size : size + step])
        for tile in done.tiles:
            assert len(tile.data) == 32 * tile.width
            tiles[tile.level, tile.index] = tile.data
        size = done.size
        assert done.root == root(size, tiles)
    return tiles


STORE = grown(SMALL)


def test_hashes_are_those_of_the_standard() -> None:
    assert leaf_hash(b"") == sha256(b"\x00").digest()
    assert node_hash(bytes(32), bytes(32)) == sha256(b"\x01" + bytes(64)).digest()
    assert sha256(b"").digest() == EMPTY_ROOT
    assert root(0, Tiles()) == EMPTY_ROOT


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=6))
def test_how_a_log_grew_does_not_change_its_tiles_or_root(steps: list[int]) -> None:
    size = sum(steps)
    tiles = grown(*steps)
    assert tiles == grown(size)
    assert root(size, tiles) == word_for_word(LEAVES[:size])


def test_a_log_beyond_65536_entries_has_a_third_level() -> None:
    size = 66_000
    tiles = grown(65_000, 536, 464)
    assert tile_widths(size) == [(0, 257, 208), (1, 1, 1), (2, 0, 1)]
    assert root(size, tiles) == word_for_word(LEAVES[:size])
    for index in (0, 255, 256, 65_535, 65_536, 65_999):
        proof = inclusion_proof(index, size, tiles)
        verify_inclusion(LEAVES[index], index, size, proof, root(size, tiles))
    proof = consistency_proof(300, size, tiles)
    verify_consistency(300, size, root(300, tiles), root(size, tiles), proof)


def test_an_append_reads_only_the_right_edge_and_writes_only_what_changed() -> None:
    read: list[tuple[int, int, int]] = []

    class Counting(Tiles):
        def read(self, level: int, index: int, width: int) -> bytes:
            read.append((level, index, width))
            return super().read(level, index, width)

    tiles = Counting(grown(66_000))
    done = append(66_000, tiles, LEAVES[:1])
    assert read == [(0, 257, 208), (1, 1, 1), (2, 0, 1)]
    assert [(tile.level, tile.index, tile.width) for tile in done.tiles] == [(0, 257, 209)]


@settings(max_examples=80, deadline=None)
@given(st.integers(1, SMALL), st.data())
def test_every_entry_proves_that_it_is_in_every_later_log(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, STORE)
    verify_inclusion(LEAVES[index], index, size, proof, root(size, STORE))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, SMALL), st.data())
def test_every_log_proves_that_it_begins_every_later_one(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, STORE)
    verify_consistency(old, new, root(old, STORE), root(new, STORE), proof)


@settings(max_examples=80, deadline=None)
@given(st.integers(2, SMALL), st.data())
def test_a_changed_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    good = (LEAVES[index], index, size, inclusion_proof(index, size, STORE), root(size, STORE))
    leaf, _, _, proof, top = good
    node = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = bytearray(proof[node])
    flipped[bit // 8] ^= 1 << bit % 8
    for bad in (
        (leaf, index, size, [*proof[:node], bytes(flipped), *proof[node + 1 :]], top),
        (leaf, index, size, [*proof[:node], *proof[node + 1 :]], top),
        (leaf, index, size, [*proof, bytes(32)], top),
        (leaf, index, size, [bytes(32), *proof], top),
        (leaf, index, size, [*proof[:node], proof[node][:31], *proof[node + 1 :]], top),
        (leaf, index ^ 1, size, proof, top),
        (LEAVES[(index + 1) % size], index, size, proof, top),
        (leaf, index, size, proof, EMPTY_ROOT),
        (leaf[:31], index, size, proof, top),
        (leaf, size, size, proof, top),
        (leaf, -1, size, proof, top),
        (leaf, index, 0, proof, top),
    ):
        with pytest.raises(NotInLog):
            verify_inclusion(*bad)


@settings(max_examples=80, deadline=None)
@given(st.integers(2, SMALL), st.data())
def test_a_changed_consistency_proof_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    proof = consistency_proof(old, new, STORE)
    before, after = root(old, STORE), root(new, STORE)
    node = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[node][0] ^ 1]) + proof[node][1:]
    for bad in (
        (old, new, before, after, [*proof[:node], flipped, *proof[node + 1 :]]),
        (old, new, before, after, [*proof[:node], *proof[node + 1 :]]),
        (old, new, before, after, [*proof, bytes(32)]),
        (old, new, after, after, proof),
        (old, new, before, before, proof),
        (old, new, before, after, []),
        (new, old, before, after, proof),
        (old, old, before, after, []),
        (0, new, before, after, []),
        (old, new, before[:31], after, proof),
    ):
        with pytest.raises(NotConsistent):
            verify_consistency(*bad)


def test_an_empty_log_begins_every_log_with_nothing_to_show() -> None:
    verify_consistency(0, 5, EMPTY_ROOT, root(5, STORE), [])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    for bad in ((0, 5, EMPTY_ROOT, root(5, STORE), [bytes(32)]), (0, 0, bytes(32), bytes(32), [])):
        with pytest.raises(NotConsistent):
            verify_consistency(*bad)


def test_a_proof_of_what_the_log_does_not_have_is_not_made() -> None:
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(NotInLog):
            inclusion_proof(index, size, STORE)
    with pytest.raises(NotConsistent):
        consistency_proof(6, 5, STORE)


def test_a_missing_or_short_tile_stops_everything_with_its_name() -> None:
    broken = Tiles(STORE)
    broken[0, 2] = broken[0, 2][:-1]
    for act in (
        lambda: append(SMALL, broken, LEAVES[:1]),
        lambda: root(SMALL, broken),
        lambda: inclusion_proof(SMALL - 1, SMALL, broken),
    ):
        with pytest.raises(BrokenTiles) as caught:
            act()
        assert "tile/0/002.p/188" in caught.value.detail


# -- paths and bundles -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (1, 5, 112, "tile/1/005.p/112"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (63, 1_000, 1, "tile/63/x001/000.p/1"),
    ],
)
def test_tiles_have_the_published_paths(level: int, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path
    assert parse_tile_path(path) == (level, index, width)


@given(st.integers(0, 10**12), st.integers(1, 256))
def test_entry_bundles_have_paths_of_their_own(index: int, width: int) -> None:
    assert parse_tile_path(entries_path(index, width)) == ("entries", index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/01",
        "tile/entries/000/",
        "/tile/0/000",
        "tile/0/../000",
        "tile/data/000",
        "tile/0/" + "x000/" * 20 + "000",
    ],
)
def test_a_path_of_any_other_form_is_refused(path: str) -> None:
    with pytest.raises(Unreadable):
        parse_tile_path(path)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entries_come_out_of_a_bundle_as_they_went_in(entries: list[bytes]) -> None:
    assert parse_entry_bundle(entry_bundle(entries)) == entries


def test_a_cut_or_overfull_bundle_is_refused() -> None:
    whole = entry_bundle([b"one", b"two"])
    for cut in (
        b"",
        whole[:-1],
        whole + b"\x00",
        whole + b"\x00\x01",
        entry_bundle([b""] * 256) + b"\x00\x00",
    ):
        with pytest.raises(Unreadable):
            parse_entry_bundle(cut)
    for entries in ([], [b""] * 257, [bytes(65_536)]):
        with pytest.raises(Unreadable):
            entry_bundle(entries)
