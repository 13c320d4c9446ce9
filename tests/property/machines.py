"""What the machines share: an application, its time, and how long they run.

In `make test` a machine runs for a second or two; the drill (`make test-long`) looks further, and
`--hypothesis-profile=explore` as long as one likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import hypothesis
import pytest
from flask import Flask
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.conftest import FIXED_NOW
from trace.core.epcis import JsonObject
from trace.extensions import db
from trace.services.actors import Actor
from trace.services.capture import CapturedEvent, capture

# (examples, steps of each): in every run, and in the drill.
AMOUNTS = [
    pytest.param((5, 14), id="quick"),
    pytest.param((150, 40), id="long", marks=pytest.mark.long),
]


class Machine(RuleBasedStateMachine):
    """Acts of organisations on one application, one after another."""

    app: Flask

    def __init__(self) -> None:
        super().__init__()
        self.context = self.app.app_context()
        self.context.push()
        self.at = FIXED_NOW

    def teardown(self) -> None:
        db.session.remove()
        self.context.pop()

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def record(self, actor: Actor, *events: JsonObject) -> Sequence[CapturedEvent]:
        done = capture(actor, events, at=self.now())
        db.session.commit()
        return done.events


def explore(machine: type[Machine], app: Flask, amount: tuple[int, int]) -> None:
    """Runs a machine on this application."""
    examples, steps = amount
    bound: Any = type(machine.__name__, (machine,), {"app": app})
    run_state_machine_as_test(
        bound,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
