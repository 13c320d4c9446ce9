"""The client: records (places, products, …) by name, acts by verbs."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from trace_client.records import Recorded, recorded_of
from trace_client.transport import Answer, Transport

Body = Mapping[str, Any]
Row = tuple[int, float | Decimal | None, str]
ROOT = "/api/v1"


class Client:
    """Acts as the organisation whose token it has.

    `key` of every act is its Idempotency-Key: a new one unless you name it. The same key with the
    same content is carried out once, however often it is sent, by this process or another.
    """

    def __init__(
        self,
        server: str,
        token: str,
        *,
        timeout: float = 30.0,
        tries: int = 5,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport = Transport(server, token, timeout, tries, wait)

    # -- requests --------------------------------------------------------------------------------

    def get(self, path: str, **query: str | int) -> Any:
        """What stands at a path below /api/v1. Raises Refused."""
        return self._ask("GET", path, query=query).json()

    def post(self, path: str, body: Body | None = None, *, key: str = "") -> Any:
        """Sends a body; safe to repeat with the same key. Raises Refused."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._ask("POST", path, body or {}, headers=headers).json()

    def fetch(self, path: str) -> bytes:
        """A file. Raises Refused."""
        return self._ask("GET", path).data

    def _ask(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        address = path if path.startswith(ROOT) else ROOT + path
        if query:
            address += "?" + urlencode(query)
        data, more = None, dict(headers or {})
        if body is not None:
            data = json.dumps(body, default=_plain, allow_nan=False).encode()
            more["Content-Type"] = "application/json"
        return self.transport.send(method, address, data, more)

    # -- records ---------------------------------------------------------------------------------

    def all(self, noun: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every record of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(f"/{noun}", **query, **cursor)
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}

    def one(self, noun: str, number: int) -> dict[str, Any]:
        """One record."""
        found: dict[str, Any] = self.get(f"/{noun}/{number}")
        return found

    def add(self, noun: str, body: Body, *, key: str = "") -> dict[str, Any]:
        """A new record, as it was kept."""
        found: dict[str, Any] = self.post(f"/{noun}", body, key=key)
        return found

    def change(self, noun: str, number: int, body: Body, *, version: int) -> dict[str, Any]:
        """A record as it is to be from now on. Raises Changed where it is no longer `version`."""
        headers = {"If-Match": f'"{version}"'}
        found: dict[str, Any] = self._ask("PUT", f"/{noun}/{number}", body, headers=headers).json()
        return found

    def remove(self, noun: str, number: int) -> None:
        """Takes a record away."""
        self._ask("DELETE", f"/{noun}/{number}")

    def add_photo(self, data: bytes, kind: str = "image/jpeg") -> str:
        """Keeps a photo; its digest goes into `photos` of a record."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": kind}
        answer = self.transport.send("POST", f"{ROOT}/photos", data, headers)
        return str(answer.json()["digest"])

    # -- what happened ---------------------------------------------------------------------------

    def record(self, path: str, body: Body, *, key: str = "") -> Recorded:
        """Records by any operation that records."""
        return recorded_of(self.post(path, body, key=key))

    def begin_cycle(
        self, beginning: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """A planting ("sowing", "transplanting"), a "flock" or a "pond" begins."""
        return self.record("/cycles", {"beginning": beginning, "when": when, **more}, key=key)

    def add_entry(
        self, cycle: int, step: str, *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """One thing done to a cycle."""
        body = {"step": step, "when": when, **more}
        return self.record(f"/cycles/{cycle}/entries", body, key=key)

    def harvest(
        self,
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
        return self.record(f"/cycles/{cycle}/harvests", body, key=key)

    def register_batch(
        self,
        quantity: float | Decimal,
        unit: str = "kg",
        *,
        when: datetime,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """A lot without a diary."""
        body = {"when": when, "quantity": quantity, "unit": unit, **more}
        return self.record("/batches", body, key=key)

    def store(self, thing: int, *, when: datetime, key: str = "", **more: Any) -> Recorded:
        """Kept, cooled or measured."""
        return self.record(f"/batches/{thing}/storage", {"when": when, **more}, key=key)

    def pack(
        self,
        lots: Sequence[Row],
        *,
        when: datetime,
        crates: int = 1,
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Into a crate, or into many that are filled alike."""
        body = {"when": when, "crates": crates, "lots": _rows(lots), **more}
        return self.record("/batches/packing", body, key=key)

    def send(
        self,
        lots: Sequence[Row],
        *,
        when: datetime,
        taker: str = "",
        key: str = "",
        **more: Any,
    ) -> Recorded:
        """Goods leave; makes a delivery note. `taker` is a code, a GLN or a name."""
        body = {"when": when, "taker": taker, "lots": _rows(lots), **more}
        return self.record("/handovers", body, key=key)

    def receive(
        self, handover: int, answer: str = "all", *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """Answers a delivery note: all, lines, part or refused."""
        body = {"when": when, "answer": answer, **more}
        return self.record(f"/handovers/{handover}/receipt", body, key=key)

    def receive_by_note(
        self, code: str, answer: str = "all", *, when: datetime, key: str = "", **more: Any
    ) -> Recorded:
        """The same by the code on the paper."""
        body = {"when": when, "answer": answer, **more}
        return self.record(f"/notes/{quote(code, safe='')}/receipt", body, key=key)

    def void(self, event: int, reason: str = "did_not_occur", *, key: str = "") -> Recorded:
        """An event did not happen: struck through, never removed."""
        return self.record(f"/events/{event}/void", {"reason": reason}, key=key)


def _rows(lots: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {"thing": thing, **({} if quantity is None else {"quantity": quantity, "unit": unit})}
        for thing, quantity, unit in lots
    ]


def _plain(value: object) -> object:
    """Values JSON has no word for: times with their offset, days, decimals."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its offset: datetime.now(UTC)")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
