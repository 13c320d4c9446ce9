"""Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2; RFC 9162 section 2.1).

Made from tiles, checked from nothing but hashes. Verification raises and never returns False.
"""

from __future__ import annotations

from collections.abc import Sequence

from trace.core.signing import b64url
from trace.core.tlog.errors import NotConsistent, NotInLog
from trace.core.tlog.interiors import Interiors, Levels
from trace.core.tlog.tiles import (
    EMPTY_ROOT,
    HASH,
    TILE_HEIGHT,
    TILE_WIDTH,
    TileStore,
    node_hash,
)


class _Reader:
    """Hashes of any range of leaves, from the interiors of tiles."""

    def __init__(self, size: int, store: TileStore, interiors: Interiors | None) -> None:
        self._size = size
        self._store = store
        self._interiors = interiors or Interiors(64)

    def range_hash(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]) where start is a multiple of a power of two ≥ end - start."""
        count = end - start
        if count & (count - 1) == 0:
            return self._complete(start, count.bit_length() - 1)
        split = _split(count)
        return node_hash(self.range_hash(start, start + split), self.range_hash(start + split, end))

    def _complete(self, start: int, height: int) -> bytes:
        level, inner = divmod(height, TILE_HEIGHT)
        index, offset = divmod(start >> (level * TILE_HEIGHT), TILE_WIDTH)
        at = (offset >> inner) * HASH
        return self.tile(level, index)[inner][at : at + HASH]

    def tile(self, level: int, index: int) -> Levels:
        """The interior of a tile as this size of the log has it."""
        width = min(TILE_WIDTH, (self._size >> (level * TILE_HEIGHT)) - index * TILE_WIDTH)
        if width <= 0:
            return ()
        return self._interiors.of(self._store, level, index, width)


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_proof(
    index: int, size: int, store: TileStore, interiors: Interiors | None = None
) -> list[bytes]:
    """The audit path of entry `index` in the log's first `size` entries, leaf's sibling first.

    Raises NotInLog when there is no such entry, BrokenTiles when a tile is missing.
    """
    if not 0 <= index < size:
        raise NotInLog(f"an index below {size}", index)
    reader = _Reader(size, store, interiors)
    path: list[bytes] = []
    for level in range((size - 1).bit_length() // TILE_HEIGHT + 1):
        shift = level * TILE_HEIGHT
        node = index >> shift  # the one above the entry in this tile's lowest row
        levels = reader.tile(level, node // TILE_WIDTH)
        offset = node % TILE_WIDTH
        for inner in range(TILE_HEIGHT):
            height = shift + inner
            sibling = (node >> inner) ^ 1
            if sibling << height >= size:
                continue  # the tree ends before: this node has no sibling here
            if (sibling + 1) << height <= size:
                at = ((offset >> inner) ^ 1) * HASH
                path.append(levels[inner][at : at + HASH])
            else:  # the right edge, once in a path
                path.append(reader.range_hash(sibling << height, size))
    return path


def consistency_proof(
    old: int, new: int, store: TileStore, interiors: Interiors | None = None
) -> list[bytes]:
    """The proof that the first `old` entries begin the first `new`; empty for 0 and for equals.

    Raises NotConsistent when old > new, BrokenTiles when a tile is missing.
    """
    if not 0 <= old <= new:
        raise NotConsistent(f"a size up to {new}", old)
    if old in (0, new):
        return []
    reader = _Reader(new, store, interiors)
    path: list[bytes] = []
    start, end, whole = 0, new, True  # whole: the old log's root is the range's own hash so far
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(reader.range_hash(middle, end))
            end = middle
        else:
            path.append(reader.range_hash(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(reader.range_hash(start, end))
    path.reverse()
    return path


def _check_hashes(proof: Sequence[bytes]) -> bool:
    return all(len(node) == HASH for node in proof)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raises NotInLog unless `leaf` (32 bytes) stands at `index` of the log with this root
    (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise NotInLog(f"an index below {size}", index)
    if len(leaf) != HASH or not _check_hashes(proof):
        raise NotInLog("hashes of 32 bytes", "other lengths")
    node, at, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise NotInLog("a shorter path", f"{len(proof)} hashes")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        at >>= 1
        last >>= 1
    if last != 0:
        raise NotInLog("a longer path", f"{len(proof)} hashes")
    if node != root:
        raise NotInLog(f"the root {b64url(root)}", b64url(node))


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises NotConsistent unless the old log begins the new one (RFC 9162 section 2.1.4.2).

    An empty old log begins every log, with the empty root and an empty proof.
    """
    if not 0 <= old_size <= new_size:
        raise NotConsistent(f"a size up to {new_size}", old_size)
    if not _check_hashes([*proof, old_root, new_root]):
        raise NotConsistent("hashes of 32 bytes", "other lengths")
    if old_size in (0, new_size):
        if proof:
            raise NotConsistent("an empty proof", f"{len(proof)} hashes")
        expected = EMPTY_ROOT if old_size == 0 else new_root
        if old_root != expected:
            raise NotConsistent(f"the root {b64url(expected)}", b64url(old_root))
        if new_size == 0 and new_root != EMPTY_ROOT:
            raise NotConsistent(f"the root {b64url(EMPTY_ROOT)}", b64url(new_root))
        return
    _verify_growth(old_size, new_size, old_root, new_root, list(proof))


def _verify_growth(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: list[bytes]
) -> None:
    if old_size & (old_size - 1) == 0:  # the old root is itself a node of the new tree
        path.insert(0, old_root)
    if not path:
        raise NotConsistent("a proof", "an empty one")
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old_node = new_node = path[0]
    for node in path[1:]:
        if last == 0:
            raise NotConsistent("a shorter proof", f"{len(path)} hashes")
        if at & 1 or at == last:
            old_node, new_node = node_hash(node, old_node), node_hash(node, new_node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new_node = node_hash(new_node, node)
        at >>= 1
        last >>= 1
    if last != 0:
        raise NotConsistent("a longer proof", f"{len(path)} hashes")
    if old_node != old_root:
        raise NotConsistent(f"the older root {b64url(old_root)}", b64url(old_node))
    if new_node != new_root:
        raise NotConsistent(f"the newer root {b64url(new_root)}", b64url(new_node))
