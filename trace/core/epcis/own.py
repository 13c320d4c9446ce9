"""Our own members: what each holds, as data (formats §1: the list is fixed).

A member of ours stands under `trace:` with `trace` declared as `{id base}/voc/`. Shapes say only
what every reader relies on; an object may carry more than is listed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from trace.core.epcis import vocabulary as words
from trace.core.epcis.errors import BadOwnMember, ReservedName, UnknownMember
from trace.core.epcis.strict_json import JsonValue, pointer
from trace.errors import TraceError

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
_DAY: Final[Schema] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}


def _object(required: tuple[str, ...] = (), **members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": list(required)}


def _either(*shapes: Schema) -> Schema:
    return {"anyOf": list(shapes)}


@dataclass(frozen=True, slots=True)
class OwnMember:
    """`where` it may stand: "event", "ilmd", or both; `shape` is a JSON Schema."""

    where: tuple[str, ...]
    shape: Schema
    meaning: str


MEMBERS: Final[dict[str, OwnMember]] = {
    "corrects": OwnMember(
        ("event",),
        {"type": "string", "pattern": "^urn:uuid:"},
        "the statement (urn:uuid) an error declaration is about",
    ),
    "notice": OwnMember(
        ("event",),
        _either(_TEXT, _object(("kind",), kind=_TEXT)),
        "recall, hold, release or advice: the word alone, or an object with its kind",
    ),
    "attachments": OwnMember(
        ("event",),
        {
            "type": "array",
            "items": _object(("digest",), digest=_TEXT, mediaType=_TEXT, bytes=_NUMBER),
        },
        "files by content: {digest, mediaType, bytes}",
    ),
    "performedBy": OwnMember(("event",), _either(_TEXT, _object()), "who did it: a household, say"),
    "recordedBy": OwnMember(("event",), _either(_TEXT, _object()), "who entered it"),
    "note": OwnMember(("event",), _TEXT, "a remark in words"),
    "inputs": OwnMember(
        ("event",),
        {
            "type": "array",
            "items": _object(
                ("name",),
                name=_TEXT,
                activeIngredient=_TEXT,
                amount=_NUMBER,
                unit=_TEXT,
                intervalDays=_NUMBER,
                reason=_TEXT,
                method=_TEXT,
                equipment=_TEXT,
            ),
        },
        "what was applied: {name, activeIngredient?, amount, unit, intervalDays?, reason?, method?,"
        " equipment?}",
    ),
    "declaredNone": OwnMember(
        ("event",),
        {"type": "array", "items": {"enum": list(words.DECLARED_NONE)}, "uniqueItems": True},
        "what was declared not to have been used: fertiliser, pesticide, irrigation",
    ),
    "externalSource": OwnMember(
        ("event",),
        _object(supplier=_TEXT, place=_TEXT, date=_TEXT, code=_TEXT),
        "where goods without a code came from: {supplier, place, date, code}",
    ),
    "difference": OwnMember(
        ("event",),
        _object(reason=_TEXT, quantity={"type": "number"}, uom=_TEXT),
        "how what came differs from what was sent: {reason, quantity, uom}; below zero is less",
    ),
    "answer": OwnMember(
        ("event",),
        {"enum": ["all", "lines", "part", "refused", "by-link", "back"]},
        "how a delivery note is answered: all, lines (with differences), part (more is to come),"
        " refused, by-link (without an account), back (refused goods are the giver's again)",
    ),
    "market": OwnMember(
        ("event",),
        {"type": "string", "pattern": "^[A-Z]{2,3}$"},
        "market a consignment is for: ISO 3166-1 alpha-3, or EU",
    ),
    "diversion": OwnMember(
        ("event",),
        _object(("use",), use=_TEXT),
        "what goods were used for instead of food: {use}; use is feed, compost, industry, seed or"
        " other",
    ),
    "witness": OwnMember(
        ("event",), _TEXT, "who saw that goods were destroyed or put to another use"
    ),
    "units": OwnMember(
        ("event",),
        _object(
            ("range", "first", "last", "count", "digest"),
            range=_TEXT,
            first=_NUMBER,
            last=_NUMBER,
            count=_NUMBER,
            digest={"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        ),
        "labels of single packages bound to the lot: {range, first, last, count, digest}; digest is"
        " base64url(SHA-256 of the serials, joined by LF)",
    ),
    "variety": OwnMember(("event", "ilmd"), _TEXT, "variety of the crop or breed"),
    "area": OwnMember(
        ("event", "ilmd"), _object(("value", "unit"), value=_NUMBER, unit=_TEXT), "{value, unit}"
    ),
    "typed": OwnMember(
        ("ilmd",),
        _object(("value", "unit", "kilograms"), value=_NUMBER, unit=_TEXT, kilograms=_NUMBER),
        "a counted amount as typed and what one of it weighs: {value, unit, kilograms}",
    ),
    "results": OwnMember(
        ("event",),
        {
            "type": "array",
            "items": _object(
                ("substance", "verdict"),
                substance=_TEXT,
                verdict={"enum": ["within", "above", "not-detected"]},
                value=_NUMBER,
                unit=_TEXT,
                limit=_NUMBER,
                method=_TEXT,
            ),
        },
        "what a laboratory found: {substance, verdict, value?, unit?, limit?, method?}",
    ),
    "measured": OwnMember(
        ("event",),
        {
            "type": "array",
            "items": _object(
                ("measure", "uom", "least", "most"),
                measure={"enum": ["temperature", "humidity", "rainfall", "fine-dust"]},
                uom=_TEXT,
                start=_TEXT,
                end=_TEXT,
                readings=_NUMBER,
                least={"type": "number"},
                most={"type": "number"},
                mean={"type": "number"},
                sum=_NUMBER,
                minutes=_NUMBER,
                minutesUnknown=_NUMBER,
                minutesOutside=_NUMBER,
                low={"type": "number"},
                high={"type": "number"},
            ),
        },
        "what a series of readings comes to: {measure, uom, start, end, readings, least, most, mean"
        " or sum, minutes, minutesUnknown, low?, high?, minutesOutside?}",
    ),
    "shares": OwnMember(
        ("event",),
        {
            "type": "array",
            "items": _object(
                ("household", "quantity"), household=_TEXT, quantity=_NUMBER, uom=_TEXT
            ),
        },
        "who brought how much of a lot that many filled: {household, quantity, uom}",
    ),
    "certificate": OwnMember(
        ("event",),
        _object(
            ("standard", "holder", "decision"),
            standard=_TEXT,
            number=_TEXT,
            holder=_TEXT,
            decision={"enum": ["confirmed", "rejected", "suspended", "resumed", "withdrawn"]},
            validFrom=_DAY,
            validUntil=_DAY,
            day=_DAY,
            until=_DAY,
            reason=_TEXT,
            products={"type": "array", "items": _TEXT},
            places={"type": "array", "items": _TEXT},
            members={"type": "array", "items": _TEXT},
        ),
        "what the issuer says of a certificate: {standard, number?, holder, decision, validFrom,"
        " validUntil, day?, until?, reason?, products?, places?, members?}",
    ),
    "succession": OwnMember(
        ("event",),
        _object(
            ("kind",),
            kind={"enum": ["offer", "accept", "closing", "rectify"]},
            giver=_TEXT,
            taker=_TEXT,
            whole={"type": "boolean"},
            things={"type": "array", "items": _TEXT},
            offer={"type": "string", "pattern": "^urn:uuid:"},
            proof=_TEXT,
            about={"type": "string", "pattern": "^urn:uuid:"},
        ),
        "an organisation ends, or another goes on for it: {kind, giver?, taker?, whole?, things?,"
        " offer?, proof?}; rectify says what is right of another's statement: {kind, about}",
    ),
    "standing": OwnMember(
        ("event",),
        _object(
            ("decision",),
            decision={
                "enum": [
                    *("suspended", "reinstated", "accredited", "accreditation-withdrawn"),
                    *("prefix-confirmed", "prefix-declined", "same-as", "same-as-ended"),
                ]
            },
            reason=_TEXT,
            role={"enum": ["inspector", "laboratory", "certifier"]},
            number=_TEXT,
            scope=_TEXT,
            prefix={"type": "string", "pattern": "^[0-9]{4,12}$"},
            validFrom=_DAY,
            validUntil=_DAY,
            about={"type": "string", "pattern": "^urn:uuid:"},
        ),
        "what the platform decided of an organisation: {decision, reason?, role?, number?, scope?,"
        " prefix?, validFrom?, validUntil?, about? (the statement it ends)}",
    ),
    "contributors": OwnMember(
        ("ilmd",),
        _object(("households",), households=_NUMBER),
        "how many brought a part of the lot: {households}",
    ),
    "inspection": OwnMember(
        ("event",),
        _object(
            ("case", "part"),
            case=_TEXT,
            part={
                "enum": [
                    *("visit", "finding", "answer", "follow-up", "closed", "sample", "custody"),
                    *("result", "conclusion"),
                ]
            },
            conclusion={"enum": ["met", "partly", "not-met"]},
            on=_DAY,
            findings={"type": "object"},
            follows=_TEXT,
        ),
        "what an event is of an authority's inspection: {case, part}; a conclusion says"
        " {conclusion, on, findings: how many of each severity} as well and is public, all else is"
        " private",
    ),
    "inspected": OwnMember(("event",), _TEXT, "address of the organisation an inspection concerns"),
    "checkList": OwnMember(
        ("event",),
        _object(
            ("code", "number", "answers"),
            code=_TEXT,
            number=_NUMBER,
            name=_TEXT,
            answers={
                "type": "array",
                "items": _object(
                    ("item", "answer"),
                    item=_TEXT,
                    answer={"enum": ["yes", "no", "na"]},
                    note=_TEXT,
                    photo=_TEXT,
                ),
            },
        ),
        "what was looked at: {code, number (the list's version), name, answers: [{item, answer:"
        " yes, no or na, note?, photo? (its digest)}]}",
    ),
    "finding": OwnMember(
        ("event",),
        _object(
            ("code",),
            code=_TEXT,
            rule=_TEXT,
            severity={"enum": ["minor", "major", "critical"]},
            words=_TEXT,
            action=_TEXT,
            due=_DAY,
            evidence={"type": "array", "items": _TEXT},
        ),
        "what was found wrong: {code, rule, severity, words, action?, due?, evidence?: statements"
        " and seals}; what is said of it later names its code",
    ),
    "sample": OwnMember(
        ("event",),
        _object(
            ("seal",),
            seal=_TEXT,
            quantity=_NUMBER,
            unit=_TEXT,
            laboratory=_TEXT,
            step=_TEXT,
            intact={"type": "boolean"},
        ),
        "a sealed sample: {seal, quantity?, unit?, laboratory?}, and each hand it goes through:"
        " {seal, step: sent, received, returned or lost, intact?}",
    ),
    "position": OwnMember(
        ("event",),
        _object(
            ("latitude", "longitude"),
            latitude={"type": "number"},
            longitude={"type": "number"},
        ),
        "where whoever recorded it stood, WGS 84; never public",
    ),
    "sampleDate": OwnMember(("event",), _DAY, "day the sample of a laboratory's result was taken"),
    "seedSource": OwnMember(
        ("event", "ilmd"), _either(_TEXT, _object()), "where seed or stock came from"
    ),
    "harvestDate": OwnMember(("event", "ilmd"), _DAY, "day of harvest"),
    "product": OwnMember(("ilmd",), _TEXT, "address of the product the lot is of"),
    "productName": OwnMember(("ilmd",), _TEXT, "name of the product, as its maker calls it"),
}


# Members of ours that any text fits: nothing to ask the schema.
_ANY_TEXT: Final = {
    where: frozenset(
        f"{words.OWN_PREFIX}:{word}"
        for word, member in MEMBERS.items()
        if where in member.where
        and (member.shape == _TEXT or _TEXT in member.shape.get("anyOf", ()))
    )
    for where in ("event", "ilmd")
}


@lru_cache(maxsize=64)
def _validator(word: str) -> Any:
    return jsonschema_rs.Draft202012Validator(MEMBERS[word].shape)


def member_errors(name: str, value: JsonValue, where: str, path: str) -> list[TraceError]:
    """What is wrong with one member of ours; `where` is "event" or "ilmd", `path` its parent."""
    if type(value) is str and name in _ANY_TEXT[where]:
        return []
    word = name.partition(":")[2]
    if word == words.SIGNED_MEMBERS:
        return [ReservedName(path=path + pointer(name), name=name)]
    if word not in MEMBERS or where not in MEMBERS[word].where:
        return [UnknownMember(path=path + pointer(name), name=name)]
    validator = _validator(word)
    if validator.is_valid(value):
        return []
    return [
        BadOwnMember(path=path + pointer(name, *found.instance_path), name=name)
        for found in validator.iter_errors(value)
    ]
