"""Promise: a printed address is answered with the way to its page (307, one indexed read) at least
0.7 times as often as a bare Flask route says hello, under the same gunicorn; with a query that
goes along (a date of the label, somebody's own names) as well.

One worker each, one keep-alive connection; CPU time of the worker process from the kernel, ours and
the floor in turns. Told beside it, against the same floor: what a machine asks for, a link of a
type and the whole linkset, which are made by the framework and three reads.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import Figure, compare
from benchmarks.scan_page import PHONE, Served, _gunicorn, _world

REQUESTS, ROUNDS, WARM_UP = 800, 3, 200


def run() -> Iterable[Figure]:
    """Answers per CPU second."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-resolver-"))
    try:
        lot, _, environment = _world(folder)
        path = lot.removeprefix("/t")
        asked = (
            ("redirect of a printed address", path, 307, 0.7),
            ("redirect with a query", f"{path}?17=271231&x=y", 307, 0.7),
            ("link of a type", f"{path}?linkType=gs1:verificationService", 307, 0.05),
            ("linkset", f"{path}?linkType=linkset", 200, 0.05),
        )
        with (
            _gunicorn("wsgi:app", environment) as ours,
            _gunicorn("benchmarks._hello:app", {}) as bare,
        ):
            for what, target, status, goal in asked:
                served, floor = _measure(ours, bare, target, status)
                yield compare(f"{what}, per CPU second", served, "1/s", floor, ">=", goal)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(ours: Served, bare: Served, target: str, status: int) -> tuple[float, float]:
    """(ours, floor): the best round of each, taken in turns."""
    both = ((ours, status), (bare, 200))
    for served, expected in both:
        _ask(served, target, WARM_UP, expected)
    best = [0.0, 0.0]
    for _ in range(ROUNDS):
        for place, (served, expected) in enumerate(both):
            before = served.cpu()
            _ask(served, target, REQUESTS, expected)
            best[place] = max(best[place], REQUESTS / (served.cpu() - before))
    return best[0], best[1]


def _ask(served: Served, target: str, times: int, expected: int) -> None:
    headers = PHONE if "linkType=linkset" not in target else {**PHONE, "Accept": "*/*"}
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    for _ in range(times):
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{target} answered {answer.status}")
    connection.close()
