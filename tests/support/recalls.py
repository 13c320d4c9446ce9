"""The exercise: one contaminated planting, 40 lots, 3 processors, 120 shops; and authorities."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from flask import Flask
from sqlalchemy import func, select

from tests.support.farms import Farm, id_base, item, make_farm, new, uri_of
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import Page, PageClient, checked_page
from tests.support.stamps import bind_stamps, make_stamps, stamp_path
from trace.core.epcis import JsonObject
from trace.core.gs1 import new_code
from trace.extensions import db
from trace.models import Alert, Organisation
from trace.services.harvests import harvest
from trace.services.records import Item, transformed
from trace.services.shipments import Line, Parties, receive, ship
from trace.services.vocabulary import Amount
from trace.web.forms import showable

WARD = "09895"
PROVINCE = "01"
DESK = "/inspection/recalls/"


@dataclass(slots=True)
class Exercise:
    """What the story left: addresses of goods, and who has them."""

    farm: Farm
    planting: str
    lots: list[str]
    houses: list[Farm]
    made: list[str]  # the processors' lots; each went to three shops
    keepers: list[Farm]  # shops that took their goods over by an account
    silent: list[int]  # shops that only their giver names (rows of organisations)
    unit: str  # a package of the first made lot
    other: str  # a lot that has nothing to do with it


def exercise(now: datetime, lots: int = 40, processors: int = 3, shops: int = 120) -> Exercise:
    """Tells the whole story; one shop in ten takes its goods over, the rest never answer."""
    farm = make_farm(now - timedelta(days=20), "HTX Minh họa Đan Phượng")
    planting = farm.sow()
    farm.spray(planting, interval=3)
    farm.wait(10)
    grown = [new("b") for _ in range(lots)]
    farm.tell(*(harvest(farm.record(), [planting], item(lot, 90), farm.facts()) for lot in grown))
    houses = [
        make_farm(farm.at, f"Sơ chế Minh họa {n + 1}", kind="processor") for n in range(processors)
    ]
    world = Exercise(farm, planting, grown, houses, [], [], [], "", "")
    for number, house in enumerate(houses):
        _process(world, house, grown[number::processors], shops // lots)
    world.unit = _package(houses[0], world.made[0])
    world.other = farm.register()
    return world


def _process(world: Exercise, house: Farm, lots: list[str], shops: int) -> None:
    """The farm's lots come, are packed, and go to shops."""
    farm = world.farm
    farm.tell(*(_shipped(farm, lot, house.organisation, 90) for lot in lots))
    house.at = farm.at
    house.tell(*(one for lot in lots for one in received(house, lot, farm, 90)))
    packs = [new("b") for _ in lots]
    house.tell(
        *(
            transformed(
                house.record(), "packing", [item(a, 90)], [item(b, 90)], ilmd=house.facts().ilmd()
            )
            for a, b in zip(lots, packs, strict=True)
        )
    )
    sent: list[JsonObject] = []
    keepers: list[tuple[Farm, str]] = []
    for pack in packs:
        for _ in range(shops):
            number = len(world.keepers) + len(world.silent) + 1
            if number % 10 == 1:
                shop = make_farm(house.at, f"Cửa hàng Minh họa {number}", kind="retailer")
                keepers.append((shop, pack))
                world.keepers.append(shop)
                to = shop.organisation
            else:
                to = _shop(f"Cửa hàng Minh họa {number}", house.at)
                world.silent.append(to.id)
            sent.append(_shipped(house, pack, to, 30))
    house.tell(*sent)
    for shop, pack in keepers:
        shop.at = house.at
        shop.tell(*received(shop, pack, house, 30))
    world.made += packs


def _shop(name: str, at: datetime) -> Organisation:
    """A shop that is registered and never signs anything."""
    shop = Organisation(
        code=new_code(os.urandom),
        name=name,
        kind="retailer",
        phone="+84900000009",
        ward_code=WARD,
        use_salt=bytes(32),
        created_at=at,
    )
    db.session.add(shop)
    db.session.flush()
    return shop


def _package(house: Farm, lot: str) -> str:
    """One issued package of a lot, as its label says."""
    roll = make_stamps(house.actor, 1)
    bind_stamps(house, roll, 1, 1, lot)
    return f"{id_base()}{stamp_path(roll, 1)}"


def _shipped(giver: Farm, lot: str, taker: Organisation, kilos: float) -> JsonObject:
    parties = Parties(giver=uri_of(giver.organisation), taker=uri_of(taker))
    return ship(giver.record(), [item(lot, kilos)], parties)


def received(taker: Farm, lot: str, giver: Farm, kilos: float) -> list[JsonObject]:
    parties = Parties(giver=uri_of(giver.organisation), taker=uri_of(taker.organisation))
    amount = Amount(Decimal(str(kilos)), "KGM")
    return receive(
        taker.record(),
        [Line(Item(lot, amount), sent=amount)],
        parties,
        new_event_id=lambda: f"urn:uuid:{uuid.uuid4()}",
    )


def supervisor(
    app: Flask, jurisdiction: str, name: str = "Sở Minh họa", inside: int | None = None
) -> Member:
    """A supervisor of a confirmed authority with this area."""
    member = make_member(app, kind="authority", role="supervisor", name=name, inside=inside)
    with app.app_context():
        office = db.session.get_one(Organisation, member.organisation_id)
        office.status, office.jurisdiction = "confirmed", jurisdiction
        office.confirmed_at = office.created_at
        db.session.commit()
    return member


# -- pages -----------------------------------------------------------------------------------------


def client_of(app: Flask, member: Member, at: datetime) -> PageClient:
    client = app.test_client()
    sign_in(app, client, member, at=at)
    return PageClient(client)


def choose(pages: PageClient, *codes: str, source: str = "", **more: str) -> Page:
    """Pages 1 and 2: looks, chooses what was found (or its source), and stands on the preview."""
    page = pages.get(f"{DESK}new")
    page = pages.submit(page, {"codes": "\n".join(codes), "act": "look", **more})
    chosen = [str(box.get("value")) for box in page.find("//input[@name='thing'][@checked]")]
    if source:
        chosen = [source]
    form = page.form("//main//form")
    values = {**form.filled({}), "act": "go", "thing": chosen}
    return pages._open("POST", f"{DESK}new", 200, data=values)


def case_of(page: Page) -> int:
    return int(page.address.split("/recalls/")[1].split("/")[0])


def classify(pages: PageClient, case: int, grade: str = "2", **more: str) -> Page:
    page = pages.get(f"{DESK}{case}/reason")
    values = {"hazard": "health", "grade": grade, "reason": "Dư lượng vượt giới hạn", **more}
    return pages.submit(page, values)


def sign_it(pages: PageClient, case: int, **more: str) -> Page:
    page = pages.get(f"{DESK}{case}/sign")
    return pages.submit(page, {"act": "sign", **more})


def refused_by(pages: PageClient, page: Page, entries: dict[str, str]) -> Page:
    """The page again, with what is wrong; nothing typed is lost."""
    form = page.form("//main//form")
    answer = pages.client.post(form.action, data=form.filled(entries))
    assert answer.status_code in (400, 403, 409, 422), answer.status_code
    found = checked_page(form.action, answer)
    for name, typed in entries.items():
        kept = found.form("//main//form").fields
        assert name == "act" or kept.get(name) == showable(typed), name
    return found


def warned(app: Flask) -> int:
    with app.app_context():
        return (
            db.session.scalar(
                select(func.count(func.distinct(Alert.thing_id))).where(
                    Alert.kind == "recall", Alert.lifted_by.is_(None)
                )
            )
            or 0
        )
