"""What is recalled, under any order of mixing, packing, recalling, releasing and taking back.

The model is the definition (formats, sections 2 and 3): a notice stands on everything downstream
of what it names, along every edge ever told, taken back or not, before or after it; it is ended by
a release that stands and came after it, and by nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule
from sqlalchemy import select

from tests.property.machines import AMOUNTS, Machine, explore
from tests.support.factories import (
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
    transformed,
)
from trace.core.epcis import JsonObject
from trace.extensions import db
from trace.models import Alert, Event, Thing
from trace.services.records import declare_error
from trace.services.settings import current_settings


@dataclass(slots=True)
class Notice:
    """One that was given: what it names, and the releases that ended it and stand."""

    who: int
    lots: set[str]
    ended_by: set[str] = field(default_factory=set)


class Recall(Machine):
    things = Bundle("things")

    def __init__(self) -> None:
        super().__init__()
        self.actors = [
            make_actor(self.at, "HTX A"),
            make_actor(self.at, "Sở Minh họa", "authority", "confirmed"),
        ]
        self.edges: defaultdict[str, set[str]] = defaultdict(set)
        self.notices: dict[str, Notice] = {}
        self.told: list[tuple[int, JsonObject, str]] = []

    def tell(self, who: int, said: JsonObject) -> str:
        said["eventID"] = f"urn:machine:{len(self.told)}:{new_lot()[-10:]}"
        (done,) = self.record(self.actors[who], said)
        self.told.append((who, said, done.statement_id))
        return done.statement_id

    @rule(target=things)
    def makes(self) -> str:
        lot = new_lot()
        self.tell(0, registered(lot))
        return lot

    @rule(target=things, one=things, other=things)
    def mixes(self, one: str, other: str) -> str:
        made, into = new_lot(), {lot for lot in (one, other) if "/b/" in lot}
        if into:
            self.tell(0, transformed(dict.fromkeys(into, 1.0), {made: float(len(into))}))
        else:
            self.tell(0, registered(made))
        for lot in into:
            self.edges[lot].add(made)
        return made

    @rule(one=things, other=things)
    def tells_late_that_one_went_into_the_other(self, one: str, other: str) -> None:
        if "/b/" in one and "/b/" in other and one != other:
            self.tell(0, transformed({one: 1.0}, {other: 1.0}))
            self.edges[one].add(other)

    @rule(target=things, one=things, other=things)
    def packs(self, one: str, other: str) -> str:
        crate, into = new_crate(), {lot for lot in (one, other) if "/b/" in lot}
        if not into:
            return one
        self.tell(0, packed(crate, dict.fromkeys(into, 1.0)))
        for lot in into:
            self.edges[lot].add(crate)
        return crate

    @rule(who=st.integers(0, 1), lot=things, kind=st.sampled_from(["recall", "hold", "advice"]))
    def gives_notice(self, who: int, lot: str, kind: str) -> None:
        if "/b/" in lot:
            statement = self.tell(who, notice(kind, lot, hazard="health"))
            self.notices[statement] = Notice(who, {lot})

    @rule(data=st.data(), who=st.integers(0, 1))
    def releases(self, data: st.DataObject, who: int) -> None:
        if not self.notices:
            return
        named = list(self.notices)[data.draw(st.integers(0, len(self.notices) - 1))]
        one = self.notices[named]
        release = self.tell(who, notice("release", *sorted(one.lots), ends=[named]))
        # Its issuer, or an authority that is competent everywhere; never the one it was given to.
        if who == one.who or who == 1:
            one.ended_by.add(release)

    @rule(data=st.data())
    def takes_back(self, data: st.DataObject) -> None:
        if not self.told:
            return
        place = data.draw(st.integers(0, len(self.told) - 1))
        who, said, statement = self.told.pop(place)
        base = current_settings().id_base
        declared = declare_error(said, statement, id_base=base, at=self.at, reason="did_not_occur")
        self.record(self.actors[who], declared)
        for one in self.notices.values():
            one.ended_by.discard(statement)

    def reach(self, lots: set[str]) -> set[str]:
        found, to_do = set(lots), list(lots)
        while to_do:
            for further in self.edges[to_do.pop()] - found:
                found.add(further)
                to_do.append(further)
        return found

    @invariant()
    def alerts_stand_where_the_definition_says(self) -> None:
        rows = db.session.execute(
            select(Event.statement_id, Thing.identity, Alert.lifted_by)
            .join(Event, Event.id == Alert.event_id)
            .join(Thing, Thing.id == Alert.thing_id)
            .where(Event.issuer_id.in_([actor.organisation.id for actor in self.actors]))
        )
        found: defaultdict[str, set[str]] = defaultdict(set)
        for statement, identity, lifted in rows:
            if lifted is None:
                found[statement.hex()].add(identity)
        db.session.rollback()
        expected = {
            statement[9:].replace("-", ""): self.reach(one.lots)
            for statement, one in self.notices.items()
            if not one.ended_by
        }
        assert dict(found) == expected


@pytest.mark.parametrize("amount", AMOUNTS)
def test_alerts_stand_where_the_definition_says_in_any_order_of_acts(
    app: Flask, amount: tuple[int, int]
) -> None:
    explore(Recall, app, amount)
