"""Credentials handed out in the words of the UN's transparency protocol: signed by the maker's key,
held against the published schema, ended and suspended by a public list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import OKPKey
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, make_product, thing_id, uri_of
from trace.errors import NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Credential
from trace.services import sequencer, untp
from trace.services.actors import Actor
from trace.services.did import did_document
from trace.services.platform import platform_organisation
from trace.services.untp_documents import Frame, traceability_events
from trace.services.untp_status import decode

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
GTIN = "08936012340013"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def grown(farm: Farm) -> int:
    lot = farm.wait(12).reap(farm.sow(performed_by="H07"))
    sequencer.publish(now=NOW)
    db.session.commit()
    return thing_id(lot)


def issued(farm: Farm, thing: int, kind: str = "passport") -> Credential:
    row = untp.issue(farm.actor, thing, kind, at=NOW)
    db.session.commit()
    return row


def verified(text: str, organisation: Any) -> dict[str, Any]:
    """The payload, checked by another library with the keys of the DID document."""
    document = did_document(organisation)
    header = jws.extract_compact(text.encode()).headers()
    kid = header["kid"]
    method = next(one for one in document["verificationMethod"] if one["id"] == kid)
    assert kid in document["assertionMethod"]
    key = OKPKey.import_key(method["publicKeyJwk"])
    checked = jws.deserialize_compact(text, key, algorithms=["Ed25519"])
    assert header["typ"] == "vc+jwt"
    told: dict[str, Any] = json.loads(checked.payload)
    issuer = told["issuer"]
    assert (issuer["id"] if isinstance(issuer, dict) else issuer) == document["id"]
    return told


def places(client: FlaskClient, told: dict[str, Any], purpose: str) -> frozenset[int]:
    entry = next(one for one in told["credentialStatus"] if one["statusPurpose"] == purpose)
    path = entry["statusListCredential"].removeprefix("https://trace.example")
    answer = client.get(path)
    assert answer.content_type == "application/vc+jwt"
    listed = verified(answer.get_data(as_text=True), platform_organisation())
    assert listed["id"] == entry["statusListCredential"]
    return decode(listed["credentialSubject"]["encodedList"])


def test_a_passport_is_signed_by_the_makers_key_and_says_what_the_record_says(
    farm: Farm, client: FlaskClient
) -> None:
    farm.product = make_product(
        farm.organisation, "Cải ngọt", START, gtin=GTIN, net_weight=Decimal("0.3")
    )
    farm.plot.public = False
    farm.plot.name = "Vườn kín Canary"
    farm.certify()
    thing = grown(farm)
    events = issued(farm, thing, "events")
    row = issued(farm, thing)
    answer = client.get(f"/credentials/{row.public_id}")
    assert answer.content_type == "application/vc+jwt"
    told = verified(answer.get_data(as_text=True), farm.organisation)
    subject, product = told["credentialSubject"], told["credentialSubject"]["product"]
    assert product["registeredId"] == GTIN
    assert product["producedByParty"]["id"] == uri_of(farm.organisation)
    assert product["productionDate"] == "2026-11-20"
    assert subject["conformityClaim"][0]["description"].startswith("VietGAP VG-DEMO-01")
    (link,) = subject["traceabilityInformation"][0]["traceabilityEvent"]
    assert link["type"] == ["SecureLink", "Link"]
    assert subject["conformityClaim"][0]["type"] == ["Claim", "Declaration"]
    assert link["linkURL"].endswith(events.public_id)
    assert "Canary" not in answer.get_data(as_text=True)
    assert "Canary" not in json.dumps(told, ensure_ascii=False)
    assert client.get(f"/credentials/{row.public_id}?format=json").json == told


@pytest.mark.one_database
def test_a_passport_keeps_the_protocols_own_schema(farm: Farm) -> None:
    spec = find_spec("dppvalidator")
    if spec is None or spec.origin is None:
        pytest.skip("dppvalidator, whose package has the schema, is not installed")
    path = Path(spec.origin).parent / "schemas" / "data" / "untp-dpp-schema-0.6.1.json"
    schema = json.loads(path.read_text())
    farm.product = make_product(
        farm.organisation, "Cải ngọt", START, gtin=GTIN, net_weight=Decimal("0.3")
    )
    farm.certify()
    thing = grown(farm)
    issued(farm, thing, "events")
    told = verified(issued(farm, thing).jwt, farm.organisation)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(
        told
    )


# What the protocol's schema of events asks (untp-dte, of its working group), in our words.
ITEM: Any = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "name")}
    | {"type": {"type": "array", "contains": {"const": "Item"}}},
    "required": ["id", "name"],
    "additionalProperties": False,
}
AMOUNT: Any = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("productId", "productName", "uom")}
    | {"quantity": {"type": "number"}}
    | {"type": {"type": "array", "contains": {"const": "QuantityElement"}}},
    "required": ["productId", "productName", "quantity"],
    "additionalProperties": False,
}
COMMON = ("type", "id", "processType", "eventTime", "action", "disposition", "bizStep")
OF_KIND: dict[str, dict[str, Any]] = {
    "ObjectEvent": {"epcList": ITEM, "quantityList": AMOUNT},
    "AggregationEvent": {"childEPCList": ITEM, "childQuantityList": AMOUNT},
    "TransformationEvent": {
        "inputEPCList": ITEM,
        "outputEPCList": ITEM,
        "inputQuantityList": AMOUNT,
        "outputQuantityList": AMOUNT,
    },
}
ISSUER = {"type", "id", "name", "issuerAlsoKnownAs"}


def check_events(told: dict[str, Any]) -> None:
    """Holds a credential of events against what the protocol's schema asks."""
    assert {"DigitalTraceabilityEvent", "VerifiableCredential"} <= set(told["type"])
    assert told["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert set(told["issuer"]) <= ISSUER
    assert all(":" in one["id"] and one["name"] for one in told["issuer"]["issuerAlsoKnownAs"])
    datetime.fromisoformat(told["validFrom"])
    for one in told["credentialSubject"]:
        kind = one["type"][0]
        assert one["type"] == [kind, "Event"]
        assert one["id"].startswith("urn:uuid:")
        datetime.fromisoformat(one["eventTime"])
        assert one.get("action", "add") in ("observe", "add", "delete")
        assert ":" in one.get("bizLocation", ":")
        lists = {name for name in one if name.endswith("List")}
        assert lists <= set(OF_KIND[kind])
        for name in lists:
            schema = {"type": "array", "items": OF_KIND[kind][name]}
            jsonschema.Draft202012Validator(schema).validate(one[name])
        if "parentEPC" in one:
            assert kind == "AggregationEvent"
            jsonschema.Draft202012Validator(ITEM).validate(one["parentEPC"])
        assert set(one) <= {*COMMON, *lists, "bizLocation", "parentEPC"}


def test_the_events_of_a_lot_are_told_in_the_protocols_form(
    farm: Farm, client: FlaskClient
) -> None:
    lot = farm.wait(12).reap(farm.sow())
    farm.box(lot, kilos=100)
    sequencer.publish(now=NOW)
    db.session.commit()
    told = verified(issued(farm, thing_id(lot), "events").jwt, farm.organisation)
    assert told["type"][0] == "DigitalTraceabilityEvent"
    kinds = [one["type"][0] for one in told["credentialSubject"]]
    assert kinds == ["ObjectEvent", "TransformationEvent", "AggregationEvent"]
    made, packed = told["credentialSubject"][1:]
    assert made["outputQuantityList"][0]["quantity"] == 480
    assert made["outputQuantityList"][0]["uom"] == "KGM"
    assert made["bizLocation"] == farm.plot.identity
    assert packed["parentEPC"]["type"] == ["Item"]
    assert packed["childQuantityList"][0]["quantity"] == 100
    check_events(told)


@pytest.mark.one_database
def test_events_of_units_and_of_what_nobody_weighed_keep_the_protocols_schema(farm: Farm) -> None:
    frame = Frame("urn:uuid:1", "did:web:x", "HTX", "https://x/o/1", NOW, {}, 0)
    lot = {"thing": "https://x/b/1", "code": "1", "name": "", "name_en": "", "uom": ""}
    things = [
        {**lot, "role": role, "kind": kind, "quantity": quantity}
        for role in ("child", "parent")
        for kind, quantity in (("lot", None), ("lot", Decimal("2.5")), ("unit", None))
    ]
    line: dict[str, Any] = {
        "statement": "urn:uuid:2",
        "step": "packing",
        "action": "ADD",
        "disposition": "",
    }
    line |= {"event_time": NOW.isoformat(), "things": things}
    told = traceability_events([line], {}, frame, id_base="https://x")
    check_events(told)
    (packed,) = told["credentialSubject"]
    assert len(packed["childEPCList"]) == 2
    assert [one["quantity"] for one in packed["childQuantityList"]] == [2.5]


def test_a_new_credential_ends_the_one_before_and_a_recall_suspends(
    farm: Farm, client: FlaskClient
) -> None:
    thing = grown(farm)
    first, events = issued(farm, thing), issued(farm, thing, "events")
    assert places(client, untp.payload_of(first), "revocation") == frozenset()
    second = issued(farm, thing)
    ended = places(client, untp.payload_of(second), "revocation")
    assert ended == {first.status_index}
    assert untp.states([first, second, events]) == {
        first.id: "revoked",
        second.id: "valid",
        events.id: "valid",
    }
    untp.revoke(farm.actor, second, at=NOW)
    db.session.commit()
    assert places(client, untp.payload_of(second), "revocation") == {
        first.status_index,
        second.status_index,
    }
    farm.notify("hold", uri_of_thing(thing), reason="chờ kết quả")
    held = places(client, untp.payload_of(events), "suspension")
    assert events.status_index in held
    assert untp.states([events])[events.id] == "suspended"


def uri_of_thing(thing: int) -> str:
    from trace.models import Thing
    from trace.services.batches import address_of

    return address_of(db.session.get_one(Thing, thing))


def test_only_the_maker_hands_out_credentials_and_only_of_what_is_recorded(farm: Farm) -> None:
    thing = grown(farm)
    other = make_farm(START, "Người lạ Demo")
    with pytest.raises(NotFound):
        untp.issue(other.actor, thing, "passport", at=NOW)
    with pytest.raises(NotAllowed):
        untp.issue(Actor(farm.organisation, None, "recorder"), thing, "passport", at=NOW)
    for kind in ("", "licence", "\x00", "\ud800"):
        with pytest.raises(TraceError) as refused:
            untp.issue(farm.actor, thing, kind, at=NOW)
        assert refused.value.code == "unknown-credential-kind"
    row = issued(farm, thing)
    with pytest.raises(NotFound):
        untp.get_own(other.actor, row.public_id)
    farm.organisation.approval_required = True
    with pytest.raises(TraceError) as refused:
        untp.issue(farm.actor, thing, "passport", at=NOW)
    assert refused.value.code == "credential-needs-approval"
    db.session.rollback()


@pytest.mark.one_database
def test_unknown_credentials_and_lists_are_not_found(app: Flask, client: FlaskClient) -> None:
    for path in (
        "x",
        "%00",
        "%ED%A0%80",
        "00000000-0000-4000-8000-000000000000",
        "status/0/other",
        "status/7/revocation",
        "status/99999999999999999999/revocation",
    ):
        assert client.get(f"/credentials/{path}").status_code == 404, path
