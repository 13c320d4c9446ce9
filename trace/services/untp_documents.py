"""The record of a lot in the words of the United Nations Transparency Protocol: Digital Product
Passport 0.6.1 and Digital Traceability Event 0.6.0 (UN/CEFACT), as W3C Verifiable Credentials 2.0.

Pure: from the public paper of a lot (services.dpp) and its public lines. What the record does not
say has no member; what the protocol asks and nobody here knows (emissions, circularity) is absent.
A certificate is its holder's claim, and says whether its issuer confirmed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trace.clock import rfc3339
from trace.core.signing import JsonObject

VC: Final = "https://www.w3.org/ns/credentials/v2"
DPP: Final = "https://test.uncefact.org/vocabulary/untp/dpp/0.6.1/"
DTE: Final = "https://test.uncefact.org/vocabulary/untp/dte/0.6.0/"
DTE_LINK: Final = "https://test.uncefact.org/vocabulary/linkTypes/dte"
GTIN_SCHEME: Final = "https://id.gs1.org/01/"
COUNTRY: Final = "VN"
# Nearest of the protocol's topics to a standard of good practice or food safety.
TOPIC: Final = "governance.compliance"
EPC_KINDS: Final = frozenset({"unit", "logistic"})


@dataclass(frozen=True, slots=True)
class Frame:
    """What every credential has: its id (urn:uuid), its issuer's DID and name, when it begins to
    count, and its places in the status lists ({purpose: address of the list} and one index)."""

    id: str
    did: str
    name: str
    code: str
    valid_from: datetime
    lists: Mapping[str, str]
    index: int


def _framed(frame: Frame, kind: str, context: str, subject: object) -> JsonObject:
    return {
        "@context": [VC, context],
        "type": [kind, "VerifiableCredential"],
        "id": frame.id,
        "issuer": {
            "type": ["CredentialIssuer"],
            "id": frame.did,
            "name": frame.name,
            "issuerAlsoKnownAs": [{"id": frame.code, "name": frame.name}],
        },
        "validFrom": rfc3339(frame.valid_from),
        "credentialStatus": [
            {
                "id": f"{address}#{frame.index}",
                "type": "BitstringStatusListEntry",
                "statusPurpose": purpose,
                "statusListIndex": str(frame.index),
                "statusListCredential": address,
            }
            for purpose, address in frame.lists.items()
        ],
        "credentialSubject": subject,
    }


# -- the passport ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventsLink:
    """A credential of traceability events that a passport points to; `digest` is hex SHA-256."""

    url: str
    digest: str


def product_passport(
    paper: JsonObject, frame: Frame, *, public_url: str, events: EventsLink | None = None
) -> JsonObject:
    """A Digital Product Passport (unsigned) of a paper of services.dpp."""
    subject: JsonObject = {
        "type": ["ProductPassport"],
        "id": paper["id"],
        "product": _product(paper, public_url),
        "granularityLevel": "batch",
    }
    claims = [_claim(paper["id"], number, one) for number, one in enumerate(paper["certificates"])]
    if claims:
        subject["conformityClaim"] = claims
    if events is not None:
        subject["traceabilityInformation"] = [
            {
                "type": ["TraceabilityPerformance"],
                "traceabilityEvent": [
                    {
                        "type": ["SecureLink", "Link"],
                        "linkURL": events.url,
                        "linkName": "Traceability events of this lot",
                        "linkType": DTE_LINK,
                        "hashDigest": events.digest,
                        "hashMethod": "SHA-256",
                    }
                ],
            }
        ]
    return _framed(frame, "DigitalProductPassport", DPP, subject)


def _product(paper: JsonObject, public_url: str) -> JsonObject:
    product, maker = paper["product"], paper["producer"]
    found: JsonObject = {
        "type": ["Product"],
        "id": paper["id"],
        "name": product["name_en"] or product["name"] or product["lot"] or paper["id"],
        "registeredId": product["gtin"],
        "idScheme": {"type": ["IdentifierScheme"], "id": GTIN_SCHEME, "name": "GS1 GTIN"}
        if product["gtin"]
        else None,
        "batchNumber": product["lot"],
        "description": product["name"] if product["name_en"] else None,
        "productImage": _link(f"{public_url}/photos/{product['picture']}.jpg", "Picture")
        if product["picture"]
        else None,
        "characteristics": {"type": ["Characteristics"], "variety": product["variety"]}
        if product["variety"]
        else None,
        "furtherInformation": [_link(paper["id"], "Public record with its proof")],
        "producedByParty": {"id": maker["id"], "name": maker["name_en"] or maker["name"]}
        if maker
        else None,
        "producedAtFacility": _facility(paper),
        "productionDate": paper["dates"]["produced"][-1] if paper["dates"]["produced"] else None,
        # Wards are Vietnamese: where none is told, no country is.
        "countryOfProduction": COUNTRY if paper["origin"] else None,
        "dimensions": {
            "type": ["Dimension"],
            "weight": {
                "type": ["Measure"],
                "value": float(product["net_weight_kg"]),
                "unit": "KGM",
            },
        }
        if product["net_weight_kg"]
        else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _facility(paper: JsonObject) -> JsonObject | None:
    """The place of the last making step that has one."""
    placed = [step for step in paper["trace"] if step["place"] and step["place_name"]]
    made = [step for step in placed if step["step"] in ("harvesting", "egg_collecting", "packing")]
    return {"id": made[-1]["place"], "name": made[-1]["place_name"]} if made else None


def _link(url: str, name: str) -> JsonObject:
    return {"type": ["Link"], "linkURL": url, "linkName": name}


def _claim(subject: str, number: int, one: JsonObject) -> JsonObject:
    confirmed = (
        "confirmed by its issuer" if one["confirmed"] else "not confirmed by its issuer here"
    )
    covers = f", covers {one['covers']} of {one['of']} origins" if one.get("of", 1) > 1 else ""
    return {
        "type": ["Claim", "Declaration"],
        "id": f"{subject}#certificate-{number + 1}",
        "description": (
            f"{one['standard']} {one['number']}, issued by {one['issuer']}, "
            f"{one['valid_from']} to {one['valid_until']}{covers}; {confirmed}"
        ),
        "conformance": True,
        "conformityTopic": TOPIC,
    }


# -- the events ------------------------------------------------------------------------------------


def traceability_events(
    lines: Sequence[JsonObject], places: Mapping[str, str], frame: Frame, *, id_base: str
) -> JsonObject:
    """A Digital Traceability Event credential (unsigned) of the lines of a public record that
    stand; `places` are the codes of their places by statement (services.dpp.codes_of)."""
    events = [
        _event(line, places.get(line["statement"]), id_base)
        for line in reversed(lines)
        if "voided" not in line and line["things"]
    ]
    return _framed(frame, "DigitalTraceabilityEvent", DTE, events)


LISTS: Final = {
    "epc": ("epcList", "quantityList"),
    "input": ("inputEPCList", "inputQuantityList"),
    "output": ("outputEPCList", "outputQuantityList"),
    "child": ("childEPCList", "childQuantityList"),
}


def _event(line: JsonObject, place: str | None, id_base: str) -> JsonObject:
    roles = {one["role"] for one in line["things"]}
    kind = (
        "TransformationEvent"
        if roles & {"input", "output"}
        else "AggregationEvent"
        if roles & {"parent", "child"}
        else "ObjectEvent"
    )
    found: JsonObject = {
        "type": [kind, "Event"],
        "id": line["statement"],
        "processType": line["step"] or "observation",
        "eventTime": line["event_time"],
    }
    if line["action"]:
        found["action"] = line["action"].lower()
    if line["step"]:
        found["bizStep"] = line["step"]
    if line["disposition"]:
        found["disposition"] = line["disposition"]
    if place:
        found["bizLocation"] = place
    for one in line["things"]:
        if one["role"] == "parent":
            found["parentEPC"] = _item(one)
            continue
        items, amounts = LISTS.get(one["role"], LISTS["epc"])
        # An amount is asked of every class: of what nobody said how much, the name alone.
        if one["kind"] in EPC_KINDS or one["quantity"] is None:
            found.setdefault(items, []).append(_item(one))
        else:
            found.setdefault(amounts, []).append(_amount(one))
    return found


def _item(one: JsonObject) -> JsonObject:
    return {"type": ["Item"], "id": one["thing"], "name": _name(one)}


def _amount(one: JsonObject) -> JsonObject:
    found: dict[str, Any] = {
        "type": ["QuantityElement"],
        "productId": one["thing"],
        "productName": _name(one),
        "quantity": float(one["quantity"]),
    }
    if one["uom"]:
        found["uom"] = one["uom"]
    return found


def _name(one: JsonObject) -> str:
    return str(one["name_en"] or one["name"] or one["code"] or one["thing"])
