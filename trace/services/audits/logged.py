"""The log as stored: entries, tiles, checkpoints and state, all made anew and compared.

1. Entries lie without a gap, each in its form, times never decreasing; an event's entry has its
   statement and no other entry has one.
2. Tiles are made from the entries. Where a leaf differs, the signed roots tell which of the two was
   edited.
3. Every checkpoint is signed by a key of its log and has the root of the entries it covers.
   `created_at` copies nothing; `witnessed_at` is never later than the cosignatures say.
4. The state rows follow from the entries and the checkpoints.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Final

from sqlalchemy import func, select

from trace.core.signing import TrustError
from trace.core.statements import parse_entry, tags
from trace.core.statements.times import parse_moment
from trace.core.tlog import TILE_WIDTH, open_checkpoint_by, origin_of, root, tile_widths
from trace.core.tlog.tiles import HASH, subtree_root
from trace.core.verify.mirror import PLAIN, has_plain_form
from trace.core.verify.spread import spread
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry, LogState, LogTile
from trace.services.audits.found import Difference, Progress
from trace.services.log_keys import known_verifiers
from trace.services.sequencer import LEVELS
from trace.services.settings import current_settings
from trace.services.witnessing import witnessed_no_later_than

PIECE: Final = 64 * TILE_WIDTH
TILE_BYTES: Final = TILE_WIDTH * HASH
Row = tuple[int, str, int | None]  # place, entry, event id


@dataclass(slots=True)
class ReadPiece:
    """Some entries as one process read them: leaf hashes, tags with their places, the other types
    of entries, the places whose time is that of the entry before, and differences."""

    hashes: bytes = b""
    first: str = ""
    last: str = ""
    tags: list[str] = field(default_factory=list)
    places: array[int] = field(default_factory=lambda: array("q"))
    others: list[tuple[int, str]] = field(default_factory=list)
    standing: list[int] = field(default_factory=list)
    found: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Logged:
    """The whole log as read: what the other checks need of it."""

    size: int = 0
    leaves: bytearray = field(default_factory=bytearray)
    links: dict[str, int] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)
    others: list[tuple[int, str]] = field(default_factory=list)
    standing: set[int] = field(default_factory=set)
    whole: bool = True  # no entry is missing


def read_log(into: Logged, *, workers: int, progress: Progress, total: int) -> Iterator[Difference]:
    """Reads every entry (rule 1) into `into`."""
    gaps: list[Difference] = []
    last = ""
    for piece in spread(_pieces(gaps), read_piece, workers):
        yield from piece.found
        if piece.first < last:
            place = str(into.size)
            yield Difference("log_entries", place, "entry", f"t from {last}", piece.first)
        elif piece.first == last:
            into.standing.add(into.size)
        last = piece.last
        into.leaves += piece.hashes
        into.size = len(into.leaves) // HASH
        into.others += piece.others
        into.standing.update(piece.standing)
        for tag, at in zip(piece.tags, piece.places, strict=True):
            if into.links.setdefault(tag, at) != at:
                into.doubled.add(tag)
        progress(into.size, total)
    into.whole = not gaps
    yield from gaps


def _pieces(gaps: list[Difference]) -> Iterator[list[Row]]:
    query = select(LogEntry.index, LogEntry.entry, LogEntry.event_id).order_by(LogEntry.index)
    rows = iter(db.session.execute(query.execution_options(yield_per=PIECE)))
    expected = 0
    while found := [(place, entry, event) for place, entry, event in islice(rows, PIECE)]:
        if found[0][0] != expected or found[-1][0] - found[0][0] != len(found) - 1:
            for place, _, _ in found:
                if place != expected:
                    gaps.append(
                        Difference("log_entries", str(place), "idx", str(expected), str(place))
                    )
                    expected = place
                expected += 1
        expected = found[-1][0] + 1
        yield found


def read_piece(rows: Sequence[Row]) -> ReadPiece:
    """Hashes and reads some entries; runs in any process."""
    piece = ReadPiece()
    hashes = []
    before = ""
    for place, text, event_id in rows:
        entry = text.encode()
        hashes.append(sha256(b"\x00" + entry).digest())
        plain = PLAIN.fullmatch(entry)
        if plain is not None and has_plain_form(entry):
            kind, moment = plain[1].decode(), plain[2].decode()
            if plain[4]:
                links = plain[4][1:-1].decode().split('","')
                piece.tags += links
                piece.places.extend([place] * len(links))
        else:
            try:
                parsed = parse_entry(entry)
            except TrustError as error:
                piece.found.append(
                    Difference("log_entries", str(place), "entry", "a log entry", error.detail)
                )
                continue
            kind, moment = parsed.type, text.partition('"t":"')[2][:24]
            links = list(getattr(parsed, "links", ()))
            piece.tags += links
            piece.places.extend([place] * len(links))
            if kind not in ("event", "links"):
                piece.others.append((place, text))
        if (kind == "event") != (event_id is not None):
            expected, got = ("a statement", "none") if event_id is None else ("none", str(event_id))
            piece.found.append(Difference("log_entries", str(place), "event_id", expected, got))
        if moment < before:
            piece.found.append(
                Difference("log_entries", str(place), "entry", f"t from {before}", moment)
            )
        elif moment == before:
            piece.standing.append(place)
        before = max(before, moment)
        piece.first = piece.first or moment
    piece.last = before
    piece.hashes = b"".join(hashes)
    return piece


# Trees.


class Rebuilt:
    """The tiles that some leaf hashes give (`TileStore`)."""

    def __init__(self, leaves: bytes, workers: int) -> None:
        self._levels = [leaves]
        while len(self._levels[-1]) >= TILE_BYTES:
            below = self._levels[-1]
            full = len(below) // TILE_BYTES * TILE_BYTES
            cuts = (below[at : min(full, at + 64 * TILE_BYTES)] for at in _steps(full))
            # A small log is hashed sooner than processes start.
            hired = workers if full > 64 * TILE_BYTES else 1
            self._levels.append(b"".join(spread(cuts, tile_roots, hired)))

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile."""
        if level >= len(self._levels):
            return b""
        start = index * TILE_BYTES
        return self._levels[level][start : start + width * HASH]


