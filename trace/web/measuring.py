"""Requests counted and timed by endpoint, never by address: addresses name batches and people.

Each process counts for itself. Under several processes of one server PROMETHEUS_MULTIPROC_DIR names
the folder where they leave their figures for each other (deploy/gunicorn.conf.py sets it); it must
be set before this module is imported.

A page sent by the short way (trace.web.hot) is counted in plain memory, and every 64th is timed and
carried over to the figures: a process's last 63 are never told, and the page pays nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from itertools import count
from time import perf_counter
from typing import Final

import structlog
from flask import Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from trace.config import environment
from trace.services.counted import REGISTRY
from trace.services.measures import Measure

logger = structlog.get_logger()
HEADER: Final = "X-Request-Id"
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SLOW_SECONDS: Final = 1.0
SAMPLE: Final = 64  # a power of two
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHORT_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)

REQUESTS: Final = Counter(
    "trace_requests",
    "Requests answered by the long way.",
    ("endpoint", "method", "status"),
    registry=REGISTRY,
)
SECONDS: Final = Histogram(
    "trace_request_seconds",
    "From the whole request until its answer stands; what is streamed after that is not in it.",
    ("endpoint",),
    buckets=BUCKETS,
    registry=REGISTRY,
)
SHORT: Final = Counter(
    "trace_short_way",
    "Scan pages (200, 304), their beacons (204) and the ways to them (307) answered from memory; "
    f"told by the {SAMPLE}.",
    ("status",),
    registry=REGISTRY,
)
SHORT_SECONDS: Final = Histogram(
    "trace_short_way_seconds",
    f"One of {SAMPLE} of these, by status.",
    ("status",),
    buckets=SHORT_BUCKETS,
    registry=REGISTRY,
)


class Tally:
    """Answers of the short way with one status; safe for threads without a lock."""

    def __init__(self, status: str) -> None:
        self._count = count(1)
        self._told = SHORT.labels(status)
        self._seconds = SHORT_SECONDS.labels(status)

    def note(self, began: float) -> None:
        """One more, begun at this moment of perf_counter."""
        if not next(self._count) % SAMPLE:
            self._told.inc(SAMPLE)
            self._seconds.observe(perf_counter() - began)


class Tallies(dict[str, Tally]):
    """By status line; made when first met."""

    def __missing__(self, line: str) -> Tally:
        return self.setdefault(line, Tally(line[:3]))


TALLIES: Final = Tallies()


def request_id(request: Request, *, behind_proxy: bool) -> str:
    """The one a trusted proxy gave, if it is well-formed; otherwise a new one of 16 characters."""
    if behind_proxy:
        given = request.headers.get(HEADER, "")
        if WELL_FORMED.fullmatch(given):
            return given
    return secrets.token_hex(8)


def note(request: Request, response: Response, began: float) -> None:
    """Counts a request of the long way; tells of it in the log where it failed or took long."""
    seconds = perf_counter() - began
    endpoint = request.endpoint or "none"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
    SECONDS.labels(endpoint).observe(seconds)
    if response.status_code >= 500 or seconds >= SLOW_SECONDS:
        logger.warning(
            "request",
            endpoint=endpoint,
            method=method,
            status=response.status_code,
            ms=round(seconds * 1000),
        )


class State(Collector):
    """Gauges read when they are asked for."""

    def __init__(self, measures: list[Measure]) -> None:
        self._measures = measures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for measure in self._measures:
            family = GaugeMetricFamily(measure.name, measure.help, labels=measure.labels)
            for labels, value in measure.values:
                family.add_metric(labels, value)
            yield family


def exposition(measures: list[Measure]) -> bytes:
    """Everything in Prometheus' text format: of all processes where they share a folder."""
    state = CollectorRegistry()
    state.register(State(measures))
    requests = REGISTRY
    if environment().get("PROMETHEUS_MULTIPROC_DIR"):
        requests = CollectorRegistry()
        MultiProcessCollector(requests)  # type: ignore[no-untyped-call]  # its own
    return generate_latest(requests) + generate_latest(state)
