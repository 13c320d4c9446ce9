"""The Merkle tree of RFC 6962 section 2.1, kept as tiles (C2SP tlog-tiles v1).

Rules.
1. leaf = SHA-256(0x00 ‖ entry), node = SHA-256(0x01 ‖ left ‖ right), empty tree = SHA-256("").
2. Tile (level, index) holds up to 256 hashes: those of the complete subtrees of 256^level leaves
   numbered 256·index onwards. Only the last tile of a level may hold fewer (a partial tile).
3. Paths: `tile/<level>/<index>[.p/<width>]`, `tile/entries/<index>[.p/<width>]`; the index in
   groups of three digits, all but the last led by `x`: 1234067 is `x001/x234/067`.
4. An entry bundle is each entry led by its length in two bytes, big-endian; 256 entries a bundle.

Appending k leaves costs O(k + log n) hashes and reads only the right edge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, Protocol

from trace.core.signing import Unreadable
from trace.core.tlog.errors import BrokenTiles

HASH: Final = 32
TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
EMPTY_ROOT: Final = sha256(b"").digest()
MAX_ENTRY: Final = 65_535


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry, taken verbatim (rule 1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash over two 32-byte hashes (rule 1)."""
    return sha256(b"\x01" + left + right).digest()


class TileStore(Protocol):
    """Where tiles are read from: a table, a folder, a mirror."""

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile: 32·width bytes. A wider stored tile may be cut."""
        ...


@dataclass(frozen=True, slots=True)
class TileUpdate:
    """A tile to store under (level, index); `data` has 32·width bytes and replaces what was."""

    level: int
    index: int
    width: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """The log after an append: its size, its root, and the tiles that changed."""

    size: int
    root: bytes
    tiles: tuple[TileUpdate, ...]


def read_tile(store: TileStore, level: int, index: int, width: int) -> bytes:
    """`width` hashes of a tile. Raises BrokenTiles unless the store gives exactly that much."""
    data = store.read(level, index, width)
    if len(data) != width * HASH:
        raise BrokenTiles(tile=tile_path(level, index, width))
    return data


def tile_widths(size: int) -> list[tuple[int, int, int]]:
    """(level, full tiles, width of the partial tile or 0) for each level of a log of `size`."""
    levels = []
    level = 0
    count = size
    while count:
        levels.append((level, count // TILE_WIDTH, count % TILE_WIDTH))
        count //= TILE_WIDTH
        level += 1
    return levels


def append(size: int, store: TileStore, leaf_hashes: Sequence[bytes]) -> Appended:
    """The log of `size` entries with more leaves at its end.

    Reads at most one partial tile a level. Raises BrokenTiles when the store lacks one.
    """
    edges: list[bytes] = []
    tiles: list[TileUpdate] = []
    new: Sequence[bytes] = leaf_hashes
    level, count = 0, size
    while count or new:
        full, width = divmod(count, TILE_WIDTH)
        edge = read_tile(store, level, full, width) if width else b""
        data = edge + b"".join(new)
        carried: list[bytes] = []
        while len(data) >= TILE_WIDTH * HASH:
            tile, data = data[: TILE_WIDTH * HASH], data[TILE_WIDTH * HASH :]
            tiles.append(TileUpdate(level, full, TILE_WIDTH, tile))
            carried.append(subtree_root(tile))
            full += 1
        if data and new:
            tiles.append(TileUpdate(level, full, len(data) // HASH, data))
        edges.append(data)
        new, level, count = carried, level + 1, count // TILE_WIDTH
    return Appended(size + len(leaf_hashes), _root_of_edges(edges), tuple(tiles))


def root(size: int, store: TileStore) -> bytes:
    """The root of the log's first `size` entries. Raises BrokenTiles.

    `size` may be smaller than the log: then the tiles of the larger log serve.
    """
    return _root_of_edges(
        [
            read_tile(store, level, full, width) if width else b""
            for level, full, width in tile_widths(size)
        ]
    )


def subtree_root(hashes: bytes) -> bytes:
    """The root over a power of two of hashes, joined. A full tile gives its parent's hash."""
    while len(hashes) > HASH:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest()
                for at in range(0, len(hashes), 2 * HASH)
            ]
        )
    return hashes


def _root_of_edges(edges: Sequence[bytes]) -> bytes:
    """The root from each level's partial tile: its complete subtrees, smallest last, folded."""
    right: bytes | None = None
    for edge in edges:
        width = len(edge) // HASH
        while width:
            power = width & -width  # the smallest complete subtree left in this tile, at its end
            node = subtree_root(edge[(width - power) * HASH : width * HASH])
            right = node if right is None else node_hash(node, right)
            width -= power
    return EMPTY_ROOT if right is None else right


# Paths and bundles (rules 3 and 4).

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
MAX_LEVEL: Final = 63


def _index_text(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def tile_path(level: int | Literal["entries"], index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile of hashes or, for level "entries", of an entry bundle."""
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{_index_text(index)}{partial}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle."""
    return tile_path("entries", index, width)


def parse_tile_path(text: str) -> tuple[int | Literal["entries"], int, int]:
    """(level or "entries", index, width) of a path in its one form. Raises Unreadable."""
    found = _PATH.fullmatch(text) if len(text) <= 64 else None
    if found is None:
        raise Unreadable("a path such as tile/0/x001/067.p/5", text)
    level: int | Literal["entries"] = (
        "entries" if found["level"] == "entries" else int(found["level"])
    )
    index = int(found["index"].replace("/", "").replace("x", ""))
    width = int(found["width"] or TILE_WIDTH)
    if level != "entries" and level > MAX_LEVEL:
        raise Unreadable(f"a level up to {MAX_LEVEL}", level)
    if tile_path(level, index, width) != text:  # leading groups of zeros, widths of 256 and more
        raise Unreadable(tile_path(level, index, min(width, TILE_WIDTH)), text)
    if width > TILE_WIDTH:
        raise Unreadable("a width from 1 to 255", width)
    return level, index, width


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Up to 256 entries as one bundle. Raises Unreadable for an entry over 65,535 bytes."""
    if not 0 < len(entries) <= TILE_WIDTH:
        raise Unreadable(f"1 to {TILE_WIDTH} entries", len(entries))
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise Unreadable(f"at most {MAX_ENTRY} bytes", len(entry))
    return b"".join([len(entry).to_bytes(2) + entry for entry in entries])


def parse_entry_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises Unreadable when it is cut, empty, or holds more than 256."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if len(entries) == TILE_WIDTH:  # told before millions of empty ones are made
            raise Unreadable(f"1 to {TILE_WIDTH} entries", "more")
        length = int.from_bytes(data[at : at + 2])
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(entry) != length:
            raise Unreadable("a whole entry", "the end of the bundle")
        entries.append(entry)
        at += 2 + length
    if not entries:
        raise Unreadable(f"1 to {TILE_WIDTH} entries", 0)
    return entries
