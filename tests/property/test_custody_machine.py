"""Who has how much, under any order of making, packing, sending, taking, selling and taking back.

The model adds and subtracts as the rules say (services.capture.holdings): sending takes, receiving
gives, also what was never sent; a container brings what is packed in it at that moment; what is
declared in error is counted backwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.property.machines import AMOUNTS, Machine, explore
from tests.support.factories import (
    amount as quantity,
)
from tests.support.factories import (
    event,
    make_actor,
    new_crate,
    new_lot,
    packed,
    registered,
    transformed,
)
from trace.core.epcis import JsonObject
from trace.extensions import db
from trace.models import Holding, Thing
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.records import declare_error
from trace.services.settings import current_settings

WHO = st.integers(0, 2)
KILOS = st.integers(1, 40)
Parts = dict[str, Decimal]


class Custody(Machine):
    lots = Bundle("lots")
    crates = Bundle("crates")

    def __init__(self) -> None:
        super().__init__()
        self.actors = [make_actor(self.at, name) for name in ("HTX A", "HTX B", "Cửa hàng C")]
        self.held: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
        self.inside: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        self.told: list[tuple[int, JsonObject, str, Callable[[int], None]]] = []

    def tell(self, who: int, said: JsonObject, effect: Callable[[int], None]) -> None:
        """Records it and does to the model what it does; it may be taken back later."""
        said["eventID"] = f"urn:machine:{len(self.told)}:{new_lot()[-10:]}"
        (done,) = self.record(self.actors[who], said)
        self.told.append((who, said, done.statement_id, effect))
        effect(1)

    def give(self, who: int, parts: Parts) -> Callable[[int], None]:
        def effect(sign: int) -> None:
            for lot, kilos in parts.items():
                self.held[who, lot] += kilos * sign

        return effect

    def fill(self, crate: str, parts: Parts) -> Callable[[int], None]:
        def effect(sign: int) -> None:
            for lot, kilos in parts.items():
                self.inside[crate][lot] += kilos * sign

        return effect

    def bring(self, who: int, crate: str, way: int) -> Callable[[int], None]:
        def effect(sign: int) -> None:
            for lot, kilos in self.inside[crate].items():
                self.held[who, lot] += kilos * way * sign

        return effect

    @rule(target=lots, who=WHO, kilos=KILOS)
    def makes(self, who: int, kilos: int) -> str:
        lot = new_lot()
        self.tell(who, registered(lot, kilos), self.give(who, {lot: Decimal(kilos)}))
        return lot

    @rule(target=lots, who=WHO, one=lots, other=lots, kilos=KILOS)
    def mixes(self, who: int, one: str, other: str, kilos: int) -> str:
        made, into = new_lot(), dict.fromkeys((one, other), Decimal(kilos))
        said = transformed(dict.fromkeys(into, kilos), {made: kilos * len(into)})
        parts = {lot: -taken for lot, taken in into.items()} | {made: Decimal(kilos * len(into))}
        self.tell(who, said, self.give(who, parts))
        return made

    @rule(target=crates, who=WHO, lot=lots, kilos=KILOS)
    def packs(self, who: int, lot: str, kilos: int) -> str:
        crate = new_crate()
        self.tell(who, packed(crate, {lot: kilos}), self.fill(crate, {lot: Decimal(kilos)}))
        return crate

    @rule(who=WHO, crate=crates, lot=lots, kilos=KILOS)
    def puts_in_as_well(self, who: int, crate: str, lot: str, kilos: int) -> None:
        self.tell(who, packed(crate, {lot: kilos}), self.fill(crate, {lot: Decimal(kilos)}))

    @rule(who=WHO, crate=crates, lot=lots, kilos=KILOS)
    def takes_out(self, who: int, crate: str, lot: str, kilos: int) -> None:
        said = packed(crate, {lot: kilos}, action="DELETE", bizStep="unpacking")
        self.tell(who, said, self.fill(crate, {lot: Decimal(-kilos)}))

    @rule(who=WHO, lot=lots, kilos=KILOS, step=st.sampled_from(["shipping", "receiving"]))
    def moves(self, who: int, lot: str, kilos: int, step: str) -> None:
        said = event("ObjectEvent", bizStep=step, quantityList=[quantity(lot, kilos)])
        way = -1 if step == "shipping" else 1
        self.tell(who, said, self.give(who, {lot: Decimal(kilos * way)}))

    @rule(who=WHO, crate=crates, step=st.sampled_from(["shipping", "receiving"]))
    def moves_a_crate(self, who: int, crate: str, step: str) -> None:
        said = event("ObjectEvent", bizStep=step, epcList=[crate])
        self.tell(who, said, self.bring(who, crate, -1 if step == "shipping" else 1))

    @rule(who=WHO, lot=lots, kilos=KILOS, sold=st.booleans())
    def sells_or_offers(self, who: int, lot: str, kilos: int, sold: bool) -> None:
        said = event(
            "ObjectEvent",
            bizStep="retail_selling",
            disposition="retail_sold" if sold else "sellable_accessible",
            quantityList=[quantity(lot, kilos)],
        )
        self.tell(who, said, self.give(who, {lot: Decimal(-kilos if sold else 0)}))

    @rule(data=st.data())
    def takes_back(self, data: st.DataObject) -> None:
        if not self.told:
            return
        place = data.draw(st.integers(0, len(self.told) - 1))
        who, said, statement, effect = self.told.pop(place)
        declared = declare_error(
            said,
            statement,
            id_base=current_settings().id_base,
            at=self.at,
            reason="did_not_occur",
        )
        self.record(self.actors[who], declared)
        effect(-1)

    @rule(who=WHO)
    def gives_up(self, who: int) -> None:
        capture(self.actors[who], [registered(new_lot())], at=self.now())
        db.session.rollback()

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        rows = db.session.execute(
            select(Holding.holder_id, Thing.identity, Holding.quantity)
            .join(Thing, Thing.id == Holding.thing_id)
            .where(Holding.holder_id.in_([actor.organisation.id for actor in self.actors]))
        )
        numbers = {actor.organisation.id: who for who, actor in enumerate(self.actors)}
        found = {(numbers[holder], lot): kilos for holder, lot, kilos in rows if kilos}
        db.session.rollback()
        assert found == {key: kilos for key, kilos in self.held.items() if kilos}


@pytest.mark.parametrize("amount", AMOUNTS)
def test_everybody_has_what_was_said_in_any_order_of_acts(
    app: Flask, amount: tuple[int, int]
) -> None:
    explore(Custody, app, amount)
    with app.app_context():  # the same computed anew from the statements, by the audit's own fold
        found = [one for one in audit(Summary(), now=FIXED_NOW) if one.table == "holdings"]
    assert found == []
