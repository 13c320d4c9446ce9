"""A copy of the public pages: complete in itself, and nothing in it that is not public."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of
from trace.cli.pages import file_of
from trace.extensions import db, limiter
from trace.services import sequencer
from trace.web import guessing

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.one_database]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


@pytest.fixture
def copied(app: Flask, farm: Farm, tmp_path: Path) -> tuple[Path, str]:
    """The folder, and the printed path of a lot whose field's owner keeps some things private."""
    farm.household.name, farm.household.phone = "Bà Không Ai Biết", "0912345678"
    cycle = farm.sow(performed_by="H07")
    farm.wait(1)
    farm.spray(cycle, interval=7)
    farm.wait(10)
    lot = path_of(farm.reap(cycle, kilos=480))
    db.session.commit()
    sequencer.publish(now=LATER)
    db.session.commit()
    folder = tmp_path / "copy"
    done = app.test_cli_runner().invoke(args=["trace", "pages", "export", str(folder)])
    assert done.exit_code == 0, done.output
    return folder, lot


def test_a_printed_address_leads_to_its_page_and_the_proof_beside_it(
    copied: tuple[Path, str], client: FlaskClient
) -> None:
    folder, lot = copied
    moved = (folder / lot.strip("/") / "index.html").read_text()
    assert f"url=/t{lot}/" in moved
    page = (folder / "t" / lot.strip("/") / "index.html").read_text()
    assert "Phun lần cuối 10 ngày trước thu hoạch" in page
    assert "Last sprayed" in (folder / "t" / lot.strip("/") / "_lang-en/index.html").read_text()
    proof = (folder / "t" / lot.strip("/") / "_view-proof" / "index.html").read_text()
    assert f'data-bundle="/t{lot}/bundle.json"' in proof
    kept = (folder / "t" / lot.strip("/") / "bundle.json").read_bytes()
    assert kept == client.get(f"/t{lot}?format=bundle").data
    assert (folder / "log" / "checkpoint").read_text().startswith("trace.example")
    assert (folder / "log" / "policy").is_file()


def test_every_link_leads_to_a_file_of_the_copy_and_no_file_tells_what_is_private(
    copied: tuple[Path, str],
) -> None:
    folder, _ = copied
    links = 0
    for file in folder.rglob("*.html"):
        for address in re.findall(
            r'(?:href|src|data-bundle|data-policy)="(/[^"]*)"', file.read_text()
        ):
            target = folder / address.strip("/")
            assert target.is_file() or (target / "index.html").is_file(), (file, address)
            links += 1
    assert links > 40
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert "Bà Không Ai Biết".encode() not in data, file
            assert b"0912345678" not in data, file


def test_a_machine_that_has_to_wait_for_codes_still_copies_its_own_pages(
    app: Flask, farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = path_of(farm.reap(farm.sow()))
    db.session.commit()
    sequencer.publish(now=LATER)
    db.session.commit()
    monkeypatch.setattr(guessing, "UNKNOWN_CODES", 1)
    monkeypatch.setattr(limiter, "enabled", True)
    client = app.test_client()
    assert client.get("/t/b/HGJ4RN3CGE").status_code == 404
    assert client.get(f"/t{lot}").status_code == 429
    done = app.test_cli_runner().invoke(args=["trace", "pages", "export", str(tmp_path / "copy")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "copy" / "t" / lot.strip("/") / "index.html").is_file()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/t/b/7K3QMP2XV4", "t/b/7K3QMP2XV4/index.html"),
        ("/t/b/7K3QMP2XV4?view=proof&lang=en", "t/b/7K3QMP2XV4/_lang-en_view-proof/index.html"),
        ("/t/b/7K3QMP2XV4?lang=vi", "t/b/7K3QMP2XV4/index.html"),
        ("/static/scan/a.js?v=1", "static/scan/a.js"),
        ("/t/01/09520002010049/10/a%2Fb", None),
        ("/t/01/09520002010049/10/..", None),
        ("/t/01/09520002010049/10/%2e%2e", None),
    ],
)
def test_addresses_become_names_of_files_or_are_left_out(address: str, name: str | None) -> None:
    assert file_of(address) == name
