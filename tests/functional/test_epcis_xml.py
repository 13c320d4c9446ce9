"""EPCIS in XML over HTTP: captured from 1.2 and 2.0, answered in both, refused with names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.factories import make_actor
from tests.support.fields import open_console
from tests.support.pages import PageClient
from tests.unit.epcis.test_xml_round_trip import same
from tests.unit.epcis.xml_documents import DATES, HEAD, NEW, OLD, SPACES, TWIN, json_twin, new, old
from trace.cli.core import hash_command
from trace.core.epcis import event_hash
from trace.core.epcis.xml import parse_xml
from trace.extensions import db
from trace.jobs import worker
from trace.models import Event, Organisation, Thing
from trace.services.actors import Actor
from trace.services.timelines import open_event, timeline
from trace.services.tokens import issue_token

API = "/epcis/v2"
XML = "application/xml"
Q = "{urn:epcglobal:epcis-query:xsd:1}"
FN = "{http://www.w3.org/2005/xpath-functions}"
EPCIS = "{urn:epcglobal:epcis:xsd:2}"


class Sender:
    """A client with a token of an organisation."""

    def __init__(self, app: Flask, client: FlaskClient, organisation: Organisation, at: datetime):
        _, self.token = issue_token(organisation, "máy", ["capture", "query"], at=at)
        db.session.commit()
        self.app, self.client = app, client

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            path if path.startswith(API) else API + path,
            method=method,
            data=body,
            headers={"Authorization": f"Bearer {self.token}", **given},
        )

    def capture(self, data: bytes, kind: str = XML) -> dict[str, Any]:
        answer = self.call("POST", "/capture", data, Content_Type=kind)
        assert answer.status_code == 202, answer.text
        with self.app.app_context():
            worker.run_pending()
        job = self.call("GET", answer.headers["Location"]).json
        assert job is not None
        return {**job, "address": answer.headers["Location"]}


@pytest.fixture
def sender(app: Flask, client: FlaskClient, now: datetime) -> Sender:
    with app.app_context():
        return Sender(app, client, make_actor(now).organisation, now)


def events(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["epcisBody"]["queryResults"]["resultsBody"][
        "eventList"
    ]
    return found


def test_the_same_event_in_old_xml_new_xml_and_json_is_stored_alike(
    app: Flask, client: FlaskClient, now: datetime
) -> None:
    """Three organisations send it in three forms; what each signed is the same."""
    for data, kind in (
        (old(OLD, SPACES), XML),
        (new(NEW, SPACES), "text/xml; charset=utf-8"),
        (json_twin(), "application/ld+json"),
    ):
        with app.app_context():
            sender = Sender(app, client, make_actor(now).organisation, now)
        assert sender.capture(data, kind)["errors"] == []
        # Whoever sends it again in another form is told that it is known.
        assert [one["status"] for one in sender.capture(old(OLD, SPACES))["errors"]] == [409]
    with app.app_context():
        stored = [open_event(row)[0] for row in db.session.scalars(select(Event))]
    assert len(stored) == 3
    assert same(stored[0], stored[1])
    assert same(stored[0], stored[2])


def test_old_xml_new_json_and_a_form_meet_in_one_history(
    app: Flask, pages: PageClient, client: FlaskClient, now: datetime
) -> None:
    console = open_console(app, pages)
    lot = console.lot("10", lot="L2611")
    with app.app_context():
        organisation = db.session.scalar(
            select(Organisation).where(Organisation.kind != "platform")
        )
        assert organisation is not None
        sender = Sender(app, client, organisation, now)
    xml = (
        f"<ObjectEvent>{HEAD}<epcList/><action>OBSERVE</action>"
        "<bizStep>urn:epcglobal:cbv:bizstep:storing</bizStep><extension><quantityList>"
        "<quantityElement><epcClass>urn:epc:class:lgtin:8936012.034001.L2611</epcClass>"
        "<quantity>10</quantity><uom>KGM</uom></quantityElement></quantityList></extension>"
        "</ObjectEvent>"
    )
    assert sender.capture(old(xml))["success"]
    body = orjson.loads(json_twin())
    body["epcisBody"]["eventList"] = [
        {
            "type": "ObjectEvent",
            "eventTime": "2026-11-20T09:00:00+07:00",
            "eventTimeZoneOffset": "+07:00",
            "action": "OBSERVE",
            "bizStep": "inspecting",
            "quantityList": [
                {"epcClass": "https://id.gs1.org/01/08936012340013/10/L2611", "quantity": 10}
            ],
        }
    ]
    assert sender.capture(orjson.dumps(body), "application/json")["success"]
    with app.app_context():
        thing = db.session.get(Thing, lot)
        organisation = db.session.get(Organisation, console.organisation)
        assert thing is not None
        assert organisation is not None
        lines = timeline(Actor(organisation, None, "owner"), thing)
        assert {line.document["bizStep"] for line in lines} == {
            "creating_class_instance",
            "storing",
            "inspecting",
        }
    # Whatever form a question names the lot in, all three answer it.
    for name in (
        "urn:epc:class:lgtin:8936012.034001.L2611",
        "https://example.com/01/08936012340013/10/L2611",
    ):
        found = events(sender.call("GET", f"/events?MATCH_anyEPCClass={name}"))
        assert len(found) == 3


def test_events_are_answered_in_1_2_to_who_knows_no_later_version(sender: Sender) -> None:
    assert sender.capture(new(NEW, SPACES))["success"]
    answer = sender.call("GET", "/events", Accept=XML, GS1_EPCIS_Max="1.2")
    assert (answer.status_code, answer.mimetype) == (200, XML)
    assert answer.headers["GS1-EPCIS-Version"] == "1.2.0"
    root = etree.fromstring(answer.data)
    assert (root.tag, root.get("schemaVersion")) == (f"{Q}EPCISQueryDocument", "1.2")
    assert root.find(".//ObjectEvent/extension/extension/sensorElementList") is not None
    document = parse_xml(answer.data)
    assert document.events[0]["epcList"] == ["urn:epc:id:sgtin:0614141.107346.2017"]
    later = sender.call("GET", "/events", Accept=XML)
    assert later.headers["GS1-EPCIS-Version"] == "2.0.0"
    assert parse_xml(later.data).schema_version == "2.0"
    assert (
        sender.call("GET", "/events", Accept="application/json", GS1_EPCIS_Max="1.2").status_code
        == 406
    )
    assert sender.call("GET", "/events", Accept=XML, GS1_EPCIS_Max="1.1").status_code == 406


def test_a_single_event_in_xml_is_recorded_and_answered(sender: Sender) -> None:
    bare = NEW.replace("<ObjectEvent>", f'<ObjectEvent {SPACES} xmlns:xsi="urn:no">')
    body = bare.replace("xsi:nil", "xsi_nil").replace(' xsi_nil="true"/>', ">3</quantity>").encode()
    answer = sender.call("POST", "/events", body, Content_Type=XML, Accept=XML)
    assert answer.status_code == 201, answer.text
    assert parse_xml(answer.data).events[0]["bizStep"] == "shipping"
    again = sender.call("POST", "/events", body, Content_Type=XML, Accept=XML)
    assert (again.status_code, again.mimetype) == (409, "application/problem+xml")
    root = etree.fromstring(again.data)
    assert root.tag == f"{EPCIS}EPCISException"
    assert root.findtext("type") == "epcisException:ResourceAlreadyExistsException"
    assert root.findtext("status") == "409"


def test_a_capture_job_is_told_in_xml_with_every_errors_path(sender: Sender) -> None:
    wrong = NEW.replace("BizStep-shipping", "BizStep-teleporting").replace(
        "<eventTimeZoneOffset>+07:00", "<eventTimeZoneOffset>+25:00"
    )
    job = sender.capture(new(NEW + wrong, SPACES))
    assert (job["success"], {error["path"] for error in job["errors"]}) == (
        False,
        {"/epcisBody/eventList/1/bizStep", "/epcisBody/eventList/1/eventTimeZoneOffset"},
    )
    answer = sender.call("GET", job["address"], Accept=XML)
    root = etree.fromstring(answer.data)
    assert root.tag == f"{EPCIS}EPCISCaptureJob"
    assert {str(key): str(value) for key, value in root.attrib.items()} == {
        "running": "false",
        "success": "false",
        "captureID": job["captureID"],
    }
    assert root.findtext("captureErrorBehaviour") == "rollback"
    assert len(root.findall("errors/error")) == 2


def test_lists_of_names_are_w3cs_xml_of_json(sender: Sender) -> None:
    assert sender.capture(new(NEW, SPACES))["success"]
    for path, name in (
        ("/", "capture"),
        ("/bizSteps", "shipping"),
        ("/epcs", "https://id.gs1.org/"),
    ):
        answer = sender.call("GET", path, Accept=XML, GS1_EPC_Format="Never_Translates")
        assert (answer.status_code, answer.mimetype) == (200, XML)
        names = etree.fromstring(answer.data).findall(f"{FN}array[@key='member']/{FN}string")
        assert any((one.text or "").startswith(name) for one in names), answer.text


def test_lists_of_jobs_queries_and_subscriptions_are_answered_in_xml_page_by_page(
    sender: Sender,
) -> None:
    for _ in range(2):
        sender.capture(new(NEW, SPACES))
        sender.call("POST", "/capture", new(NEW, SPACES), Content_Type=XML)
    for name in ("một", "hai"):
        body = orjson.dumps({"name": name, "query": {"EQ_bizStep": ["shipping"]}})
        sender.call("POST", "/queries", body, Content_Type="application/json")
    for at in ("3", "4"):
        body = orjson.dumps({"dest": f"http://127.0.0.1:{at}/", "stream": True})
        sender.call("POST", "/queries/hai/subscriptions", body, Content_Type="application/json")
    old_version = {"Content_Type": XML, "GS1_EPCIS_Version": "1.2", "GS1_CBV_Version": "1.2"}
    assert sender.call("POST", "/capture", old(OLD, SPACES), **old_version).status_code == 202
    as_json = {**old_version, "Content_Type": "application/json"}
    assert sender.call("POST", "/capture", json_twin(), **as_json).status_code == 406
    for path, member in (
        ("/capture", "captureID"),
        ("/queries", "name"),
        ("/queries/hai/subscriptions", "subscriptionID"),
    ):
        in_json = sender.call("GET", path, Accept="application/json;q=0.9, text/csv")
        assert in_json.json is not None
        first = sender.call("GET", f"{path}?perPage=1", Accept="application/xml, */*;q=0.1")
        assert (first.status_code, first.mimetype, first.headers["Vary"]) == (200, XML, "Accept")
        told = []
        following: str | None = first.headers["Link"].partition("<")[2].partition(">")[0]
        while True:
            told += [
                one.text
                for one in etree.fromstring(first.data).findall(
                    f"{FN}map/{FN}string[@key='{member}']"
                )
            ]
            if following is None:
                break
            first = sender.call("GET", following, Accept=XML)
            link = first.headers.get("Link")
            following = link.partition("<")[2].partition(">")[0] if link else None
        assert told == [one[member] for one in in_json.json]
        assert sender.call("GET", path, Accept="text/csv").status_code == 406
    one = sender.call("GET", "/queries/hai", Accept=XML)
    assert etree.fromstring(one.data).findtext(f"{FN}string[@key='name']") == "hai"


@pytest.mark.one_database("sqlite")
@pytest.mark.parametrize(
    ("body", "kind", "status", "codes"),
    [
        (b"<", XML, 400, ["bad-xml"]),
        (b"", XML, 400, ["bad-xml"]),
        (b"{}", XML, 400, ["bad-xml"]),
        (b"\0" * 100, XML, 400, ["bad-xml"]),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", XML, 400,
         ["dtd-not-allowed"]),
        (b"<a/>", XML, 400, ["not-epcis"]),
        (b"<a>" * 90_000, XML, 400, ["too-deep"]),
        (new("").replace(DATES.encode(), b""), XML, 400, ["missing-member"]),
        (new(NEW, SPACES).replace(b"<action>", b"x<action>ADD</action><action>"), XML, 400,
         ["unexpected-text", "duplicate-key"]),
        (new("<ObjectEvent/>" * 10_001), XML, 413, ["capture-limit"]),
        (new(NEW, SPACES), "text/csv", 415, ["unsupported-media-type"]),
        (new(NEW, SPACES), "application/json", 400, ["bad-json"]),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_wrong_is_told_in_the_form_that_is_read(
    sender: Sender, body: bytes, kind: str, status: int, codes: list[str]
) -> None:
    for accept in ("*/*", "text/xml"):
        answer = sender.call("POST", "/capture", body, Content_Type=kind, Accept=accept)
        assert answer.status_code == status
        if accept == "*/*":
            assert answer.mimetype == "application/problem+json"
            assert answer.json is not None
            listed = [one["code"] for one in answer.json.get("errors", [answer.json])]
            assert listed == codes
            assert answer.json["type"].startswith("epcisException:")
        else:
            assert answer.mimetype == "application/problem+xml"
            root = etree.fromstring(answer.data)
            assert root.tag == f"{EPCIS}EPCISException"
            assert root.findtext("status") == str(status)


@pytest.mark.one_database("sqlite")
def test_the_command_hashes_xml_and_json_alike(app: Flask, tmp_path: Path) -> None:
    files = {"old.xml": old(OLD, SPACES), "new.xml": new(NEW, SPACES), "twin.jsonld": json_twin()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        done = app.test_cli_runner().invoke(hash_command, [str(tmp_path / name)])
        assert (done.exit_code, done.output) == (0, event_hash(TWIN) + "\n")
    (tmp_path / "bad.xml").write_bytes(b"<!DOCTYPE a [ ]><a/>")
    done = app.test_cli_runner().invoke(hash_command, [str(tmp_path / "bad.xml")])
    assert done.exit_code == 1
    assert done.output.startswith("dtd-not-allowed")
