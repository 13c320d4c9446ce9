"""A copy of the log, read and checked with nothing else: no database, no network of its own.

Rules.
1. A copy holds `checkpoint`, `tile/<level>/…` and `tile/entries/…` as C2SP tlog-tiles lays them
   out: in a folder, on a web server, anywhere a path gives bytes. Where a partial tile has gone,
   the full one that replaced it serves.
2. `audit` makes every tile and the root anew from the entries, compares them with the copy and
   with the checkpoint, checks the checkpoint's signature, and the form of every entry. It goes on
   after a difference, so that one report names them all (up to a hundred).
3. The work is cut into pieces of 16,384 entries, shared by as many processes as asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Protocol

from trace.core.signing import SAFE_INTEGER, TrustError
from trace.core.statements.entries import ENTRY_LIMIT, parse_entry
from trace.core.statements.times import parse_moment
from trace.core.tlog import (
    TILE_WIDTH,
    Checkpoint,
    Verifier,
    append,
    entries_path,
    open_checkpoint_by,
    parse_entry_bundle,
    tile_path,
)
from trace.core.tlog.tiles import HASH, subtree_root
from trace.errors import TraceError

PIECE: Final = 64  # entry bundles of one piece of work: 16,384 entries
MOST_PROBLEMS: Final = 100
CHECKPOINT: Final = "checkpoint"


class MirrorUnreadable(TraceError):
    """A copy of the log lacks a file or cannot be reached."""

    code = "mirror-unreadable"
    status = 502
    message = "The copy of the log has no readable %(name)s: %(reason)s."
    next_step = "Fetch the copy again, or use another one."


class Mirror(Protocol):
    """Where a copy is read; it must survive being sent to another process."""

    def read(self, path: str) -> bytes:
        """The bytes at a path such as `tile/0/000`. Raises MirrorUnreadable."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A copy in a folder."""

    path: Path

    def read(self, path: str) -> bytes:
        try:
            return (self.path / path).read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise MirrorUnreadable(name=path, reason=reason) from None


@dataclass(frozen=True, slots=True)
class Problem:
    """One difference: a stable code, where it is, and what was expected and found."""

    code: str
    place: str
    detail: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found; the copy is whole when there is no problem."""

    checkpoint: Checkpoint
    entries: int
    tiles: int
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Part:
    """What one piece of work gives: the root over each full bundle, the leaf hashes of the last
    partial one, and differences."""

    roots: list[bytes]
    edge: bytes
    tiles: int
    problems: list[Problem]


class MirrorTiles:
    """Tiles of a copy, for proofs (`TileStore`)."""

    def __init__(self, mirror: Mirror, size: int) -> None:
        self._mirror = mirror
        self._size = size

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile."""
        held = (self._size >> (8 * level)) - index * TILE_WIDTH
        return _read(self._mirror, level, index, min(TILE_WIDTH, held))[: HASH * width]


def read_checkpoint_of(mirror: Mirror, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, str]:
    """The copy's checkpoint, signed by one of these keys, and its note.

    Raises MirrorUnreadable, Unreadable, NotWitnessed.
    """
    data = mirror.read(CHECKPOINT)
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise MirrorUnreadable(name=CHECKPOINT, reason="it is not UTF-8") from None
    return open_checkpoint_by(note, verifiers), note


def read_entries(mirror: Mirror, index: int, size: int) -> list[bytes]:
    """The entries of bundle `index` as a log of `size` has them. Raises MirrorUnreadable."""
    width = min(TILE_WIDTH, size - index * TILE_WIDTH)
    path = entries_path(index, width)
    try:
        entries = parse_entry_bundle(_partial_or_full(mirror, path, entries_path(index)))
    except TrustError as error:
        raise MirrorUnreadable(name=path, reason=error.detail) from None
    if len(entries) < width:
        raise MirrorUnreadable(name=path, reason=f"it has {len(entries)} entries, not {width}")
    return entries[:width]


