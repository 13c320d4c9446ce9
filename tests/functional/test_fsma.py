"""The FSMA spreadsheet: what it tells of a lot both ways, to whom, and that nothing in it runs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, new, path_of
from tests.support.kept import file_of
from trace.errors import NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Thing
from trace.services import fsma, fsma_files
from trace.services.actors import Actor
from trace.services.chain_papers import around
from trace.services.fsma_rules import COLUMNS

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def thing_of(uri: str) -> int:
    code = path_of(uri).rpartition("/")[2]
    return db.session.execute(select(Thing.id).where(Thing.identity.like(f"%{code}"))).scalar_one()


def told(actor: Actor, lot: str) -> list[dict[str, Any]]:
    found = around(actor, thing_of(lot))
    return [dict(zip(COLUMNS, row, strict=True)) for row in fsma.rows(found)]


def chain(farm: Farm) -> tuple[Farm, Farm, str, str, str]:
    """Grown, boxed and sold to a packer, who mixes it and sells on to a shop."""
    packer = make_farm(START + timedelta(days=13), "Xưởng Demo", kind="processor")
    shop = make_farm(START + timedelta(days=14), "Cửa hàng Demo", kind="retailer")
    cycle = farm.sow()
    lot = farm.wait(12).reap(cycle)
    crate = farm.box(lot, kilos=100)
    farm.send(crate, packer)
    packer.wait(0.2).take(crate, farm)
    packer.take(lot, farm, kilos=50)
    mixed = packer.mix([lot], 40)
    packer.send(mixed, shop, kilos=40)
    shop.wait(1).take(mixed, packer, kilos=40)
    return packer, shop, lot, crate, mixed


def test_every_tracking_event_of_a_lot_has_its_row_with_its_elements(farm: Farm) -> None:
    packer, _, lot, _, mixed = chain(farm)
    rows = told(farm.actor, lot)
    events = [row["Critical tracking event"] for row in rows]
    # Down the farm has its own sale and the receipt it is a side of, not what the packer made.
    assert events == ["Harvesting", "Initial packing", "Shipping", "Receiving", "Receiving"]
    harvest, packing, shipping, receiving, _ = rows
    assert harvest["Traceability lot code"] == lot
    assert harvest["Growing area name"] == farm.plot.name
    assert harvest["Variety"] == "Cải ngọt Bông vàng"
    assert harvest["Quantity"] == Decimal(480)
    assert harvest["Unit of measure"] == "kg"
    assert "Xưởng Demo" in str(harvest["Next recipient location"])
    # A crate is told as the lot that lay in it, with how much of it.
    assert shipping["Traceability lot code"] == packing["Traceability lot code"] == lot
    assert shipping["Quantity"] == packing["Quantity"] == Decimal(100)
    assert "Xưởng Demo" in str(shipping["Next recipient location"])
    assert farm.plot.name in str(receiving["Traceability lot code source"])
    assert "Reference document number" in str(harvest["Elements not recorded"])
    # The packer reads up to the farm and down to the shop.
    rows = told(packer.actor, mixed)
    assert {row["Direction"] for row in rows} == {"upstream", "this lot"}
    made = [row for row in rows if row["Critical tracking event"] == "Transformation"]
    assert [(row["Role in the event"], row["Traceability lot code"]) for row in made] == [
        ("input", lot),
        ("output", mixed),
    ]
    assert "Cửa hàng Demo" in str(rows[-1]["Next recipient location"] or rows[-2])


def test_nobody_reads_the_partners_of_others(farm: Farm) -> None:
    _, shop, lot, _, mixed = chain(farm)
    below = str(told(shop.actor, mixed))
    # The shop knows who sold to it; whom that one bought from is withheld by default.
    assert "Xưởng Demo" in below
    shipping = [
        row
        for row in told(shop.actor, mixed)
        if row["Critical tracking event"] in ("Shipping", "Receiving")
        and row["Traceability lot code"] == lot
    ]
    assert not any(row["Next recipient location"] for row in shipping)
    assert not any(row["Previous source location"] for row in shipping)
    assert "Cửa hàng Demo" not in str(told(farm.actor, lot))
    stranger = make_farm(START, "Người lạ Demo")
    with pytest.raises(NotFound):
        around(stranger.actor, thing_of(mixed))


def test_an_authority_reads_the_chain_it_reaches_whole(farm: Farm) -> None:
    _, _, lot, _, mixed = chain(farm)
    authority = make_farm(START, "Sở Demo", kind="authority", status="confirmed")
    inspector = Actor(authority.organisation, None, "inspector")
    rows = told(inspector, lot)
    assert {row["Direction"] for row in rows} == {"this lot", "downstream"}
    assert {row["Traceability lot code"] for row in rows} == {lot, mixed}
    assert any("Cửa hàng Demo" in str(row["Next recipient location"]) for row in rows)
    with pytest.raises(NotAllowed):
        around(Actor(authority.organisation, None, "viewer"), thing_of(lot))


def test_what_was_declared_in_error_is_not_on_the_paper(farm: Farm) -> None:
    lot = farm.register()
    sent = farm.send(lot, None, kilos=20)
    assert len(told(farm.actor, lot)) == 1
    farm.correct(sent, farm.told[-1])
    assert told(farm.actor, lot) == []


@pytest.mark.parametrize("form", fsma_files.FORMATS)
def test_a_job_writes_the_file_with_progress_and_nothing_in_it_runs(farm: Farm, form: str) -> None:
    farm.product.name = '=HYPERLINK("http://bad")'
    db.session.commit()
    lot = farm.reap(farm.sow(), lot=new("b"))
    farm.send(lot, None, kilos=20)
    job = fsma_files.ask(farm.actor, thing_of(lot), form, at=NOW)
    db.session.commit()
    assert job.total == 3
    run_pending()
    db.session.refresh(job)
    assert job.state == "done", job.result
    name, kind = fsma_files.fetch(farm.actor, job.public_id, at=NOW)
    path = file_of(name)
    assert kind == form
    rows = read(path, form)
    assert rows[0] == list(COLUMNS)
    assert len(rows) == 3
    described = rows[1][COLUMNS.index("Product description")]
    assert described == ("'" if form == "csv" else "") + '=HYPERLINK("http://bad")'
    assert [one.public_id for one in fsma_files.list_files(farm.actor, thing_of(lot))] == [
        job.public_id
    ]
    stranger = make_farm(START, "Người lạ Demo")
    for who, at in ((stranger.actor, NOW), (farm.actor, NOW + timedelta(days=4))):
        with pytest.raises(NotFound):
            fsma_files.fetch(who, job.public_id, at=at)


def read(path: Path, form: str) -> list[list[str]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    book = openpyxl.load_workbook(path)
    sheet = book["Key data elements"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert sheet.auto_filter.ref
    return [[str(cell.value) for cell in row] for row in sheet.iter_rows()]


@pytest.mark.one_database
@pytest.mark.parametrize("form", ["", "pdf", "xlsx\x00", "\ud800"])
def test_another_format_is_refused_by_name(farm: Farm, form: str) -> None:
    lot = farm.register()
    with pytest.raises(TraceError) as refused:
        fsma_files.ask(farm.actor, thing_of(lot), form, at=NOW)
    assert refused.value.code == "unknown-format"
