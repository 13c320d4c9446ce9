"""From what is asked in the busiest second to what every part bears, and what breaks first. Pure.

1. *Load*: each kind of request costs processor time of a web process, of a worker and of the
   database, and bytes; cost times rate, summed, is what a part has to do in a second.
2. *Utilisation*: that, against what the part can do in a second; 1 is the end.
3. *Queueing rule*: a part with one server that is busy the share u of its time lets a request wait
   u / (1 - u) times its own duration on average (M/M/1). At 0.7 that is 2.3 times, at 0.9 nine
   times; so nothing is loaded above `TARGET` in its busiest second. Parts of several servers wait
   less.
4. *Parts*: some are made larger by adding a machine (web, workers, replicas, disks). The others are
   serial, one of each in an installation: the log's lock, its publishing, the counting of scans,
   the primary with its processors, its disk and its memory. When one of those is full, the
   installation is divided: two logs, each with half of the farms.

Costs are seconds of one processor of the machine that measured; `Sizes.core` says how much faster
one of the machines taken here is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal

from benchmarks._capacity_demand import Peak, Year

TARGET: Final = 0.7
GIB: Final = 2.0**30
TB: Final = 1e12
# The kinds of a busiest second that have a cost of their own.
KINDS: Final = tuple(one.name for one in fields(Peak) if one.name != "events")
READS: Final = ("redirects", "full", "cold", "unchanged", "queries", "tiles")
Way = Literal["add", "divide"]


@dataclass(frozen=True, slots=True)
class Cost:
    """One request of a kind: seconds of a processor of a web process, of a worker, of the database,
    and bytes that go out to whoever asked."""

    web: float = 0.0
    worker: float = 0.0
    database: float = 0.0
    out: float = 0.0


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """What was measured, on one database. Seconds and bytes."""

    each: Mapping[str, Cost]
    # The serial parts.
    lock: float  # the log's lock, held by a capture of one event, without its commit
    lock_event: float  # … and each further event of a document
    commit: float  # until the disk has it
    publish: float  # one publication, however small
    publish_entry: float
    count_scan: float  # elapsed, of one scan among many stored together
    warn: float  # elapsed, of one descendant of a recall
    # Bytes.
    stored_event: float  # all tables and indexes, every lot's page
    index_event: float  # indexes that are hit in no order
    log_event: float  # entry and tiles
    wal_event: float
    counted_row: float
    photo: float
    label: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """The machines taken here: assumptions of the plan, not measured."""

    core: float = 1.0  # how many times as fast as a processor of the measuring machine
    web_cores: int = 8
    worker_cores: int = 8
    database_cores: int = 32
    database_memory: float = 256 * GIB
    disk_room: float = 8 * TB  # of one disk of a database machine
    disks_most: int = 8
    disk_write: float = 1.0e9  # bytes a second
    disk_reads: float = 100_000.0  # random reads a second
    disk_commit: float | None = None  # seconds until it has a commit; None: as measured
    line: float = 1.25e8  # bytes a second out of one web machine: 1 Gbit/s
    database_line: float = 1.25e9  # 10 Gbit/s
    replica_wait: float = 0.0005  # a commit's way to the other machine and back, without its disk
    connections: int = 300  # of PostgreSQL itself
    pooled: int = 10_000  # of PgBouncer
    threads: int = 8
    folder_room: float = 4 * TB  # for photos and papers without a bucket
    redis: float = 50_000.0  # commands a second
    memory_for_index: float = 0.6  # share of a database machine's memory


@dataclass(frozen=True, slots=True)
class Installation:
    """What stands. `logs` installations, each with the same machines; a primary each."""

    logs: int = 1
    web: int = 1
    workers: int = 1
    replicas: int = 0
    disks: int = 1
    pooler: bool = False
    redis: bool = False
    bucket: bool = False

    @property
    def machines(self) -> int:
        """Of all roles; Redis and the poolers (with HAProxy) stand on two small ones."""
        small = 2 if self.redis or self.pooler else 0
        return self.logs * (self.web + self.workers + 1 + self.replicas + small)


@dataclass(frozen=True, slots=True)
class Part:
    """One part under a load: how much of it is used, and what helps."""

    name: str
    used: float
    way: Way
    add: str


@dataclass(frozen=True, slots=True)
class Demand:
    """A busiest second and what has gathered until then."""

    peak: Peak
    events_ever: float
    photos_ever: float
    counted_rows: float
    descendants: float

    @classmethod
    def of(cls, year: Year, descendants: float) -> Demand:
        """At the end of a year."""
        return cls(
            year.peak, year.events_ever, year.photos_ever, year.counted_rows * 13 / 12, descendants
        )

    def divided(self, parts: int) -> Demand:
        """What one of so many equal installations bears. A recall's size is that of a lot."""
        peak = Peak(**{one.name: getattr(self.peak, one.name) / parts for one in fields(Peak)})
        return replace(
            self,
            peak=peak,
            events_ever=self.events_ever / parts,
            photos_ever=self.photos_ever / parts,
            counted_rows=self.counted_rows / parts,
        )


