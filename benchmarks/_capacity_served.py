"""What requests cost a web process and the database, seen from outside, and whether the model's
prediction of a saturated server comes true.

One gunicorn worker, one kept connection, so that a request's cost is not mixed with waiting;
processor time by the processes' own clocks. Afterwards one and two workers under as many phones as
keep them busy: predicted first, from those costs, then measured.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import orjson
import psycopg

from benchmarks._capacity_floors import worker_cpu
from benchmarks._capacity_measure import BASE, Measured, database_cpu
from benchmarks._capacity_model import Cost, throughput
from benchmarks.capture import document
from benchmarks.load import AGAIN, COMMON, Phone, _answer, _open_all, client
from tests.support.gunicorn import Running, beacon, running
from trace.core.epcis import event_context

WARM, COLD, CAPTURES, DOCUMENTS, EVENTS, QUERIES, BEACONS = 800, 150, 60, 6, 50, 60, 2000
PHONES, CLIENTS = 250, 2  # of one client in one round; clients for each worker
ROUNDS = 3


@dataclass(slots=True)
class Asked:
    """A server with one worker, a connection to it, and its database's processes."""

    served: Running
    postmaster: int
    phone: Phone

    def cost(self, requests: Sequence[bytes], status: int, after: float = 0.0) -> Cost:
        """Of one of these requests; `after` is waited for what is done after the answer."""
        out = 0

        def act() -> None:
            nonlocal out
            for request in requests:
                got, head, body = self.phone.ask(request)
                if got != status:
                    raise RuntimeError(f"{request[:200]!r} answered {got}: {body[:200]!r}")
                out += len(head) + 4 + len(body)
            time.sleep(after)

        base = database_cpu(self.postmaster)
        web = worker_cpu(self.served, act) / len(requests)
        database = (database_cpu(self.postmaster) - base) / len(requests)
        return Cost(web=web, database=database, out=out / len(requests))


def get(path: str, more: str = "") -> bytes:
    packed = "Accept-Encoding: gzip, deflate, br\r\n"
    return f"GET {path} HTTP/1.1\r\n{COMMON}{packed}{more}\r\n".encode()


