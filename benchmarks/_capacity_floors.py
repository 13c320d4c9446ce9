"""What the machine itself does, in the same run: floors by which the figures carry to another one.

Bare signatures and a bare Flask route say how fast a processor is; a bare write with its fsync what
a commit waits for.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.capture_http import _cpu
from tests.support.gunicorn import Running, running
from trace.core.signing import PrivateKey

SIGNATURES, HELLOS, COMMITS, MEGABYTES = 4000, 1500, 200, 64


@dataclass(frozen=True, slots=True)
class Floors:
    """Of the machine in this run: per processor second, but the disk's seconds and bytes."""

    signatures: float
    hellos: float
    commit: float
    disk_write: float
    processors: int
    memory: float


def floors() -> Floors:
    """Measures them."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    commit, written = disk()
    return Floors(signatures(), hellos(), commit, written, os.cpu_count() or 1, float(pages))


def signatures() -> float:
    """Bare Ed25519 signatures a processor second."""
    key, message = PrivateKey.generate(), os.urandom(1600)
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        for _ in range(SIGNATURES):
            key.sign(message)
        best = max(best, SIGNATURES / (time.process_time() - start))
    return best


def hellos() -> float:
    """Answers of a bare Flask route under gunicorn, a processor second of its worker."""
    from benchmarks.load import COMMON, Phone

    with running("benchmarks._hello:app", {}, workers=1, threads=2) as served:
        phone = Phone(served.port)
        request = f"GET /hello HTTP/1.1\r\n{COMMON}\r\n".encode()

        def ask() -> None:
            for _ in range(HELLOS):
                phone.ask(request)

        ask()
        spent = min(worker_cpu(served, ask) for _ in range(3))
        phone.close()
    return HELLOS / spent


def worker_cpu(served: Running, act: Callable[[], object]) -> float:
    """Processor seconds of a server's workers while something is done."""
    before = sum(map(_cpu, served.workers))
    act()
    return sum(map(_cpu, served.workers)) - before


def disk() -> tuple[float, float]:
    """(seconds until 8 KiB are on the disk, bytes a second of a long write). Of many writes the
    quickest tenth: the others waited for somebody else's."""
    with tempfile.TemporaryDirectory(prefix="trace-bench-disk-") as folder:
        path, block = Path(folder) / "block", os.urandom(8192)
        took = []
        with path.open("wb", buffering=0) as file:
            for _ in range(COMMITS):
                start = time.perf_counter()
                file.write(block)
                os.fdatasync(file.fileno())
                took.append(time.perf_counter() - start)
        many = os.urandom(1 << 20)
        start = time.perf_counter()
        with path.open("wb", buffering=0) as file:
            for _ in range(MEGABYTES):
                file.write(many)
            os.fsync(file.fileno())
        written = MEGABYTES * len(many) / (time.perf_counter() - start)
    return statistics.quantiles(took, n=10)[0], written
