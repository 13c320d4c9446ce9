"""Hashes inside tiles, kept: a proof then costs a few slices instead of a thousand hashes.

A tile of 256 hashes has 8 levels; each proof needs about one hash per level. Computing a tile's
interior once and keeping it (16 kB) makes warm proofs some 40 times cheaper. Tiles never change,
so what is kept never goes stale; a partial tile is kept under its width.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from struct import iter_unpack
from threading import Lock
from typing import Final

from trace.core.tlog.tiles import HASH, TileStore, read_tile

DEFAULT_TILES: Final = 1024  # 16 MB
Levels = tuple[bytes, ...]


def interior(tile: bytes) -> Levels:
    """The joined hashes of each height inside a tile: the tile itself, then its complete pairs,
    and so on. An odd hash at the end of a height has no parent yet and is left out above."""
    levels = [tile]
    while len(tile) >= 2 * HASH:
        whole = len(tile) // (2 * HASH) * (2 * HASH)
        tile = b"".join(
            [sha256(b"\x01" + pair).digest() for (pair,) in iter_unpack("64s", tile[:whole])]
        )
        levels.append(tile)
    return tuple(levels)


class Interiors:
    """The interiors of the tiles used last; safe to share between threads."""

    def __init__(self, tiles: int = DEFAULT_TILES) -> None:
        self._room = tiles
        self._kept: OrderedDict[tuple[int, int, int], Levels] = OrderedDict()
        self._lock = Lock()

    def of(self, store: TileStore, level: int, index: int, width: int) -> Levels:
        """The interior of a tile, read from `store` when it is not kept. Raises BrokenTiles."""
        key = (level, index, width)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = interior(read_tile(store, level, index, width))
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._room:
                self._kept.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forgets everything: after the store was exchanged."""
        with self._lock:
            self._kept.clear()
