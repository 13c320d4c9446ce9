"""What is kept private is nowhere: every public face of a world with every kind of privacy choice,
searched for marks that stand in what was withheld; and pages are the same to the byte wherever and
whenever they are made."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.canaries import Canaries, found_in, readable, tell_world
from trace.core.gs1 import Identity, parse_identity
from trace.extensions import db
from trace.models import Organisation, Place, Product, Thing
from trace.services import sequencer
from trace.services.settings import current_settings

START = datetime(2026, 6, 15, 0, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("now")


def told(seed: int, now: datetime) -> Canaries:
    canaries = tell_world(seed, START, current_settings().id_base)
    sequencer.publish(now=now)
    db.session.commit()
    return canaries


def paths() -> list[str]:
    """The printed paths of everything there is, without /t."""
    base = current_settings().id_base
    rows: list[str] = [
        *db.session.scalars(select(Thing.identity)),
        *db.session.scalars(select(Place.identity)),
        *db.session.scalars(select(Product.identity)),
    ]
    found = [one.path for one in (parse_identity(row, base) for row in rows) if one]
    found += [Identity("o", code).path for code in db.session.scalars(select(Organisation.code))]
    stalls = db.session.scalars(select(Place.code).where(Place.kind.in_(("stall", "shop"))))
    return [*found, *(f"/p/{code}" for code in stalls)]


def faces(client: FlaskClient, path: str) -> Iterator[tuple[str, bytes]]:
    """(address, body) of every public face of one thing."""
    for address in (
        *(f"/t{path}?lang={one}" for one in ("vi", "en")),
        *(f"/t{path}?{one}" for one in ("lang=en&view=proof", "page=2")),
        *(f"/t{path}?format={one}" for one in ("json", "bundle", "badge", "preview")),
        f"{path}?linkType=linkset",
    ):
        answer = client.get(address)
        assert answer.status_code < 500, address
        yield address, answer.data


def others(client: FlaskClient, canaries: Canaries) -> Iterator[tuple[str, bytes]]:
    """Lists, files and search, asked for the marks themselves as well."""
    codes = db.session.scalars(select(Organisation.code)).all()
    for address in (
        *("/", "/sitemap.xml", "/sitemap/products-0.xml", "/sitemap/makers-0.xml", "/robots.txt"),
        *("/.well-known/did.json", "/log/checkpoint", "/log/policy", "/search?q=demo"),
        *("/log/tile/entries/000.p/" + str(n) for n in (1, 2)),
        *(f"/o/{code}/did.json" for code in codes),
        *(f"/epcis/v2/events?EQ_bizStep={one}" for one in ("shipping", "harvesting")),
    ):
        yield address, client.get(address).data
    for mark in canaries.hidden[:: max(1, len(canaries.hidden) // 40)]:
        body = client.get(f"/search?q={mark}").data
        yield f"/search?q={mark}", body.replace(mark.encode(), b"")
        assert b'href="/t/' not in body, f"searching for {mark} finds something"


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3, 4))])
def test_nothing_that_is_withheld_stands_on_any_public_face(
    db_session: scoped_session[Any], client: FlaskClient, now: datetime, seed: int
) -> None:
    canaries = told(seed, now)
    leaks: dict[str, list[str]] = {}
    shown: set[str] = set()
    photos: set[str] = set()
    everything = (pair for path in paths() for pair in faces(client, path))
    for address, body in (*everything, *others(client, canaries)):
        text = readable(body)
        if found := list(found_in(canaries, text)):
            leaks[address] = found[:3]
        shown.update(mark for mark in canaries.shown if mark in text)
        photos.update(re.findall(r"/photos/(?:small/)?([\w-]{43})\.jpg", text))
    assert leaks == {}
    # The search does find what is public.
    assert len(shown) > len(canaries.shown) / 3
    check_photos(client, photos, set(canaries.photos))


def check_photos(client: FlaskClient, public: set[str], withheld: set[str]) -> None:
    """Pictures tell nothing beside what is seen, and withheld ones are not given out."""
    assert public, "no photo is shown at all"
    for digest in public:
        with client.get(f"/photos/{digest}.jpg") as answer:
            assert answer.status_code == 200
            with Image.open(io.BytesIO(answer.data)) as picture:
                assert not dict(picture.getexif())
                assert "comment" not in picture.info
    assert withheld, "no photo is withheld"
    for digest in withheld:
        assert client.get(f"/photos/{digest}.jpg").status_code == 404


RENDER = """
import json, sys
from hashlib import sha256
from time_machine import travel
from trace.app import create_app
from tests.conftest import settings_for
from pathlib import Path
folder, url, paths, moment = json.loads(sys.argv[1])
app = create_app(settings_for(Path(folder), url))
with travel(moment, tick=False):
    client = app.test_client()
    made = {}
    for path in paths:
        for query in ("", "?lang=en", "?lang=vi&view=proof"):
            answer = client.get("/t" + path + query)
            made[path + query] = [answer.status_code, sha256(answer.data).hexdigest(),
                                  answer.headers.get("ETag")]
print(json.dumps(made))
"""


def rendered(app: Flask, asked: list[str], seed: str, now: datetime) -> dict[str, list[Any]]:
    """Every page, drawn by a process of its own."""
    settings = app.extensions["trace.settings"]
    given = [str(settings.instance), settings.database_url, asked, now.isoformat()]
    answer = subprocess.run(
        [sys.executable, "-c", RENDER, json.dumps(given)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    made: dict[str, list[Any]] = json.loads(answer.stdout)
    return made


def test_a_page_of_one_version_is_the_same_to_the_byte_in_every_process(
    app: Flask, db_session: scoped_session[Any], now: datetime
) -> None:
    told(4, now)
    asked = paths()[::4]
    db.session.remove()
    later = now + timedelta(minutes=1)
    first = rendered(app, asked, "1", later)
    assert sum(status == 200 for status, *_ in first.values()) > len(asked)
    with app.test_client() as client:  # a third process, this one
        for path in asked[:5]:
            assert client.get(f"/t{path}").headers.get("ETag") == first[path][2]
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE passports SET stale = true")
    # Read, judged and drawn anew, nothing is different but the version in the ETag.
    again = rendered(app, asked, "2", later)
    assert {key: made[:2] for key, made in again.items()} == {
        key: made[:2] for key, made in first.items()
    }
