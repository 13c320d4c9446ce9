"""One event as one line of a passport: what, where, when, who said so, signed or not.

Everything comes from the opened statement, so a line shows what the signature covers. A missing
value is missing; a withheld one is named. No line ever holds a person's name: households stand as
codes, and only codes the issuer registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import Connection, Table, select

from trace.core.gs1 import Identity, format_code, parse_identity
from trace.core.history import Fact, late_days
from trace.core.signing import JsonObject
from trace.core.statements import Opened, parse_entry, statement_hash
from trace.core.statements.entries import EventEntry
from trace.errors import TraceError
from trace.models import Organisation
from trace.models.places import MOVING
from trace.services.accredited import Spans, covers, spans_of
from trace.services.deadlines import local_day
from trace.services.event_rows import MAX_OPENED, EventRow, open_checked, open_public
from trace.services.histories import (
    ACCREDITED,
    Loaded,
    canonical,
)
from trace.services.naming import organisation_did
from trace.services.removals import Removals
from trace.services.sets import among
from trace.services.vocabulary import SERIES
from trace.services.wards import ward_name

# Told at the head of the page.
ILMD_TOLD: Final = frozenset({"trace:product", "cbvmda:lotNumber"})


@dataclass(frozen=True, slots=True)
class PlaceRow:
    identity: str
    name: str
    name_en: str
    ward_code: str | None
    public: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Around:
    """What lines refer to: names of things, places, households and pictures the public may see."""

    loaded: Loaded
    names: Mapping[str, JsonObject]  # thing identity -> {"name", "name_en", "code", "path", "kind"}
    places: Mapping[str, PlaceRow]
    households: frozenset[tuple[int, str]]  # (organisation row id, code)
    pictures: frozenset[str]
    id_base: str
    removals: Removals = field(default_factory=Removals)
    accredited: Spans = field(default_factory=dict)  # of laboratories and certifiers


def open_line(fact: Fact, disclosures: str, around: Around) -> tuple[Opened | None, bool]:
    """(the statement as the public sees it, whether it stands: signed by its issuer's key of that
    time, its disclosures fitting, and the log holding exactly this statement)."""
    row = around.loaded.events[fact.statement]
    try:
        opened = open_checked(row, disclosures, organisation_did(fact.issuer, around.id_base))
        return opened, row.counted and _in_log(row.jwt, row.entry or "")
    except TraceError:
        try:
            return open_public(row, disclosures), False
        except TraceError:
            return None, False


@lru_cache(maxsize=MAX_OPENED)
def _in_log(jwt: str, text: str) -> bool:
    entry = parse_entry(text.encode())
    return isinstance(entry, EventEntry) and entry.h == statement_hash(jwt)


def line_of(
    fact: Fact, opened: Opened | None, signed: bool, marks: tuple[str, ...], around: Around
) -> JsonObject:
    """The line; keys as in docs/explanation/passports.md."""
    row = around.loaded.events[fact.statement]
    event = opened.event if opened else around.loaded.subjects[fact.statement]
    withheld = set(opened.withheld if opened else ())
    findings = list(marks) + ([] if signed else ["bad-signature"])
    taken_down, erased, gone = _removed(row, event, around)
    line: JsonObject = {
        "event_time": event["eventTime"],
        "tz": event.get("eventTimeZoneOffset", ""),
        "record_time": fact.record_time.isoformat() if fact.record_time else None,
        "step": fact.step,
        "action": fact.action,
        "disposition": event.get("disposition"),
        "who": _speaker(fact, around),
        "performed_by": _household(row, event, around),
        "where": _where(row, event, around),
        "things": [_thing(use, around) for use in _shown_uses(fact)],
        "details": _details(event),
        "withheld": sorted((withheld - gone) | _private_place(row, event, around)),
        "signed": signed,
        "custody": row.custody,
        "statement": fact.statement,
        "index": fact.index,
        "findings": findings,
    }
    optional: JsonObject = {
        "late_days": late_days(fact),
        "sensor": _sensor(event.get("sensorElementList")),
        "attachments": _attachments(event.get("trace:attachments"), around),
        "notice": _notice(event.get("trace:notice")),
        "taken_down": taken_down or None,
        "erased": erased or None,
    }
    line.update({name: value for name, value in optional.items() if value is not None})
    return line


def _speaker(fact: Fact, around: Around) -> JsonObject:
    """Who said it; `accredited` where that is an accredited third party's word of that day, False
    where a laboratory was not."""
    row = around.loaded.organisations[fact.issuer]
    if covers(around.accredited, row.id, local_day(fact.event_time)):
        return {**who(row), "accredited": True}
    if row.kind == "laboratory":
        return {**who(row), "accredited": False}
    return who(row)


def accredited_days(connection: Connection, loaded: Loaded) -> Spans:
    """When the laboratories and certifiers heard here were accredited; no query without any."""
    third = [row.id for row in loaded.organisations.values() if row.kind in ACCREDITED]
    return spans_of(third, connection)


def proof_path(index: int | None) -> str | None:
    """Where the proof of a statement's place in the log is; None before it has one."""
    return None if index is None else f"/log/proof/{index}"


