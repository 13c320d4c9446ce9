"""One fact told through three doors: a form, an old partner's EPCIS 1.2 XML and JSON-LD.

They meet in one history. What the standard calls the same event (the same event hash) is told once
and refused the second time; what comes under another eventID is kept, and told to be a repeat by
our rules: nothing is dropped, nothing is merged.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.functional.test_epcis_xml import XML, Sender
from tests.support.factories import make_actor
from tests.support.fields import open_console
from tests.support.pages import PageClient
from tests.unit.epcis.test_xml_round_trip import same
from tests.unit.epcis.xml_documents import ERROR, ID, NEW, OLD, SPACES, TWIN, json_twin, new, old
from trace.core.epcis import event_hash, parse_document
from trace.core.epcis.xml import parse_xml
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Event, Organisation, Thing
from trace.services import chain_audit
from trace.services.actors import Actor
from trace.services.timelines import Line, open_event, timeline

JSON = "application/ld+json"
OWN_NUMBER = "urn:uuid:5f0c7a52-8a5e-4c5a-9d27-2b6f4f1f7a10"


def old_xml(form: dict[str, Any]) -> bytes:
    """What the form recorded, as an ERP of ten years ago writes it: 1.2, URNs, nested."""
    (goods,) = form["quantityList"]
    return old(
        f"<ObjectEvent><eventTime>{form['eventTime']}</eventTime>"
        f"<eventTimeZoneOffset>{form['eventTimeZoneOffset']}</eventTimeZoneOffset>"
        "<epcList/><action>ADD</action>"
        "<bizStep>urn:epcglobal:cbv:bizstep:creating_class_instance</bizStep>"
        "<extension><quantityList><quantityElement>"
        "<epcClass>urn:epc:class:lgtin:8936012.034001.L2611</epcClass>"
        f"<quantity>{goods['quantity']}</quantity><uom>KGM</uom>"
        "</quantityElement></quantityList></extension></ObjectEvent>"
    )


def new_json(form: dict[str, Any], **more: Any) -> bytes:
    """The same as EPCIS 2.0 JSON-LD with web addresses, as a system of today writes it."""
    document = orjson.loads(json_twin())
    (goods,) = form["quantityList"]
    document["epcisBody"]["eventList"] = [
        {
            "type": "ObjectEvent",
            "eventTime": form["eventTime"],
            "eventTimeZoneOffset": form["eventTimeZoneOffset"],
            "action": "ADD",
            "bizStep": "creating_class_instance",
            "quantityList": [
                {
                    "epcClass": "https://id.gs1.org/01/08936012340013/10/L2611",
                    "quantity": goods["quantity"],
                    "uom": "KGM",
                }
            ],
            **more,
        }
    ]
    return orjson.dumps(document)


def history(app: Flask, organisation_id: int, lot: int) -> list[Line]:
    with app.app_context():
        organisation, thing = (
            db.session.get(Organisation, organisation_id),
            db.session.get(Thing, lot),
        )
        assert organisation is not None
        assert thing is not None
        return timeline(Actor(organisation, None, "owner"), thing)


def test_one_fact_told_through_three_doors_meets_in_one_history_and_is_told_to_be_one(
    app: Flask, pages: PageClient, client: FlaskClient, now: datetime
) -> None:
    console = open_console(app, pages)
    lot = console.lot("480", lot="L2611")
    (form,) = [line.document for line in history(app, console.organisation, lot)]
    with app.app_context():
        organisation = db.session.get(Organisation, console.organisation)
        assert organisation is not None
        sender = Sender(app, client, organisation, now)
    xml, twin = old_xml(form), new_json(form)
    # A form numbers its events; XML and JSON without a number are one event to the standard.
    (from_xml,), (from_json,) = parse_xml(xml).events, parse_document(twin).events
    assert event_hash(from_xml) == event_hash(from_json) != form["eventID"]
    assert sender.capture(xml, XML)["errors"] == []
    (refused,) = sender.capture(twin, JSON)["errors"]
    assert (refused["status"], refused["code"]) == (409, "already-recorded")
    assert refused["path"] == "/epcisBody/eventList/0/eventID"
    # Under a number of its own it is another record of the same fact, and kept.
    assert sender.capture(new_json(form, eventID=OWN_NUMBER), JSON)["errors"] == []
    lines = history(app, console.organisation, lot)
    assert {line.document["eventID"] for line in lines} == {
        form["eventID"],
        event_hash(from_xml),
        OWN_NUMBER,
    }
    assert {named.thing.id for line in lines for named in line.things} == {lot}
    assert {line.event_time for line in lines} == {lines[0].event_time}
    with app.app_context():
        publish("test")
        inspector = make_actor(now, "Chi cục Demo", "authority", "confirmed", "supervisor")
        found = chain_audit.audit_chain(inspector, lot, at=now + timedelta(hours=1))
    repeats = [one for one in found.findings if one.rule == "repeat"]
    assert [(one.severity, one.told["minutes"]) for one in repeats] == [("low", 0)] * 2
    assert {row for one in repeats for row in one.events} == {line.event_id for line in lines}


def test_twins_in_xml_and_json_get_one_event_hash_and_are_stored_alike(
    app: Flask, client: FlaskClient, now: datetime
) -> None:
    """Of everything an event may hold, sent without a number by one organisation each."""
    twin = {
        name: value for name, value in TWIN.items() if name not in ("eventID", "errorDeclaration")
    }
    sent = (
        (old(OLD.replace(ID, "").replace(ERROR, ""), SPACES), XML),
        (new(NEW.replace(ID, "").replace(ERROR, ""), SPACES), XML),
        (json_twin(twin), JSON),
    )
    for data, kind in sent:
        with app.app_context():
            sender = Sender(app, client, make_actor(now).organisation, now)
        assert sender.capture(data, kind)["errors"] == []
    with app.app_context():
        stored = [open_event(row)[0] for row in db.session.scalars(select(Event))]
    assert {event["eventID"] for event in stored} == {event_hash(twin)}
    assert len(stored) == 3
    assert all(same(event, stored[0]) for event in stored)
