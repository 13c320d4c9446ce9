"""EPCIS XML for tests: documents around events, and one event with every kind of member thrice: as
1.2 nests it, as 2.0 writes it, and as its JSON twin."""

from __future__ import annotations

from typing import Any

import orjson

from trace.core.epcis.vocabulary import EPCIS_CONTEXT
from trace.core.epcis.xml import parse_xml

Json = dict[str, Any]

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
EXT = 'xmlns:ext="https://ns.example.com/ext/"'
DATES = 'creationDate="2026-11-22T03:00:00Z"'
HEAD = (
    "<eventTime>2026-11-20T08:00:00.000+07:00</eventTime>"
    "<eventTimeZoneOffset>+07:00</eventTimeZoneOffset>"
)
WHEN: Json = {"eventTime": "2026-11-20T08:00:00.000+07:00", "eventTimeZoneOffset": "+07:00"}
SHIPPING = "<action>OBSERVE</action><bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>"


def new(events: str, more: str = EXT) -> bytes:
    return (
        f'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" {more} {XSI} '
        f'schemaVersion="2.0" {DATES}><EPCISBody><EventList>{events}</EventList></EPCISBody>'
        "</epcis:EPCISDocument>"
    ).encode()


def old(events: str, more: str = EXT, version: str = "1.2") -> bytes:
    return (
        f'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" {more} {XSI} '
        f'schemaVersion="{version}" {DATES}><EPCISBody><EventList>{events}</EventList></EPCISBody>'
        "</epcis:EPCISDocument>"
    ).encode()


def read(data: bytes) -> Json:
    (event,) = parse_xml(data).events
    return event


# One event of every kind of member, as 1.2 nests it, as 2.0 writes it, and as JSON.
ERROR = (
    "<errorDeclaration><declarationTime>2026-11-21T00:00:00Z</declarationTime>"
    "<reason>urn:epcglobal:cbv:er:incorrect_data</reason><correctiveEventIDs>"
    "<correctiveEventID>urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8</correctiveEventID>"
    "</correctiveEventIDs><ext:why>typing</ext:why></errorDeclaration>"
)
QUANTITIES = """
  <quantityList>
    <quantityElement>
      <epcClass> urn:epc:class:lgtin:4012345.012345.998877
      </epcClass><quantity>200.50</quantity><uom>KGM</uom>
    </quantityElement>
    <quantityElement><epcClass>urn:epc:idpat:sgtin:4012345.098765.*</epcClass>
      <quantity xsi:nil="true"/></quantityElement>
  </quantityList>"""