def who(organisation: Any) -> JsonObject:
    """An organisation as pages name it."""
    return {
        "name": organisation.name,
        "name_en": organisation.name_en,
        "code": organisation.code,
        "kind": organisation.kind,
        "confirmed": organisation.status == "confirmed",
        "demonstration": bool(organisation.demonstration),
        **({"suspended": True} if organisation.status == "suspended" else {}),
    }


def named_successors(connection: Connection, takers: Mapping[int, int]) -> list[JsonObject]:
    """Who goes on for an organisation, in the order in which they took over."""
    table = cast("Table", Organisation.__table__)
    rows = {
        row.id: row
        for row in connection.execute(select(table).where(among(table.c.id, sorted(takers))))
    }
    return [who(rows[one]) for one in sorted(takers, key=lambda one: (takers[one], one))]


def name_of_thing(identity: str, kind: str, product: Any, id_base: str) -> JsonObject:
    """How a thing is called and where its page is. A thing of no known scheme has no page."""
    parsed = _parsed(identity, id_base)
    return {
        "identity": identity,
        "name": product.name if product else "",
        "name_en": product.name_en if product else "",
        "kind": kind,
        "code": code_of(parsed) if parsed else "",
        "path": parsed.path if parsed else "",
    }


def code_of(identity: Identity) -> str:
    """What people read aloud: the lot's own text, or the code in two groups."""
    last = identity.qualifiers[-1][1] if identity.qualifiers else identity.value
    if identity.is_own:
        code = format_code(identity.value)
        return f"{code} / {format_code(last)}" if identity.qualifiers else code
    return last


def _parsed(identity: str, id_base: str) -> Identity | None:
    try:
        return parse_identity(identity, id_base)
    except TraceError:
        return None


def plain(value: Decimal | None) -> str | None:
    """`480`, `0.35`: never an exponent, no trailing zeros."""
    return None if value is None else f"{value.normalize():f}"


def _shown_uses(fact: Fact) -> list[Any]:
    return [use for use in fact.uses if use.role != "received"]


def _thing(use: Any, around: Around) -> JsonObject:
    named = around.names.get(use.thing, {})
    return {
        "role": "input" if use.role == "source" else use.role,
        "thing": use.thing,
        "name": named.get("name", ""),
        "name_en": named.get("name_en", ""),
        "kind": named.get("kind", "other"),
        "code": named.get("code", ""),
        "path": named.get("path", ""),
        "quantity": plain(use.quantity),
        "uom": use.unit,
    }


def _household(row: EventRow, event: JsonObject, around: Around) -> str | None:
    """The member household's code, when the issuer registered it; anything else might be a name."""
    said = event.get("trace:performedBy")
    if isinstance(said, dict):
        said = said.get("code") or said.get("id") or ""
    if not isinstance(said, str):
        return None
    code = said.rpartition("#")[2].rpartition("/")[2]
    return code if (row.issuer_id, code) in around.households else None


def _place_of(event: JsonObject, around: Around) -> PlaceRow | None:
    for member in ("readPoint", "bizLocation"):
        value = event.get(member)
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            place = around.places.get(canonical(value["id"], around.id_base))
            if place is not None:
                return place
    return None


def _where(row: EventRow, event: JsonObject, around: Around) -> JsonObject | None:
    place = _place_of(event, around)
    if place is None or not place.public:
        return None
    ward = None if place.kind == MOVING else place.ward_code
    return {
        "name": place.name,
        "name_en": place.name_en,
        "ward": ward_name(ward) if ward else None,
        "ward_code": ward,
        "kind": place.kind,
    }


def _private_place(row: EventRow, event: JsonObject, around: Around) -> set[str]:
    place = _place_of(event, around)
    return {"readPoint"} if place is not None and not place.public else set()


