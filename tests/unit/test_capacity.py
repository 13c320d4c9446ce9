"""The model of what a city needs: sums by hand, and what must hold whatever the figures."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._capacity_demand import (
    CITY,
    COUNTRY,
    SOURCES,
    Habits,
    Peak,
    Place,
    day_of,
    peak_of,
    season_of,
    simulate,
)
from benchmarks._capacity_growth import compare_run, parse_run, read_run, worst
from benchmarks._capacity_model import (
    KINDS,
    LOCK,
    TARGET,
    UNDIVIDED,
    Cost,
    Demand,
    Installation,
    Sizes,
    UnitCosts,
    bears,
    first_to_break,
    in_groups,
    lock_held,
    needed,
    parts,
    reads_beside_memory,
    room_of,
    seconds,
    single,
    throughput,
    wait,
)

FIRST = date(2027, 1, 1)
# Round numbers a person can follow: a millisecond or two of everything.
COSTS = UnitCosts(
    each={kind: Cost(web=0.002, worker=0.001, database=0.001, out=1000.0) for kind in KINDS},
    lock=0.001,
    lock_event=0.0002,
    commit=0.001,
    publish=0.01,
    publish_entry=0.00002,
    count_scan=0.0001,
    warn=0.00001,
    stored_event=4000.0,
    index_event=400.0,
    log_event=300.0,
    wal_event=8000.0,
    counted_row=100.0,
    photo=300_000.0,
    label=500.0,
)
NOTHING = {one.name: 0.0 for one in fields(Peak)}


def demand(scale: float = 1.0, place: Place = CITY, year: int = 1) -> Demand:
    return Demand.of(simulate(place, Habits(), scale, years=year, first=FIRST)[-1], 100_000)


# -- what is asked ---------------------------------------------------------------------------------


def test_a_day_of_a_village_as_computed_by_hand() -> None:
    habits = Habits(
        stories_a_farm_year=3.65,
        events_a_story=10,
        batches_a_story=2,
        told_by_machines=0.5,
        events_a_document=25,
        photos_an_event=0.1,
        labels_a_batch=7,
        labelled_bought_a_day=2,
        scanned=0.25,
        queries_a_farm_day=0.5,
        busiest_hour_of_records=0.36,
        busiest_hour_of_scans=0.18,
        busiest_minute=2,
        rebuilt_an_event=0.5,
        was_here_before=0.5,
        not_in_memory=0.25,
        news_share=0,
    )
    village = Place("village", 1000, 7200)
    day = date(2027, 6, 1)
    season = season_of(day)  # 1.4 of an average of 1.0
    assert season == pytest.approx(1.4)
    found = day_of(village, habits, 1.0, day, FIRST)
    # 1,000 farms × 3.65 stories / 365 days = 10 a day, × 1.4 = 14.
    assert found.events == pytest.approx(140)
    assert found.batches == pytest.approx(28)
    assert found.documents == pytest.approx(2.8)  # 70 events, 25 each
    assert found.captures == pytest.approx(72.8)  # 70 phones' entries and the documents
    assert found.photos == pytest.approx(14)
    assert found.labels == pytest.approx(196)
    assert found.scans == pytest.approx(3600)  # 7,200 × 2 × 0.25
    assert found.queries == pytest.approx(500)
    peak = peak_of(village, habits, 1.0, found)
    # 0.36 of the day in an hour is 1/10,000 a second, twice that in its busiest minute.
    assert peak.events == pytest.approx(0.028)
    assert peak.captures == peak.told == pytest.approx(0.014)
    assert peak.redirects == peak.beacons == pytest.approx(0.36)  # 3,600 × 0.18 / 3,600 × 2
    assert peak.changed == pytest.approx(0.014)
    assert peak.unchanged == pytest.approx(0.173)
    assert peak.cold == pytest.approx(0.04325)
    assert peak.full == pytest.approx(0.12975)
    assert peak.followed == pytest.approx(0.014)  # jobs wait: the hour's rate


def test_every_assumption_says_where_it_comes_from() -> None:
    assert set(SOURCES) == {one.name for one in fields(Habits)}


def test_pages_of_a_second_are_as_many_as_its_scans() -> None:
    for place in (CITY, COUNTRY):
        peak = demand(1.0, place).peak
        # The busiest of each kind may fall on different days: together never less than the scans.
        assert peak.full + peak.cold + peak.unchanged + peak.changed >= peak.redirects * 0.999


def test_a_recall_in_the_news_counts_where_it_beats_the_market() -> None:
    quiet = replace(Habits(), scanned=0.001)
    loud = replace(quiet, news_share=0.1)
    one, other = (
        simulate(CITY, habits, 1.0, years=1, first=FIRST)[0].peak for habits in (quiet, loud)
    )
    assert other.redirects > CITY.people * 0.1 / 900 > one.redirects


def test_more_is_scanned_before_the_new_year_and_recorded_at_harvest() -> None:
    year = simulate(CITY, Habits(), 1.0, years=1, first=FIRST)[0]
    assert date(2027, 1, 23) <= year.busiest < date(2027, 2, 6)
    may, august = (day_of(CITY, Habits(), 1.0, date(2027, m, 1), FIRST) for m in (5, 8))
    assert may.events > august.events


def test_ten_years_gather_what_each_of_them_brought() -> None:
    years = simulate(CITY, Habits(), 1.0, first=FIRST)
    assert len(years) == 10
    assert years[-1].events_ever == pytest.approx(sum(year.events for year in years))
    assert [year.peak.events for year in years] == sorted(year.peak.events for year in years)
    # 330,000 farms × 6 stories × 20 events.
    assert years[0].events == pytest.approx(39.6e6, rel=0.01)


def test_a_share_above_one_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="scanned"):
        simulate(CITY, replace(Habits(), scanned=1.5), 1.0, years=1, first=FIRST)


# -- what it takes ---------------------------------------------------------------------------------


def test_a_load_as_computed_by_hand() -> None:
    peak = Peak(**{**NOTHING, "captures": 100.0, "documents": 2.0, "told": 100.0, "events": 200.0})
    asked = Demand(peak, 1e9, 1e6, 1e8, 100_000)
    # 202 things at 2 ms of web.
    assert seconds(asked, COSTS, "web") == pytest.approx(0.404)
    # 102 commits: 1 ms under the lock, 1 ms of commit; 98 further events of documents at 0.2 ms.
    assert lock_held(asked, COSTS, Sizes(), 0) == pytest.approx(0.2236)
    # A synchronous replica adds half a millisecond to every commit.
    assert lock_held(asked, COSTS, Sizes(), 2) == pytest.approx(0.2746)
    # Taken by twenty: 7 commits, 193 further events.
    assert lock_held(in_groups(asked, 20), COSTS, Sizes(), 0) == pytest.approx(0.0526)
    # A processor twice as fast halves the work, not the disk.
    assert lock_held(asked, COSTS, Sizes(core=2), 0) == pytest.approx(0.1628)
    assert room_of(asked, COSTS) == pytest.approx(4.01e12)
    # 400 GB of index beside 0.6 × 256 GiB of memory: 58.8 % of 4 look-ups for each of 200 events.
    assert reads_beside_memory(asked, COSTS, Sizes()) == pytest.approx(
        800 * (1 - 164.93 / 400), 1e-3
    )
    used = {part.name: part.used for part in parts(asked, COSTS, Installation())}
    assert used["web processors"] == pytest.approx(0.404 / 8)
    assert used["primary's room on disk"] == pytest.approx(4.01 / 8)
    assert used["primary's disk, writing"] == pytest.approx(200 * 8000 * 2 / 1e9)
    assert used["publishing the log"] == pytest.approx(0.014)
    assert used[UNDIVIDED] == pytest.approx(0.2)
    assert used[LOCK] == pytest.approx(0.2236)


def test_waiting_grows_without_end_as_a_part_fills() -> None:
    assert wait(0.5, 0.01) == pytest.approx(0.01)
    assert wait(TARGET, 1.0) == pytest.approx(2.333, rel=1e-3)
    assert wait(1.0, 1.0) == float("inf")


scales = st.floats(0.01, 2000)
costs_drawn = st.builds(
    lambda each, **serial: UnitCosts(each=dict.fromkeys(KINDS, each), **serial),
    each=st.builds(
        Cost,
        web=st.floats(1e-5, 0.05),
        worker=st.floats(1e-5, 0.05),
        database=st.floats(1e-6, 0.02),
        out=st.floats(10, 100_000),
    ),
    lock=st.floats(1e-5, 0.02),
    lock_event=st.floats(1e-6, 0.002),
    commit=st.floats(1e-5, 0.02),
    publish=st.floats(1e-4, 0.1),
    publish_entry=st.floats(1e-6, 1e-4),
    count_scan=st.floats(1e-6, 1e-3),
    warn=st.floats(1e-7, 1e-4),
    stored_event=st.floats(100, 10_000),
    index_event=st.floats(10, 2000),
    log_event=st.just(300.0),
    wal_event=st.floats(100, 50_000),
    counted_row=st.floats(10, 500),
    photo=st.floats(1e4, 1e6),
    label=st.just(500.0),
)
PLAIN = {place: demand(1.0, place) for place in (CITY, COUNTRY)}


def times(one: Demand, by: float) -> Demand:
    """The demand `by` times as large; a recall's size is that of a lot and stays."""
    more = one.divided(1)
    peak = Peak(**{part.name: getattr(one.peak, part.name) * by for part in fields(Peak)})
    return replace(
        more,
        peak=peak,
        events_ever=one.events_ever * by,
        photos_ever=one.photos_ever * by,
        counted_rows=one.counted_rows * by,
    )