def wait(used: float, service: float) -> float:
    """Seconds a request waits on average for one server that is busy the share `used` (M/M/1)."""
    return math.inf if used >= 1 else service * used / (1 - used)


def seconds(demand: Demand, costs: UnitCosts, what: str, kinds: tuple[str, ...] = KINDS) -> float:
    """Of web, worker or database processors, or bytes out, asked for in the busiest second."""
    spent = (getattr(demand.peak, kind) * getattr(costs.each[kind], what) for kind in kinds)
    return float(sum(spent))


def lock_held(demand: Demand, costs: UnitCosts, sizes: Sizes, replicas: int) -> float:
    """Seconds of a second in which the log's lock is held: every capture's work under it and its
    commit, which waits for this disk and for that of a synchronous replica."""
    commit = commit_of(costs, sizes, replicas)
    transactions = demand.peak.captures + demand.peak.documents
    further = max(0.0, demand.peak.told - demand.peak.documents)
    work = transactions * costs.lock + further * costs.lock_event
    return work / sizes.core + transactions * commit


def in_groups(demand: Demand, size: float) -> Demand:
    """The same, with phones' entries taken together by so many, as the events of a document are."""
    peak = demand.peak
    grouped = replace(
        peak,
        captures=0.0,
        documents=peak.documents + peak.captures / size,
        told=peak.told + peak.captures,
    )
    return replace(demand, peak=grouped)


def commit_of(costs: UnitCosts, sizes: Sizes, replicas: int) -> float:
    """Seconds of one commit. A replica's disk is as this one's, and both write at once."""
    disk = costs.commit if sizes.disk_commit is None else sizes.disk_commit
    return disk + (sizes.replica_wait if replicas else 0.0)


def reads_beside_memory(demand: Demand, costs: UnitCosts, sizes: Sizes) -> float:
    """Random reads a second because indexes that are hit in no order have outgrown memory: the
    share that is not there, of one look-up an index and event."""
    room = sizes.database_memory * sizes.memory_for_index
    index = demand.events_ever * costs.index_event
    return 0.0 if index <= room else demand.peak.events * RANDOM_LOOKUPS * (1 - room / index)


# statement_id, the event's key, the thing's name, the thing's list of events.
RANDOM_LOOKUPS: Final = 4


def parts(
    demand: Demand, costs: UnitCosts, have: Installation, sizes: Sizes | None = None
) -> list[Part]:
    """Every part of one of the installations, the most used first. `demand` is that of all."""
    size = sizes or Sizes()
    one = demand.divided(have.logs)
    serial = _serial(one, costs, have, size)
    found = [*_pools(one, costs, have, size), *serial]
    return sorted(found, key=lambda part: (-part.used, part.name))


