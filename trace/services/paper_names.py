"""Who and where, as a paper names them for its reader: asked for in sets, remembered for the paper.

A place that is not public is named by its code only, except to its own organisation and to an
authority that reads the event whole; so are exact positions and street addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import or_, select

from trace.core.gs1 import canonical_uri, parse_identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Organisation, Place, Product
from trace.services.records import JsonObject
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.wards import ward_name

COUNTRY = "Viet Nam"


@dataclass(slots=True)
class Names:
    """Names for one reader: the organisation `reader`, or (`everything`) an authority at work."""

    reader: int
    everything: bool = False
    _places: dict[str, Place | None] = field(default_factory=dict)
    _parties: dict[str, Organisation | None] = field(default_factory=dict)
    _issuers: dict[int, Organisation] = field(default_factory=dict)
    _products: dict[int, Product] = field(default_factory=dict)

    def learn(self, documents: Iterable[JsonObject], issuers: Collection[int]) -> None:
        """Reads in one go what these events name."""
        places: set[str] = set()
        parties: set[str] = set()
        for document in documents:
            places |= {uri for uri in (place_of(document), *ends(document, "location")) if uri}
            parties |= set(ends(document, "owning_party")) | set(ends(document, "possessing_party"))
        self._learn_places(places)
        self._learn_parties(parties)
        self.learn_issuers(issuers)

    def learn_issuers(self, issuers: Collection[int]) -> None:
        """Organisations by row."""
        wanted = sorted(set(issuers) - self._issuers.keys())
        if wanted:
            query = select(Organisation).where(among(Organisation.id, wanted))
            self._issuers |= {row.id: row for row in db.session.scalars(query)}

    def learn_products(self, products: Collection[int]) -> None:
        """Products by row."""
        wanted = sorted(set(products) - self._products.keys())
        if wanted:
            query = select(Product).where(among(Product.id, wanted))
            self._products |= {row.id: row for row in db.session.scalars(query)}

    def _learn_places(self, uris: Collection[str]) -> None:
        wanted = {canonical(uri): uri for uri in uris if uri not in self._places}
        if not wanted:
            return
        query = select(Place).where(among(Place.identity, sorted(wanted)))
        rows = {row.identity: row for row in db.session.scalars(query)}
        self._places |= {uri: rows.get(identity) for identity, uri in wanted.items()}

    def _learn_parties(self, uris: Collection[str]) -> None:
        wanted = {uri.rpartition("/")[2]: uri for uri in uris if uri not in self._parties}
        if not wanted:
            return
        codes = sorted(wanted)
        query = select(Organisation).where(
            or_(among(Organisation.code, codes), among(Organisation.gln, codes))
        )
        found: dict[str, Organisation] = {}
        for row in db.session.scalars(query):
            for code in (row.code, row.gln):
                if code:
                    found[code] = row
        self._parties |= {uri: found.get(code) for code, uri in wanted.items()}

    # -- telling -----------------------------------------------------------------------------------

    def issuer(self, row_id: int) -> Organisation | None:
        """Who stated something."""
        return self._issuers.get(row_id)

    def party(self, uri: str) -> Organisation | None:
        """A registered party."""
        return self._parties.get(uri)

    def product(self, row_id: int | None) -> Product | None:
        """A product that was learned."""
        return self._products.get(row_id or 0)

    def place(self, uri: str, *, whole: bool = False) -> Place | None:
        """A place whose name the reader may be told."""
        found = self._places.get(uri)
        return found if found is not None and self._may_name(found, whole=whole) else None

    def describe_place(self, uri: str, *, whole: bool = False) -> str:
        """Name, address, ward, country, and the position where the reader may have it; the code of
        a place that is nobody else's business; "" for none."""
        if not uri:
            return ""
        row = self.place(uri, whole=whole)
        if row is None:
            return uri
        parts = [row.name]
        near = self._is_near(row, whole=whole)
        if near and row.address:
            parts.append(row.address)
        if row.ward_code:
            parts.append(ward_name(row.ward_code))
        parts.append(COUNTRY)
        if (near or row.position_public) and None not in (row.latitude, row.longitude):
            parts.append(f"({row.latitude:.6f}, {row.longitude:.6f})")
        return ", ".join(parts)

    def describe_party(self, uri: str, *, whole: bool = False) -> str:
        """Name, address, phone as far as the reader may know; the code of an unknown one."""
        row = self._parties.get(uri)
        return self.describe_organisation(row, whole=whole) if row is not None else uri

    def describe_organisation(self, row: Organisation, *, whole: bool = False) -> str:
        """The same of a row."""
        near = row.id == self.reader or (whole and self.everything)
        parts = [row.name]
        if near and row.address:
            parts.append(row.address)
        if row.ward_code:
            parts.append(ward_name(row.ward_code))
        if row.phone and (near or row.phone_public):
            parts.append(row.phone)
        return ", ".join(parts)

    def _may_name(self, row: Place, *, whole: bool) -> bool:
        return row.public or self._is_near(row, whole=whole)

    def _is_near(self, row: Place, *, whole: bool) -> bool:
        return row.organisation_id == self.reader or (whole and self.everything)


def place_of(document: JsonObject) -> str:
    """Where an event took place: its readPoint, else its bizLocation; "" where neither shows."""
    for member in ("readPoint", "bizLocation"):
        value = document.get(member)
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            return str(value["id"])
    return ""


def ends(document: JsonObject, kind: str, member: str = "") -> list[str]:
    """The parties or places of a kind in the source and destination lists, or in one of them
    (`member`: source | destination)."""
    found: list[str] = []
    for name in (member,) if member else ("source", "destination"):
        listed = document.get(f"{name}List")
        found += [
            str(end.get(name, ""))
            for end in (listed if isinstance(listed, list) else ())
            if isinstance(end, dict) and str(end.get("type", "")).endswith(kind)
        ]
    return [one for one in found if one]


def canonical(uri: str) -> str:
    """The identity text a URI means; itself where it means none of ours."""
    base = current_settings().id_base
    try:
        identity = parse_identity(uri, base)
    except TraceError:
        return uri
    return uri if identity is None else canonical_uri(identity, base)
