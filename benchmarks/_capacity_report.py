"""docs/reports/capacity.md: the answer first, then what it was computed from and held against."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Final

from benchmarks._capacity_demand import (
    CITY,
    COUNTRY,
    SOURCES,
    YEARS,
    Habits,
    Place,
    Year,
    simulate,
)
from benchmarks._capacity_floors import Floors
from benchmarks._capacity_growth import Compared, compare_run, read_run, worst
from benchmarks._capacity_measure import Measured, Spent
from benchmarks._capacity_model import (
    TARGET,
    UNDIVIDED,
    Cost,
    Demand,
    Installation,
    Needed,
    Part,
    Sizes,
    UnitCosts,
    bears,
    commit_of,
    in_groups,
    lock_held,
    needed,
    parts,
    room_of,
    single,
    wait,
)
from benchmarks._capacity_served import Round
from benchmarks._capacity_words import (
    machines_of,
    micro,
    percent,
    plain,
    short,
    table,
    tera,
    times_of,
)
from benchmarks.scan_page import ROOT

REPORT: Final = ROOT / "docs" / "reports" / "capacity.md"
GROWTH: Final = REPORT.with_name("growth.md")
SCALES: Final = (1, 10, 100, 1000)
GROUP: Final = 20
WORDS: Final = {
    "captures": "an entry of a phone, recorded over HTTP",
    "documents": "a document of 50 events, taken over HTTP",
    "told": "an event of a document, recorded by a worker",
    "followed": "what an event leaves to jobs",
    "redirects": "the printed address, sent on",
    "full": "a page that is in memory",
    "unchanged": "… that the phone has (304)",
    "cold": "a page that this process has not drawn yet",
    "changed": "a page whose record has just changed",
    "beacons": "a scan counted, storing included",
    "queries": "an EPCIS query, a page of 30 events",
    "tiles": "checkpoint or tile of the log",
    "photos": "a photo of eight megapixels",
    "labels": "a label of a sheet",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was measured on one database, and the costs that follow."""

    measured: Measured
    asked: Mapping[str, Cost]
    recalled: Spent
    rounds: list[Round]
    costs: UnitCosts


def written(
    found: Mapping[str, Told],
    bare: Floors,
    *,
    start: datetime,
    load: tuple[float, float, float],
    first: date,
) -> str:
    """The whole report. `found` is by database; the plan takes PostgreSQL's costs."""
    habits, sizes = Habits(), Sizes()
    costs = found["PostgreSQL"].costs
    years = {
        (place.name, scale): simulate(place, habits, scale, first=first)
        for place in (CITY, COUNTRY)
        for scale in SCALES
    }
    plan = Plan(years, costs, found["SQLite"].costs, habits, sizes)
    lines = [
        "# Capacity",
        "",
        _head(bare, start, load),
        "",
        *_answer(plan),
        *_borne(plan),
        *_ten_years(plan),
        *_held(found, bare),
        "",
        "## Floors",
        "",
        *floor_lines(bare),
        *_unit_costs(found),
        *_assumed(habits, sizes),
    ]
    return "\n".join(lines).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, and what it costs."""

    years: Mapping[tuple[str, int], list[Year]]
    costs: UnitCosts
    sqlite: UnitCosts
    habits: Habits
    sizes: Sizes

    def demand(self, place: Place, scale: int, year: int = 1) -> Demand:
        told = self.years[place.name, scale][year - 1]
        return Demand.of(told, self.habits.descendants_largest)

    def needed(self, place: Place, scale: int, year: int = 1) -> Needed:
        return needed(self.demand(place, scale, year), self.costs, self.sizes)

    @property
    def today(self) -> Installation:
        """What the city needs in its first year."""
        return self.needed(CITY, 1).installation


def _head(bare: Floors, start: datetime, load: tuple[float, float, float]) -> str:
    began, ended = (", ".join(f"{one:.1f}" for one in some) for some in (load, os.getloadavg()))
    return (
        f"Written by `python -m benchmarks capacity`, begun {start:%Y-%m-%d %H:%M} UTC and ended"
        f" {datetime.now(UTC):%H:%M}, on {bare.processors} processors and"
        f" {bare.memory / 2**30:.0f} GB of memory; load (1, 5, 15 minutes) {began} at the start,"
        f" {ended} at the end: others worked on the machine meanwhile. Costs are processor time of"
        " the processes that do the work, which others lengthen somewhat; waiting is not in them."
        " What the words mean, and what to do: [Capacity](../explanation/capacity.md)."
    )


# -- the answer ------------------------------------------------------------------------------------


def _answer(plan: Plan) -> list[str]:
    """Scale by scale, on what the city needs in its first year."""
    have = plan.today
    rows = []
    for scale in SCALES:
        found = parts(plan.demand(CITY, scale), plan.costs, have, plan.sizes)
        over = [part for part in found if part.used > TARGET] or found[:1]
        then = plan.needed(CITY, scale).installation
        rows.append(
            (
                f"×{scale:,}",
                (
                    f"{'' if found[0].used > TARGET else 'nothing; fullest is '}"
                    f"{found[0].name} ({percent(found[0].used)})"
                ),
                "; ".join(f"{part.name} ({percent(part.used)})" for part in over[1:4]) or "–",
                "; ".join(dict.fromkeys(part.add for part in over if part.used > TARGET)) or "–",
                _one_of(found),
                machines_of(then),
            )
        )
    return [
        "## What breaks first",
        "",
        (
            f"A city of {CITY.farms:,.0f} farms and {CITY.people:,.0f} people in its first year"
            f" stands on {machines_of(have)}. The same machines under more, in the busiest second"
            f" of the year (used: 100% is the end, nothing should be above {TARGET:.0%}):"
        ),
        "",
        *table(TITLES, rows, "left"),
    ]


TITLES: Final = (
    *("load", "breaks first", "then", "what to add"),
    *("fullest of what there is one of", "what stands then"),
)


def _one_of(found: Sequence[Part]) -> str:
    """The part most used of those that no machine helps: it says into how many installations all of
    it has to be divided. A recall's spread does not grow with the load."""
    part = next(one for one in found if one.way == "divide" and one.name != UNDIVIDED)
    return f"{part.name} ({percent(part.used)})"