def post(path: str, token: str, data: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: trace\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nGS1-EPCIS-Version: 2.0.0\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def request_costs(
    environment: Mapping[str, str], url: str, postmaster: int, told: Measured
) -> dict[str, Cost]:
    """By kind as in `_capacity_demand.Peak`."""
    with running("wsgi:app", environment, workers=1, threads=4) as served:
        asked = Asked(served, postmaster, Phone(served.port))
        found = dict(_reading(asked, url, told))
        found |= _writing(asked, told)
        asked.phone.close()
    return found


def _reading(asked: Asked, url: str, told: Measured) -> Iterator[tuple[str, Cost]]:
    pages = told.pages
    first = 5  # what a new process compiles and opens is no page's cost
    asked.cost([get(page) for page in [told.long, *pages[:first], *told.packages[:first]]], 200)
    cold = [get(page) for page in [*pages[first:COLD], *told.packages[first : COLD // 3]]]
    yield "cold", asked.cost(cold, 200)
    page = told.long
    _, head, _ = asked.phone.ask(get(page))
    etag = head.split(b"ETag: ", 1)[1].split(b"\r", 1)[0].decode()
    for kind, request, status in (
        ("redirects", get(page.removeprefix("/t")), 307),
        ("full", get(page), 200),
        ("unchanged", get(page, f"If-None-Match: {etag}\r\n"), 304),
    ):
        asked.cost([request] * 100, status)
        yield kind, asked.cost([request] * WARM, status)
    _mark_stale(url)
    some = pages[: COLD // 2]
    asked.cost([get(some[0])], 200)
    yield "changed", asked.cost([get(page) for page in some[1:]], 200)
    requests = [beacon(told.pages[n % len(pages)], n) for n in range(BEACONS)]
    yield "beacons", asked.cost(requests, 204, after=1.5)
    # A mirror asks for the checkpoint and for tiles, full and growing.
    yield "tiles", asked.cost([get(told.tiles[n % len(told.tiles)]) for n in range(150)], 200)
    query = "/epcis/v2/events?EQ_bizStep=commissioning&perPage=30"
    own = f"Authorization: Bearer {told.token}\r\nGS1-EPCIS-Version: 2.0.0\r\n"
    question = get(query, own).replace(b"Accept: text/html", b"Accept: application/json")
    asked.cost([question] * 3, 200)
    yield "queries", asked.cost([question] * QUERIES, 200)


def _writing(asked: Asked, told: Measured) -> dict[str, Cost]:
    context = event_context(BASE)
    events = orjson.loads(document(CAPTURES + 5, told.maker))["epcisBody"]["eventList"]
    bodies = [orjson.dumps({"@context": context, **event}) for event in events]
    single = [post("/epcis/v2/events", told.token, body) for body in bodies]
    asked.cost(single[:5], 201)
    many = [
        post("/epcis/v2/capture", told.token, document(EVENTS, told.maker))
        for _ in range(DOCUMENTS + 1)
    ]
    asked.cost(many[:1], 202)
    return {"captures": asked.cost(single[5:], 201), "documents": asked.cost(many[1:], 202)}


def _mark_stale(url: str) -> None:
    """As if every record had just changed."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30) as connection:
            connection.execute("UPDATE passports SET stale = 1")
        connection.close()
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as there:
            there.execute("UPDATE passports SET stale = true")


# -- a real load, predicted first ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Round:
    """Phones a second: what was said before, and what came. `ours` are the processors that we got
    of the machine a moment before."""

    workers: int
    ours: float
    predicted: float
    measured: float


def phone_cost(costs: Mapping[str, Cost], what: str) -> float:
    """Seconds of web or database of one phone: the printed address, its page, its beacon."""
    page = (1 - AGAIN) * getattr(costs["full"], what) + AGAIN * getattr(costs["unchanged"], what)
    return float(getattr(costs["redirects"], what) + page + getattr(costs["beacons"], what))


def spent_by_client(port: int, pages: Sequence[str], phones: int, seed: int) -> float:
    """Processor seconds of one client, for all of its phones."""
    start = time.process_time()
    client(port, pages, phones, seed, "")
    return time.process_time() - start


@dataclass(frozen=True, slots=True)
class Crowd:
    """Phones a second; processors that server and clients got; what a phone cost its client."""

    rate: float
    ours: float
    asks: float


def crowd(
    processes: ProcessPoolExecutor, served: Running, pages: Sequence[str], seed: int
) -> Crowd:
    """As many phones as keep a server busy."""
    clients = len(served.workers) * CLIENTS
    spent: list[float] = []

    def act() -> None:
        asking = [
            processes.submit(spent_by_client, served.port, pages, PHONES, seed + one)
            for one in range(clients)
        ]
        spent.extend(one.result() for one in asking)

    start = time.perf_counter()
    workers = worker_cpu(served, act)
    took = time.perf_counter() - start
    phones = clients * PHONES
    return Crowd(phones / took, (workers + sum(spent)) / took, sum(spent) / phones)


def saturated(
    environment: Mapping[str, str],
    folder: Path,
    told: Measured,
    costs: Mapping[str, Cost],
    processors: int,
) -> list[Round]:
    """Rounds of one and of two workers in turns. Each is predicted from unit costs, from what a
    client costs, and from the processors that a bare application with as many workers got under as
    many phones a moment before."""
    pages = [told.long, *told.pages, *told.packages[:50]]
    web, database = (phone_cost(costs, what) for what in ("web", "database"))
    found = []
    with ExitStack() as stack:
        processes = stack.enter_context(ProcessPoolExecutor(2 * CLIENTS, get_context("spawn")))
        ours: dict[int, Running] = {}
        bare: dict[int, Running] = {}
        for workers in (1, 2):
            served = running("wsgi:app", environment, workers=workers, threads=8)
            ours[workers] = stack.enter_context(served)
            _open_all(processes, ours[workers], pages)
        answer = {"BENCH_ANSWER": _answer(folder, ours[1], told.long)}
        for workers in (1, 2):
            plain = running("benchmarks._bare_mix:app", answer, workers=workers, threads=8)
            bare[workers] = stack.enter_context(plain)
            crowd(processes, bare[workers], pages, 1)
        for number in range(ROUNDS):
            for workers in (1, 2):
                before = crowd(processes, bare[workers], pages, 10 * number)
                said = throughput(workers, web, before.asks, database, processors, before.ours)
                came = crowd(processes, ours[workers], pages, 10 * number)
                found.append(Round(workers, before.ours, said, came.rate))
    return found
