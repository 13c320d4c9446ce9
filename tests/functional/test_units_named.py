"""Stamps that EPCIS documents name: they belong to what they are bound to, and to nothing before.

A blank roll's address begins with the roll's own code, which looks like a lot's."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import scoped_session

from tests.support.factories import event
from tests.support.farms import Farm, id_base, item, make_farm, make_product, new
from tests.support.stamps import bind_stamps, binding, make_stamps, serial_of, stamp_page
from trace.core.epcis import event_context
from trace.core.gs1 import canonical_uri, parse_identity
from trace.core.gs1.codes import ALPHABET
from trace.errors import TraceError
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Event, LabelRange, Product, Thing
from trace.services.capture import capture
from trace.services.crates import issue_crates, labels_in
from trace.services.processing import pack
from trace.services.tokens import issue_token

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def unit(roll: int, number: int) -> str:
    """The address of a stamp, as printed and as a scanner at the packing line reports it."""
    found = db.session.get_one(LabelRange, roll)
    key = found.key + "/21" if found.key.startswith("01") else found.key
    return f"{id_base()}/{key}/{serial_of(roll, number)}"


def document(client: FlaskClient, farm: Farm, *events: dict[str, Any]) -> None:
    """Sends the events as an EPCIS document over HTTP, as machines do."""
    _, token = issue_token(farm.organisation, "dây chuyền", ["capture"], at=farm.at)
    db.session.commit()
    body = {
        "@context": event_context(id_base()),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-20T05:00:00.000Z",
        "epcisBody": {
            "eventList": [{k: v for k, v in one.items() if k != "@context"} for one in events]
        },
    }
    answer = client.post(
        "/epcis/v2/capture",
        data=orjson.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 202, answer.text
    run_pending()
    job = client.get(answer.headers["Location"], headers={"Authorization": f"Bearer {token}"})
    assert job.json is not None
    assert (job.json["success"], job.json["errors"]) == (True, [])


def seen(*uris: str, action: str = "OBSERVE") -> dict[str, Any]:
    return event(
        "ObjectEvent",
        action=action,
        bizStep="packing" if action == "OBSERVE" else "commissioning",
        epcList=list(uris),
        eventTime="2026-11-08T01:00:00+07:00",
    )


def stored(uri: str) -> Thing:
    db.session.expire_all()
    identity = parse_identity(uri, id_base())
    assert identity is not None
    found = db.session.scalar(
        select(Thing).where(Thing.identity == canonical_uri(identity, id_base()))
    )
    assert found is not None
    return found


def lots() -> int:
    return db.session.scalar(select(func.count(Thing.id)).where(Thing.kind == "lot")) or 0


def lot_of(uri: str) -> str:
    """The address of the lot a unit's row points to, "" for none."""
    lot = stored(uri).lot_id
    return "" if lot is None else db.session.get_one(Thing, lot).identity


def test_a_blank_stamp_named_in_a_document_makes_no_lot_and_follows_its_binding(
    farm: Farm, client: FlaskClient
) -> None:
    lot, roll = farm.register(10), make_stamps(farm.actor, 4)
    early, late = unit(roll, 1), unit(roll, 2)
    document(client, farm, seen(early, action="ADD"))
    assert (stored(early).kind, lot_of(early), lots()) == ("unit", "", 1)
    assert "chưa gắn với lô hàng" in client.get(stamp_page(roll, 1)).get_data(as_text=True)
    event_of = binding(farm, roll, 1, 3, lot)
    captured = farm.tell(event_of)
    document(client, farm, seen(late))
    assert lot_of(early) == lot_of(late) == lot
    assert lots() == 1
    page = client.get(stamp_page(roll, 1)).get_data(as_text=True)
    assert "Cải ngọt" in page
    # The binding was a mistake: the units are nobody's again, whoever named them.
    farm.correct(captured, event_of)
    assert lot_of(early) == lot_of(late) == ""
    assert "Cải ngọt" not in client.get(stamp_page(roll, 1)).get_data(as_text=True)


def test_a_serial_that_a_roll_never_had_is_of_no_lot_and_tells_no_story(
    farm: Farm, client: FlaskClient
) -> None:
    roll = make_stamps(farm.actor, 1)
    guessed = unit(roll, 1)[:-16] + "0000000000000001"
    document(client, farm, seen(guessed))
    assert (lot_of(guessed), lots()) == ("", 0)
    path = guessed.removeprefix(id_base())
    assert client.get(f"/t{path}").status_code == 404


