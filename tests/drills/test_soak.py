"""Two minutes of everything at once against the product as production runs it; and that the soak's
own checks find what they look for."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from random import Random

import pytest

from benchmarks._soak_report import write
from benchmarks._soak_site import RECYCLING, ROOT, WEB_WORKERS, allocator, web_command
from benchmarks._soak_told import Histogram, Told
from benchmarks._soak_watch import course, gauges, look
from benchmarks.soak import Soaked, missing, soak
from tests.support.postgresql import NoPostgresql, programs

pytestmark = pytest.mark.long
MINUTES = 2.0
RATE = 8.0  # acts a second: any machine that runs drills does that


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def soaked(request: pytest.FixtureRequest) -> Soaked:
    database = str(request.param)
    if database == "postgresql":
        try:
            programs()
        except NoPostgresql as error:
            pytest.skip(str(error))
    return soak(database, MINUTES, rate=RATE, chains=30)


def test_every_request_is_answered_as_it_should_be(soaked: Soaked) -> None:
    assert soaked.told.words == []
    assert {status for _, status in soaked.told.statuses if status >= 500 or not status} == set()
    asked = {kind for kind, _ in soaked.told.statuses}
    assert {
        "scan page",
        "capture, document",
        "outbox entry with photo",
        "query",
        "named query",
        "recall, signed",
        "recall, taken back",
        "my data, file",
    } <= asked


def test_everything_acknowledged_is_there_and_nothing_waits(soaked: Soaked) -> None:
    facts = soaked.facts
    assert facts["acknowledged"] > 300
    assert facts["lost"] == []
    assert facts["beacons"] == facts["counted"]
    assert facts["jobs failed"] == []
    assert facts["audit"][0] == 0, facts["audit"]


def test_the_processes_of_the_start_are_those_of_the_end_and_end_in_order(soaked: Soaked) -> None:
    assert soaked.facts["same processes"]
    assert soaked.watch.gone == []
    assert set(soaked.facts["ended"].values()) == {0}
    assert soaked.facts["logs"] == {"web": [], "worker": []}


def test_processes_tell_what_they_hold_and_computing_threads_give_way_soon(soaked: Soaked) -> None:
    servers = [f"web {number + 1}" for number in range(WEB_WORKERS)]
    for name in (*servers, "worker"):
        told = soaked.facts["inside"][name]
        assert len(told) > 3, name
        assert {one["switch"] for one in told} == {0.0005}
        assert told[-1]["blocks"] > 500_000
        assert "answers remembered by functions" in told[-1]["caches"]


def test_public_pages_are_answered_by_half_of_the_processes(soaked: Soaked) -> None:
    holds = [
        any(one["caches"]["pages: bodies, bytes"] for one in soaked.facts["inside"][name])
        for name in (f"web {number + 1}" for number in range(WEB_WORKERS))
    ]
    assert sorted(holds) == [False] * (WEB_WORKERS // 2) + [True] * (WEB_WORKERS // 2)


def test_what_was_never_recorded_is_missed(soaked: Soaked) -> None:
    there = soaked.facts["some there"]
    never = ["urn:uuid:00000000-0000-4000-8000-000000000000", "soak never"]
    keys, notes = soaked.facts["recorded"]
    assert missing(keys, notes, [*there, *never]) == never


def test_a_percentile_is_right_within_two_per_cent() -> None:
    random, histogram = Random(1), Histogram()
    values = sorted(random.lognormvariate(1, 1.5) for _ in range(20_000))
    for value in values:
        histogram.add(value)
    for part in (0.5, 0.99, 0.999):
        exact = values[int(part * len(values)) - 1]
        assert histogram.quantile(part) == pytest.approx(exact, rel=0.021)
    assert len(histogram.buckets) < 500


def test_latency_is_told_by_minute_and_unexpected_answers_in_words_up_to_a_bound() -> None:
    told = Told()
    told.note("scan page", 0, 900, 200)
    told.note("scan page", 5, 1, 200)
    assert told.whole("scan page", since=5).most == 1
    for number in range(1_000):
        told.wonder(str(number))
    assert (told.unexpected, len(told.words)) == (1_000, 60)


def test_memory_that_grows_is_found_and_memory_that_swings_is_not_taken_for_it() -> None:
    grows = course([(10.0 * at, 100 + at / 10) for at in range(360)])
    assert grows.change == pytest.approx(30 / 103, abs=0.001)
    assert grows.slope == pytest.approx(36, rel=0.01)
    swings = course([(10.0 * at, 100 + 8 * (at % 2)) for at in range(360)])
    assert abs(swings.change) < 0.01
    assert (swings.least, swings.most) == (100, 108)


def test_a_process_is_seen_as_it_is() -> None:
    seen = look(os.getpid(), time.time())
    assert seen is not None
    ballast = bytes(32 * 2**20)
    held = bytearray(ballast)  # written to: it is really there
    again = look(os.getpid(), time.time())
    assert again is not None
    assert again.own - seen.own > 24 * 2**20
    assert len(held) == len(ballast)
    assert look(2**22 + 1, time.time()) is None


def test_queued_jobs_are_added_up_from_the_products_figures() -> None:
    text = (
        'trace_jobs{kind="tell",state="queued"} 3.0\n'
        'trace_jobs{kind="label-sheet",state="queued"} 2.0\n'
        'trace_jobs{kind="tell",state="running"} 9.0\n'
        "trace_jobs_oldest_due_seconds 1.5\n"
    )
    assert gauges(text) == {"jobs waiting": 5.0, "trace_jobs_oldest_due_seconds": 1.5}


def test_processes_are_not_recycled_and_all_else_is_as_the_unit_says(tmp_path: Path) -> None:
    command = web_command(tmp_path)
    assert not set(command) & set(RECYCLING)
    assert command[command.index("--worker-class") + 1] == "gthread"
    assert "deploy/gunicorn.conf.py" in command


def test_one_databases_part_of_the_report_leaves_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "soak.md"
    write(path, "postgresql", "## PostgreSQL\n\nold")
    write(path, "sqlite", "## SQLite\n\nfirst")
    write(path, "sqlite", "## SQLite\n\nsecond")
    told = path.read_text()
    assert told.startswith("# Soak\n")
    assert (told.count("old"), told.count("second"), told.count("first")) == (1, 1, 0)
    assert told.index("SQLite\n") < told.index("## PostgreSQL")


def test_all_set_ups_tell_malloc_the_same() -> None:
    wanted = allocator()
    assert set(wanted) == {
        "MALLOC_ARENA_MAX",
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
    }
    for name in ("systemd/trace-worker@.service", "container/Dockerfile", "run.sh"):
        text = (ROOT / "deploy" / name).read_text()
        assert dict(re.findall(r"\b(MALLOC_\w+)=(\S+)", text)) == wanted, name
