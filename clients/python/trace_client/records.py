"""What was recorded, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Thing:
    """A lot, crate or cycle that an event names. `address` is what is printed on labels."""

    role: str
    id: int
    kind: str
    code: str
    address: str
    quantity: float | None
    uom: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was recorded: `index` is its place in the public log."""

    id: int
    event_id: str
    statement: str
    index: int
    step: str
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a request recorded; `waiting` is set where the organisation's passkey must approve
    first, and nothing is recorded yet."""

    events: tuple[Event, ...]
    waiting: int | None

    def thing(self, role: str) -> Thing:
        """The first thing in this role of the last event that has one. Raises LookupError."""
        for event in reversed(self.events):
            for one in event.things:
                if one.role == role:
                    return one
        raise LookupError(f"no thing in the role {role}")


def recorded_of(told: Mapping[str, Any]) -> Recorded:
    """A server's answer as objects."""
    return Recorded(
        tuple(
            Event(
                one["id"],
                one["event_id"],
                one["statement"],
                one["index"],
                one["step"],
                tuple(Thing(**thing) for thing in one["things"]),
            )
            for one in told["events"]
        ),
        told["waiting"],
    )
