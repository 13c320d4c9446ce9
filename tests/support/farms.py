"""A farm whose days are told through the product's own builders and captured for real."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from tests.support.factories import make_actor
from trace.core.epcis import JsonObject
from trace.core.gs1 import Identity, canonical_uri, local_uri, new_code, parse_identity
from trace.extensions import db
from trace.models import Certificate, Household, Organisation, Place, Product, Thing
from trace.services.actors import Actor
from trace.services.capture import Captured, capture
from trace.services.diary import CycleFacts, Input, declare_none, diary_entry, start_cycle
from trace.services.harvests import harvest, register_lot
from trace.services.processing import pack
from trace.services.records import Item, LotFacts, Record, declare_error, transformed
from trace.services.settings import current_settings
from trace.services.shipments import External, Line, Parties, receive, receive_unrecorded, ship
from trace.services.storage import Reading, keep, put_on_sale
from trace.services.vocabulary import Amount


@dataclass(slots=True)
class Farm:
    """One organisation telling its story. `at` is both when things happen and when they are typed;
    each telling moves it on by an hour."""

    actor: Actor
    at: datetime
    product: Product
    plot: Place
    household: Household
    told: list[JsonObject] = field(default_factory=list)

    @property
    def organisation(self) -> Organisation:
        return self.actor.organisation

    # -- telling -----------------------------------------------------------------------------------

    def record(
        self, *, place: Place | None = None, at: datetime | None = None, **more: Any
    ) -> Record:
        where = uri_of(place or self.plot)
        return Record(
            id_base(),
            f"urn:uuid:{uuid.uuid4()}",
            at or self.at,
            place=where,
            location=where,
            performed_by=more.pop("performed_by", ""),
            recorded_by="urn:trace:person:nobody",
            **more,
        )

    def tell(self, *events: JsonObject, late: timedelta | None = None, **options: Any) -> Captured:
        captured = capture(self.actor, events, at=self.at + (late or timedelta(0)), **options)
        db.session.commit()
        self.told += events
        self.at += timedelta(hours=1)
        return captured

    def wait(self, days: float) -> Farm:
        self.at += timedelta(days=days)
        return self

    # -- what farms do -----------------------------------------------------------------------------

    def sow(self, **more: Any) -> str:
        cycle = new("c")
        facts = CycleFacts(
            product=uri_of(self.product),
            variety="Cải ngọt Bông vàng",
            seed_source="Trại giống Demo",
        )
        self.tell(start_cycle(self.record(**more), cycle, "sowing", facts))
        return cycle

    def spray(
        self, cycle: str, interval: int | None = 7, name: str = "Thuốc Demo 1.8EC"
    ) -> Captured:
        treatment = Input(name, Decimal(30), "ml", "hoạt chất Demo", interval, "sâu tơ", "phun", "")
        return self.tell(diary_entry(self.record(), cycle, "spraying", inputs=[treatment]))

    def water(self, cycle: str) -> Captured:
        return self.tell(diary_entry(self.record(), cycle, "irrigating"))

    def used_none(self, cycle: str, *kinds: str) -> Captured:
        return self.tell(declare_none(self.record(), cycle, kinds))

    def facts(self, **more: Any) -> LotFacts:
        return LotFacts(**{"lot_number": "L2611", "product": uri_of(self.product), **more})

    def reap(self, *cycles: str, kilos: float = 480, lot: str = "", **more: Any) -> str:
        lot = lot or new("b")
        self.tell(harvest(self.record(), cycles, item(lot, kilos), self.facts(**more)))
        return lot

    def register(self, kilos: float | None = 480, lot: str = "", **more: Any) -> str:
        lot = lot or new("b")
        self.tell(register_lot(self.record(), item(lot, kilos), self.facts(**more)))
        return lot

    def mix(self, lots: Sequence[str], kilos: float, step: str = "mixing") -> str:
        made = new("b")
        inputs = [item(lot, kilos / len(lots)) for lot in lots]
        self.tell(
            transformed(self.record(), step, inputs, [item(made, kilos)], ilmd=self.facts().ilmd())
        )
        return made

    def box(self, *lots: str, kilos: float | None = None) -> str:
        crate = new("h")
        self.tell(pack(self.record(), crate, [item(lot, kilos) for lot in lots]))
        return crate

    def send(
        self, thing: str, to: Farm | None, kilos: float | None = None, **more: Any
    ) -> Captured:
        taker = uri_of(to.organisation) if to else ""
        parties = Parties(giver=uri_of(self.organisation), taker=taker)
        return self.tell(ship(self.record(**more), [item(thing, kilos)], parties))

    def take(self, thing: str, giver: Farm, kilos: float | None = None) -> Captured:
        parties = Parties(giver=uri_of(giver.organisation), taker=uri_of(self.organisation))
        return self.tell(
            *receive(
                self.record(),
                [Line(item(thing, kilos))],
                parties,
                new_event_id=lambda: f"urn:uuid:{uuid.uuid4()}",
            )
        )

    def take_unrecorded(self, supplier: str, kilos: float = 20) -> str:
        lot = new("b")
        source = External(supplier=supplier, place="chợ đầu mối", date=date(2026, 11, 19))
        self.tell(
            receive_unrecorded(self.record(), item(lot, kilos), self.facts(), source, Parties())
        )
        return lot

    def cool(self, thing: str, *celsius: float, kilos: float | None = None) -> Captured:
        readings = [
            Reading(self.at - timedelta(minutes=30 * n), Decimal(str(value)))
            for n, value in enumerate(celsius)
        ]
        return self.tell(keep(self.record(), [item(thing, kilos)], readings))

    def offer(self, thing: str, place: Place, kilos: float | None = None) -> Captured:
        return self.tell(put_on_sale(self.record(place=place), [item(thing, kilos)]))

    def notify(self, kind: str, thing: str, **members: Any) -> Captured:
        from tests.support.factories import event

        notice: JsonObject = {"kind": kind, **members}
        return self.tell(
            event(
                "ObjectEvent",
                bizStep="trace:recalling",
                eventTime=self.at.isoformat(),
                trace__notice=notice,
                **(
                    {"epcList": [thing]}
                    if "/h/" in thing
                    else {"quantityList": [{"epcClass": thing}]}
                ),
            )
        )

    def correct(
        self, captured: Captured, original: JsonObject, *corrective: JsonObject
    ) -> Captured:
        """Declares the event an error; with corrective events they stand instead."""
        error = declare_error(
            original,
            captured.events[0].statement_id,
            id_base=id_base(),
            at=self.at,
            reason="incorrect_data" if corrective else "did_not_occur",
            corrective=[str(one["eventID"]) for one in corrective],
        )
        return self.tell(error, *corrective)

    # -- what farms have ---------------------------------------------------------------------------

    def certify(
        self,
        standard: str = "VietGAP",
        *,
        begin: date = date(2026, 1, 1),
        end: date = date(2027, 1, 1),
        by: Farm | None = None,
    ) -> Certificate:
        row = Certificate(
            organisation_id=self.organisation.id,
            standard=standard,
            number="VG-DEMO-01",
            issuer_name="Tổ chức chứng nhận Demo",
            valid_from=begin,
            valid_until=end,
            confirmed_by_id=by.organisation.id if by else None,
            created_at=self.at,
        )
        if by is not None:
            by.organisation.status = "confirmed"
        db.session.add(row)
        db.session.commit()
        return row

    def place(self, name: str, kind: str = "stall", **more: Any) -> Place:
        place = make_place(self.organisation, name, kind, self.at, **more)
        db.session.commit()
        return place


def make_farm(at: datetime, name: str = "HTX Demo Đan Phượng", **more: Any) -> Farm:
    """A farm with a product, a plot and a member household."""
    actor = make_actor(at, name, **more)
    organisation = actor.organisation
    organisation.ward_code = "09895"
    organisation.phone, organisation.phone_public = "+84900000001", True
    household = Household(
        organisation_id=organisation.id, code="H07", name="Nguyễn Văn Demo", created_at=at
    )
    db.session.add(household)
    product = make_product(organisation, "Cải ngọt, gói 300 g", at)
    plot = make_place(organisation, "Vườn B2", "plot", at)
    db.session.commit()
    return Farm(actor, at, product, plot, household)


def make_product(organisation: Organisation, name: str, at: datetime, **more: Any) -> Product:
    gtin = more.get("gtin")
    code = new_code(os.urandom)
    identity = Identity("01", gtin) if gtin else Identity("q", code)
    product = Product(
        organisation_id=organisation.id,
        code=code,
        identity=canonical_uri(identity, id_base()),
        name=name,
        **{"name_en": "Choy sum, 300 g", "category": "leaf-vegetable", **more},
        created_at=at,
    )
    db.session.add(product)
    db.session.flush()
    return product


def make_place(
    organisation: Organisation, name: str, kind: str, at: datetime, **more: Any
) -> Place:
    code = new_code(os.urandom)
    identity = Identity("414", more["gln"]) if more.get("gln") else Identity("l", code)
    place = Place(
        organisation_id=organisation.id,
        code=code,
        identity=canonical_uri(identity, id_base()),
        name=name,
        kind=kind,
        **{"ward_code": "09895", **more},
        created_at=at,
    )
    db.session.add(place)
    db.session.flush()
    return place


def id_base() -> str:
    return current_settings().id_base


def new(letter: str) -> str:
    """A fresh printed address of ours."""
    return f"{id_base()}/{letter}/{new_code(os.urandom)}"


def item(thing: str, kilos: float | None = None) -> Item:
    amount = None if kilos is None else Amount(Decimal(str(kilos)), "KGM")
    return Item(thing, amount, single="/h/" in thing or "/00/" in thing)


def uri_of(row: Organisation | Place | Product) -> str:
    """The printed address of an organisation, place or product."""
    if isinstance(row, Organisation):
        return local_uri(Identity("o", row.code), id_base())
    identity = parse_identity(row.identity, id_base())
    assert identity is not None
    return local_uri(identity, id_base())


def thing_id(uri: str) -> int:
    """The row of a captured thing."""
    identity = parse_identity(uri, id_base())
    assert identity is not None
    return db.session.scalars(
        select(Thing.id).where(Thing.identity == canonical_uri(identity, id_base()))
    ).one()


def path_of(uri: str) -> str:
    """The printed path of an address of ours."""
    return uri.removeprefix(id_base())
