"""What a process counts of its own doings, for /metrics; told by trace.web.measuring.

Several processes of one server leave their figures for each other in PROMETHEUS_MULTIPROC_DIR,
which must be set before this module is imported. Workers are no processes of that server: what they
count is told by nobody, and what they meet is in their jobs.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY: Final = CollectorRegistry()
BUCKET: Final = Counter(
    "trace_bucket_requests",
    "Requests to the bucket that keeps files: ok, refused (not there, or there already), away.",
    ("outcome",),
    registry=REGISTRY,
)
BUCKET_RETRIES: Final = Counter(
    "trace_bucket_retries",
    "Requests to the bucket that were made once more before their outcome stood.",
    registry=REGISTRY,
)
SCANS_WAITING: Final = Gauge(
    "trace_scans_waiting",
    "Scans in the memory of processes that the last storing left there.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
SCANS_DROPPED: Final = Counter(
    "trace_scans_dropped", "Scans that found no room in memory.", registry=REGISTRY
)
for _outcome in ("ok", "refused", "away"):  # told from the start, so that a first one is a rise
    BUCKET.labels(_outcome)
