"""Kill after kill: the run, and what it tells."""

from __future__ import annotations

import random
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import create_app, settings_for
from tests.crash.acts import ACTS, Ack
from tests.crash.checks import Broken, Checker
from tests.crash.marks import Marks
from tests.crash.server import Postgresql
from tests.crash.victim import kill, seconds_of
from tests.crash.world import World, make_world
from tests.support.databases import migrate, release
from trace.extensions import db

# Every so many kills the database goes along, where it has processes of its own. Primes: each kind
# of work meets each.
BACKENDS, SERVERS = 13, 17


@dataclass(slots=True)
class Found:
    """What a run met."""

    database: str
    seed: int
    kills: int = 0
    backends: int = 0
    servers: int = 0
    acked: int = 0
    audits: int = 0
    size: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    broken: str = ""
    marks: dict[str, Counter[str]] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "marks": {kind: dict(counts) for kind, counts in self.marks.items()}
        }


def run(given: Namespace, server: Postgresql | None = None) -> Found:
    """Kills as often as asked; what is broken ends the run and is in its answer."""
    begin = time.monotonic()
    chosen = random.Random(given.seed)
    world = make_world(given.url, given.instance)
    found = Found("sqlite" if given.url.startswith("sqlite") else "postgresql", given.seed)
    checker = Checker(world)
    kinds = [given.only] if given.only else list(ACTS)
    try:
        marks = Marks()
        found.took = _learn(world, checker, kinds, marks)
        world.early = given.early
        for number in range(given.kills):
            kind = kinds[number % len(kinds)]
            after = chosen.random() * 1.3 * found.took[kind]
            found.marks.setdefault(kind, Counter())
            world.start()
            with _disturbing(server, number, found) as disturb:
                killed = kill(world, kind, after, marks, disturb)
            found.kills += 1
            found.marks[kind][killed.mark] += 1
            last = number + 1 == given.kills or time.monotonic() - begin > given.seconds
            audited = last or (number + 1) % given.every == 0
            _check(world, checker, killed.acks, found, audited=audited)
            if last:
                break
    except Broken as error:
        found.broken = f"after kill {found.kills}: {error}"
    finally:
        world.hands.restore()
        release(world.app)
    found.acked, found.longest = checker.acked, checker.longest
    found.seconds = time.monotonic() - begin
    return found


def _learn(world: World, checker: Checker, kinds: list[str], marks: Marks) -> dict[str, float]:
    """How long each kind takes in a child, which is watched: by what one acknowledges until it is
    killed. All of it is held against the checks as well."""
    took, acks = {}, list[Ack]()
    for kind in kinds:
        world.start()
        own = list[Ack]()
        seconds = seconds_of(world, kind, own.append)
        world.start()
        killed = kill(world, kind, 8 * seconds, marks)
        took[kind] = killed.after * len(own) / 2 / max(1, len(killed.acks) - len(own) // 2)
        acks += own + killed.acks
    with world.app.app_context():
        checker.start()
        checker.after_start(acks)
        db.session.remove()
    return took


def _check(world: World, checker: Checker, acks: list[Ack], found: Found, *, audited: bool) -> None:
    with world.app.app_context():
        try:
            checker.start()
            checker.after_start(acks)
            if audited:
                found.size = checker.everything()
                found.audits += 1
        finally:
            db.session.remove()


@contextmanager
def _disturbing(
    server: Postgresql | None, number: int, found: Found
) -> Iterator[Callable[[], None] | None]:
    """Now and then the database dies first; it is started again before the next start."""
    if server is None:
        yield None
    elif number % SERVERS == SERVERS - 1:
        found.servers += 1
        yield server.stop_at_once
        server.start()
    elif number % BACKENDS == BACKENDS - 1:
        found.backends += 1
        yield server.kill_a_backend
        server.wait()
        server.finish()
    else:
        yield None
        server.finish()


def with_server(given: Namespace) -> Found:
    """The same over a PostgreSQL server of its own."""
    with Postgresql(loose=given.loose, slow=given.slow) as server:
        given.url = server.url
        migrate(create_app(settings_for(given.instance, given.url)))
        return run(given, server)


def with_file(given: Namespace) -> Found:
    """The same over a new SQLite file in the instance folder."""
    given.url = f"sqlite:///{given.instance}/trace.db"
    migrate(create_app(settings_for(given.instance, given.url)))
    return run(given)
