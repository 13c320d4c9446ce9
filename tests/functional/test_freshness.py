"""What a page tells of is changed: the page tells the new, at once and downstream."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.support.factories import new_lot, transformed
from tests.support.farms import Farm, id_base, item, make_farm, thing_id
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Household, Job, Passport
from trace.services import freshness
from trace.services.capture import capture
from trace.services.certificates import register_certificate
from trace.services.diary import diary_entry
from trace.services.harvests import register_lot
from trace.services.households import register_household, update_household
from trace.services.imports import get_import, receive_file, start
from trace.services.organisations import update_organisation
from trace.services.passports import passport_of
from trace.services.passports_document import AWAITED
from trace.services.places import register_place, update_place
from trace.services.products import update_product
from trace.services.records import declare_error
from trace.services.storage import Reading, keep


def told(uri: str, at: datetime) -> Any:
    thing = thing_id(uri)
    db.session.rollback()
    return passport_of(thing, at=at).document


def harvested(farm: Farm) -> str:
    lot = farm.reap(farm.sow(), kilos=10)
    told(lot, farm.at)
    return lot


def test_a_renamed_product_is_renamed_on_its_pages(app: Flask, now: datetime) -> None:
    with app.app_context():
        farm = make_farm(now)
        lot = harvested(farm)
        product = farm.product
        values = {"name": "Tên mới Demo", "category": product.category, "unit": product.unit}
        update_product(farm.actor, product, values, version=product.version, at=farm.at)
        db.session.commit()
        assert told(lot, farm.at)["product"]["name_vi"] == "Tên mới Demo"


def test_a_place_made_private_leaves_the_page(app: Flask, now: datetime) -> None:
    with app.app_context():
        farm = make_farm(now)
        lot = harvested(farm)
        assert farm.plot.name in str(told(lot, farm.at))
        update_place(
            farm.actor, farm.plot, {"public": False}, version=farm.plot.version, at=farm.at
        )
        db.session.commit()
        assert farm.plot.name not in str(told(lot, farm.at))


def test_a_new_certificate_shows_also_on_what_was_made_of_the_lot(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        farm = make_farm(now)
        lot = harvested(farm)
        child = new_lot()
        capture(farm.actor, [transformed({lot: 5}, {child: 5})], at=farm.at)
        db.session.commit()
        told(child, farm.at)
        day = farm.at.date()
        register_certificate(
            farm.actor,
            {
                "standard": "VietGAP",
                "number": "DEMO-1",
                "issuer_name": "Tổ chức chứng nhận Demo",
                "valid_from": day.replace(year=day.year - 1),
                "valid_until": day.replace(year=day.year + 1),
            },
            at=farm.at,
        )
        db.session.commit()
        run_pending()
        assert "VietGAP" in str(told(lot, farm.at)["certificates"])
        assert "VietGAP" in str(told(child, farm.at)["certificates"])


@pytest.mark.parametrize("nested", [False, True])
def test_what_happened_to_a_box_is_told_by_what_was_made_of_its_load(
    app: Flask, now: datetime, nested: bool
) -> None:
    with app.app_context():
        farm = make_farm(now - timedelta(days=2))
        lot = farm.reap(farm.sow(), kilos=10)
        box = farm.box(lot)
        if nested:
            box = farm.box(box)
        cooled_at = farm.at
        farm.at += timedelta(hours=5)
        made = farm.mix([lot], 5)
        assert told(made, farm.at)["thing"]["kind"] == "lot"
        run_pending()
        assert not cooled(told(made, farm.at))
        # Read off the logger later: it happened while the lot lay in the box.
        reading = Reading(cooled_at, Decimal("4.5"))
        farm.tell(keep(farm.record(at=cooled_at), [item(box)], [reading]))
        assert not cooled(told(made, farm.at))
        run_pending()
        assert cooled(told(made, farm.at))
        assert cooled(told(lot, farm.at))


def cooled(document: Any) -> bool:
    return any(line["step"] == "storing" or "sensor" in line for line in document["lines"])


def test_a_place_made_private_leaves_the_page_of_what_was_made_of_a_box_there(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        farm = make_farm(now - timedelta(days=2))
        store = farm.place("Kho mát Demo", "store")
        lot = farm.reap(farm.sow(), kilos=10)
        box = farm.box(lot)
        farm.tell(keep(farm.record(place=store), [item(box)], []))
        made = farm.mix([lot], 5)
        assert "Kho mát Demo" in str(told(made, farm.at))
        update_place(farm.actor, store, {"public": False}, version=store.version, at=farm.at)
        db.session.commit()
        run_pending()
        assert "Kho mát Demo" not in str(told(made, farm.at))


@pytest.mark.parametrize("by", ["hand", "file"])
def test_a_household_is_told_once_it_is_registered_and_while_it_has_that_code(
    app: Flask, now: datetime, by: str
) -> None:
    with app.app_context():
        farm, lot = make_farm(now), new_lot()
        farm.tell(register_lot(farm.record(performed_by="H12"), item(lot, 10), farm.facts()))
        assert told(lot, farm.at)["lines"][0]["performed_by"] is None
        if by == "hand":
            for number in (12, 14, 15):
                household = {"code": f"H{number}", "name": "Hộ Demo"}
                register_household(farm.actor, household, at=farm.at)
            db.session.commit()
            of = select(func.count()).where(Job.kind == freshness.KIND, Job.run_after > farm.at)
            assert db.session.scalar(of) == 1  # for all of them
            with time_machine.travel(farm.at + freshness.SERIES, tick=False):
                run_pending()
        else:
            table = "Mã hộ;Tên hộ\nH12;Hộ Demo".encode()
            sent = receive_file(farm.actor, "households", "ho.csv", table, at=farm.at).public_id
            db.session.commit()
            run_pending()
            start(farm.actor, get_import(farm.actor, sent), "all", at=farm.at)
            db.session.commit()
            run_pending()
        assert told(lot, farm.at)["lines"][0]["performed_by"] == "H12"
        row = db.session.scalars(select(Household).where(Household.code == "H12")).one()
        update_household(farm.actor, row, {"code": "H13"}, version=row.version, at=farm.at)
        db.session.commit()
        assert told(lot, farm.at)["lines"][0]["performed_by"] is None


def test_a_place_registered_after_events_named_its_number_is_told(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        farm, lot = make_farm(now), new_lot()
        there = f"{id_base()}/414/8930000000019"
        record = replace(farm.record(), place=there, location=there)
        farm.tell(register_lot(record, item(lot, 10), farm.facts()))
        assert "Chợ Demo" not in str(told(lot, farm.at))
        values = {"name": "Chợ Demo", "gln": "8930000000019", "kind": "market"}
        register_place(farm.actor, {**values, "ward_code": "09895"}, at=farm.at)
        db.session.commit()
        assert "Chợ Demo" in str(told(lot, farm.at))


def test_a_page_that_misses_what_replaces_an_error_looks_again(app: Flask, now: datetime) -> None:
    with app.app_context():
        farm = make_farm(now - timedelta(days=2))
        cycle, other = farm.sow(), farm.sow()
        wrong = diary_entry(farm.record(), cycle, "weeding")
        statement = farm.tell(wrong).events[0].statement_id
        lot = farm.reap(cycle)
        right = diary_entry(farm.record(), other, "weeding")
        error = declare_error(
            wrong,
            statement,
            id_base=id_base(),
            at=farm.at,
            reason="incorrect_data",
            corrective=[str(right["eventID"])],
        )
        farm.tell(error)
        at = farm.at
        assert misses(told(lot, at))
        farm.tell(right)  # about something else: nothing marks this page
        assert misses(told(lot, at))
        assert not misses(told(lot, at + AWAITED))


def misses(document: Any) -> bool:
    return any(line.get("voided", {}).get("corrective_missing") for line in document["lines"])


def rename(farm: Farm, what: str) -> None:
    if what == "product":
        product = farm.product
        values = {"name": "Tên mới Demo", "category": product.category, "unit": product.unit}
        update_product(farm.actor, product, values, version=product.version, at=farm.at)
    elif what == "place":
        values = {"name": "Tên mới Demo"}
        update_place(farm.actor, farm.plot, values, version=farm.plot.version, at=farm.at)
    else:
        mine = farm.organisation
        update_organisation(farm.actor, {"name": "Tên mới Demo"}, version=mine.version, at=farm.at)
    db.session.commit()


@pytest.mark.parametrize("what", ["product", "place", "organisation"])
def test_the_newest_pages_are_marked_at_once_and_all_of_them_by_the_job(
    app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    for name, size in (("AT_ONCE", 3), ("PART", 2), ("PART_BY_PLACE", 3)):
        monkeypatch.setattr(freshness, name, size)
    with app.app_context():
        farm, other = make_farm(now), make_farm(now, "Trang trại Demo khác")
        theirs = other.reap(other.sow(), kilos=10)
        lots = [harvested(farm) for _ in range(7)]
        run_pending()
        for lot in (*lots, theirs):
            told(lot, farm.at)
        rename(farm, what)
        new = [lot for lot in lots if "Tên mới Demo" in str(told(lot, farm.at))]
        assert 0 < len(new) < len(lots)
        assert lots[-1] in new
        run_pending()
        assert all("Tên mới Demo" in str(told(lot, farm.at)) for lot in lots)
        untouched = db.session.get_one(Passport, thing_id(theirs))
        assert not untouched.stale