def test_a_stamp_is_of_the_lot_it_is_bound_to_whatever_lot_a_document_names(
    farm: Farm, client: FlaskClient
) -> None:
    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    base = f"{id_base()}/01/08936000000011"
    for name in ("L1", "L2"):
        farm.register(10, lot=f"{base}/10/{name}", lot_number=name)
    product = db.session.scalar(select(Product).where(Product.gtin == "08936000000011"))
    roll = make_stamps(farm.actor, 2, product)
    bind_stamps(farm, roll, 1, 1, f"{base}/10/L1")
    told = f"{base}/10/L2/21/{serial_of(roll, 1)}"
    loose = f"{base}/10/L2/21/{serial_of(roll, 2)}"
    ilmd = {"ilmd": {"cbvmda:lotNumber": "L2"}}
    document(client, farm, {**seen(told, loose, action="ADD"), **ilmd})
    assert lot_of(unit(roll, 1)).endswith("/10/L1")
    assert lot_of(unit(roll, 2)) == ""


def test_nobody_else_creates_what_stands_on_an_organisations_stamp(
    farm: Farm, client: FlaskClient
) -> None:
    lot, roll = farm.register(10), make_stamps(farm.actor, 2)
    bind_stamps(farm, roll, 1, 2, lot)
    stranger = make_farm(START, "HTX Demo khác")
    document(client, stranger, seen(unit(roll, 1), action="ADD"))
    assert stored(unit(roll, 1)).owner_id is None
    document(client, stranger, seen(unit(roll, 1), action="OBSERVE"), seen(unit(roll, 2)))
    assert stored(unit(roll, 2)).owner_id is None
    document(client, farm, seen(unit(roll, 1), action="ADD"))
    assert stored(unit(roll, 1)).owner_id == farm.organisation.id
    assert "HTX Demo khác" not in client.get(stamp_page(roll, 1)).get_data(as_text=True)


def test_a_strangers_stamps_do_not_tell_the_story_of_a_lot_he_never_had(
    farm: Farm, client: FlaskClient
) -> None:
    lot, stranger = farm.register(10), make_farm(START, "HTX Demo khác")
    roll = make_stamps(stranger.actor, 2)
    with pytest.raises(TraceError) as refused:
        bind_stamps(stranger, roll, 1, 1, lot)
    assert refused.value.code == "labels-lot-not-yours"
    db.session.rollback()
    assert "Cải ngọt" not in client.get(stamp_page(roll, 1)).get_data(as_text=True)
    farm.send(lot, stranger, 4)
    stranger.take(lot, farm, 4)
    bind_stamps(stranger, roll, 1, 1, lot)
    assert "Cải ngọt" in client.get(stamp_page(roll, 1)).get_data(as_text=True)


def refused(farm: Farm, roll: int, lot: str) -> str:
    """The code with which capture refuses to bind the roll's first stamp to a lot."""
    with pytest.raises(TraceError) as caught:
        bind_stamps(farm, roll, 1, 1, lot)
    db.session.rollback()
    return caught.value.code


def test_nobody_talks_himself_into_a_lot_that_nobody_gave_him(
    farm: Farm, client: FlaskClient
) -> None:
    lot, stranger, friend = farm.register(10), make_farm(START, "HTX lạ"), make_farm(START, "Bạn")
    box = new("h")
    roll = make_stamps(stranger.actor, 2)
    for kilos in (4, 0):
        stranger.take(lot, farm, kilos)
    stranger.send(lot, None, 4)
    stranger.offer(lot, stranger.place("Sạp lạ"), 4)
    stranger.tell(pack(stranger.record(), box, [item(lot, 4)]))
    stranger.send(box, stranger)
    stranger.take(box, stranger)
    friend.send(lot, stranger, 4)
    stranger.take(lot, friend, 4)
    told = db.session.scalar(
        select(func.count(Event.id)).where(Event.issuer_id == stranger.organisation.id)
    )
    assert told == 8  # every word of his is in the record
    assert refused(stranger, roll, lot) == "labels-lot-not-yours"
    assert stored(lot).labelled_at is None
    assert "Cải ngọt" not in client.get(stamp_page(roll, 1)).get_data(as_text=True)


@pytest.mark.parametrize("named", [True, False])
def test_who_was_given_the_lot_binds_stamps_to_it_until_the_giver_says_it_was_no_handover(
    farm: Farm, named: bool
) -> None:
    lot, shop, friend = farm.register(10), make_farm(START, "Cửa hàng"), make_farm(START, "Quán")
    roll, late = make_stamps(shop.actor, 2), make_stamps(friend.actor, 1)
    sent = farm.send(lot, shop if named else None, 4)
    shop.take(lot, farm, 4)
    bind_stamps(shop, roll, 1, 1, lot)
    shop.send(lot, friend, 1)
    bind_stamps(friend, late, 1, 1, lot)
    # It never took place: with it goes what stood on it.
    farm.correct(sent, farm.told[-1])
    other = make_stamps(shop.actor, 1)
    assert refused(shop, other, lot) == "labels-lot-not-yours"


