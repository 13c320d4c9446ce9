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
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.canaries import OWN, Canaries, found_in, readable, tell_world
from tests.support.factories import event, make_actor
from trace.core.epcis.query_parsing import parse_query
from trace.core.gs1 import Identity, parse_identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Organisation, Place, Product, Thing
from trace.models.credentials import KINDS
from trace.services import sequencer, untp
from trace.services.actors import Actor
from trace.services.batches import facts_of
from trace.services.capture import capture
from trace.services.epcis_queries import run
from trace.services.labels import Sheet, draw_sheet, label_of
from trace.services.settings import current_settings
from trace.services.timelines import timeline

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
        *(f"/t{path}?{one}" for one in ("lang=en&view=proof", "page=2", "view=passport")),
        *(f"/t{path}?format={one}" for one in ("json", "bundle", "badge", "preview", "passport")),
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


def credentials(client: FlaskClient, now: datetime) -> Iterator[tuple[str, bytes]]:
    """What makers hand out about every other of their lots."""
    things = db.session.scalars(select(Thing).where(Thing.kind == "lot").order_by(Thing.id)).all()
    for thing, kind in product(things[::2], KINDS):
        if thing.owner is None:
            continue
        try:
            row = untp.issue(Actor(thing.owner, None, "owner"), thing.id, kind, at=now)
        except TraceError:  # nothing public is recorded of it, or its maker approves by passkey
            db.session.rollback()
            continue
        db.session.commit()
        address = f"/credentials/{row.public_id}?format=json"
        yield address, client.get(address).data


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3, 4))])
def test_nothing_that_is_withheld_stands_on_any_public_face(
    db_session: scoped_session[Any], client: FlaskClient, now: datetime, seed: int
) -> None:
    canaries = told(seed, now)
    leaks: dict[str, list[str]] = {}
    shown: set[str] = set()
    photos: set[str] = set()
    everything = (pair for path in paths() for pair in faces(client, path))
    handed_out = list(credentials(client, now))
    assert len(handed_out) > 10
    for address, body in (*everything, *others(client, canaries), *handed_out):
        text = readable(body)
        if found := list(found_in(canaries, text)):
            leaks[address] = found[:3]
        shown.update(mark for mark in canaries.shown if mark in text)
        photos.update(re.findall(r"/photos/(?:small/)?([\w-]{43})\.jpg", text))
    assert leaks == {}
    # The search does find what is public.
    assert len(shown) > len(canaries.shown) / 3
    check_photos(client, photos, set(canaries.photos))
    check_labels(canaries)
    check_questions(canaries, now)


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


def check_labels(canaries: Canaries) -> None:
    """What hangs on the goods for everybody says nothing that is withheld."""
    printed, kept = 0, 0
    for thing in db.session.scalars(select(Thing).where(Thing.kind == "lot")):
        if thing.owner is None:
            continue
        facts = facts_of(timeline(Actor(thing.owner, None, "owner"), thing), thing)
        label = label_of(thing, facts, gs1=True)
        if "cbvmda:lotNumber" in facts.kept and facts.lot_number not in thing.identity:
            assert facts.lot_number not in label.lot
            kept += 1
        for form in ("pdf", "zpl"):
            body = draw_sheet(Sheet(label, 1, "roll-50x70", format=form))
            text = readable(body) + " ".join([label.name, label.lot, label.weight, *label.dates])
            assert list(found_in(canaries, text)) == []
            printed += 1
    assert printed
    assert kept, "no lot's number is withheld"


def check_questions(canaries: Canaries, now: datetime) -> None:
    """An organisation that knows of every thing and is a side of nothing asks for each mark by
    every parameter that could find it: nothing that is withheld is found, or told."""
    base = current_settings().id_base
    onlooker = make_actor(now, "Người ngoài Demo", kind="trader")
    known = db.session.scalars(
        select(Thing.identity).where(Thing.kind.in_(("lot", "cycle"))).order_by(Thing.id)
    ).all()
    told = event("ObjectEvent", quantityList=[{"epcClass": identity} for identity in known])
    capture(onlooker, [told], at=now)
    db.session.commit()
    seen = []
    for parameters in _questions(canaries):
        query = parse_query({"@context": OWN, **parameters}, id_base=base)
        token = ""
        while True:
            page = run(onlooker, query, at=now, per_page=1000, token=token)
            if parameters:
                assert page.documents == [], parameters
            seen += page.documents
            token = page.next_token or ""
            if not token:
                break
    assert len(seen) > 20, "others' events are seen as far as they are public"
    text = readable(json.dumps(seen, ensure_ascii=False).encode())
    assert list(found_in(canaries, text)) == []
    # What is shown is found, so the questions can find.
    shown = parse_query({"EQ_trace:note": canaries.shown[:900]}, id_base=base)
    assert run(onlooker, shown, at=now).documents


def _questions(canaries: Canaries) -> Iterator[dict[str, Any]]:
    yield {}
    for name in ("unitPrice", "contactPhone", "secret"):
        yield {f"EXISTS_canary:{name}": None}
    words = [mark for mark in canaries.hidden if mark.startswith("K")]
    for begin in range(0, len(words), 900):
        some = words[begin : begin + 900]
        for name in ("EQ_canary:unitPrice", "EQ_INNER_canary:secret", "EQ_trace:note"):
            yield {name: some}
        yield {"EQ_INNER_canary:er": some}
        for name in ("EQ_ILMD_trace:productName", "EQ_ILMD_trace:variety", "EQ_trace:seedSource"):
            yield {name: some}
        yield {"EQ_bizTransaction_po": [f"https://canary.example/{mark}" for mark in some]}
        yield {"EQ_trace:recordedBy": [f"urn:trace:person:{mark}" for mark in some]}
    numbers = [int(mark) / 1000 for mark in canaries.hidden if re.fullmatch(r"7\d{8}", mark)]
    for begin in range(0, len(numbers), 900):
        yield {"EQ_quantity": numbers[begin : begin + 900]}


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