def _pools(one: Demand, costs: UnitCosts, have: Installation, size: Sizes) -> list[Part]:
    """What is made larger by adding machines."""
    core = size.core
    web = seconds(one, costs, "web") / (have.web * size.web_cores * core)
    workers = seconds(one, costs, "worker") / (have.workers * size.worker_cores * core)
    reads = seconds(one, costs, "database", READS)
    replica = reads / (have.replicas * size.database_cores * core) if have.replicas else 0.0
    out = seconds(one, costs, "out") / (have.web * size.line)
    processes = have.web * size.web_cores + have.workers * size.worker_cores
    opened = processes * size.threads / (size.pooled if have.pooler else size.connections)
    stored = room_of(one, costs)
    files = 0.0 if have.bucket else one.photos_ever * costs.photo / size.folder_room
    asked = _polled(have, size)
    return [
        Part("web processors", web, "add", "web machines"),
        Part("web machines' lines", out, "add", "web machines"),
        Part("worker processors", workers, "add", "worker machines"),
        Part("replicas' processors", replica, "add", "replicas"),
        Part("database connections", opened, "add", "PgBouncer"),
        Part("primary's room on disk", stored / (have.disks * size.disk_room), "add", "disks"),
        Part("room for photos", files, "add", "object storage"),
        Part("Redis", asked, "add", "a second Redis"),
    ]


def _serial(one: Demand, costs: UnitCosts, have: Installation, size: Sizes) -> list[Part]:
    """What there is one of in an installation."""
    writes = tuple(kind for kind in KINDS if kind not in READS)
    kinds = writes if have.replicas else KINDS
    primary = seconds(one, costs, "database", kinds) / (size.database_cores * size.core)
    # A row is written to the log of the database and, later, to its table; and sent to replicas.
    wal = one.peak.events * costs.wal_event
    publishing = costs.publish + one.peak.events * costs.publish_entry
    return [
        Part(LOCK, lock_held(one, costs, size, have.replicas), "divide", DIVIDE),
        Part("publishing the log", publishing / size.core, "divide", DIVIDE),
        Part("counting scans", one.peak.beacons * costs.count_scan / size.core, "divide", SCANS),
        Part("primary's processors", primary, "divide", f"replicas, then: {DIVIDE}"),
        Part("primary's disk, writing", 2 * wal / size.disk_write, "divide", DIVIDE),
        Part(
            "primary's disk, index beside memory",
            reads_beside_memory(one, costs, size) / size.disk_reads,
            "divide",
            f"memory, then: {DIVIDE}",
        ),
        Part(
            "primary's line to replicas",
            wal * have.replicas / size.database_line,
            "divide",
            DIVIDE,
        ),
        Part("a recall's spread in 5 s", _warned(one, costs, size) / 5, "divide", "faster cores"),
    ]


LOCK: Final = "the log's lock"
DIVIDE: Final = "a second log by region"
SCANS: Final = "scans on a server of their own"


def _warned(one: Demand, costs: UnitCosts, size: Sizes) -> float:
    return one.descendants * costs.warn / size.core


def room_of(demand: Demand, costs: UnitCosts) -> float:
    """Bytes on the primary's disk: everything recorded, and a year and a month of counted scans."""
    return demand.events_ever * costs.stored_event + demand.counted_rows * costs.counted_row


def first_to_break(found: list[Part]) -> Part:
    """The part that is used most. Raises ValueError where there is none."""
    return max(found, key=lambda part: part.used)


@dataclass(frozen=True, slots=True)
class Needed:
    """What is needed so that nothing is loaded above TARGET, and what is used most then."""

    installation: Installation
    parts: list[Part] = field(repr=False)


# With fewer nothing may be lost without a pause: two of each, a synchronous replica and a further.
LEAST: Final = Installation(web=2, workers=2, replicas=2)
# A recall's time does not depend on how many logs there are.
UNDIVIDED: Final = "a recall's spread in 5 s"


def needed(demand: Demand, costs: UnitCosts, sizes: Sizes | None = None) -> Needed:
    """The smallest installation whose parts stay within TARGET in the busiest second: first so many
    logs that the serial parts do, then so many machines of each role for one of them."""
    size = sizes or Sizes()
    have = replace(LEAST, pooler=True, redis=True, bucket=True)
    serial = _serial(demand, costs, have, size)
    most = max(part.used for part in serial if part.name != UNDIVIDED)
    # What does not divide evenly (a publication a second, memory) asks again.
    logs = max(1, math.ceil(most / TARGET))
    have = replace(have, logs=logs, disks=size.disks_most)
    while _over(demand, costs, have, size):
        have = _one_more(have)
    have = _with_machines(demand, costs, have, size)
    while _polled(have, size) > TARGET:
        have = _with_machines(demand, costs, _one_more(have), size)
    return Needed(have, parts(demand, costs, have, size))


