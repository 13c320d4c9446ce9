"""The digital product passport of Decree 37/2026/ND-CP, article 32, with the least information of
Circular 02/2024/TT-BKHCN.

Read from the public record and from nothing else: what its owner keeps private is not in it, and
what nobody declared is absent. Goods without a GTIN have a `record` ("hồ sơ truy xuất"), not a
`passport` ("hộ chiếu số"): the decree asks for one.

Shape: {"v": 1, "kind": "passport"|"record", "title", "id", "made", "record_version",
"product": {name, name_en, gtin, gtin_confirmed, picture, lot, variety, net_weight_kg},
"producer": {name, name_en, id, kind, confirmed, address}, "origin": [ward…],
"trace": [{step, time, tz, recorded, by, product_codes, place, place_name, ward}],
"certificates": […], "dates": {produced, use_by, best_before}, "warnings": […],
"rules": [{rule, title, binding, binds_from, items: [{item, state}]}], "proof": {…}}.
Times are RFC 3339, days ISO 8601, weights kilograms as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from trace.core.gs1 import local_uri, parse_identity
from trace.core.signing import JsonObject
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, LogEntry, Organisation, Place
from trace.services.alerts import AlertView, alerts_of
from trace.services.dpp_rules import PRIVATE, judge
from trace.services.passports import PassportRead, passport_of
from trace.services.records import LOCAL_ZONE
from trace.services.sets import among
from trace.services.settings import current_settings

VERSION: Final = 1
GROWING: Final = frozenset(
    {"sowing", "transplanting", "harvesting", "egg_collecting", "field_observation"}
)
MAKING: Final = frozenset(
    {"harvesting", "egg_collecting", "processing", "milling", "mixing", "commissioning", "packing"}
)
# What is said about goods by who watches over them is no stage of making or trading them.
NOT_STAGES: Final = frozenset({"recalling", "inspecting", "sampling"})
TITLES: Final = {"passport": "Hộ chiếu số của sản phẩm", "record": "Hồ sơ truy xuất"}


@dataclass(frozen=True, slots=True)
class Codes:
    """What the record's document leaves to its pages: codes of the places its lines name, by
    statement, and the GLN of who made the goods."""

    places: Mapping[str, str]
    producer: str


def passport_paper(thing_id: int, *, at: datetime) -> JsonObject:
    """The passport or record of a thing. Raises NotFound. Call with nothing unwritten in the
    session."""
    read = passport_of(thing_id, at=at)
    alerts = alerts_of([thing_id])[thing_id]
    return paper_of(read, alerts, at=at)


def paper_of(read: PassportRead, alerts: Sequence[AlertView], *, at: datetime) -> JsonObject:
    """The same of a record that was read already."""
    with db.engine.connect() as connection:
        codes = codes_of(connection, read.document)
    return build(read, alerts, codes, id_base=current_settings().id_base, at=at)


def codes_of(connection: Connection, document: JsonObject) -> Codes:
    """The codes beside a document; two queries."""
    lines = {
        line["index"]: line
        for line in document["lines"]
        if line["where"] and line["index"] is not None
    }
    places = _place_codes(connection, lines) if lines else {}
    organisation = document["organisation"]
    gln = None
    if organisation:
        query = select(Organisation.gln).where(Organisation.code == organisation["code"])
        gln = connection.execute(query).scalar()
    base = current_settings().id_base
    own = f"{base}/o/{organisation['code']}" if organisation else ""
    return Codes(places, f"{base}/417/{gln}" if gln else own)


def _place_codes(connection: Connection, lines: Mapping[int, JsonObject]) -> dict[str, str]:
    """The codes of the places that the lines name, by statement; `lines` by index. A line may name
    one of its two places and keep the other private: only the one it names has its code told."""
    rows = connection.execute(
        select(LogEntry.index.label("at"), Event.read_point, Event.biz_location)
        .join(Event, Event.id == LogEntry.event_id)
        .where(among(LogEntry.index, sorted(lines)))
    ).all()
    named = {place for row in rows for place in (row.read_point, row.biz_location) if place}
    public = {
        row.identity: row.name
        for row in connection.execute(
            select(Place.identity, Place.name).where(
                among(Place.identity, sorted(named)), Place.public
            )
        )
    }
    found = {}
    for row in rows:
        line = lines[row.at]
        for member, place in (("readPoint", row.read_point), ("bizLocation", row.biz_location)):
            shown = place in public and public[place] == line["where"]["name"]
            if shown and member not in line["withheld"]:
                found[line["statement"]] = place
                break
    return found


def build(
    read: PassportRead,
    alerts: Sequence[AlertView],
    codes: Codes,
    *,
    id_base: str,
    at: datetime,
) -> JsonObject:
    """The paper of a public document. Pure."""
    document = read.document
    lines = [line for line in reversed(document["lines"]) if "voided" not in line]
    product, facts, maker = document["product"], document["facts"], document["organisation"]
    gtin = _gtin(document, id_base)
    kind = "passport" if gtin else "record"
    trace = [
        _step(line, codes)
        for line in lines
        if line["step"] not in NOT_STAGES and "notice" not in line
    ]
    produced = _produced(facts, lines)
    told: JsonObject = {
        "v": VERSION,
        "kind": kind,
        "title": TITLES[kind],
        "id": _address(document["thing"]["identity"], id_base),
        "made": at.isoformat(),
        "record_version": read.version,
        "product": {
            "name": (product and product["name_vi"]) or facts["name"],
            "name_en": (product and product["name_en"]) or None,
            "gtin": gtin,
            "gtin_confirmed": product["confirmed"] if product and product["gtin"] else None,
            "picture": product["picture"] if product else None,
            "lot": document["thing"]["code"] or None,
            "variety": facts["variety"],
            "net_weight_kg": product["net_weight"] if product else None,
        },
        "producer": {
            "name": maker["name"],
            "name_en": maker["name_en"] or None,
            "id": codes.producer,
            "kind": maker["kind"],
            "confirmed": maker["confirmed"],
            "address": maker["ward"],
        }
        if maker
        else None,
        "origin": _origin(lines),
        "trace": trace,
        "certificates": document["certificates"],
        "dates": {
            "produced": produced,
            "use_by": facts["use_by"],
            "best_before": facts["best_before"],
        },
        "warnings": [alert.to_json() for alert in alerts],
        "truncated": document["truncated"],
        "proof": {
            "statements": document["record"]["statements"],
            "signed": document["record"]["signed"],
            "bundle": _address(document["thing"]["identity"], id_base) + "?format=bundle",
        },
    }
    day = at.astimezone(LOCAL_ZONE).date()
    told["rules"] = [judged.to_json() for judged in judge(_known(told, lines), day)]
    return told


def _known(told: JsonObject, lines: Sequence[JsonObject]) -> dict[str, object]:
    """What the rules ask for, by their keys."""
    product, maker, dates = told["product"], told["producer"], told["dates"]
    hidden = any("readPoint" in line["withheld"] for line in lines)
    placed = [step["place"] for step in told["trace"]]
    return {
        "name": product["name"],
        "gtin": product["gtin"],
        "picture": product["picture"],
        "producer": maker and maker["name"],
        "address": maker and maker["address"],
        "producer_code": maker and maker["id"],
        "origin": told["origin"] or (PRIVATE if hidden else None),
        "trace": told["trace"],
        # Every stage has the code of its place, or its owner keeps some of them private.
        "trace_places": (PRIVATE if hidden else False) if not placed or None in placed else True,
        "trace_code": told["id"],
        "certificates": told["certificates"],
        "produced": dates["produced"],
        "expiry": dates["use_by"] or dates["best_before"],
        "warnings": told["warnings"],
        "model": product["variety"],
    }


def _gtin(document: JsonObject, id_base: str) -> str | None:
    product = document["product"]
    if product and product["gtin"]:
        return str(product["gtin"])
    try:
        identity = parse_identity(document["thing"]["identity"], id_base)
    except TraceError:
        return None
    return identity.value if identity is not None and identity.key == "01" else None


def _address(identity: str, id_base: str) -> str:
    try:
        parsed = parse_identity(identity, id_base)
    except TraceError:
        parsed = None
    return identity if parsed is None else local_uri(parsed, id_base)


def _step(line: JsonObject, codes: Codes) -> JsonObject:
    where = line["where"] or {}
    return {
        "step": line["step"],
        "time": line["event_time"],
        "tz": line["tz"],
        "recorded": line["record_time"],
        "by": line["who"] and {"name": line["who"]["name"], "code": line["who"]["code"]},
        "product_codes": sorted({one["thing"] for one in line["things"]}),
        "place": codes.places.get(line["statement"]),
        "place_name": where.get("name"),
        "ward": where.get("ward"),
        "statement": line["statement"],
    }


def _origin(lines: Sequence[JsonObject]) -> list[str]:
    """Wards of growing or gathering; without any, that of the final step (article 32)."""
    grown = _wards(line for line in lines if line["step"] in GROWING)
    return grown or _wards(line for line in lines if line["step"] in MAKING)[-1:]


def _wards(lines: Any) -> list[str]:
    found = {line["where"]["ward"]: None for line in lines if line["where"]}
    return [ward for ward in found if ward]


def _produced(facts: Mapping[str, Any], lines: Sequence[JsonObject]) -> list[str] | None:
    """First and last day of harvest or making."""
    if facts["harvest"]:
        return list(facts["harvest"])
    days = [_day(line["event_time"]) for line in lines if line["step"] in MAKING]
    return [min(days).isoformat(), max(days).isoformat()] if days else None


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(LOCAL_ZONE).date()
