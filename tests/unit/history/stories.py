"""A small language for telling stories to the history package: one line, one fact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trace.core.history import Fact, Use

START = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)  # 8 in the morning in Hà Nội


class Story:
    """Facts in the order they are told; each an hour (or `days`) after the one before."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._numbers: Iterator[int] = itertools.count()
        self.clock = START

    def wait(self, days: float) -> Story:
        self.clock += timedelta(days=days)
        return self

    def tell(self, issuer: str, step: str, *uses: Use, **more: Any) -> Fact:
        number = next(self._numbers)
        self.clock += timedelta(hours=1)
        moment = more.pop("at", self.clock)
        given: dict[str, Any] = {
            "type": "ObjectEvent",
            "action": "OBSERVE",
            "event_time": moment,
            "record_time": moment,
            "index": number,
            "statement": f"urn:uuid:{number:04d}",
            "event_id": f"urn:event:{number:04d}",
        }
        fact = Fact(issuer=issuer, step=step, uses=uses, **{**given, **more})
        self.facts.append(fact)
        return fact

    def register(self, issuer: str, lot: str, kilos: float | None = None, **more: Any) -> Fact:
        return self.tell(
            issuer, "creating_class_instance", kg("epc", lot, kilos), action="ADD", **more
        )

    def sow(self, issuer: str, cycle: str, **more: Any) -> Fact:
        return self.tell(issuer, "sowing", Use("epc", cycle), action="ADD", **more)

    def harvest(self, issuer: str, cycle: str, lot: str, kilos: float, **more: Any) -> Fact:
        return self.transform(issuer, "harvesting", [(cycle, None)], [(lot, kilos)], **more)

    def transform(
        self,
        issuer: str,
        step: str,
        inputs: list[tuple[str, float | None]],
        outputs: list[tuple[str, float | None]],
        **more: Any,
    ) -> Fact:
        uses = [kg("input", thing, amount) for thing, amount in inputs]
        uses += [kg("output", thing, amount) for thing, amount in outputs]
        return self.tell(
            issuer, step, *uses, type="TransformationEvent", **{"action": None, **more}
        )

    def pack(self, issuer: str, box: str, *lots: tuple[str, float | None], **more: Any) -> Fact:
        uses = [Use("parent", box), *(kg("child", lot, amount) for lot, amount in lots)]
        return self.tell(
            issuer, "packing", *uses, type="AggregationEvent", **{"action": "ADD", **more}
        )

    def ship(self, issuer: str, thing: str, kilos: float | None, *to: str, **more: Any) -> Fact:
        return self.tell(
            issuer, "shipping", kg("epc", thing, kilos), destinations=frozenset(to), **more
        )

    def receive(self, issuer: str, thing: str, kilos: float | None = None, **more: Any) -> Fact:
        return self.tell(issuer, "receiving", kg("epc", thing, kilos), **more)

    def void(self, fact: Fact, *correctives: Fact, issuer: str = "", **more: Any) -> Fact:
        return self.tell(
            issuer or fact.issuer,
            fact.step,
            *fact.uses,
            declares_error=True,
            corrects=fact.statement,
            event_id=fact.event_id,
            corrective=tuple(c.event_id for c in correctives),
            **more,
        )


def kg(role: str, thing: str, kilos: float | None = None) -> Use:
    return Use(role, thing, None if kilos is None else Decimal(str(kilos)), "KGM")
