"""`flask --app wsgi trace export …`: each paper from the shell, for whom it may be."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of
from trace.core.epcis import parse_document

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def test_every_paper_of_a_lot_is_written_from_the_shell(
    app: Flask, farm: Farm, tmp_path: Path
) -> None:
    cycle = farm.sow()
    lot = farm.wait(12).reap(cycle)
    farm.send(lot, None, kilos=20)
    code, run = farm.organisation.code, app.test_cli_runner().invoke
    told = run(args=["trace", "export", "epcis", lot, "--organisation", code])
    events = json.loads(told.stdout)["epcisBody"]["eventList"]
    assert [one["bizStep"] for one in events] == ["trace:sowing", "trace:harvesting", "shipping"]
    assert len(parse_document(told.stdout.encode()).events) == 3
    told = run(args=["trace", "export", "passport", path_of(lot)])
    assert json.loads(told.stdout)["kind"] == "record"
    sheet = tmp_path / "fsma.csv"
    args = ["trace", "export", "fsma", lot, "--organisation", code, "--format", "csv"]
    told = run(args=[*args, "-o", str(sheet)])
    assert "2 rows" in told.stderr
    assert len(list(csv.reader(io.StringIO(sheet.read_text("utf-8-sig"))))) == 3
    told = run(args=["trace", "export", "eudr", lot, "--organisation", code])
    assert told.exit_code == 1  # the plot has no position
    assert json.loads(told.stdout)["type"] == "FeatureCollection"
    assert "FAILS\tno-shape" in told.stderr
    told = run(args=["trace", "export", "steps", "--organisation", code, "--since", "2026-11-01"])
    assert len(list(csv.reader(io.StringIO(told.stdout)))) == 2
    book = tmp_path / "diary.xlsx"
    args = ["trace", "export", "diary", cycle, "--organisation", code, "-o", str(book)]
    told = run(args=args)
    assert told.exit_code == 0, told.output
    assert len(openpyxl.load_workbook(book).sheetnames) == 13
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []


@pytest.mark.one_database
@pytest.mark.parametrize("address", ["", "x", "/b/7K3", "\udcff", "/b/\x00", "https://x.example/"])
def test_an_address_of_nothing_is_refused_by_name(app: Flask, farm: Farm, address: str) -> None:
    code = farm.organisation.code
    for kind in ("epcis", "passport", "eudr"):
        who = [] if kind == "passport" else ["--organisation", code]
        told = app.test_cli_runner().invoke(args=["trace", "export", kind, address, *who])
        assert told.exit_code == 1
        assert isinstance(told.exception, SystemExit), told.exception
    args = ["trace", "export", "steps", "--organisation", address or "-"]
    assert app.test_cli_runner().invoke(args=args).exit_code == 1