def _details(event: JsonObject) -> list[JsonObject]:
    """What else was said, typed: the page knows a word for each label."""
    ilmd = event.get("ilmd")
    own = (
        *("trace:variety", "trace:seedSource", "trace:area", "trace:harvestDate"),
        "trace:sampleDate",
    )
    last = ("trace:externalSource", "trace:difference", "trace:diversion", "trace:note")
    found: list[JsonObject] = [
        {"label": "input", **treatment}
        for treatment in _list(event.get("trace:inputs"))
        if isinstance(treatment, dict)
    ]
    case = event.get("trace:inspection")
    if isinstance(case, dict) and case.get("part") == "conclusion":
        found.append({"label": "inspection", "value": case})
    found += [{"label": "none", "value": one} for one in _list(event.get("trace:declaredNone"))]
    found += [
        {"label": "result", **one}
        for one in _list(event.get("trace:results"))
        if isinstance(one, dict)
    ]
    found += [
        {"label": "measured", **one}
        for one in _list(event.get("trace:measured"))
        if isinstance(one, dict)
    ]
    found += [_detail(member, event[member]) for member in own if member in event]
    found += [
        _detail(member, value)
        for member, value in (ilmd if isinstance(ilmd, dict) else {}).items()
        if member not in ILMD_TOLD
    ]
    found += [_detail(member, event[member]) for member in last if member in event]
    found += [_detail("certificationInfo", one) for one in _list(event.get("certificationInfo"))]
    return found


def _detail(member: str, value: Any) -> JsonObject:
    return {"label": member.rpartition(":")[2], "value": value}


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [one for one in value if one is not None]
    return [] if value is None else [value]


def _attachments(value: Any, around: Around) -> list[JsonObject] | None:
    found = [
        {"digest": one["digest"], "media_type": one.get("mediaType", "")}
        for one in _list(value)
        if isinstance(one, dict) and one.get("digest") in around.pictures
    ]
    return found or None


def _removed(
    row: EventRow, event: JsonObject, around: Around
) -> tuple[list[JsonObject], list[JsonObject], set[str]]:
    """(what was taken down, what was erased, the members that are told so and not as withheld)."""
    removals = around.removals
    photos = [
        removals.photos[one["digest"]]
        for one in _list(event.get("trace:attachments"))
        if isinstance(one, dict) and one.get("digest") in removals.photos
    ]
    texts, erased = removals.texts.get(row.id, []), removals.erased.get(row.id, [])
    gone = {one["member"] for one in texts}
    gone |= {member for one in erased for member in one["members"]}
    return [*photos, *texts], erased, gone


def _notice(value: Any) -> JsonObject | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        return {"kind": str(value)}
    return {name: value[name] for name in ("kind", "hazard", "reason", "ends") if name in value}


def _sensor(elements: Any) -> JsonObject | None:
    """What sensors read, of one line: the first series, and in `others` those of other measures."""
    points: dict[str, list[tuple[str, float]]] = {}
    values: dict[str, list[float]] = {}
    for element in _list(elements):
        if not isinstance(element, dict):
            continue
        meta = element.get("sensorMetadata")
        meta = meta if isinstance(meta, dict) else {}
        at = meta.get("time") or meta.get("startTime") or ""
        for report in _list(element.get("sensorReport")):
            if not isinstance(report, dict) or report.get("uom") not in SERIES:
                continue
            uom, when = str(report["uom"]), str(report.get("time") or at)
            read = [
                float(report[member])
                for member in ("meanValue", "value", "minValue", "maxValue")
                if isinstance(report.get(member), (int, float))
            ]
            if read:
                points.setdefault(uom, []).append((when, read[0]))  # of a piece, its mean
                values.setdefault(uom, []).extend(read)
    found = [_series(uom, points[uom], values[uom]) for uom in SERIES if uom in points]
    if not found:
        return None
    return {**found[0], "others": found[1:]} if len(found) > 1 else found[0]


def _series(uom: str, points: list[tuple[str, float]], values: list[float]) -> JsonObject:
    """One measure: the span, and up to sixty points for a curve."""
    points.sort(key=lambda point: point[0])
    curve = [value for _, value in points]
    step = max(1, len(points) // 60)
    return {
        "kind": SERIES[uom],
        "uom": uom,
        "min": min(values),
        "max": max(values),
        "from": points[0][0],
        "to": points[-1][0],
        "count": len(points),
        "points": curve[::step],
    }
