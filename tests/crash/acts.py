"""The kinds of work that are killed. Each does one whole act, and acknowledges as it goes.

An acknowledgement is sent when somebody outside was, or could have been, answered: after the commit
was. With `world.early` it is sent before: what a careless program would do, and what the checks
must catch.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from PIL import Image
from sqlalchemy import select

from tests.crash.world import World
from tests.support import printing, sheets
from tests.support.factories import event, new_lot, registered
from tests.support.farms import item, uri_of
from trace import clock
from trace.core.epcis import JsonObject, event_context
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.models import Recall, RecallHolder
from trace.services import attachments, imports
from trace.services.actors import Actor
from trace.services.capture import Captured, capture
from trace.services.erasures import erase
from trace.services.log import current_state
from trace.services.platform import platform_organisation
from trace.services.recalls import answering, cases, signing
from trace.services.recalls.booking import Line
from trace.services.records import Record
from trace.services.settings import current_settings
from trace.services.shipments import Parties, ship

Ack = dict[str, Any]
Tell = Callable[[Ack], None]
LAG = 0.02  # seconds of a slow disk: on a fast one no kill meets the careless moment
NOTE = "Nhà bác Tư cuối xóm"


def settled(world: World, tell: Tell, ack: Ack) -> None:
    """Commits and acknowledges, in the order that the run is about."""
    if world.early:
        tell(ack)
        time.sleep(LAG)
    db.session.commit()
    if not world.early:
        tell(ack)


def told(captured: Captured) -> list[list[Any]]:
    return [[one.statement_id, one.index] for one in captured.events]


def recording(world: World, tell: Tell) -> None:
    """A form's record: two events about a new lot, under an idempotency key."""
    lot = new_lot()
    events = [registered(lot), event("ObjectEvent", bizStep="inspecting", quantityList=[of(lot)])]
    key = os.urandom(8).hex()
    done = capture(world.actor(), events, at=clock.now(), idempotency_key=key)
    settled(world, tell, {"captured": told(done)})


def over_http(world: World, tell: Tell) -> None:
    """An event recorded at once, and a document taken for later, as programs send them."""
    client = world.app.test_client()
    headers = {"Authorization": f"Bearer {world.token}"}
    names = [f"urn:crash:{os.urandom(8).hex()}" for _ in range(4)]
    made = [plain(registered(new_lot(), eventID=name)) for name in names]
    body = orjson.dumps({**made[0], "@context": event_context(current_settings().id_base)})
    answer = client.post(
        "/epcis/v2/events", data=body, headers=headers, content_type="application/json"
    )
    if answer.status_code != 201:
        raise RuntimeError(f"{answer.status_code} {answer.text}")
    tell({"recorded": names[:1]})
    answer = client.post(
        "/epcis/v2/capture",
        data=document(made[1:]),
        headers=headers,
        content_type="application/json",
    )
    if answer.status_code != 202:
        raise RuntimeError(f"{answer.status_code} {answer.text}")
    tell({"recorded": names[1:]})
    world.run_jobs()


def importing(world: World, tell: Tell) -> None:
    """A file of eleven lots: sent, looked at, recorded."""
    actor = world.actor()
    row = imports.receive_file(actor, "lots", "lo.csv", sheets.lots(11), at=clock.now())
    public_id = row.public_id
    settled(world, tell, {"file": public_id})
    world.run_jobs()
    row = imports.get_import(actor, public_id)
    imports.start(actor, row, "all", at=clock.now())
    settled(world, tell, {"import": public_id})
    world.run_jobs()


def printing_labels(world: World, tell: Tell) -> None:
    """A roll of serials and its sheet."""
    job = printing.asked(world.actor())
    settled(world, tell, {"sheet": job.public_id})
    world.run_jobs()


