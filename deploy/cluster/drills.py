"""A node that holds the lock is killed, frozen or cut off under load, and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy.cluster import building, checking, load
from deploy.cluster.layout import Layout
from deploy.cluster.processes import children, cut, node_processes, send, wait, within

FAULTS = ("kill", "freeze", "cut")
BEFORE, FAULT = 15.0, 45.0  # seconds of load before the fault, and until it is healed
PROBED = 12.0  # seconds that the cut side is written to


@dataclass(slots=True)
class Drill:
    """What came of one. Moments are seconds since the load began."""

    fault: str
    node: str
    told: load.Told
    checked: checking.Checked
    struck: float = 0.0
    new_primary: str = ""
    healed: float = 0.0  # seconds from healing until three nodes stood as before
    probe: int = -1  # acknowledged by the old primary on the cut side; -1: not asked
    probe_lost: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    machine: dict[str, str] = field(default_factory=dict)


def strike(layout: Layout, fault: str, node: str) -> None:
    """A node dies (its power goes), hangs, or loses its network."""
    if fault == "kill":
        send(node_processes(layout, node, etcd=False), signal.SIGKILL)
    elif fault == "freeze":
        send(node_processes(layout, node, etcd=True), signal.SIGSTOP)
    elif fault == "cut":
        if not layout.namespaces:
            raise SystemExit("Nothing can be cut on loopback ports: needs network namespaces")
        cut(layout, node)
    else:
        raise SystemExit(f"No such fault: {fault}; there are {', '.join(FAULTS)}")


def heal(layout: Layout, fault: str, node: str) -> None:
    if fault == "kill":
        building.start_patroni(layout, node)
    elif fault == "freeze":
        send(node_processes(layout, node, etcd=True), signal.SIGCONT)
    else:
        cut(layout, node, healed=True)


def drill(layout: Layout, fault: str, *, captures: int, scans: int, events: int = 1) -> Drill:
    """One drill from a whole cluster to a whole cluster."""
    wait("whole cluster", lambda: building.is_whole(layout), 120)
    page = f"/t{layout.facts['world']['scanned'][0]}"
    for path in (page, "/readyz?for=writing"):  # both groups of web processes
        wait("web server", lambda path=path: building.get(layout.web + path)[0] == 200, 120)  # type: ignore[misc]  # bound now
    node = building.primary(layout)
    if node is None:
        raise SystemExit("No primary")
    before = checking.checkpoint(layout)
    with probing(layout, node, fault) as probe:
        course = Course(layout, fault, node, probe)
        told = load.run(
            layout.web,
            layout.facts["world"],
            captures=captures,
            scans=scans,
            events=events,
            seconds=BEFORE,
            meanwhile=course.run,
        )
    if course.broken:
        raise SystemExit(course.broken)
    gone, _ = checking.lost(layout, course.acknowledged)
    return Drill(
        fault,
        node,
        told,
        checking.check(layout, told.acknowledged, before),
        struck=course.struck - told.began,
        new_primary=course.new_primary,
        healed=course.healed,
        probe=-1 if probe is None else len(course.acknowledged),
        probe_lost=gone,
        machine=machine(),
    )


class Course:
    """What happens beside the load: a while of peace, the fault, a new primary, healing."""

    def __init__(self, layout: Layout, fault: str, node: str, probe: Probe | None) -> None:
        self._layout, self._fault, self._node, self._probe = layout, fault, node, probe
        self.struck = self.healed = 0.0
        self.new_primary = self.broken = ""
        self.acknowledged: list[str] = []  # on the cut side

    def run(self) -> None:
        """In a thread of its own; what does not come is told in `broken`."""
        layout, fault, node = self._layout, self._fault, self._node
        time.sleep(BEFORE)
        self.struck = time.monotonic()
        if self._probe is not None:
            self._probe.mark()
        strike(layout, fault, node)
        try:
            if self._probe is not None:
                self._probe.go(PROBED)
                self.acknowledged = self._probe.acknowledged()
            wait("new primary", lambda: building.primary(layout) not in (None, node), 120)
            self.new_primary = building.primary(layout) or ""
            time.sleep(max(0.0, FAULT - (time.monotonic() - self.struck)))
            heal(layout, fault, node)
            self.healed = wait("whole cluster again", lambda: building.is_whole(layout), 180)
        except SystemExit as error:
            heal(layout, fault, node)
            self.broken = str(error)


class Probe:
    """An application on the cut side, which still reaches the old primary over its socket."""

    def __init__(self, layout: Layout, node: str) -> None:
        world = layout.facts["world"]
        self._out = layout.home / "logs" / "probe.out"
        command = [
            *(sys.executable, "-m", "deploy.cluster.world", "--capture"),
            *(world["moving"][0]["lots"][0], "0"),
        ]
        environment = layout.environment(
            TRACE_DATABASE_URL=layout.url(node), TRACE_DATABASE_READ_URL=""
        )
        with self._out.open("wb") as out, (layout.home / "logs" / "probe.log").open("ab") as log:
            self._process = subprocess.Popen(
                within(layout, node, command),
                stdout=out,
                stderr=log,
                env=environment,
                cwd=environment["PYTHONPATH"],
            )
        self._seen = 0
        try:
            wait("probe", lambda: bool(self._out.stat().st_size), 300)
        except SystemExit:
            self.stop()
            raise

    def mark(self) -> None:
        """The cut is now: what is acknowledged from here on was acknowledged on the cut side."""
        self._seen = len(self._out.read_text().split())

    def go(self, seconds: float) -> None:
        """Goes on recording for so long."""
        time.sleep(seconds)
        self.stop()

    def acknowledged(self) -> list[str]:
        return self._out.read_text().split()[self._seen :]

    def stop(self) -> None:
        # Killed, never asked to stop: a cancelled commit would be told as acknowledged.
        send([self._process.pid, *children(self._process.pid)], signal.SIGKILL)
        self._process.wait()


@contextmanager
def probing(layout: Layout, node: str, fault: str) -> Iterator[Probe | None]:
    if fault != "cut":
        yield None
        return
    probe = Probe(layout, node)
    try:
        yield probe
    finally:
        probe.stop()


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    memory = ""
    with suppress(OSError):
        total = Path("/proc/meminfo").read_text().split()[1]
        memory = f"{int(total) / 1024**2:.0f} GB"
    return {
        "processors": str(os.cpu_count() or 0),
        "memory": memory,
        "load": " ".join(f"{one:.1f}" for one in os.getloadavg()),
    }
