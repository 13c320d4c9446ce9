"""Many processes write into one log and publish it, one is killed at any moment: one log."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from tests.support.databases import release
from tests.support.factories import new_lot
from tests.support.own_process import OwnProcess
from trace import clock
from trace.config import Settings
from trace.core.statements import keyring_identity, parse_entry, tag, use_identity
from trace.core.statements.chains import KEYRING_SALT
from trace.core.statements.entries import EventEntry, KeyEntry, LinksEntry
from trace.core.tlog import append, leaf_hash, open_checkpoint_by
from trace.core.verify.monitor import Chain, Monitor
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Event, LogCheckpoint, LogEntry, LogTile, Organisation, Thing
from trace.services import platform
from trace.services.audits import Summary, audit
from trace.services.keys import root_public
from trace.services.log import current_state
from trace.services.log_file import checkpoint_path
from trace.services.log_keys import verifiers
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation

WRITERS, ROUNDS = 4, 8


def start(*words: str) -> OwnProcess:
    return OwnProcess("tests.support.log_processes", *words)


class Nothing:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


def check_whole() -> int:
    """The log of the database is one log: returns its size."""
    query = select(LogEntry.index.label("place"), LogEntry.entry).order_by(LogEntry.index)
    rows = db.session.execute(query).all()
    assert [row.place for row in rows] == list(range(len(rows)))  # no gap
    rebuilt = append(0, Nothing(), [leaf_hash(row.entry.encode()) for row in rows])
    state = current_state()
    assert (state.size, state.integrated) == (len(rows), len(rows))
    note = db.session.scalars(
        select(LogCheckpoint.note).order_by(LogCheckpoint.size.desc())
    ).first()
    for text in (note or "", checkpoint_path().read_text()):
        checkpoint = open_checkpoint_by(text, verifiers(state.origin))
        assert (checkpoint.size, checkpoint.root) == (len(rows), rebuilt.root)
    stored = {(t.level, t.index): bytes(t.nodes) for t in db.session.scalars(select(LogTile))}
    assert stored == {(t.level, t.index): t.data for t in rebuilt.tiles}

    chains = [
        *(
            Chain(thing.identity, thing.salt)
            for thing in db.session.scalars(select(Thing))
            if thing.salt is not None
        ),
        *(
            Chain(use_identity(issuer_of(o.code)), o.use_salt)
            for o in db.session.scalars(select(Organisation))
            if o.use_head
        ),
    ]
    monitor = Monitor(state.origin, root_public(), issuer_of(platform_organisation().code))
    links: set[str] = set()
    for row in rows:
        monitor.take(row.place, row.entry.encode())
        entry = parse_entry(row.entry.encode())
        if isinstance(entry, EventEntry | LinksEntry | KeyEntry):
            links |= set(entry.links)
    assert monitor.finish(chains).problems == ()  # times never decrease, every chain gapless
    heads = [
        *((t.identity, t.salt, t.head) for t in db.session.scalars(select(Thing)) if t.salt),
        *(
            (keyring_identity(issuer_of(o.code)), KEYRING_SALT, o.keyring_head)
            for o in db.session.scalars(select(Organisation))
        ),
    ]
    for identity, salt, head in heads:
        assert {tag(salt, identity, n) for n in range(head)} <= links
        assert tag(salt, identity, head) not in links
    return len(rows)


def test_many_processes_capture_at_once_and_it_is_one_log(app: Flask, settings: Settings) -> None:
    with app.app_context():
        platform.initialise(at=clock.now())
        shared = new_lot()
        db.session.commit()
    release(app)
    url, instance = settings.database_url, str(settings.instance)
    sequencers = [start("sequence", url, instance, name, "3") for name in ("one", "two")]
    words = ("write", url, instance)
    writers = [start(*words, f"w{n}", str(ROUNDS), shared) for n in range(WRITERS)]
    for process in (*writers, *sequencers):
        process.whole()
    with app.app_context():
        publish(current_state().leased_by or "last")
        assert check_whole() == 2 + WRITERS * (1 + 4 * ROUNDS)
        events = db.session.scalars(select(Event.id)).all()
        bound = db.session.scalars(select(LogEntry.event_id)).all()
        assert sorted(one for one in bound if one is not None) == sorted(
            events
        )  # one index for each event, and no index twice
        head = db.session.scalars(select(Thing.head).where(Thing.identity == shared)).one()
        assert head == WRITERS * ROUNDS  # the chain that everyone continued
        assert list(audit(Summary(), now=clock.now())) == []


def test_killed_at_any_moment_the_next_start_continues(app: Flask, settings: Settings) -> None:
    with app.app_context():
        platform.initialise(at=clock.now())
        db.session.commit()
    release(app)
    said = start("kill", settings.database_url, str(settings.instance), "30", "7").whole()
    rounds = [line.split() for line in said.splitlines()]
    assert [int(number) for number, _ in rounds] == list(range(30))
    sizes = [int(size) for _, size in rounds]
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 3 + 30  # three keys; each was killed at work, not before
    with app.app_context():
        assert check_whole() == sizes[-1]
