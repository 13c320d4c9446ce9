"""A logger, a station or its gateway: brings readings by its own token, and can do nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from trace_client.asking import ROOT, encoded
from trace_client.transport import Transport


class Taken(NamedTuple):
    """How many readings were new, how many were known."""

    kept: int
    known: int


class Device:
    """Has a sensor's token (`trace_sensor_…`), made by `POST /sensors/{id}/token`."""

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

    def send(self, readings: Iterable[tuple[datetime, str, float | Decimal]]) -> Taken:
        """Sends (time, measure, value) each; sent again, nothing is kept twice. Raises Refused."""
        told = [{"time": at, "measure": what, "value": value} for at, what, value in readings]
        data, kind = encoded({"readings": told}), {"Content-Type": "application/json"}
        answer = self.transport.send("POST", f"{ROOT}/sensors/readings", data, kind).json()
        return Taken(answer["kept"], answer["known"])
