"""What the words of a spreadsheet's row refer to: the organisation's own places, products,
households, plantings and lots, by name or code. Another organisation's are not found, and nothing
tells whether they exist.

Everything is read once for a file: a reference costs a look into a table of names then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from sqlalchemy import or_, select

from trace.core.folding import fold
from trace.core.gs1 import Gs1Error, check_code
from trace.errors import TraceError
from trace.extensions import db
from trace.models import AreaCode, Holding, Household, Place, Product, Thing
from trace.services.actors import Actor
from trace.services.batches import (
    address_of,
    organisation_address,
    place_address,
    product_address,
)
from trace.services.choices import find_organisation
from trace.services.sets import among, batched

ASKED_AT_ONCE: Final = 1000
KINDS: Final = ("place", "product", "household", "cycle", "lot")


class NotAmongYours(TraceError):
    code = "not-among-yours"
    message = "“%(value)s” is not among what your organisation has here. Check the name or code."


class SeveralFit(TraceError):
    code = "several-fit"
    message = "%(count)d of yours are called “%(value)s”. Write the code instead: %(codes)s."


@dataclass(frozen=True, slots=True)
class Found:
    """What a word means: our row, its printed address (a household: its code), its name."""

    id: int
    uri: str
    name: str
    code: str
    product: int | None = None


def codes_in_use(actor: Actor, kind: str, wanted: Iterable[str]) -> set[str]:
    """Which of these codes a new row of this kind may not have: one's own households', anybody's
    GLN or GTIN. Only what is asked about is read, ASKED_AT_ONCE at a time."""
    found: set[str] = set()
    column: Any = {"households": Household.code, "places": Place.gln, "products": Product.gtin}[
        kind
    ]
    for some in batched(sorted(wanted), ASKED_AT_ONCE):
        query = select(column).where(among(column, some))
        if kind == "households":
            query = query.where(Household.organisation_id == actor.organisation.id)
        found |= set(db.session.scalars(query))
    return found


def gtins_of(actor: Actor) -> dict[int, str | None]:
    """The GTIN of each product of the organisation, by row id."""
    mine = Product.organisation_id == actor.organisation.id
    rows = db.session.execute(select(Product.id, Product.gtin).where(mine))
    return {row.id: row.gtin for row in rows}


class References:
    """The names of one organisation."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._tables: dict[str, dict[str, list[Found]]] = {}
        self._by_id: dict[tuple[str, int], Found] = {}
        self._organisations: dict[str, str | TraceError] = {}

    def find(self, kind: str, typed: str) -> Found:
        """The one meant. Raises NotAmongYours, SeveralFit."""
        table = self._tables.get(kind)
        if table is None:
            table = self._tables[kind] = self._load(kind)
        found = table.get(typed) or table.get(_key(typed))
        if not found and kind in ("cycle", "lot"):
            found = table.get(_code(typed))
        if not found:
            raise NotAmongYours(value=typed[:60])
        if len(found) > 1:
            codes = ", ".join(one.code for one in found[:5])
            raise SeveralFit(value=typed[:60], count=len(found), codes=codes)
        return found[0]

    def by_id(self, kind: str, row: int | None) -> Found | None:
        """One of this kind by its row."""
        if kind not in self._tables:
            self._tables[kind] = self._load(kind)
        return self._by_id.get((kind, row or 0))

    def all(self, kind: str) -> list[Found]:
        """Everything of this kind."""
        self.by_id(kind, None)
        return [found for (of, _), found in self._by_id.items() if of == kind]

    def organisation(self, typed: str) -> str:
        """A partner's printed address, by name or code. Raises what find_organisation raises."""
        known = self._organisations.get(typed)
        if known is None:
            try:
                found = find_organisation(self.actor, typed, "")
                known = organisation_address(found) if found else ""
            except TraceError as error:
                known = error
            self._organisations[typed] = known
        if isinstance(known, TraceError):
            raise known
        return known

    def _load(self, kind: str) -> dict[str, list[Found]]:
        table: dict[str, list[Found]] = defaultdict(list)
        for found, words in getattr(self, f"_{kind}s")():
            self._by_id[kind, found.id] = found
            for word in {_key(word) for word in words if word} | {word for word in words if word}:
                if found not in table[word]:
                    table[word].append(found)
        return dict(table)

    def _places(self) -> Iterable[tuple[Found, tuple[str, ...]]]:
        codes: dict[int, list[str]] = defaultdict(list)
        for code in self._own(AreaCode):
            codes[code.place_id].append(code.code)
        for row in self._own(Place):
            found = Found(row.id, place_address(row), row.name, row.code)
            yield found, (row.name, row.name_en, row.code, row.gln or "", *codes[row.id])

    def _products(self) -> Iterable[tuple[Found, tuple[str, ...]]]:
        for row in self._own(Product):
            found = Found(row.id, product_address(row), row.name, row.code, row.id)
            gtin = row.gtin or ""
            yield found, (row.name, row.name_en, row.code, gtin, gtin.lstrip("0"))

    def _households(self) -> Iterable[tuple[Found, tuple[str, ...]]]:
        for row in self._own(Household):
            yield Found(row.id, row.code, row.name, row.code), (row.code, row.name)

    def _cycles(self) -> Iterable[tuple[Found, tuple[str, ...]]]:
        return self._things("cycle")

    def _lots(self) -> Iterable[tuple[Found, tuple[str, ...]]]:
        return self._things("lot")

    def _things(self, kind: str) -> Iterable[tuple[Found, tuple[str, ...]]]:
        mine = self.actor.organisation.id
        held = select(Holding.thing_id).where(Holding.holder_id == mine)
        rows = db.session.execute(
            select(Thing.id, Thing.identity, Thing.product_id).where(
                Thing.kind == kind, or_(Thing.owner_id == mine, Thing.id.in_(held))
            )
        )
        for row in rows:
            name = unquote(row.identity.rpartition("/")[2])
            uri = address_of(row.identity)
            yield Found(row.id, uri, name, name, row.product_id), (name, uri, row.identity)

    def _own(self, model: Any) -> Iterable[Any]:
        mine = self.actor.organisation.id
        return db.session.scalars(select(model).where(model.organisation_id == mine))


def _key(word: str) -> str:
    return fold(word)


def _code(typed: str) -> str:
    try:
        return check_code(typed.rpartition("/")[2])
    except Gs1Error:
        return ""