ENDS = (
    '<sourceList><source type="urn:epcglobal:cbv:sdt:owning_party">urn:epc:id:pgln:4012345.00225'
    "</source></sourceList><destinationList><destination"
    ' type="https://ref.gs1.org/cbv/SDT-location">urn:epc:id:sgln:0614141.00777.0</destination>'
    "</destinationList>"
)
SENSORS = (
    '<sensorElementList><sensorElement><sensorMetadata time="2026-11-20T00:30:00Z"'
    ' ext:room="7"/><sensorReport type="gs1:Temperature" value="4.0" uom="CEL"'
    ' component="cbv:Comp-x"/><sensorReport type="gs1:EffectiveDoseRate" value=" 5 "'
    ' booleanValue="1" stringValue=" as is "/><ext:box><ext:n>1</ext:n></ext:box>'
    "</sensorElement></sensorElementList>"
)
PERSISTENT = (
    "<persistentDisposition><unset>urn:epcglobal:cbv:disp:in_transit</unset>"
    "<set>urn:epcglobal:cbv:disp:recalled</set></persistentDisposition>"
)
ILMD = "<ilmd><cbvmda:lotNumber>L1</cbvmda:lotNumber></ilmd>"
PLACES = (
    "<disposition>urn:epcglobal:cbv:disp:in_transit</disposition>"
    "<readPoint><id>urn:epc:id:sgln:0614141.07346.1234</id><ext:gate>3</ext:gate></readPoint>"
    "<bizLocation><id>urn:epc:id:sgln:0614141.00888.0</id></bizLocation>"
    '<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po">\n  http://po.example/1'
    "</bizTransaction><bizTransaction>urn:ex:2</bizTransaction></bizTransactionList>"
)
CERTIFIED = "<certificationInfo>https://certificates.example/1</certificationInfo>"
ID = "<eventID>urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8</eventID>"
EPCS = "<epcList><epc>urn:epc:id:sgtin:0614141.107346.2017</epc></epcList>"
OWN = "<ext:field>a<!-- b -->c</ext:field><ext:field> d </ext:field>"
SPACES = EXT + ' xmlns:cbvmda="urn:epcglobal:cbv:mda"'
OLD = (
    f"<ObjectEvent>{HEAD}<recordTime>2026-11-20T09:00:00Z</recordTime><baseExtension>{ID}{ERROR}"
    f"<extension>{CERTIFIED}</extension></baseExtension>{EPCS}<action>ADD</action>"
    f"<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>{PLACES}<extension>{QUANTITIES}{ENDS}"
    f"{ILMD}<extension>{SENSORS}{PERSISTENT}</extension></extension>{OWN}</ObjectEvent>"
)
NEW = (
    f"<ObjectEvent>{HEAD}{ID}{ERROR}{CERTIFIED}{EPCS}<action>ADD</action>"
    f"<bizStep>https://ref.gs1.org/cbv/BizStep-shipping</bizStep>{PLACES}{QUANTITIES}{ENDS}{SENSORS}"
    f"{PERSISTENT}{ILMD}<extension><ext:field>ac</ext:field></extension>"
    "<ext:field> d </ext:field></ObjectEvent>"
)
TWIN: Json = {
    "@context": [EPCIS_CONTEXT, {"ext": "https://ns.example.com/ext/"}],
    "type": "ObjectEvent",
    **WHEN,
    "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
    "errorDeclaration": {
        "declarationTime": "2026-11-21T00:00:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8"],
        "ext:why": "typing",
    },
    "certificationInfo": "https://certificates.example/1",
    "epcList": ["urn:epc:id:sgtin:0614141.107346.2017"],
    "action": "ADD",
    "bizStep": "shipping",
    "disposition": "in_transit",
    "readPoint": {"id": "urn:epc:id:sgln:0614141.07346.1234", "ext:gate": "3"},
    "bizLocation": {"id": "urn:epc:id:sgln:0614141.00888.0"},
    "bizTransactionList": [
        {"type": "po", "bizTransaction": "http://po.example/1"},
        {"bizTransaction": "urn:ex:2"},
    ],
    "quantityList": [
        {"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 200.5, "uom": "KGM"},
        {"epcClass": "urn:epc:idpat:sgtin:4012345.098765.*"},
    ],
    "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00225"}],
    "destinationList": [{"type": "location", "destination": "urn:epc:id:sgln:0614141.00777.0"}],
    "sensorElementList": [
        {
            "sensorMetadata": {"time": "2026-11-20T00:30:00Z", "ext:room": "7"},
            "sensorReport": [
                {"type": "Temperature", "value": 4.0, "uom": "CEL", "component": "x"},
                {
                    "type": "https://gs1.org/voc/EffectiveDoseRate",
                    "value": 5,
                    "booleanValue": True,
                    "stringValue": " as is ",
                },
            ],
            "ext:box": {"ext:n": "1"},
        }
    ],
    "persistentDisposition": {"unset": ["in_transit"], "set": ["recalled"]},
    "ilmd": {"cbvmda:lotNumber": "L1"},
    "ext:field": ["ac", " d "],
}


def json_twin(event: Json = TWIN) -> bytes:
    own = {name: value for name, value in event.items() if name != "@context"}
    return orjson.dumps(
        {
            "@context": event["@context"],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-22T03:00:00Z",
            "epcisBody": {"eventList": [own]},
        }
    )