def _borne(plan: Plan) -> list[str]:
    """How far each part is from its end, one by one."""
    one = plan.demand(CITY, 1)
    rows = [
        (
            part.name,
            percent(part.used),
            times_of(bears(part)),
            "more machines" if part.way == "add" else "one of each in an installation",
            part.add,
        )
        for part in parts(one, plan.costs, plan.today, plan.sizes)
    ]
    alone = single(one, plan.sqlite, plan.sizes)
    peak = one.peak
    service = plan.costs.lock + commit_of(plan.costs, plan.sizes, 2)
    grouped = lock_held(in_groups(one, GROUP), plan.costs, plan.sizes, 2)
    return [
        "",
        "## What each part bears",
        "",
        (
            "The same city and its machines: what is used in the busiest second, and how many"
            " times the city's load would fill it."
        ),
        "",
        *table(("part", "used", "bears the city", "there is", "add"), rows, "left"),
        "",
        (
            f"That second has {peak.redirects:,.0f} scans, {peak.captures:,.1f} entries of phones,"
            f" {peak.told:,.1f} events in documents, {peak.queries:,.1f} queries. A capture holds"
            f" the log's lock for {1e3 * service:.2f} ms; with the lock used to {TARGET:.0%} it"
            f" waits {1e3 * wait(TARGET, service):.1f} ms for it on average. Taken together by"
            f" {GROUP}, as the events of a document are, the entries of the city would use"
            f" {percent(grouped)} of it, which is not built."
        ),
        "",
        (
            f"**One machine of {plan.sizes.web_cores} processors with SQLite**, nothing else,"
            f" would use {percent(alone.processors)} of its processors, {percent(alone.writer)}"
            f" of its one writer and {percent(alone.room)} of its disk in the city's first year:"
            f" it bears {times_of(TARGET / alone.most)} the city within the bound."
        ),
    ]


