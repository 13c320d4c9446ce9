"""Master data as the simulator plans it, before anything is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from trace.core.geo import Outline
from trace.core.gs1 import Identity, canonical_uri, local_uri


@dataclass(frozen=True, slots=True)
class OrganisationPlan:
    """One organisation; `key` is what the stories call it, `serial` counts all organisations."""

    key: str
    serial: int
    code: str
    gln: str | None
    name: str
    name_en: str
    kind: str
    status: str
    ward: str
    jurisdiction: str | None = None

    @property
    def identity(self) -> Identity:
        return Identity("417", self.gln) if self.gln else Identity("o", self.code)


@dataclass(frozen=True, slots=True)
class HouseholdPlan:
    """A member household: a code in public; the name says that it is made up."""

    organisation: str
    code: str
    name: str
    ward: str


@dataclass(frozen=True, slots=True)
class PlacePlan:
    key: str
    organisation: str
    household: str | None
    code: str
    gln: str | None
    name: str
    name_en: str
    kind: str
    ward: str
    latitude: float
    longitude: float
    area_m2: int | None
    outline: Outline | None
    codes: tuple[dict[str, Any], ...]  # columns of AreaCode

    @property
    def identity(self) -> Identity:
        return Identity("414", self.gln) if self.gln else Identity("l", self.code)


@dataclass(frozen=True, slots=True)
class ProductPlan:
    key: str
    organisation: str
    code: str
    gtin: str | None
    name: str
    name_en: str
    category: str
    unit: str
    grams: int | None
    shelf_life_days: int
    use_by: bool
    picture: str

    @property
    def identity(self) -> Identity:
        return Identity("01", self.gtin) if self.gtin else Identity("q", self.code)


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """Somebody who may sign in; `organisation` "" is the platform itself."""

    key: str
    organisation: str
    role: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class CertificatePlan:
    organisation: str
    product: str | None
    standard: str
    number: str
    issuer_name: str
    valid_from: date
    valid_until: date
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class Cast:
    """One set of everybody and everything a story needs, by the stories' own short keys."""

    number: int
    id_base: str
    organisations: dict[str, OrganisationPlan]
    households: dict[str, tuple[HouseholdPlan, ...]]
    places: dict[str, PlacePlan]
    products: dict[str, ProductPlan]
    certificates: tuple[CertificatePlan, ...]

    def party(self, key: str) -> str:
        """The printed address of an organisation."""
        return local_uri(self.organisations[key].identity, self.id_base)

    def place(self, key: str) -> str:
        """The printed address of a place."""
        return local_uri(self.places[key].identity, self.id_base)

    def product(self, key: str) -> str:
        """The printed address of a product."""
        return local_uri(self.products[key].identity, self.id_base)


def identity_text(identity: Identity, id_base: str) -> str:
    """The canonical text that master data rows are unique by."""
    return canonical_uri(identity, id_base)
