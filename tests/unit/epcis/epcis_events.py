"""Random but valid EPCIS events from a seed: every event type, member and identifier form.

`Forms` says how identifiers are written, so that one and the same event can be had in EPC URNs, in
Digital Links of some host, or mixed; everything else comes from the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from trace.core.epcis import vocabulary as words
from trace.core.gs1 import check_digit

Json = dict[str, Any]

ID_BASE = "https://trace.example"
# One namespace ends in a slash, one does not: the event hash treats them differently.
NAMESPACES = {
    "ext": "https://ns.example.com/ext/",
    "plain": "https://ns.example.org/plain#",
    "trace": f"{ID_BASE}/voc/",
}
CONTEXT: list[Any] = [words.EPCIS_CONTEXT, *({name: uri} for name, uri in NAMESPACES.items())]
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TYPES = (
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
)
_SERIAL = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-."


@dataclass(frozen=True)
class Forms:
    """How identifiers are written: chance of a URN, and the hosts of links."""

    urn: float = 0.5
    hosts: tuple[str, ...] = ("https://id.gs1.org", ID_BASE, "https://example.com/some/stem")


class Maker:
    """One source of events. Two makers of the same seed differ only in the forms asked for."""

    def __init__(self, seed: int, forms: Forms | None = None) -> None:
        self.random = Random(seed)
        self._forms = Random(seed + 1)  # a stream of its own: forms must not shift what is said
        self.forms = forms or Forms()

    # --- identifiers ---

    def _digits(self, length: int) -> str:
        return "".join(self.random.choice("0123456789") for _ in range(length))

    def _text(self) -> str:
        # Begins with a letter: a number's leading zeros would not survive rule 3 of the hash alike.
        return "L" + "".join(self.random.choice(_SERIAL) for _ in range(self.random.randint(1, 12)))

    def _either(self, urn: str, path: str) -> str:
        if self._forms.random() < self.forms.urn:
            return f"urn:epc:{urn}"
        return self._forms.choice(self.forms.hosts) + path

    def _gtin(self) -> tuple[str, str, str]:
        split = self.random.randint(6, 12)
        prefix, item = self._digits(split), self._digits(13 - split)
        body = item[0] + prefix + item[1:]
        return prefix, item, body + str(check_digit(body))

    def _key13(self) -> tuple[str, str, str]:
        split = self.random.randint(6, 11)
        prefix, rest = self._digits(split), self._digits(12 - split)
        return prefix, rest, prefix + rest + str(check_digit(prefix + rest))

    def instance(self) -> str:
        kind = self.random.choice(("sgtin", "sgtin", "sscc", "giai", "grai"))
        if kind == "sgtin":
            (prefix, item, gtin), serial = self._gtin(), self._text()
            return self._either(f"id:sgtin:{prefix}.{item}.{serial}", f"/01/{gtin}/21/{serial}")
        if kind == "sscc":
            split = self.random.randint(6, 12)
            prefix, serial = self._digits(split), self._digits(17 - split)
            body = serial[0] + prefix + serial[1:]
            path = f"/00/{body}{check_digit(body)}"
            return self._either(f"id:sscc:{prefix}.{serial}", path)
        if kind == "giai":
            prefix, reference = self._digits(7), self._text()
            return self._either(f"id:giai:{prefix}.{reference}", f"/8004/{prefix}{reference}")
        (prefix, rest, key), serial = self._key13(), self._text()
        return self._either(f"id:grai:{prefix}.{rest}.{serial}", f"/8003/0{key}{serial}")

    def klass(self) -> str:
        prefix, item, gtin = self._gtin()
        if self.random.random() < 0.25:
            return self._either(f"idpat:sgtin:{prefix}.{item}.*", f"/01/{gtin}")
        lot = self._text()
        return self._either(f"class:lgtin:{prefix}.{item}.{lot}", f"/01/{gtin}/10/{lot}")

    def place(self) -> str:
        prefix, rest, gln = self._key13()
        if self.random.random() < 0.5:
            return self._either(f"id:sgln:{prefix}.{rest}.0", f"/414/{gln}")
        extension = self._text()
        return self._either(f"id:sgln:{prefix}.{rest}.{extension}", f"/414/{gln}/254/{extension}")

    def party(self) -> str:
        prefix, rest, gln = self._key13()
        return self._either(f"id:pgln:{prefix}.{rest}", f"/417/{gln}")

    # --- values ---

    def number(self) -> float:
        return self.random.choice(
            (
                self.random.randint(0, 10**6),
                round(self.random.uniform(0, 5000), self.random.randint(0, 6)),
                self.random.random() / 10**6,
                float(self.random.randint(0, 99)),
            )
        )

    def time(self, latest: datetime = NOW) -> str:
        moment = latest - timedelta(seconds=self.random.randint(0, 10**8))
        # Microseconds of 999,500 and more stop the published generator; they have their own test.
        moment = moment.replace(microsecond=self.random.randint(0, 999_499))
        moment = moment.astimezone(timezone(timedelta(minutes=self.random.randint(-56, 56) * 15)))
        text = moment.isoformat(
            timespec=self.random.choice(("seconds", "milliseconds", "microseconds"))
        )
        if self.random.random() < 0.2:
            text = (
                moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
            )
        return text

    def extension(self, depth: int = 0) -> Any:
        kind = self.random.randint(0, 8 if depth < 3 else 4)
        if kind == 0:
            return self.number()
        if kind == 1:
            return self.random.choice(
                ("", " Rau muống ", "007", "3.50", "1e3", "+4", "a:b", "ext:word")
            )
        if kind == 2:
            return self.random.choice((True, False, None))
        if kind == 3:
            return self.instance()
        if kind == 4:
            return self.time()
        if kind == 5:
            return [self.extension(depth + 1) for _ in range(self.random.randint(0, 4))]
        return self.extensions(depth + 1)

    def extensions(self, depth: int = 0) -> Json:
        names = ("field", "time", "aList", "object", "value", "Name_2")
        return {
            f"{self.random.choice(('ext', 'plain'))}:{self.random.choice(names)}": self.extension(
                depth
            )
            for _ in range(self.random.randint(0, 3))
        }

    def _word(self, known: words.WordList) -> str:
        return self.random.choice(sorted(known.words))

    def quantities(self, fewest: int = 0) -> list[Json]:
        found = []
        for _ in range(self.random.randint(fewest, 3)):
            one: Json = {"epcClass": self.klass()}
            if self.random.random() < 0.8:
                one["quantity"] = self.number()
            if self.random.random() < 0.5:
                one["uom"] = self.random.choice(("KGM", "GRM", "LTR", "H87", "XBX"))
            found.append(one)
        return found

    def instances(self, fewest: int = 0) -> list[str]:
        return [self.instance() for _ in range(self.random.randint(fewest, 3))]

    # --- events ---

    def event(self, event_type: str | None = None) -> Json:
        chosen = event_type or self.random.choice(TYPES)
        event: Json = {
            "@context": CONTEXT,
            "type": chosen,
            "eventTime": self.time(),
            "eventTimeZoneOffset": self.random.choice(("+07:00", "-06:00", "+00:00", "+14:00")),
            **self._what(chosen),
        }
        for name, make in self._optional().items():
            if self.random.random() < 0.5:
                event[name] = make()
        event.update(self.extensions())
        names = list(event)
        self.random.shuffle(names)
        return {name: event[name] for name in names}

    def _what(self, event_type: str) -> Json:
        if event_type == "TransformationEvent":
            return {
                "inputEPCList": self.instances(),
                "inputQuantityList": self.quantities(1),
                "outputEPCList": self.instances(1),
                "outputQuantityList": self.quantities(),
                "ilmd": self.ilmd(),
            }
        action = self.random.choice(words.ACTIONS)
        if event_type == "ObjectEvent":
            found = {
                "action": action,
                "epcList": self.instances(),
                "quantityList": self.quantities(1),
            }
            return {**found, "ilmd": self.ilmd()} if action == "ADD" else found
        if event_type == "TransactionEvent":
            return {
                "action": action,
                "epcList": self.instances(1),
                "quantityList": self.quantities(),
                "bizTransactionList": self.transactions(1),
            }
        return {
            "action": action,
            "parentID": self.instance(),
            "childEPCs": self.instances(1),
            "childQuantityList": self.quantities(),
        }

    def ilmd(self) -> Json:
        return {"cbvmda:lotNumber": self._text(), **self.extensions()}

    def transactions(self, fewest: int = 0) -> list[Json]:
        return [
            {
                "type": self._word(words.BIZ_TRANSACTION_TYPES),
                "bizTransaction": f"urn:epcglobal:cbv:bt:4012345000009:{self._text()}",
            }
            for _ in range(self.random.randint(fewest, 2))
        ]

    def _pairs(self, member: str) -> list[Json]:
        return [
            {"type": self._word(words.SOURCE_DESTINATION_TYPES), member: self.party()}
            for _ in range(self.random.randint(0, 3))
        ]

    def _location(self) -> Json:
        found = {"id": self.place()}
        return {**found, **self.extensions()} if self.random.random() < 0.3 else found

    def _certificates(self) -> Any:
        some = [f"https://certificates.example/{self._digits(6)}" for _ in range(2)]
        return self.random.choice((some[0], some))

    def _persistent(self) -> Json:
        return {
            "set": sorted({self._word(words.DISPOSITIONS) for _ in range(2)}),
            "unset": [self._word(words.DISPOSITIONS)],
        }

    def _error(self) -> Json:
        return {"declarationTime": self.time(), "reason": "incorrect_data", **self.extensions()}

    def _sensors(self) -> list[Json]:
        return [self._sensor() for _ in range(self.random.randint(1, 2))]

    def _sensor(self) -> Json:
        # Long before any event: readings lie in the past of what they report.
        early = NOW - timedelta(seconds=2 * 10**8)
        reports: list[Json] = []
        for _ in range(self.random.randint(1, 3)):
            report: Json = {"type": self._word(words.MEASUREMENT_TYPES), "uom": "CEL"}
            some = {
                "value": self.number(),
                "minValue": -self.number(),
                "stringValue": "12.50",
                "booleanValue": self.random.random() < 0.5,
                "hexBinaryValue": "f0F0",
                "time": self.time(early),
                "deviceID": f"urn:epc:id:giai:4012345.{self._text()}",
                "bizRules": "https://example.com/253/4012345000054987",
                "component": self._word(words.COMPONENTS),
                "exception": "ALARM_CONDITION",
            }
            report.update({k: v for k, v in some.items() if self.random.random() < 0.4})
            reports.append({**report, **self.extensions()})
        found: Json = {"sensorReport": reports, **self.extensions()}
        if self.random.random() < 0.6:
            found["sensorMetadata"] = {"startTime": self.time(early), **self.extensions()}
        return found

    def _optional(self) -> dict[str, Any]:
        return {
            "eventID": lambda: f"urn:uuid:{self._digits(8)}-0000-4000-8000-{self._digits(12)}",
            "bizStep": lambda: self._word(words.BIZ_STEPS),
            "disposition": lambda: self._word(words.DISPOSITIONS),
            "persistentDisposition": self._persistent,
            "readPoint": self._location,
            "bizLocation": self._location,
            "bizTransactionList": lambda: self.transactions(1),
            "sourceList": lambda: self._pairs("source"),
            "destinationList": lambda: self._pairs("destination"),
            "certificationInfo": self._certificates,
            "errorDeclaration": self._error,
            "sensorElementList": self._sensors,
        }


def document(events: list[Json], context: Any = CONTEXT) -> Json:
    """An EPCISDocument of events that all have the same context."""
    return {
        "@context": context,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-22T03:00:00Z",
        "epcisBody": {
            "eventList": [{k: v for k, v in event.items() if k != "@context"} for event in events]
        },
    }