def _ten_years(plan: Plan) -> list[str]:
    lines = [
        "",
        "## Ten years",
        "",
        (
            "Machines: web + workers + primary and replicas + two small ones for Redis, PgBouncer"
            " and HAProxy, of each installation; what an installation is and when it is divided"
            " is told in [Capacity](../explanation/capacity.md). TB: what is on the primary's"
            " disk at the year's end, all installations together, and photos in the bucket."
            " *Fullest*: the part used most with those machines, a recall's spread left out."
        ),
    ]
    for place in (CITY, COUNTRY):
        for scale in SCALES:
            rows = [_year_row(plan, place, scale, year) for year in range(1, YEARS + 1)]
            lines += [
                "",
                f"### {place.name.capitalize()} ×{scale:,}",
                "",
                *table(
                    (
                        *("year", "events", "scans", "TB", "TB more", "TB photos"),
                        *("logs", "web", "workers", "databases", "machines", "fullest"),
                    ),
                    rows,
                    "right",
                ),
            ]
    return lines


def _year_row(plan: Plan, place: Place, scale: int, number: int) -> tuple[str, ...]:
    year = plan.years[place.name, scale][number - 1]
    demand = plan.demand(place, scale, number)
    found = plan.needed(place, scale, number)
    have = found.installation
    room = room_of(demand, plan.costs)
    before = room_of(plan.demand(place, scale, number - 1), plan.costs) if number > 1 else 0.0
    full = next(part for part in found.parts if part.name != UNDIVIDED)
    return (
        str(number),
        short(year.events),
        short(year.scans),
        tera(room),
        tera(room - before),
        tera(demand.photos_ever * plan.costs.photo),
        f"{have.logs:,}",
        f"{have.logs * have.web:,}",
        f"{have.logs * have.workers:,}",
        f"{have.logs * (1 + have.replicas):,}",
        f"{have.machines:,}",
        f"{full.name} ({percent(full.used)})",
    )


# -- what it was held against ----------------------------------------------------------------------


def _held(found: Mapping[str, Told], bare: Floors) -> list[str]:
    lines = [
        "",
        "## Held against real runs",
        "",
        "### A saturated server",
        "",
        (
            "Phones open a printed address, its page, and tell that they saw it; gunicorn with"
            " one and with two workers, as many phones as keep them busy, on the same machine."
            " Said before each round: from the costs below, from what a client costs, and from"
            " the processors that a bare application under as many phones got a moment before."
            " PostgreSQL is taken to have whatever of the machine it asks for: where others use it,"
            " too much is said. Phones a second."
        ),
        "",
    ]
    rows = [
        (
            name,
            str(one.workers),
            f"{one.ours:.2f}",
            f"{one.predicted:.0f}",
            f"{one.measured:.0f}",
            f"{one.predicted / one.measured - 1:+.0%}",
        )
        for name, told in found.items()
        for one in sorted(told.rounds, key=lambda one: one.workers)
    ]
    titles = ("database", "workers", "processors we got", "predicted", "measured", "error")
    return [*lines, *table(titles, rows, "right"), "", *_large(found, bare)]


def _large(found: Mapping[str, Told], bare: Floors) -> list[str]:
    lines = ["### The large run", ""]
    run = read_run(GROWTH)
    if not run.lines:
        return [
            *lines,
            (
                "There is no report of `python -m benchmarks growth` to hold the model against:"
                " its predictions of bytes an event, and that a larger database costs nothing"
                " more while its indexes have room in memory, are **not checked** here."
            ),
        ]
    compared: list[Compared] = []
    for name, told in found.items():
        stored = told.measured.number["stored_event_without_pages"]
        compared += compare_run(run, name, told.costs, stored, bare.memory)
    rows = [
        (
            one.what,
            one.database,
            f"{one.predicted:,.0f}" if one.unit == "bytes" else f"{one.predicted:.2f}",
            f"{one.measured:,.0f}" if one.unit == "bytes" else f"{one.measured:.2f}",
            one.unit,
            f"{one.error:+.0%}",
        )
        for one in compared
    ]
    most = worst(compared)
    said = (
        f"Furthest from the truth: {most.what} ({most.database}), {most.error:+.0%}."
        if most is not None
        else ""
    )
    small = ", ".join(f"{told.measured.number['events']:,.0f}" for told in found.values())
    return [
        *lines,
        (
            f"What `python -m benchmarks growth` wrote on {run.written or 'an unknown day'}"
            " ([Growth](growth.md)). The model says that an event takes in a large database what"
            f" it takes in a small one (of {small} events here), and that nothing gets slower"
            " while the indexes that are hit in no order have room in memory (ratio 1)."
        ),
        "",
        *table(("what", "database", "predicted", "measured", "", "error"), rows, "right"),
        "",
        said,
    ]