def test_who_was_given_the_crate_binds_stamps_to_what_lay_in_it(farm: Farm) -> None:
    lot, shop = farm.register(10), make_farm(START, "Cửa hàng")
    roll = make_stamps(shop.actor, 1)
    crate = farm.box(lot, kilos=10)
    assert refused(shop, roll, lot) == "labels-lot-not-yours"
    farm.send(crate, shop)
    shop.wait(1)
    shop.take(crate, farm)
    bind_stamps(shop, roll, 1, 1, lot)
    assert stored(lot).labelled_at is not None


def test_a_packer_under_anothers_gtin_binds_stamps_to_what_he_packed(farm: Farm) -> None:
    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    packer = make_farm(START, "Cơ sở đóng gói")
    lot = f"{id_base()}/01/08936000000011/10/P1"
    packer.register(10, lot=lot, lot_number="P1")
    assert stored(lot).owner_id is None
    bind_stamps(packer, make_stamps(packer.actor, 1), 1, 1, lot)


def test_units_named_before_they_were_bound_share_the_alerts_of_their_lot(
    farm: Farm, client: FlaskClient
) -> None:
    lot, roll = farm.register(10), make_stamps(farm.actor, 2)
    farm.tell(seen(unit(roll, 1), action="ADD"))
    farm.notify("recall", lot, hazard="health")
    bind_stamps(farm, roll, 1, 2, lot)
    for number in (1, 2):
        text = client.get(stamp_page(roll, number)).get_data(as_text=True)
        assert "thu hồi" in text.lower(), number


def test_nobody_else_makes_a_crates_label_printed_ahead_their_own(
    farm: Farm, client: FlaskClient
) -> None:
    lot = farm.register(10)
    run = issue_crates(farm.actor, 1, at=farm.at)
    db.session.commit()
    ((_, identity, _),) = list(labels_in(run, 1, 1))
    stranger = make_farm(START, "HTX Demo khác")
    theirs = stranger.register(5)
    stranger.tell(pack(stranger.record(), identity, [item(theirs, 5)]))
    assert stored(identity).owner_id is None
    farm.tell(pack(farm.record(), identity, [item(lot, 2)]))
    assert stored(identity).owner_id == farm.organisation.id


# -- serials nobody can guess ----------------------------------------------------------------------


def test_serials_are_the_systems_randomness_bit_by_bit(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bytes] = []
    real = os.urandom

    def heard(count: int) -> bytes:
        drawn.append(real(count))
        return drawn[-1]

    monkeypatch.setattr(os, "urandom", heard)
    random.seed(1)  # no other source has a say
    rolls = [make_stamps(farm.actor, 400) for _ in range(2)]
    serials = [serial_of(roll, number) for roll in rolls for number in range(1, 401)]
    source = b"".join(one for one in drawn if len(one) == 4000)
    assert len(source) == 8000
    spelled = [
        "".join(ALPHABET[int(bits[n : n + 5], 2)] for n in range(0, 80, 5))
        for bits in (
            f"{int.from_bytes(source[at : at + 10], 'big'):080b}" for at in range(0, 8000, 10)
        )
    ]
    assert serials == spelled
    assert len(set(serials)) == 800
    # Numbers on the roll follow one another, what is printed does not.
    assert sorted(serials[:400]) != serials[:400]
    assert len({one[:3] for one in serials}) > 700


def test_a_guessable_number_is_no_package_of_ours_whatever_door_it_comes_through(
    farm: Farm, client: FlaskClient
) -> None:
    lot, roll = farm.register(10), make_stamps(farm.actor, 2)
    bind_stamps(farm, roll, 1, 2, lot)
    for short in ("1", "0001", "12345678"):
        with pytest.raises(TraceError) as caught:
            capture(farm.actor, [seen(f"{lot}/{short}", action="ADD")], at=farm.at)
        db.session.rollback()
        assert "code-length" in {
            one.code for one in getattr(caught.value, "errors", [caught.value])
        }
    # Sixteen characters that were not issued are in the record, and have no story.
    made_up = f"{lot}/0000000000000001"
    document(client, farm, seen(made_up, action="ADD"))
    answer = client.get("/t" + made_up.removeprefix(id_base()))
    assert answer.status_code == 404
    assert "chưa từng được cấp" in answer.text
    assert "Cải ngọt" not in answer.text
    assert client.get(stamp_page(roll, 1)).status_code == 200