def _steps(full: int) -> range:
    return range(0, full, 64 * TILE_BYTES)


def tile_roots(tiles: bytes) -> bytes:
    """The parents' hashes of full tiles, joined."""
    return b"".join(
        [subtree_root(tiles[at : at + TILE_BYTES]) for at in range(0, len(tiles), TILE_BYTES)]
    )


def audit_trees(logged: Logged, *, now: datetime, workers: int) -> Iterator[Difference]:
    """Rules 2 to 4, for every origin."""
    states = db.session.scalars(select(LogState).order_by(LogState.id)).all()
    ends = [state.start for state in states[1:]]
    for state, end in zip(states, [*ends, logged.size], strict=True):
        yield from _audit_state(state, end)
        if not logged.whole or not state.start <= state.integrated <= end:
            continue  # named already; nothing can be rebuilt from what is not there
        leaves = bytes(logged.leaves[state.start * HASH : end * HASH])
        tree = Rebuilt(leaves, workers)
        bad_roots = list(_audit_checkpoints(state, end, tree, now))
        yield from bad_roots
        sound = not any(one.table == "log_entries" for one in bad_roots)
        yield from _audit_tiles(state, tree, entries_are_sound=sound)
    beyond = select(LogCheckpoint.size).where(LogCheckpoint.size > logged.size)
    for size in db.session.scalars(beyond):
        at_most = f"at most {logged.size}"
        yield Difference("log_checkpoints", str(size), "size", at_most, str(size))


def _audit_state(state: LogState, end: int) -> Iterator[Difference]:
    number, name = state.id, str(state.id)
    newest = db.session.scalar(
        select(func.max(LogCheckpoint.size)).where(
            LogCheckpoint.size > state.start, LogCheckpoint.size <= end
        )
    )
    id_base = current_settings().id_base
    first_of_later = select(LogEntry.entry).where(LogEntry.index == state.start)
    begins = db.session.scalar(first_of_later) or ""
    last = db.session.scalar(
        select(LogEntry.entry).where(LogEntry.index < end).order_by(LogEntry.index.desc()).limit(1)
    )
    expected = {
        "id_base": id_base,
        "origin": origin_of(id_base, number),
        "size": end,
        "integrated": newest or state.start,
    }
    if number == 1:
        expected["start"] = 0
    if last is not None and end > state.start:
        with suppress(TrustError):  # an entry out of its form is named where it stands
            expected["last_time"] = parse_moment(last.partition('"t":"')[2][:24])
    for column, value in expected.items():
        if getattr(state, column) != value:
            yield Difference("log_state", name, column, str(value), str(getattr(state, column)))
    if number > 1 and '"type":"origin"' not in begins[:40]:
        yield Difference("log_state", name, "start", "the place of an origin entry", begins[:40])


