"""What `benchmarks.soak` sees of the processes from outside, every ten seconds: memory, files,
threads and connections by proc(5), the product's own figures, the size of the log of writes."""

from __future__ import annotations

import json
import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

EVERY: Final = 10.0
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Seen:
    """One process at one moment. Bytes; `own` is its anonymous memory, `shared` the rest of what it
    has resident."""

    at: float
    rss: int
    pss: int
    own: int
    threads: int
    files: int
    databases: int  # files of the database, or connections to it
    cpu: float  # seconds since its start


def look(pid: int, at: float) -> Seen | None:
    """None where it is gone."""
    place = Path(f"/proc/{pid}")
    try:
        rollup = dict(
            re.findall(r"^(\w+):\s+(\d+) kB", (place / "smaps_rollup").read_text(), re.MULTILINE)
        )
        status = (place / "status").read_text()
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        targets = []
        for one in (place / "fd").iterdir():
            try:
                targets.append(str(one.readlink()))
            except OSError:
                continue
    except OSError:
        return None
    threads = re.search(r"^Threads:\s+(\d+)", status, re.MULTILINE)
    return Seen(
        at,
        int(rollup["Rss"]) * 1024,
        int(rollup["Pss"]) * 1024,
        int(rollup["Anonymous"]) * 1024,
        int(threads.group(1)) if threads else 0,
        len(targets),
        sum(one.endswith(".db") for one in targets),
        (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    )


@dataclass(slots=True)
class Watch:
    """Looks until told to stop. `names` are processes by number."""

    names: dict[int, str]
    metrics: Callable[[], str]
    sizes: Callable[[], dict[str, float]]
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    gauges: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._look()
            self._stop.wait(EVERY)

    def _look(self) -> None:
        at = time.time()
        for pid, name in self.names.items():
            one = look(pid, at)
            if one is None:
                if name not in self.gone:
                    self.gone.append(name)
                continue
            self.seen.setdefault(name, []).append(one)
        self.loads.append(os.getloadavg()[0])
        try:
            found = gauges(self.metrics())
        except OSError:
            found = {"no answer to /metrics": 1.0}
        for name, value in {**found, **self.sizes()}.items():
            self.gauges.setdefault(name, []).append((at, value))


WANTED: Final = (
    "trace_log_waiting_entries",
    "trace_log_integration_delay_seconds",
    "trace_jobs_oldest_due_seconds",
    "trace_jobs_failed_day",
    "trace_passports_stale",
    "trace_workers_alive",
)


def gauges(text: str) -> dict[str, float]:
    """The figures that are looked at, of a page in Prometheus' format."""
    found = {"jobs waiting": 0.0}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name in WANTED:
            found[name] = float(value)
        elif name.startswith("trace_jobs{") and 'state="queued"' in name:
            found["jobs waiting"] += float(value)
    return found


@dataclass(frozen=True, slots=True)
class Course:
    """How a figure went after the warm-up. `change` is the last sixth's median against the first's;
    `slope` the straight line's per hour; `span` the widest, both as parts of the median."""

    first: float
    last: float
    least: float
    most: float
    slope: float

    @property
    def change(self) -> float:
        return self.last / self.first - 1 if self.first else 0.0


def course(points: Sequence[tuple[float, float]]) -> Course:
    """Of (seconds, value)."""
    values = [value for _, value in points]
    part = max(1, len(values) // 6)
    slope = 0.0
    if len(points) > 2 and points[-1][0] > points[0][0]:
        slope = 3600 * statistics.linear_regression(*zip(*points, strict=True)).slope
    return Course(
        statistics.median(values[:part]),
        statistics.median(values[-part:]),
        min(values),
        max(values),
        slope,
    )


def inside(folder: Path, pid: int, since: float) -> list[dict[str, Any]]:
    """What a process told of itself from a moment on."""
    path = folder / f"inside-{pid}.jsonl"
    if not path.exists():
        return []
    told = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return [one for one in told if one["at"] >= since]
