"""What an EPCIS XML document is refused for: where, and by which name.

Paths are those of its JSON twin, so that a sender of either form reads the same.
"""

from __future__ import annotations

import pytest

from tests.unit.epcis.epcis_events import ID_BASE, NOW
from tests.unit.epcis.xml_documents import (
    DATES,
    EPCS,
    HEAD,
    ID,
    QUANTITIES,
    SENSORS,
    SHIPPING,
    new,
    old,
)
from trace.core.epcis import check_event
from trace.core.epcis.xml import parse_xml
from trace.errors import Refused


def refusals(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        parse_xml(data)
    return [(error.code, error.path) for error in refused.value.errors]


EVENT = f"<ObjectEvent>{HEAD}{EPCS}{SHIPPING}</ObjectEvent>"
AT = "/epcisBody/eventList/0"
FN = 'xmlns:f="http://www.w3.org/2005/xpath-functions"'
LD = 'xmlns:ld="http://www.w3.org/ns/json-ld#"'


def before_action(xml: str) -> str:
    return EVENT.replace("<action>", xml + "<action>")


def at_end(xml: str) -> str:
    return EVENT.replace("</ObjectEvent>", xml + "</ObjectEvent>")


# Refused with the whole document: what no JSON could say either.
REFUSED: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "twice": (new(before_action("<action>ADD</action>")), [("duplicate-key", f"{AT}/action")]),
    "twice, hidden": (
        old(EVENT.replace(EPCS, f"<baseExtension>{ID}</baseExtension>{ID}{EPCS}")),
        [("duplicate-key", f"{AT}/eventID")],
    ),
    "text in a list": (
        new(EVENT.replace("<epcList>", "<epcList>x")),
        [("unexpected-text", f"{AT}/epcList")],
    ),
    "text in an event": (new(before_action("x")), [("unexpected-text", AT)]),
    "text between events": (
        new(f"{EVENT} x {EVENT}"),
        [("unexpected-text", "/epcisBody/eventList")],
    ),
    "text in the body": (
        new(EVENT).replace(b"<EPCISBody>", b"<EPCISBody>x"),
        [("unexpected-text", "/epcisBody")],
    ),
    "stranger in a list": (
        new(EVENT.replace("<epcList>", "<epcList><uri>a</uri>")),
        [("unknown-member", f"{AT}/epcList/uri")],
    ),
    "child of a leaf": (
        new(EVENT.replace("OBSERVE", "<b>OBSERVE</b>")),
        [("unknown-member", f"{AT}/action/b")],
    ),
    "attribute of a leaf": (
        new(EVENT.replace("<action>", '<action a="b">')),
        [("unknown-member", f"{AT}/action/a")],
    ),
    "bare attribute": (
        new(EVENT.replace("<ObjectEvent>", '<ObjectEvent action="ADD">')),
        [("unknown-member", f"{AT}/action")],
    ),
    "lost digits": (
        new(before_action(QUANTITIES.replace("200.50", "0.1000000000000000000001"))),
        [("inexact-number", f"{AT}/quantityList/0/quantity")],
    ),
    "beyond integers": (
        new(before_action(QUANTITIES.replace("200.50", "9007199254740993"))),
        [("inexact-number", f"{AT}/quantityList/0/quantity")],
    ),
    "stranger beside events": (
        new(EVENT).replace(b"</EPCISBody>", b"<Other/></EPCISBody>"),
        [("unknown-member", "/epcisBody/Other")],
    ),
    "events where nobody looks": (
        new("").replace(
            b"</EPCISBody>",
            f"<extension><EventList>{EVENT}</EventList></extension></EPCISBody>".encode(),
        ),
        [("unknown-member", "/epcisBody/EventList")],
    ),
    "no version": (
        new(EVENT).replace(b' schemaVersion="2.0"', b""),
        [("missing-member", "/schemaVersion")],
    ),
    "no date": (new(EVENT).replace(DATES.encode(), b""), [("missing-member", "/creationDate")]),
    "bad date": (
        new(EVENT).replace(b"2026-11-22", b"2026-22-11"),
        [("bad-date-time", "/creationDate")],
    ),
    "wrong version": (
        new(EVENT).replace(b'"2.0"', b'"1.2"'),
        [("bad-member-value", "/schemaVersion")],
    ),
    "no body": (
        new("").replace(b"<EPCISBody><EventList></EventList></EPCISBody>", b""),
        [("missing-member", "/epcisBody")],
    ),
    "other namespace": (new(EVENT).replace(b"epcis:xsd:2", b"epcis:xsd:3"), [("not-epcis", "")]),
    "no namespace": (b"<EPCISDocument/>", [("not-epcis", "")]),
    "other root": (b"<html/>", [("not-epcis", "")]),
    "bad carried context": (new(EVENT, LD + ' ld:context="{"'), [("bad-json", "/@context")]),
    "number that is none": (
        new(at_end(f'<f:number {FN} key="ext:a">x</f:number>')),
        [("wrong-type", f"{AT}/ext:a")],
    ),
    "form without a name": (new(at_end(f"<f:number {FN}>1</f:number>")), [("unknown-member", AT)]),
    "type said twice": (
        new(at_end(f'<f:string {FN} key="type">X</f:string>')),
        [("duplicate-key", f"{AT}/type")],
    ),
    "type as a child": (new(before_action("<type>X</type>")), [("unknown-member", f"{AT}/type")]),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_no_twin_could_say_is_refused_where_it_stands(
    case: tuple[bytes, list[tuple[str, str]]],
) -> None:
    assert refusals(case[0]) == case[1]


# Taken apart, and then refused event by event as JSON is.
CHECKED: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "word": (EVENT.replace("shipping", "teleporting"), [("unknown-word", f"{AT}/bizStep")]),
    "misspelt address": (
        EVENT.replace("urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/Bizstep-"),
        [("unknown-word", f"{AT}/bizStep")],
    ),
    "zone": (
        EVENT.replace("+07:00</eventTimeZone", "+25:00</eventTimeZone"),
        [("bad-time-zone-offset", f"{AT}/eventTimeZoneOffset")],
    ),
    "quantity": (
        before_action(QUANTITIES.replace("200.50", "INF")),
        [("wrong-type", f"{AT}/quantityList/0/quantity")],
    ),
    "no report": (
        before_action("<sensorElementList><sensorElement/></sensorElementList>"),
        [("missing-member", f"{AT}/sensorElementList/0/sensorReport")],
    ),
    "bare child": (before_action("<colour>red</colour>"), [("unknown-member", f"{AT}/colour")]),
    "bare in ilmd": (
        EVENT.replace("OBSERVE", "ADD").replace("<action>", "<ilmd><lot>1</lot></ilmd><action>"),
        [("unknown-member", f"{AT}/ilmd/lot")],
    ),
    "event type": (
        EVENT.replace("ObjectEvent", "OddEvent"),
        [("unknown-event-type", f"{AT}/type")],
    ),
    "foreign event": (
        EVENT.replace("ObjectEvent", "ext:Event"),
        [("unknown-event-type", f"{AT}/type")],
    ),
    "check digit": (
        EVENT.replace(
            "urn:epc:id:sgtin:0614141.107346.2017", "https://id.gs1.org/01/09506000134353"
        ),
        [("check-digit", f"{AT}/epcList/0")],
    ),
    "boolean": (
        before_action(SENSORS.replace('booleanValue="1"', 'booleanValue="yes"')),
        [("wrong-type", f"{AT}/sensorElementList/0/sensorReport/1/booleanValue")],
    ),
    "reserved": (at_end("<ext:a><_sd>x</_sd></ext:a>"), [("reserved-name", f"{AT}/ext:a/_sd")]),
}


@pytest.mark.parametrize("case", CHECKED.values(), ids=CHECKED)
def test_what_json_is_refused_for_xml_is_refused_for(
    case: tuple[str, list[tuple[str, str]]],
) -> None:
    document = parse_xml(new(case[0]))
    with pytest.raises(Refused) as refused:
        check_event(document.events[0], now=NOW, path=document.paths[0], id_base=ID_BASE)
    assert [(error.code, error.path) for error in refused.value.errors] == case[1]


def test_every_error_of_a_document_is_told_at_once() -> None:
    wrong = before_action("x<action>ADD</action>")
    data = new(EVENT + wrong + wrong).replace(b"2026-11-22", b"today")
    assert refusals(data) == [
        ("unexpected-text", "/epcisBody/eventList/1"),
        ("duplicate-key", "/epcisBody/eventList/1/action"),
        ("unexpected-text", "/epcisBody/eventList/2"),
        ("duplicate-key", "/epcisBody/eventList/2/action"),
        ("bad-date-time", "/creationDate"),
    ]
