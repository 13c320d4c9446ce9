"""A page of a list is a few statements, however many rows it has; each list of the interface."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.statements import statements
from trace import clock
from trace.api.v1 import masters, registers
from trace.api.v1.operations import OPERATIONS
from trace.extensions import db
from trace.models import (
    Credential,
    DeadLetter,
    Delegation,
    Directive,
    DirectiveUnit,
    Finding,
    Inspection,
    KeptAudit,
    Organisation,
    PortalDelivery,
    Recall,
    RecallAmount,
    RecallHolder,
    Sample,
    Thing,
)
from trace.models import Event as EventRow
from trace.services import subscriptions
from trace.services.actors import Actor
from trace.services.named_queries import create_query

WHEN = "2026-11-20T07:30:00+07:00"
# What reads all there is and says so, or one record's own rows.
WHOLE = frozenset({"/stock", "/desk/figures", "/desk/spots"})
# For other kinds of organisations; tested where they are.
OTHERS = frozenset({"/results", "/samples", "/certifying"})
# Lists that stay shorter here than the others.
SHORT = frozenset(
    {
        *("/imports", "/exports", "/reports", "/approvals", "/steps", "/desk/recalls"),
        *("/desk/holds", "/desk/queue", "/desk/copies", "/desk/reports", "/desk/statistics"),
        *("/desk/authorities", "/desk/check-lists"),
    }
)


def lists(scopes: set[str]) -> list[str]:
    """Every list at an address without a variable."""
    found = [
        one.rule
        for one in OPERATIONS
        if one.method == "GET"
        and "<" not in one.rule
        and one.scope in scopes
        and one.out is not None
        and "items" in one.out.fields
    ]
    return sorted(set(found) - WHOLE)


class World:
    """An organisation whose every list grows by as many rows as one asks."""

    def __init__(
        self, client: FlaskClient, organisation: Organisation, office: Organisation, buyer: str
    ) -> None:
        self.office, self.desk = office.id, Program(client, office)
        self.farm = Program(client, organisation)
        self.id, self.buyer, self.made = organisation.id, buyer, 0
        post = self.farm.post
        self.place = post("/places", masters.PLACE)["id"]
        self.product = post("/products", masters.PRODUCT)["id"]

    def grow(self, app: Flask, count: int) -> None:
        for number in range(self.made, self.made + count):
            self._by_programs(number)
            with app.app_context():
                self._by_hand(number)
                db.session.commit()
        self.made += count

    def _by_programs(self, number: int) -> None:
        post = self.farm.post
        post("/places", {**masters.PLACE, "name": f"Thửa {number}", "kind": "packhouse"})
        post("/products", {**masters.PRODUCT, "name": f"Cải {number}"})
        post("/households", {"code": f"H{number}"})
        post("/certificates", {**masters.CERTIFICATE, "number": f"VG-{number}"})
        post("/sensors", {"name": f"Kho {number}", "temperature_low": 2, "temperature_high": 8})
        post("/jottings", {"when": WHEN, "sentence": "x"})
        post("/presets", {"name": f"P{number}", "step": "irrigating", "product": self.product})
        sheet = post("/weighing-sheets", {"product": self.product, "day": "2026-11-20"})["id"]
        household = self.farm.get("/households?limit=200")["items"][-1]["id"]
        weights = {"lines": [{"household": household, "kilograms": 2}]}
        post(f"/weighing-sheets/{sheet}/lines", weights, expect=200)
        post("/crates", {"layout": "roll-100x150", "count": 2}, expect=202)
        post("/stamps", {"layout": "4x10", "count": 2, "product": self.product}, expect=202)
        line = {"day": "2026-11-20", **registers.EXAMPLES["waste"]}
        post("/books/waste/lines", line)
        post("/exports", None, expect=202)
        began = {"beginning": "sowing", "when": WHEN, "product": self.product, "place": self.place}
        cycle = post("/cycles", began)["events"][0]["things"][0]["id"]
        post("/plans", {"thing": cycle, "step": "spraying", "due": "2026-11-27"})
        body = {"when": WHEN, "product": self.product, "place": self.place, "quantity": 9}
        lot = post("/batches", body)["events"][0]["things"][0]["id"]
        goods = [{"thing": lot, "quantity": 2, "unit": "kg"}]
        post("/handovers", {"when": WHEN, "taker": self.buyer, "lots": goods})

    def _by_hand(self, number: int) -> None:
        """Rows that programs cannot make: what others did, or what goes out later."""
        now, mine = clock.now(), db.session.get_one(Organisation, self.id)
        office = make_actor(now, f"Chi cục {number}", kind="authority").organisation
        maker = make_actor(now, f"HTX {number}").organisation
        thing = db.session.query(Thing).filter_by(kind="lot", owner_id=self.id).all()[-1]
        its = {"organisation_id": self.id, "thing_id": thing.id, "created_at": now}
        public = f"00000000-0000-4000-8000-{number:012d}"
        query = create_query(
            Actor(mine, None, "owner"), {"name": f"q{number}", "query": {}}, at=now
        )
        body = {"dest": "https://buyer.example/hook", "stream": True}
        told = subscriptions.subscribe(Actor(mine, None, "owner"), query, body, at=now)
        db.session.add_all(
            [
                Credential(
                    **its,
                    public_id=public,
                    kind="passport",
                    version=1,
                    jwt="x",
                    status_list=0,
                    status_index=number,
                ),
                PortalDelivery(
                    **its, public_id=public, digest=f"{number:043d}", document=b"", due_at=now
                ),
                DeadLetter(
                    subscription_id=told.id, first=0, end=1, reason="OSError", created_at=now
                ),
            ]
        )
        self._by_offices(number, office, maker, thing)

    def _by_offices(
        self, number: int, office: Organisation, maker: Organisation, thing: Thing
    ) -> None:
        now, mine = clock.now(), db.session.get_one(Organisation, self.id)
        desk = db.session.get_one(Organisation, self.office)
        warned = Recall(
            code=f"R{number:09d}",
            organisation_id=office.id,
            proposer_id=mine.id,
            kind="recall",
            state="open",
            created_at=now,
        )
        db.session.add(warned)
        db.session.flush()
        holder = RecallHolder(recall_id=warned.id, organisation_id=self.id)
        db.session.add(holder)
        db.session.flush()
        sides = [(office, mine), (desk, maker)]
        cases = [
            Inspection(
                code=f"I{side}{number:08d}",
                authority_id=authority.id,
                organisation_id=inspected.id,
                state="begun",
                planned_on=now.date(),
                created_at=now,
            )
            for side, (authority, inspected) in enumerate(sides)
        ]
        event_id = min(db.session.scalars(select(EventRow.id).filter_by(issuer_id=self.id)))
        found = [
            Finding(
                code=f"F{side}{number:08d}",
                authority_id=authority.id,
                organisation_id=inspected.id,
                rule="diary",
                severity="minor",
                words="x",
                event_id=event_id,
                created_at=now,
            )
            for side, (authority, inspected) in enumerate(sides)
        ]
        day = {"title": "x", "text": "x", "due_on": now.date(), "created_at": now}
        asked, asking = (Directive(authority_id=one, **day) for one in (self.office, office.id))
        db.session.add_all([asked, asking, *cases, *found])
        db.session.flush()
        db.session.add_all(
            [
                RecallAmount(holder_id=holder.id, unit="KGM", had=5, sold=1, answered=0),
                DirectiveUnit(directive_id=asked.id, organisation_id=maker.id),
                DirectiveUnit(directive_id=asking.id, organisation_id=self.id),
                Delegation(
                    giver_id=office.id,
                    taker_id=self.office,
                    act="inspect",
                    areas="01",
                    reason="x",
                    since=now,
                    until=now + timedelta(days=1),
                ),
                KeptAudit(
                    thing_id=thing.id, authority_id=self.office, made_at=now, events=1, result="{}"
                ),
                Sample(
                    authority_id=self.office,
                    inspection_id=cases[1].id,
                    thing_id=thing.id,
                    seal=f"S{number}",
                    laboratory_id=maker.id,
                    event_id=event_id,
                    taken_at=now,
                ),
            ]
        )


@pytest.fixture
def world(app: Flask, client: FlaskClient, now: datetime) -> World:
    with app.app_context():
        buyer = make_actor(now, "Cửa hàng").organisation.code
        organisation = make_actor(now).organisation
        office = make_actor(now, "Chi cục", kind="authority").organisation
        office.status, office.jurisdiction = "confirmed", "*"
        db.session.commit()
        return World(client, organisation, office, buyer)


def test_a_page_is_as_many_statements_for_six_rows_as_for_two(app: Flask, world: World) -> None:
    asked = [(world.farm, one) for one in lists({"query", "manage", "export"})]
    asked += [(world.desk, one) for one in lists({"inspect"})]
    counted: list[dict[str, int]] = []
    rows: dict[str, int] = {}
    for more in (2, 4):
        world.grow(app, more)
        counts = {}
        for program, rule in asked:
            paged = "?limit=200" if "limit" in _query_of(rule) else ""
            paged += "&view=outgoing" if rule == "/handovers" else ""
            with statements(app) as seen:
                answer = program.ask("GET", f"{rule}{paged}")
            if answer.status_code in (403, 404) and rule in OTHERS:
                continue
            assert answer.status_code == 200, (rule, answer.text)
            assert answer.json is not None
            rows[rule] = len(answer.json["items"])
            counts[rule] = len(seen)
        counted.append(counts)
    grown = {rule: (counted[0][rule], many) for rule, many in counted[1].items()}
    worse = {rule: pair for rule, pair in grown.items() if pair[1] > pair[0]}
    assert not worse, str(worse)
    few = {rule for rule, many in rows.items() if many < 6}
    assert few <= SHORT, str(few - SHORT)


def _query_of(rule: str) -> set[str]:
    return {
        name for one in OPERATIONS if one.rule == rule and one.method == "GET" for name in one.query
    }
