"""What is done in `benchmarks.soak`, and how often."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from benchmarks._soak_desks import (
    audit,
    bring,
    chain,
    desk,
    entry,
    export,
    labels,
    new_lot,
    office,
    recall,
    sheet,
    signing_in,
)
from benchmarks._soak_public import (
    capture_document,
    capture_event,
    named_query,
    query,
    query_by_thing,
    reader,
    scan,
    scan_changed,
    scan_new,
    wrong,
)
from benchmarks._soak_stage import CLERK, HOUSE, TRADER, Act, Stage

# What is done, how often of a thousand times.
MIX: Final[dict[Act, int]] = {
    scan: 568,
    scan_new: 4,
    scan_changed: 4,
    capture_document: 40,
    capture_event: 60,
    query: 55,
    query_by_thing: 30,
    named_query: 8,
    entry: 40,
    new_lot: 12,
    desk: 45,
    labels: 8,
    sheet: 2,
    bring: 2,
    office: 20,
    chain: 10,
    audit: 3,
    reader: 40,
    signing_in: 4,
    wrong: 45,
}
# What is done once in so many seconds.
NOW_AND_THEN: Final[dict[Act, float]] = {recall: 150, export: 240}


def prepare(stage: Stage) -> None:
    """Signs everybody in, and looks what they have."""
    stage.people.sign_all_in()
    browser = stage.people.browsers[CLERK][0]
    told: dict[str, Any] = orjson.loads(
        browser.ask("producer's page", "/producer/outbox/pages").body
    )
    steps = ("irrigating", "weeding", "field_observation")
    stage.entries = [one for one in told["forms"] if one.endswith(steps) and "/cycles/" in one]
    for login in (CLERK, HOUSE, TRADER):
        browser = stage.people.browsers[login][0]
        body = browser.ask("producer's page", "/producer/batches/").body
        rows = re.findall(rb'"/producer/batches/(\d+)"', body)
        if rows:
            stage.lots[login] = [row.decode() for row in dict.fromkeys(rows)]