@given(scales, costs_drawn, st.sampled_from([CITY, COUNTRY]))
def test_ten_times_the_demand_never_needs_fewer_machines(
    scale: float, costs: UnitCosts, place: Place
) -> None:
    some, more = (needed(times(PLAIN[place], by), costs) for by in (scale, 10 * scale))
    assert more.installation.machines >= some.installation.machines
    assert more.installation.logs >= some.installation.logs


@given(scales, costs_drawn)
def test_what_is_needed_keeps_every_part_within_its_bound(scale: float, costs: UnitCosts) -> None:
    found = needed(times(PLAIN[CITY], scale), costs)
    over = [
        part.name
        for part in found.parts
        if part.used > TARGET * 1.001 and part.name not in (UNDIVIDED, "database connections")
    ]
    assert over == []


@given(scales, costs_drawn)
def test_the_part_named_first_is_the_one_used_most(scale: float, costs: UnitCosts) -> None:
    found = parts(times(PLAIN[CITY], scale), costs, Installation(web=3, workers=2, replicas=2))
    first = first_to_break(found)
    assert first == found[0]
    assert all(part.used <= first.used for part in found)
    assert all(bears(part) >= bears(first) for part in found)


@given(costs_drawn)
def test_every_part_is_used_ten_times_as_much_by_ten_times_the_demand_or_less_by_what_is_fixed(
    costs: UnitCosts,
) -> None:
    have = Installation(web=2, workers=2, replicas=2)
    one = {p.name: p.used for p in parts(PLAIN[CITY], costs, have)}
    ten = {p.name: p.used for p in parts(times(PLAIN[CITY], 10), costs, have)}
    fixed = {"publishing the log", UNDIVIDED, "database connections", "Redis"}
    for name, used in one.items():
        if name in fixed:
            assert used <= ten[name] <= 10 * used + 1e-9
        elif name == "primary's disk, index beside memory":
            assert ten[name] >= 10 * used
        else:
            assert ten[name] == pytest.approx(10 * used)


