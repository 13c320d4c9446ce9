"""Identity: the tuple (key, value, qualifiers) that all comparison is on.

GS1 keys carry the digits of their application identifier; our own addresses carry their letter
(formats, section 1): b lot or, with a serial, unit; c production cycle; h logistic unit; l place;
p stall; o organisation; n delivery note; q product.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "product",
    "lot",
    "unit",
    "cycle",
    "logistic",
    "place",
    "party",
    "stall",
    "note",
    "asset",
    "document",
    "other",
]

GS1_BASE: Final = "https://id.gs1.org"
OWN_LETTERS: Final = frozenset("bchlponq")
SERIAL: Final = "serial"

_KINDS: Final[dict[str, Kind]] = {
    "00": "logistic",
    "414": "place",
    "415": "party",
    "417": "party",
    "253": "document",
    "8003": "asset",
    "8004": "asset",
    "c": "cycle",
    "h": "logistic",
    "l": "place",
    "p": "stall",
    "o": "party",
    "n": "note",
    "q": "product",
}
_ESCAPED: Final = re.compile(r"[^A-Za-z0-9._~-]")


def escape(value: str) -> str:
    """Percent-encode all but RFC 3986's unreserved characters (value is ASCII)."""
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", value)


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """One thing, however it was written: key, value and qualifiers in the grammar's order.

    A GTIN always has 14 digits. Ours: ("b", code, (("serial", serial),)) for one unit of a lot.
    """

    key: str
    value: str
    qualifiers: tuple[tuple[str, str], ...] = ()

    @property
    def is_own(self) -> bool:
        return self.key in OWN_LETTERS

    @property
    def path(self) -> str:
        """`/01/{gtin}/10/{lot}` or `/b/{code}/{serial}`, percent-encoded."""
        if not self.qualifiers:
            return f"/{self.key}/{escape(self.value)}"
        if self.key in OWN_LETTERS:
            return f"/{self.key}/{self.value}/{self.qualifiers[0][1]}"
        tail = "".join(f"/{ai}/{escape(value)}" for ai, value in self.qualifiers)
        return f"/{self.key}/{escape(self.value)}{tail}"

    @property
    def kind(self) -> Kind:
        if self.key in {"01", "8006", "b"}:
            names = {name for name, _ in self.qualifiers}
            if names & {"21", "235", SERIAL}:
                return "unit"
            return "lot" if self.key == "b" or "10" in names else "product"
        return _KINDS.get(self.key, "other")

    def get(self, qualifier: str) -> str | None:
        """The value of one qualifier ("10", "21", "serial" …), or None."""
        return next((value for name, value in self.qualifiers if name == qualifier), None)

    def levels(self) -> tuple[Identity, ...]:
        """This identity and everything above it, the most specific first: serial, lot, key.

        A unit of a lot (01 + 10 + 21) is held as 01 + 21 as well as under its lot (Resolver
        1.2, section 2.5.9), and 01 + 21 ranks above 01 + 10."""
        if self.key in OWN_LETTERS:
            return (self, Identity(self.key, self.value)) if self.qualifiers else (self,)
        found = [self]
        serial = self.get("21")
        if serial is not None and len(self.qualifiers) > 1:
            found.append(Identity(self.key, self.value, (("21", serial),)))
        found += [
            Identity(self.key, self.value, self.qualifiers[:count])
            for count in range(len(self.qualifiers) - 1, -1, -1)
        ]
        lot = self.get("10")
        if lot is not None and self.get("22") is not None:
            found.insert(-1, Identity(self.key, self.value, (("10", lot),)))
        return tuple(dict.fromkeys(found))


def canonical_uri(identity: Identity, id_base: str) -> str:
    """THE text of an identity: GS1 keys under id.gs1.org, ours under `id_base`."""
    base = id_base.rstrip("/") if identity.key in OWN_LETTERS else GS1_BASE
    return base + identity.path


def local_uri(identity: Identity, id_base: str) -> str:
    """What we print and put into our own events: everything under `id_base`."""
    return id_base.rstrip("/") + identity.path