def _one_more(have: Installation) -> Installation:
    """A log more, or a twentieth more."""
    return replace(have, logs=have.logs + max(1, have.logs // 20))


def _polled(have: Installation, size: Sizes) -> float:
    """How much of a Redis its processes use by asking it ten times a second each."""
    processes = have.web * size.web_cores + have.workers * size.worker_cores
    return processes * 10.0 / size.redis if have.redis else 0.0


def _with_machines(
    demand: Demand, costs: UnitCosts, have: Installation, size: Sizes
) -> Installation:
    """As many machines of each role as one of its logs needs."""
    one = demand.divided(have.logs)
    return replace(
        have,
        web=max(
            LEAST.web, _machines(one, costs, "web", size.web_cores, size), _lines(one, costs, size)
        ),
        workers=max(LEAST.workers, _machines(one, costs, "worker", size.worker_cores, size)),
        replicas=max(LEAST.replicas, _replicas(one, costs, size)),
        disks=max(1, math.ceil(room_of(one, costs) / size.disk_room / TARGET)),
    )


def _over(demand: Demand, costs: UnitCosts, have: Installation, size: Sizes) -> bool:
    one = demand.divided(have.logs)
    serial = _serial(one, costs, have, size)
    full = room_of(one, costs) / (have.disks * size.disk_room)
    return (
        max(full, *(part.used for part in serial if part.name != UNDIVIDED)) > TARGET
        and costs.publish / size.core <= TARGET
    )


def _machines(one: Demand, costs: UnitCosts, what: str, cores: int, size: Sizes) -> int:
    return math.ceil(seconds(one, costs, what) / (cores * size.core) / TARGET)


def _lines(one: Demand, costs: UnitCosts, size: Sizes) -> int:
    return math.ceil(seconds(one, costs, "out") / size.line / TARGET)


def _replicas(one: Demand, costs: UnitCosts, size: Sizes) -> int:
    reads = seconds(one, costs, "database", READS)
    return math.ceil(reads / (size.database_cores * size.core) / TARGET)


def throughput(
    workers: int, web: float, asks: float, database: float, processors: int, ours: float
) -> float:
    """Requests a second at which gunicorn is saturated on a machine it shares.

    A request costs `web` seconds of a worker process, each of which uses one processor at most,
    `asks` of whoever sends it, beside it on the machine, and `database` of a server of its own. Of
    all `processors` those who serve and those who send get `ours` together, whatever their number:
    the kernel shares out by group of processes first.
    """
    whole = processors / (web + asks + database)
    return min(workers / web, ours / (web + asks), whole)


@dataclass(frozen=True, slots=True)
class Single:
    """One machine with SQLite: how much of its processors, its one writer and its disk is used."""

    processors: float
    writer: float
    room: float

    @property
    def most(self) -> float:
        return max(self.processors, self.writer, self.room)


def single(demand: Demand, costs: UnitCosts, sizes: Sizes | None = None) -> Single:
    """The city on one machine as `make run` starts it. SQLite has one writer: a capture holds it as
    it holds the log's lock, photos and beacons hold it for a commit a second and process."""
    size = sizes or Sizes()
    work = sum(seconds(demand, costs, what) for what in ("web", "worker", "database"))
    writer = lock_held(demand, costs, size, 0) + demand.peak.beacons * costs.count_scan / size.core
    photos = demand.photos_ever * costs.photo
    room = (room_of(demand, costs) + photos) / size.disk_room
    return Single(work / (size.web_cores * size.core), writer, room)


def bears(part: Part) -> float:
    """How many times the load this part bears before it is full; infinite for what is not used."""
    return math.inf if part.used <= 0 else 1 / part.used