def each_entry(mirror: Mirror, first: int, size: int) -> Iterator[tuple[int, bytes]]:
    """(index, entry) from `first` to the end of a log of `size`."""
    for bundle in range(first // TILE_WIDTH, -(-size // TILE_WIDTH)):
        start = bundle * TILE_WIDTH
        for index, entry in enumerate(read_entries(mirror, bundle, size), start=start):
            if index >= first:
                yield index, entry


def audit(
    mirror: Mirror,
    verifiers: Sequence[Verifier],
    *,
    workers: int = 1,
    check_form: bool = True,
    progress: Callable[[int, int], None] = lambda done, size: None,
) -> Audit:
    """Rebuilds the log from the copy's entries and compares (rule 2).

    Raises MirrorUnreadable, Unreadable or NotWitnessed when there is no checkpoint by these keys;
    everything else is in the answer. `progress` is told entries done and entries in all.
    """
    checkpoint, _ = read_checkpoint_of(mirror, verifiers)
    size = checkpoint.size
    problems: list[Problem] = []
    roots: list[bytes] = []
    edge = b""
    tiles = 0
    for part, done in _parts(mirror, size, workers, check_form):
        roots += part.roots
        edge += part.edge
        tiles += part.tiles
        problems += part.problems
        progress(min(done * TILE_WIDTH, size), size)
    tiles += _check_upper(mirror, roots, problems)
    rebuilt = _root(roots, edge)
    if len(roots) * TILE_WIDTH + len(edge) // HASH == size and rebuilt != checkpoint.root:
        problems.append(Problem("other-root", CHECKPOINT, _differ(checkpoint.root, rebuilt)))
    return Audit(checkpoint, size, tiles, tuple(problems[:MOST_PROBLEMS]))


def _parts(
    mirror: Mirror, size: int, workers: int, check_form: bool
) -> Iterator[tuple[_Part, int]]:
    bundles = -(-size // TILE_WIDTH)
    pieces = [(at, min(bundles, at + PIECE)) for at in range(0, bundles, PIECE)]
    if workers <= 1 or len(pieces) <= 1:
        for first, last in pieces:
            yield check_piece(mirror, first, last, size, check_form), last
        return
    # Fresh processes: a forked one would share the caller's connections and threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        waiting: list[tuple[Future[_Part], int]] = []
        for first, last in pieces:
            future = pool.submit(check_piece, mirror, first, last, size, check_form)
            waiting.append((future, last))
        for future, last in waiting:
            yield future.result(), last


def check_piece(mirror: Mirror, first: int, last: int, size: int, check_form: bool) -> _Part:
    """Bundles first … last - 1 of a copy: hashed, compared with their tiles, each entry read."""
    part = _Part([], b"", 0, [])
    for bundle in range(first, last):
        width = min(TILE_WIDTH, size - bundle * TILE_WIDTH)
        place = tile_path(0, bundle, width)
        try:
            entries = read_entries(mirror, bundle, size)
        except MirrorUnreadable as error:
            part.problems.append(Problem(error.code, str(error.params["name"]), error.detail))
            part.edge = b""
            continue
        leaves = b"".join([sha256(b"\x00" + entry).digest() for entry in entries])
        _compare(mirror, 0, bundle, leaves, part.problems)
        part.tiles += 1
        if check_form:
            _check_forms(entries, bundle * TILE_WIDTH, part.problems)
        if width == TILE_WIDTH:
            part.roots.append(subtree_root(leaves))
        else:
            part.edge = leaves
        if len(part.problems) > MOST_PROBLEMS:
            part.problems.append(Problem("and-more", place, "further differences are not listed"))
            break
    return part


def _check_forms(entries: Sequence[bytes], first: int, problems: list[Problem]) -> None:
    for index, entry in enumerate(entries, start=first):
        if has_plain_form(entry):
            continue
        try:
            parse_entry(entry)
        except TrustError as error:
            problems.append(Problem(error.code, f"entry {index}", error.detail))


_TAG = rb'"[A-Za-z0-9_-]{22}"'
PLAIN: Final = re.compile(
    rb'\{"v":1,"type":"(event|links)","t":"([0-9T:.Z-]{24})",'
    rb'"h":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])",'
    rb'"links":\[((?:' + _TAG + rb"(?:," + _TAG + rb')*)?)\](?:,"a":(0|[1-9][0-9]{0,15}))?\}'
)


def has_plain_form(entry: bytes) -> bool:
    """True only for what `parse_entry` accepts: event and links entries, told by their form alone,
    ten times quicker. False says nothing: ask `parse_entry`."""
    found = PLAIN.fullmatch(entry)
    if found is None or len(entry) >= ENTRY_LIMIT:
        return False
    kind, moment, _, links, approval = found.groups()
    tags = links.split(b",") if links else []
    if any(one >= other for one, other in pairwise(tags)):
        return False
    if kind == b"links" and (not tags or approval is not None):
        return False
    if approval is not None and int(approval) > SAFE_INTEGER:
        return False
    try:
        parse_moment(moment.decode())
    except TrustError:
        return False
    return True


def _check_upper(mirror: Mirror, roots: Sequence[bytes], problems: list[Problem]) -> int:
    """Compares the tiles above level 0; returns how many."""
    level, row, count = 1, list(roots), 0
    while row:
        above = []
        for index in range(-(-len(row) // TILE_WIDTH)):
            hashes = b"".join(row[index * TILE_WIDTH : (index + 1) * TILE_WIDTH])
            _compare(mirror, level, index, hashes, problems)
            count += 1
            if len(hashes) == TILE_WIDTH * HASH:
                above.append(subtree_root(hashes))
        level, row = level + 1, above
    return count


def _compare(
    mirror: Mirror, level: int, index: int, expected: bytes, problems: list[Problem]
) -> None:
    width = len(expected) // HASH
    path = tile_path(level, index, width)
    try:
        found = _read(mirror, level, index, width)
    except MirrorUnreadable as error:
        problems.append(Problem(error.code, path, error.detail))
        return
    if found[: len(expected)] != expected:
        problems.append(Problem("other-tile", path, _differ(expected, found)))


def _read(mirror: Mirror, level: int, index: int, width: int) -> bytes:
    path, full = tile_path(level, index, width), tile_path(level, index)
    return _partial_or_full(mirror, path, full)


def _partial_or_full(mirror: Mirror, path: str, full: str) -> bytes:
    try:
        return mirror.read(path)
    except MirrorUnreadable:
        if path == full:
            raise
        try:
            return mirror.read(full)
        except MirrorUnreadable:
            pass
        raise


class _Nothing:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


class _Row:
    """Level 1 as the whole tree of a log of full bundles only."""

    def __init__(self, roots: Sequence[bytes]) -> None:
        self._tiles = {(t.level, t.index): t.data for t in append(0, _Nothing(), roots).tiles}

    def read(self, level: int, index: int, width: int) -> bytes:
        return self._tiles.get((level - 1, index), b"")[: HASH * width]


def _root(roots: Sequence[bytes], edge: bytes) -> bytes:
    leaves = [edge[at : at + HASH] for at in range(0, len(edge), HASH)]
    return append(len(roots) * TILE_WIDTH, _Row(roots), leaves).root


def _differ(expected: bytes, got: bytes) -> str:
    return f"expected {sha256(expected).hexdigest()[:16]}…, got {sha256(got).hexdigest()[:16]}…"