# -- what it was computed from ---------------------------------------------------------------------


def _unit_costs(found: Mapping[str, Told]) -> list[str]:
    lines = [
        "",
        "## Unit costs",
        "",
        (
            "Microseconds of a processor. With SQLite the database works in the web process and"
            " in the worker; its own column is of PostgreSQL's processes."
        ),
        "",
    ]
    rows = []
    for kind, words in WORDS.items():
        one, other = (found[name].costs.each[kind] for name in ("SQLite", "PostgreSQL"))
        rows.append(
            (
                words,
                *(micro(one.web), micro(one.worker)),
                *(micro(other.web), micro(other.worker), micro(other.database)),
                f"{other.out:,.0f}" if other.out else "",
            )
        )
    titles = (
        *("what", "SQLite: web", "worker", "PostgreSQL: web", "worker", "database"),
        "bytes sent",
    )
    lines += [*table(titles, rows, "right"), ""]
    named = (
        ("the log's lock, held by one event, without its commit", "lock", 1e6, "µs"),
        ("… each further event of a document", "lock_event", 1e6, "µs"),
        ("a commit, the bare disk's wait included", "commit", 1e6, "µs"),
        ("a publication of the log, the bare disk's waits included", "publish", 1e6, "µs"),
        ("… each entry of it", "publish_entry", 1e6, "µs"),
        ("a scan stored by a worker", "count_scan", 1e6, "µs"),
        ("a recall, each thing it reaches", "warn", 1e6, "µs"),
        ("an event, all tables and indexes, every lot's page", "stored_event", 1, "B"),
        ("… of it indexes that are hit in no order", "index_event", 1, "B"),
        ("… entry and tiles of the public log", "log_event", 1, "B"),
        ("… written for it (write-ahead log; SQLite: to the disk)", "wal_event", 1, "B"),
        ("a row of counted scans", "counted_row", 1, "B"),
        ("a photo kept, thumbnail included", "photo", 1, "B"),
        ("a label in a sheet", "label", 1, "B"),
    )
    small = [
        (
            words,
            *(f"{getattr(told.costs, name) * times:,.0f} {unit}" for told in found.values()),
        )
        for words, name, times, unit in named
    ]
    return [*lines, *table(("what there is one of, and bytes", *found), small, "right")]


def floor_lines(bare: Floors) -> list[str]:
    """The machine in the same run."""
    return table(
        ("floor", "figure"),
        [
            ("bare Ed25519 signatures a processor second", f"{bare.signatures:,.0f}"),
            ("bare Flask route under gunicorn, answers a processor second", f"{bare.hellos:,.0f}"),
            ("8 KiB on the disk (the quickest tenth)", f"{1e3 * bare.commit:.2f} ms"),
            ("a long write", f"{bare.disk_write / 1e6:,.0f} MB/s"),
        ],
        "right",
    )


def _assumed(habits: Habits, sizes: Sizes) -> list[str]:
    values = [
        (name.replace("_", " "), f"{getattr(habits, name):g}", SOURCES[name]) for name in SOURCES
    ]
    machines = [
        (one.name.replace("_", " "), plain(getattr(sizes, one.name))) for one in fields(sizes)
    ]
    return [
        "",
        "## Assumptions",
        "",
        (
            f"City: {CITY.farms:,.0f} farms, {CITY.people:,.0f} people (Hà Nội's order of size)."
            f" Country: {COUNTRY.farms:,.0f} farms, {COUNTRY.people:,.0f} people. All four are"
            " assumptions of the plan: put the statistics office's figures in their place"
            " (`benchmarks/_capacity_demand.py`)."
        ),
        "",
        *table(("habit", "value", "from"), values, "left"),
        "",
        (
            "Machines taken for the plan, none of them measured (`Sizes` in"
            " `benchmarks/_capacity_model.py`):"
        ),
        "",
        *table(("machine", "value"), machines, "right"),
        "",
        (
            "Not in the figures: nginx and TLS in front, the line to the Internet as a whole,"
            " HAProxy, backups and the time to restore them, sensors' readings, whoever attacks."
        ),
    ]
