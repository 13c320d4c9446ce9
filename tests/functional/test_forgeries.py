"""A registered stranger tries to put words, recalls and goods on other people's pages."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.functional.test_succession import hand_on
from tests.support.factories import (
    amount,
    event,
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
    transformed,
)
from tests.support.farms import make_farm, make_product, path_of, uri_of
from trace.core.epcis import JsonObject
from trace.core.gs1 import Identity, local_uri, new_code
from trace.models import Alert, Product, Thing
from trace.services import addresses, histories
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.passports import passport_of
from trace.services.settings import current_settings
from trace.services.timelines import timeline

Session = scoped_session[Any]


def warned(session: Session) -> set[str]:
    """The things on which any notice stands."""
    return set(
        session.scalars(select(Thing.identity).join(Alert, Alert.thing_id == Thing.id).distinct())
    )


@pytest.mark.parametrize("recalled_first", [True, False])
def test_a_stranger_cannot_put_his_recall_on_anothers_lot_by_naming_it_as_made_from_his(
    db_session: Session, now: datetime, recalled_first: bool
) -> None:
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    lot, child, his = new_lot(), new_lot(), new_lot()
    capture(farmer, [registered(lot), transformed({lot: 10}, {child: 10})], at=now)
    capture(stranger, [registered(his)], at=now)
    acts = [notice("recall", his, hazard="health"), transformed({his: 1}, {lot: 1})]
    for act in acts if recalled_first else acts[::-1]:
        capture(stranger, [act], at=now)
    db_session.commit()
    assert warned(db_session) == {his}


@pytest.mark.parametrize("recalled_first", [True, False])
def test_nor_by_saying_that_it_was_packed_together_with_his(
    db_session: Session, now: datetime, recalled_first: bool
) -> None:
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    lot, crate, his, box = new_lot(), new_crate(), new_lot(), new_crate()
    capture(farmer, [registered(lot), packed(crate, {lot: 10})], at=now)
    capture(stranger, [registered(his)], at=now)
    acts = [
        notice("recall", his, hazard="health"),
        packed(crate, {his: 1}),  # into the farmer's crate
        packed(lot, {his: 1}),  # into the farmer's lot itself
        packed(box, {his: 1}),
        # the farmer's crate into his own box
        event("AggregationEvent", action="ADD", bizStep="packing", parentID=box, childEPCs=[crate]),
    ]
    for act in acts if recalled_first else acts[::-1]:
        capture(stranger, [act], at=now)
    db_session.commit()
    assert warned(db_session) == {his, box}


def test_nor_by_declaring_his_own_word_an_error(db_session: Session, now: datetime) -> None:
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    lot, his = new_lot(), new_lot()
    capture(farmer, [registered(lot)], at=now)
    claim = transformed({his: 1}, {lot: 1})
    key = capture(stranger, [registered(his), claim], at=now).events[1].event_key
    declared = {"declarationTime": "2026-11-21T00:00:00.000Z"}
    capture(stranger, [claim | {"eventID": key, "errorDeclaration": declared}], at=now)
    capture(stranger, [notice("recall", his)], at=now)
    db_session.commit()
    assert warned(db_session) == {his}


def test_what_the_holder_of_anothers_crate_packs_into_it_still_warns_on_the_crate(
    db_session: Session, now: datetime
) -> None:
    farmer, shop = make_actor(now), make_actor(now, "Cửa hàng Demo", "retailer")
    lot, crate, theirs = new_lot(), new_crate(), new_lot()
    shipped: JsonObject = event(
        "ObjectEvent",
        bizStep="shipping",
        epcList=[crate],
        destinationList=[{"type": "owning_party", "destination": party(shop)}],
    )
    capture(farmer, [registered(lot), packed(crate, {lot: 10}), shipped], at=now)
    capture(shop, [registered(theirs), packed(crate, {theirs: 5})], at=now)
    capture(shop, [notice("recall", theirs, hazard="health")], at=now)
    db_session.commit()
    assert warned(db_session) == {theirs, crate}


def test_a_packing_told_before_the_receipt_that_makes_it_believed_warns_from_then_on(
    db_session: Session, now: datetime
) -> None:
    farmer, shop = make_actor(now), make_actor(now, "Cửa hàng Demo", "retailer")
    lot, crate, theirs = new_lot(), new_crate(), new_lot()
    capture(farmer, [registered(lot), packed(crate, {lot: 10})], at=now)
    capture(shop, [registered(theirs), notice("recall", theirs, hazard="health")], at=now)
    capture(shop, [packed(crate, {theirs: 5})], at=now)
    db_session.commit()
    assert warned(db_session) == {theirs}  # nobody gave him the crate
    shipped: JsonObject = event(
        "ObjectEvent",
        bizStep="shipping",
        epcList=[crate],
        destinationList=[{"type": "owning_party", "destination": party(shop)}],
    )
    capture(farmer, [shipped], at=now)
    db_session.commit()
    assert warned(db_session) == {theirs, crate}


def test_a_packer_under_anothers_gtin_still_warns_on_what_he_packed(
    db_session: Session, now: datetime
) -> None:
    brand, packer, stranger = (
        make_actor(now, "Nhãn hàng Demo", "trader"),
        make_actor(now),
        make_actor(now, "Kẻ lạ Demo"),
    )
    product = Product(
        organisation_id=brand.organisation.id,
        code=new_code(os.urandom),
        gtin="09520002010049",
        identity="https://id.gs1.org/01/09520002010049",
        name="Rau muống Demo",
        created_at=now,
    )
    db_session.add(product)
    db_session.flush()
    branded = "https://id.gs1.org/01/09520002010049/10/L1"
    raw, his = new_lot(), new_lot()
    capture(packer, [registered(raw), transformed({raw: 10}, {branded: 10})], at=now)
    capture(stranger, [registered(his), transformed({his: 1}, {branded: 1})], at=now)
    capture(stranger, [notice("recall", his)], at=now)
    assert warned(db_session) == {his}
    capture(packer, [notice("recall", raw, hazard="health")], at=now)
    db_session.commit()
    assert warned(db_session) == {his, raw, branded}


def test_a_strangers_words_reach_no_public_page_of_the_goods(
    db_session: Session, now: datetime
) -> None:
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    lot, box = new_lot(), new_crate()
    capture(farmer, [registered(lot)], at=now)
    handed = {"destinationList": [{"type": "owning_party", "destination": party(stranger)}]}
    words = "Có chuột trong kho"
    capture(
        stranger,
        [
            event("ObjectEvent", bizStep="receiving", quantityList=[amount(lot, 10)]),
            packed(box, {lot: 10}),
            event("ObjectEvent", bizStep="shipping", epcList=[box], **handed),
            event("ObjectEvent", bizStep="receiving", epcList=[box]),
            event(
                "ObjectEvent", bizStep="storing", quantityList=[amount(lot, 1)], trace__note=words
            ),
            event(
                "ObjectEvent",
                bizStep="inspecting",
                quantityList=[amount(lot, 1)],
                trace__note=words,
            ),
            registered(lot, 999),
            notice("recall", lot, hazard="health"),
        ],
        at=now,
    )
    db_session.commit()
    thing = db_session.scalar(select(Thing.id).where(Thing.identity == lot))
    assert thing is not None
    told = passport_of(thing, at=now).document
    assert {line["who"]["name"] for line in told["lines"]} == {farmer.organisation.name}
    assert words not in str(told)
    assert warned(db_session) == set()


def offered(client: FlaskClient, path: str) -> tuple[list[str], bool]:
    """The lots that a card lists, and whether a recall stands above everything."""
    page = client.get("/t" + path)
    assert page.status_code == 200
    main = html.fromstring(page.text).find(".//main")
    assert main is not None
    links = [str(link.get("href")) for link in main.iterfind(".//ul[@class='list']//a")]
    lots = [link.removeprefix("/t") for link in links if "/b/" in link]
    return lots, main[0].get("class") == "al stop"


def test_nobody_puts_goods_or_recalls_on_the_card_of_anothers_place(
    db_session: Session, client: FlaskClient, now: datetime
) -> None:
    shop, stranger = make_farm(now, "Cửa hàng Demo"), make_farm(now, "Kẻ lạ Demo")
    stall = shop.place("Sạp 12")
    cards = [f"/p/{stall.code}", f"/l/{stall.code}"]
    lot, rude = shop.register(10), stranger.register(10)
    shop.offer(lot, stall, 10)
    stranger.offer(rude, stall, 10)
    stranger.notify("recall", rude, hazard="health")
    assert [offered(client, card) for card in cards] == [([path_of(lot)], False), ([], False)]
    # What the shop itself has there stands there, whoever made and recalled it.
    shop.offer(rude, stall, 1)
    assert [offered(client, card)[1] for card in cards] == [True, True]
    listed, _ = offered(client, cards[0])
    assert set(listed) == {path_of(lot), path_of(rude)}


def test_what_an_organisation_had_on_sale_stays_listed_when_another_goes_on_for_it(
    db_session: Session, client: FlaskClient, now: datetime
) -> None:
    shop, heir = make_farm(now, "Cửa hàng Demo"), make_farm(now, "Cửa hàng Mới")
    stall = shop.place("Sạp 12")
    lot = shop.register(10)
    shop.offer(lot, stall, 10)
    hand_on(shop, heir)
    assert offered(client, f"/p/{stall.code}")[0] == [path_of(lot)]
    assert offered(client, f"/q/{shop.product.code}")[0] == [path_of(lot)]


def test_a_card_of_many_lots_lists_the_recalled_ones_and_the_newest(
    db_session: Session, client: FlaskClient, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "LISTED_AT_PLACE", 2)
    shop = make_farm(now, "Cửa hàng Demo")
    stall = shop.place("Sạp 12")
    lots = [shop.register(10) for _ in range(4)]
    for lot in lots:
        shop.offer(lot, stall, 10)
    assert set(offered(client, f"/p/{stall.code}")[0]) == {path_of(lot) for lot in lots[2:]}
    shop.notify("recall", lots[0], hazard="health")
    listed, recalled = offered(client, f"/p/{stall.code}")
    assert (set(listed), recalled) == ({path_of(lots[0]), path_of(lots[3])}, True)


def test_a_products_card_lists_its_owners_lots_by_the_word_of_who_was_given_them(
    db_session: Session, client: FlaskClient, now: datetime
) -> None:
    farm, shop, stranger = (make_farm(now, name) for name in ("HTX", "Cửa hàng Demo", "Kẻ lạ Demo"))
    card = f"/q/{farm.product.code}"
    sold, kept = farm.register(10), farm.register(10)
    farm.notify("recall", kept, hazard="health")
    foreign = new_lot()
    stranger.register(10, lot=foreign, product=uri_of(farm.product))
    for lot in (kept, foreign):
        stranger.take(lot, farm, 1)
        stranger.offer(lot, stranger.place("Sạp lạ"), 1)
    assert offered(client, card) == ([], False)
    farm.send(sold, shop, 5)
    shop.take(sold, farm, 5)
    shop.offer(sold, shop.place("Quầy 3"), 5)
    assert offered(client, card) == ([path_of(sold)], False)
    farm.offer(kept, farm.place("Sạp nhà"), 1)
    assert offered(client, card) == ([path_of(kept), path_of(sold)], True)


def test_a_stranger_cannot_crowd_a_lots_own_lines_off_its_page(
    db_session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "MAX_EVENTS", 20)
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    lot = new_lot()
    capture(farmer, [registered(lot)], at=now)
    # Long before the farmer's, as far as their own words go.
    early = {"eventTime": "2020-01-01T00:00:00.000Z", "eventTimeZoneOffset": "+07:00"}
    stored = event("ObjectEvent", bizStep="storing", quantityList=[amount(lot, 1)])
    flood = [stored | early | {"eventID": f"urn:x:{number}"} for number in range(30)]
    capture(stranger, flood, at=now)
    capture(farmer, [stored | {"trace:note": "vẫn còn đây"}], at=now)
    db_session.commit()
    thing = db_session.scalar(select(Thing.id).where(Thing.identity == lot))
    assert thing is not None
    told = passport_of(thing, at=now).document
    assert {line["who"]["name"] for line in told["lines"]} == {farmer.organisation.name}
    assert len(told["lines"]) == 2


@pytest.mark.parametrize("known", ["never", "without its lot", "afterwards"])
@pytest.mark.parametrize("claimed", ["FAKE", "L2"])
def test_a_stranger_cannot_move_anothers_unit_into_another_lot(
    db_session: Session, client: FlaskClient, now: datetime, known: str, claimed: str
) -> None:
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    make_product(farmer.organisation, "Bưởi Demo", now, gtin="08936000000011")
    gtin, serial = "https://id.gs1.org/01/08936000000011", "21/YMZXQYT0D8B0FVB5"

    def made(unit: str) -> JsonObject:
        made = {"action": "ADD", "bizStep": "commissioning", "epcList": [unit]}
        return event("ObjectEvent", eventID=f"urn:x:{unit}", **made)

    capture(farmer, [registered(f"{gtin}/10/L1"), registered(f"{gtin}/10/L2")], at=now)
    if known == "without its lot":
        capture(farmer, [made(f"{gtin}/{serial}")], at=now)
    seen = event("ObjectEvent", bizStep="storing", epcList=[f"{gtin}/10/{claimed}/{serial}"])
    capture(stranger, [seen, made(f"{gtin}/10/{claimed}/{serial}")], at=now)
    capture(stranger, [registered(f"{gtin}/10/FAKE")], at=now)
    if known != "never":
        capture(farmer, [made(f"{gtin}/10/L1/{serial}")], at=now)
    db_session.commit()
    page = client.get(f"/t/01/08936000000011/10/L1/{serial}").text
    # What its maker never spoke of has no story, whoever else names it.
    assert (farmer.organisation.name in page) == (known != "never")
    assert stranger.organisation.name not in page
    assert "Tem có thể bị sao chép" not in page


def test_who_names_anothers_lot_does_not_learn_what_was_hidden_of_it(
    db_session: Session, now: datetime
) -> None:
    farmer, stranger = make_actor(now), make_actor(now, "Kẻ lạ Demo")
    secret, lot = new_lot(), new_lot()
    making = transformed({secret: 10}, {lot: 10})
    capture(farmer, [registered(secret), making], at=now, private=["inputQuantityList"])
    capture(stranger, [event("ObjectEvent", bizStep="storing", epcList=[lot])], at=now)
    db_session.commit()
    thing = db_session.scalars(select(Thing).where(Thing.identity == lot)).one()
    for actor, known in ((farmer, {secret, lot}), (stranger, {lot})):
        lines = timeline(actor, thing)
        assert {named.thing.identity for line in lines for named in line.things} == known
    assert secret not in str([line.document for line in timeline(stranger, thing)])


def party(actor: Actor) -> str:
    """An organisation as events name it."""
    return local_uri(Identity("o", actor.organisation.code), current_settings().id_base)