def recalling(world: World, tell: Tell) -> None:
    """A lot goes to a shop and is recalled by the authority; the shop answers."""
    lot = new_lot()
    farm, shop, office = world.actor(), world.shop(), world.office()
    capture(farm, [registered(lot, 90)], at=clock.now())
    record = Record(current_settings().id_base, f"urn:uuid:{uuid()}", clock.now())
    parties = Parties(giver=uri_of(farm.organisation), taker=uri_of(shop.organisation))
    shipped = capture(farm, [ship(record, [item(lot, 90)], parties)], at=clock.now())
    settled(world, tell, {"captured": told(shipped)})
    now = clock.now()
    wanted = cases.Wanted(codes=[lot.rsplit("/", 1)[1]])
    recall = cases.begin(
        office, wanted, cases.find(office, wanted), kind="recall", rehearsal=False, at=now
    )
    values = {
        "hazard": "health",
        "grade": 2,
        "reason": "Dư lượng vượt giới hạn",
        "instructions": "",
        "determined_at": now,
    }
    recall_id = recall.id
    db.session.commit()
    recall = db.session.get_one(Recall, recall_id)
    cases.choose_class(office, recall, values, version=recall.version, at=now)
    db.session.commit()
    recall = db.session.get_one(Recall, recall_id)
    signing.sign(office, recall, None, version=recall.version, at=now)
    settled(world, tell, {"recall": recall_id})
    world.run_jobs()
    recall = db.session.get_one(Recall, recall_id)
    holder = db.session.scalars(
        select(RecallHolder).where(
            RecallHolder.recall_id == recall_id,
            RecallHolder.organisation_id == shop.organisation.id,
        )
    ).first()
    if holder is None:  # another process is doing the job
        return
    line = Line("destroyed", "KGM", Decimal(10))
    answering.answer(holder, recall, [line], way="phone", at=clock.now(), teller="Cửa hàng")
    settled(world, tell, {"answered": holder.id})


def uploading(world: World, tell: Tell) -> tuple[str, str]:
    """A record with a photo and a note; returns its statement and the photo's digest."""
    actor, now = world.actor(), clock.now()
    kept = attachments.keep_photo(actor, photo(), at=now)
    digest = kept.digest
    named = [attachments.reference(kept)]
    made = registered(new_lot(), trace__attachments=named, trace__note=NOTE)
    done = capture(actor, [made], at=now)
    statement = done.events[0].statement_id
    settled(world, tell, {"captured": told(done), "photo": [statement, digest]})
    return statement, digest


def erasing(world: World, tell: Tell) -> None:
    """A record with a photo and a note, erased again."""
    statement, digest = uploading(world, tell)
    platform = Actor(platform_organisation(), None, "admin")
    erase(platform, statement, ["trace:note", "trace:attachments"], reason="1", at=clock.now())
    settled(world, tell, {"erased": [statement, digest]})


def publishing(world: World, tell: Tell) -> None:
    """A worker's round: three captures, the log published, what is due done."""
    actor = world.actor()
    for _ in range(3):
        done = capture(actor, [registered(new_lot())], at=clock.now())
        settled(world, tell, {"captured": told(done)})
    world.run_jobs()
    tell({"published": current_state().integrated})
    db.session.rollback()
    tidy(at=clock.now())


ACTS: dict[str, Callable[[World, Tell], Any]] = {
    "capture": recording,
    "capture over HTTP": over_http,
    "import": importing,
    "labels": printing_labels,
    "recall": recalling,
    "upload": uploading,
    "erasure": erasing,
    "worker's round": publishing,
}


def of(lot: str) -> JsonObject:
    return {"epcClass": lot, "quantity": 480, "uom": "KGM"}


def uuid() -> str:
    made = os.urandom(16).hex()
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-8{made[17:20]}-{made[20:]}"


def plain(made: JsonObject) -> JsonObject:
    return {name: value for name, value in made.items() if name != "@context"}


def document(events: list[JsonObject]) -> bytes:
    return orjson.dumps(
        {
            "@context": event_context(current_settings().id_base),
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-20T05:00:00.000Z",
            "epcisBody": {"eventList": events},
        }
    )


def photo() -> io.BytesIO:
    """A picture unlike any other."""
    file = io.BytesIO()
    Image.frombytes("RGB", (32, 24), os.urandom(32 * 24 * 3)).save(file, "PNG")
    file.seek(0)
    return file
