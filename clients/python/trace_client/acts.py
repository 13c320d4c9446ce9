"""What happened, by verbs: each records signed events and answers what they became.

`key` of every act is its Idempotency-Key: a new one unless you name it. `more` is whatever else the
operation takes (place, household, note, photos …): see `/api/docs` of the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from trace_client.asking import Asks, Body
from trace_client.records import Recorded, recorded_of

Row = tuple[int, float | Decimal | None, str]


class Acts:
    """Acts of the client."""

    def record(self: Asks, path: str, body: Body, *, key: str = "") -> Recorded:
        """Records by any operation that records."""
        return record(self, path, body, key=key)

    def begin_cycle(
        self: Asks, beginning: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """A planting ("sowing", "transplanting"), a "flock" or a "pond" begins."""
        return record(self, "/cycles", {"beginning": beginning, "when": when, **more}, key=key)

    def add_entry(
        self: Asks, cycle: int, step: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """One thing done to a cycle."""
        body = {"step": step, "when": when, **more}
        return record(self, f"/cycles/{cycle}/entries", body, key=key)

    def harvest(
        self: Asks,
        cycle: int,
        quantity: float | Decimal,
        unit: str = "kg",
        *,
        when: datetime,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """From a cycle to a new lot."""
        body = {"when": when, "quantity": quantity, "unit": unit, **more}
        return record(self, f"/cycles/{cycle}/harvests", body, key=key)

    def register_batch(
        self: Asks,
        quantity: float | Decimal,
        unit: str = "kg",
        *,
        when: datetime,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """A lot without a diary."""
        body = {"when": when, "quantity": quantity, "unit": unit, **more}
        return record(self, "/batches", body, key=key)

    def store(self: Asks, thing: int, *, when: datetime, key: str = "", **more: Any) -> Recorded:
        """Kept, cooled or measured."""
        return record(self, f"/batches/{thing}/storage", {"when": when, **more}, key=key)

    def pack(
        self: Asks,
        lots: Sequence[Row],
        *,
        when: datetime,
        crates: int = 1,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Into a crate, or into many that are filled alike."""
        body = {"when": when, "crates": crates, "lots": rows(lots), **more}
        return record(self, "/batches/packing", body, key=key)

    def send(
        self: Asks,
        lots: Sequence[Row],
        *,
        when: datetime,
        taker: str = "",
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Goods leave; makes a delivery note. `taker` is a code, a GLN or a name."""
        body = {"when": when, "taker": taker, "lots": rows(lots), **more}
        return record(self, "/handovers", body, key=key)

    def receive(
        self: Asks,
        handover: int,
        answer: str = "all",
        *,
        when: datetime,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Answers a delivery note: all, lines, part or refused."""
        body = {"when": when, "answer": answer, **more}
        return record(self, f"/handovers/{handover}/receipt", body, key=key)

    def receive_by_note(
        self: Asks, code: str, answer: str = "all", *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """The same by the code on the paper."""
        body = {"when": when, "answer": answer, **more}
        return record(self, f"/notes/{quote(code, safe='')}/receipt", body, key=key)

    def void(self: Asks, event: int, reason: str = "did_not_occur", *, key: str = "") -> Recorded:
        """An event did not happen: struck through, never removed."""
        return record(self, f"/events/{event}/void", {"reason": reason}, key=key)

    def declare_none(
        self: Asks, cycle: int, kinds: Sequence[str], *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """Declares that none was used ("fertiliser", "pesticide", "irrigation")."""
        body = {"when": when, "kinds": list(kinds), **more}
        return record(self, f"/cycles/{cycle}/none-used", body, key=key)

    def add_entries(
        self: Asks, cycles: Sequence[int], step: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """One job of many plantings: all are recorded or none."""
        body = {"step": step, "when": when, "chosen": list(cycles), **more}
        return record(self, "/cycles/together", body, key=key)

    def process(
        self: Asks,
        step: str,
        lots: Sequence[Row],
        outputs: Sequence[Body],
        *,
        when: datetime,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Lots in, lots out: processing, splitting, mixing, retail packing."""
        told = {"lots": rows(lots), "outputs": list(outputs)}
        return record(
            self, "/batches/processing", {"step": step, "when": when, **told, **more}, key=key
        )

    def unpack(
        self: Asks, crate: int, things: Sequence[int], *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """Out of a crate again: which of what lies in it."""
        body = {"when": when, "things": list(things), **more}
        return record(self, f"/batches/{crate}/unpacking", body, key=key)

    def sell(
        self: Asks,
        thing: int,
        quantity: float | Decimal | None = None,
        unit: str = "kg",
        *,
        when: datetime,
        act: str = "sold",
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """ "sold", or "on-sale" at a place of ours."""
        much = {} if quantity is None else {"quantity": quantity, "unit": unit}
        body = {"when": when, "act": act, **much, **more}
        return record(self, f"/batches/{thing}/sales", body, key=key)

    def end(
        self: Asks, thing: int, end: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """Destroyed or used for something else, and why."""
        return record(self, f"/batches/{thing}/end", {"when": when, "end": end, **more}, key=key)

    def give_back(
        self: Asks,
        handover: int,
        lots: Sequence[Row],
        reason: str,
        *,
        when: datetime,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Received goods go back to who gave them."""
        body = {"when": when, "reason": reason, "lines": rows(lots), **more}
        return record(self, f"/handovers/{handover}/return", body, key=key)

    def cancel(
        self: Asks, handover: int, reason: str = "did_not_occur", *, key: str = ""
    ) -> Recorded:
        """A note that nobody answered is declared void."""
        return record(self, f"/handovers/{handover}/cancel", {"reason": reason}, key=key)

    def correct(
        self: Asks, event: int, reason: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """What was meant, beside what was written; what is absent becomes empty."""
        body = {"when": when, "reason": reason, **more}
        return record(self, f"/events/{event}/correction", body, key=key)


def record(client: Asks, path: str, body: Body, *, key: str = "") -> Recorded:
    """Records by any operation that records."""
    return recorded_of(client.post(path, body, key=key))


def rows(lots: Sequence[Row]) -> list[dict[str, Any]]:
    """Lots with how much of each, as operations take them; None for all of it."""
    return [
        {"thing": thing, **({} if quantity is None else {"quantity": quantity, "unit": unit})}
        for thing, quantity, unit in lots
    ]
