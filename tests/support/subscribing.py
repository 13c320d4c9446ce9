"""An organisation that subscribes by HTTP, and what is done with it; fixtures for tests of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.conftest import FIXED_NOW
from tests.support.factories import make_actor, new_lot, registered
from tests.support.webhooks import Subscriber, subscriber
from trace import clock
from trace.extensions import db
from trace.jobs.subscriptions import deliver
from trace.models import Organisation, Subscription
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.tokens import issue_token

QUERIES = "/epcis/v2/queries"
ADDED: dict[str, Any] = {"eventType": ["ObjectEvent"], "EQ_action": ["ADD"]}


@dataclass
class World:
    """An organisation, its token, and what is done with them."""

    app: Flask
    client: FlaskClient
    token: str
    organisation: int

    def call(
        self, method: str, path: str, body: Any = None, raw: bytes | None = None, **headers: Any
    ) -> TestResponse:
        data = raw if body is None else orjson.dumps(body)
        return self.client.open(
            path,
            method=method,
            content_type=None if data is None else "application/json",
            data=data,
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )

    def record(self, count: int = 1) -> list[str]:
        """Registers lots; their addresses."""
        with self.app.app_context():
            lots = [new_lot() for _ in range(count)]
            capture(self.actor(), [registered(lot) for lot in lots], at=clock.now())
            db.session.commit()
            return lots

    def actor(self, role: str = "token") -> Actor:
        return Actor(db.session.get_one(Organisation, self.organisation), None, role)

    def deliver(self) -> int:
        with self.app.app_context():
            return deliver(clock.now)

    def subscribe(self, dest: str, **members: Any) -> str:
        """To the query `added`; the subscription's address."""
        if self.call("GET", f"{QUERIES}/added").status_code == 404:
            self.call("POST", QUERIES, {"name": "added", "query": ADDED})
        body = {"dest": dest, "stream": True, **members}
        if "schedule" in body:
            del body["stream"]
        answer = self.call("POST", f"{QUERIES}/added/subscriptions", body)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def row(self) -> Subscription:
        return db.session.scalars(select(Subscription)).one()


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def receiver() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def make(app: Flask, client: FlaskClient, time: time_machine.Traveller) -> Callable[[], World]:
    def made() -> World:
        with app.app_context():
            actor = make_actor(clock.now())
            _, text = issue_token(actor.organisation, "kho", ["query"], at=clock.now())
            db.session.commit()
            return World(app, client, text, actor.organisation.id)

    return made


@pytest.fixture
def world(make: Callable[[], World]) -> World:
    return make()