def test_adding_what_a_part_asks_for_makes_it_less_used() -> None:
    asked, bare = demand(20), Installation()
    before = {part.name: part.used for part in parts(asked, COSTS, bare)}
    for more, name in (
        (replace(bare, web=2), "web processors"),
        (replace(bare, workers=2), "worker processors"),
        (replace(bare, pooler=True), "database connections"),
        (replace(bare, bucket=True), "room for photos"),
        (replace(bare, disks=2), "primary's room on disk"),
        (replace(bare, replicas=1), "primary's processors"),
        (replace(bare, logs=2), LOCK),
    ):
        after = {part.name: part.used for part in parts(asked, COSTS, more)}
        assert after[name] < before[name], name


def test_a_slower_disk_fills_the_lock_first() -> None:
    asked = demand(10)
    slow = replace(COSTS, commit=0.02)
    assert first_to_break(parts(asked, slow, needed(asked, COSTS).installation)).name == LOCK


def test_one_machine_with_sqlite_is_full_by_its_writer_or_its_processors() -> None:
    few, many = (single(demand(scale), COSTS) for scale in (0.01, 10))
    assert few.most < TARGET < many.most
    assert many.most == max(many.processors, many.writer, many.room)


def test_a_saturated_server_as_computed_by_hand() -> None:
    # 4 ms of web, 1 ms of who asks, 1 ms of the database, on a quiet machine of two processors.
    one, two = (throughput(workers, 0.004, 0.001, 0.001, 2, 2.0) for workers in (1, 2))
    assert one == pytest.approx(250)  # one process is one processor
    assert two == pytest.approx(2 / 0.006)  # both processors, shared by all three
    # Others leave us half a processor: 5 ms a request of it.
    assert throughput(2, 0.004, 0.001, 0.001, 2, 0.5) == pytest.approx(100)