def _audit_checkpoints(
    state: LogState, end: int, tree: Rebuilt, now: datetime
) -> Iterator[Difference]:
    verifiers = known_verifiers(state.origin)
    last_good, told = state.start, False
    query = (
        select(LogCheckpoint)
        .where(LogCheckpoint.size > state.start, LogCheckpoint.size <= end)
        .order_by(LogCheckpoint.size)
    )
    for row in db.session.scalars(query):
        name = str(row.size)
        try:
            checkpoint = open_checkpoint_by(row.note, verifiers)
        except TrustError as error:
            yield Difference(
                "log_checkpoints", name, "note", "a checkpoint signed by the log", error.detail
            )
            continue
        if checkpoint.size != row.size - state.start:
            got = str(checkpoint.size + state.start)
            yield Difference("log_checkpoints", name, "size", got, name)
            continue
        made = root(checkpoint.size, tree)
        if made == checkpoint.root:
            last_good = row.size
        elif not told:
            told = True  # every later root differs for the same reason
            where = f"{last_good}..{row.size - 1}"
            expected = f"the signed root {checkpoint.root.hex()}"
            yield Difference("log_entries", where, "entry", expected, made.hex())
        latest = witnessed_no_later_than(row.note, now=now)
        if row.witnessed_at is not None and latest is not None and row.witnessed_at > latest:
            yield Difference(
                "log_checkpoints", name, "witnessed_at", f"at most {latest}", str(row.witnessed_at)
            )


def _audit_tiles(
    state: LogState, tree: Rebuilt, *, entries_are_sound: bool
) -> Iterator[Difference]:
    shift = LEVELS * (state.id - 1)
    missing = {
        (level, index): TILE_WIDTH if index < full else width
        for level, full, width in tile_widths(state.integrated - state.start)
        for index in range(full + bool(width))
    }
    query = select(LogTile.level, LogTile.index, LogTile.nodes).where(
        LogTile.level >= shift, LogTile.level < shift + LEVELS
    )
    for stored_level, index, nodes in db.session.execute(query.execution_options(yield_per=500)):
        level, name = stored_level - shift, f"{stored_level}/{index}"
        width = missing.pop((level, index), None)
        if width is None:
            yield Difference("log_tiles", name, "idx", "no such tile", "one")
            continue
        expected, got = tree.read(level, index, width), bytes(nodes)
        if expected == got:
            continue
        if entries_are_sound or level or len(got) != len(expected):
            yield Difference("log_tiles", name, "nodes", _short(expected), _short(got))
            continue
        for at in range(width):
            leaf, stored = _leaf(expected, at), _leaf(got, at)
            if leaf != stored:
                place = str(state.start + index * TILE_WIDTH + at)
                yield Difference("log_entries", place, "entry", f"leaf {stored}", leaf)
    for level, index in missing:
        yield Difference("log_tiles", f"{level + shift}/{index}", "idx", "a tile", "none")


def _leaf(tile: bytes, at: int) -> str:
    return tile[at * HASH : (at + 1) * HASH].hex()


def _short(data: bytes) -> str:
    return f"{len(data) // HASH} hashes {sha256(data).hexdigest()[:16]}…"


# Chains.


def check_chains(
    chains: Sequence[tuple[str, str, str, bytes, str, int]], logged: Logged, *, workers: int
) -> Iterator[Difference]:
    """Every chain has its links 0 … head - 1 in the log's order, and no more.

    A chain is (table, row, column, salt, identity, head).
    """
    size = 2048
    cuts = [chains[at : at + size] for at in range(0, len(chains), size)]
    given = [[(salt, identity, head) for _, _, _, salt, identity, head in cut] for cut in cuts]
    hired = workers if len(cuts) > 1 else 1
    for cut, expected in zip(cuts, spread(given, chain_tags, hired), strict=True):
        for (table, row, column, _, _, head), made in zip(cut, expected, strict=True):
            yield from _check_chain(logged, made, head, partial(Difference, table, row, column))


def chain_tags(chains: Sequence[tuple[bytes, str, int]]) -> list[list[str]]:
    """The tags 0 … head of each chain (its head's is the first that must not be there)."""
    return [tags(salt, identity, 0, head + 1) for salt, identity, head in chains]


def _check_chain(
    logged: Logged, made: list[str], head: int, different: partial[Difference]
) -> Iterator[Difference]:
    last = -1
    for n, tag in enumerate(made[:head]):
        place = logged.links.get(tag)
        if place is None or tag in logged.doubled:
            times = "never" if place is None else "more than once"
            yield different(f"link {n} once in the log", times)
            break
        if place <= last:
            yield different(f"link {n} after {last}", str(place))
        last = place
    if made[head] in logged.links:
        yield different(f"more than {head}", str(head))