# -- the large run, read back ----------------------------------------------------------------------

GROWTH = """# Growth

Written by `python -m benchmarks growth` on 2026-11-23, on 2 processors and 24 GB of memory.

| what | value | floor | ratio | promised | kept |
| --- | --- | --- | --- | --- | --- |
| capture of 200 events, 300,000 events, SQLite | 70 ms | 67.9 ms | 1.03 | ratio <= 1.5 | yes |
| capture of 200 events, 9,890,000 events, SQLite | 86 ms | 67.9 ms | 1.27 | ratio <= 1.5 | yes |
| scan page, warm, 9,890,000 events, SQLite | 1.31 ms | 1.26 ms | 1.04 | ratio <= 1.2 | yes |
| scan page, not in memory, 9,890,000 events, SQLite | 9.5 ms | 9.8 ms | 0.97 | … | yes |
| stored per event, SQLite | 3,902 bytes |  |  | <= 4000 bytes | yes |
| nonsense of SQLite | many ms |  | ? | | |
"""


def test_the_large_runs_report_is_read_whatever_else_stands_in_it() -> None:
    run = parse_run(GROWTH)
    assert run.written == "2026-11-23"
    stored, capture = run.find("stored per event", "SQLite"), run.find("capture of", "SQLite")
    assert stored is not None
    assert (stored.value, stored.unit, stored.ratio) == (3902, "bytes", None)
    assert capture is not None  # of the largest run
    assert (capture.events, capture.value, capture.ratio) == (9_890_000, 86, 1.27)
    assert run.find("stored per event", "PostgreSQL") is None
    assert parse_run("nothing of the kind | 3 |").lines == ()


def test_an_absent_report_compares_nothing(tmp_path: Path) -> None:
    run = read_run(tmp_path / "growth.md")
    assert run.lines == ()
    assert compare_run(run, "SQLite", COSTS, 4000, 24e9) == []


def test_a_wrong_prediction_is_told_with_its_sign() -> None:
    found = {one.what: one for one in compare_run(parse_run(GROWTH), "SQLite", COSTS, 4292.2, 24e9)}
    assert found["stored per event"].error == pytest.approx(0.1)
    large = found["capture of 200 events, 9,890,000 events against few"]
    assert large.error == pytest.approx(1 / 1.27 - 1)
    assert worst(list(found.values())) is large


def test_the_report_that_lies_beside_the_project_can_be_read() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "reports" / "growth.md"
    if not path.exists():
        pytest.skip("benchmarks growth has not been run here")
    stored = read_run(path).find("stored per event", "SQLite")
    assert stored is None or 1000 < stored.value < 10_000
