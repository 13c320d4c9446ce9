"""From the URIs an event names to rows of `things`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, cast

from sqlalchemy import Select, Table, select, update

from trace.core.gs1 import Identity, canonical_uri, parse_identity
from trace.core.statements import chain_identity
from trace.extensions import db
from trace.models import CrateLabel, Product, Thing
from trace.models.types import to_millis
from trace.services import units
from trace.services.bulk import allocate_ids, insert_rows
from trace.services.sets import among, among_given, given, is_sqlite

CHAINED = frozenset({"lot", "cycle", "logistic"})
SALT = 32  # bytes of a chain's salt
COLUMNS = (
    "id",
    "identity",
    "kind",
    "lot_id",
    "product_id",
    "owner_id",
    "salt",
    "head",
    "created_at",
)
_table = cast("Table", Thing.__table__)


@dataclass(slots=True)
class Name:
    """What an event calls a thing: canonical identity text, kind, and what follows from it."""

    identity: str
    kind: str
    lot: Name | None = None  # a unit's lot, where the URI or the event tells
    product: str | None = None  # canonical identity of the trade item
    stamp: tuple[str, str] | None = None  # a unit's key and serial, as its roll would list it
    printer: int | None = None  # the organisation whose stamp or crate label it carries


class Known(NamedTuple):
    """A row of `things`, as capture needs it. `salt` is None where the thing has no chain."""

    id: int
    identity: str
    kind: str
    lot_id: int | None
    salt: bytes | None
    owner_id: int | None
    created: bool


def name_of(uri: str, id_base: str) -> Name:
    """The name for an EPC or class URI; a URI of no known scheme stands for itself."""
    identity = parse_identity(uri, id_base)
    if identity is None:
        return Name(uri, "other")
    kind = identity.kind
    if identity.key == "01":
        return _trade_item(identity, kind, id_base)
    if kind == "unit":  # /b/{code}/{serial}
        lot = Name(canonical_uri(Identity(identity.key, identity.value), id_base), "lot")
        stamp = units.key_of(identity), identity.get("serial") or ""
        return Name(canonical_uri(identity, id_base), "unit", lot=lot, stamp=stamp)
    if kind not in ("lot", "cycle", "logistic", "product", "asset"):
        kind = "other"
    return Name(canonical_uri(identity, id_base), kind)


def _trade_item(identity: Identity, kind: str, id_base: str) -> Name:
    product = canonical_uri(Identity("01", identity.value), id_base)
    if kind == "product":
        return Name(product, "product", product=product)
    lot_identity = chain_identity(identity)
    lot = None
    if lot_identity is not None:
        lot = Name(canonical_uri(lot_identity, id_base), "lot", product=product)
    serial = identity.get("21")
    if serial is None:
        return lot or Name(canonical_uri(identity, id_base), "other", product=product)
    unit = Identity("01", identity.value, (("21", serial),))
    stamp = units.key_of(unit), serial
    return Name(canonical_uri(unit, id_base), "unit", lot=lot, product=product, stamp=stamp)


def name_stamps(names: Iterable[Name]) -> None:
    """Units that carry a stamp of ours are of the lot it is bound to, whatever address or event
    say, and of none while it is unbound: the code in a blank stamp's address is its roll's, and
    no lot's. A crate's label printed ahead is its printer's. One query for each kind that is
    named at all."""
    stamps: dict[tuple[str, str], list[Name]] = {}
    crates: dict[str, list[Name]] = {}
    for name in names:
        if name.kind == "unit" and name.stamp is not None:
            stamps.setdefault(name.stamp, []).append(name)
        elif name.kind == "logistic":
            crates.setdefault(name.identity, []).append(name)
    if stamps:
        for stamp, found in units.printed(stamps).items():
            for name in stamps[stamp]:
                name.printer = found.organisation_id
                name.lot = Name(found.lot, "lot") if found.lot else None
    if crates:
        rows = db.session.execute(
            select(CrateLabel.identity, CrateLabel.organisation_id).where(
                among(CrateLabel.identity, sorted(crates))
            )
        )
        for identity, printer in rows:
            for name in crates[identity]:
                name.printer = printer


def ensure_things(
    names: Iterable[Name],
    created_by: Mapping[str, int],
    product_of: Mapping[str, str],
    links: Mapping[str, int],
    *,
    at: datetime,
) -> dict[str, Known]:
    """Rows for all names (and their lots), made where absent, by canonical identity.

    `created_by` maps the identities that an event of this capture brings into being to the
    organisation that says so, `product_of` lots to the trade item an event names for them, and
    `links` chained things to the number of entries that will continue their chains.
    """
    wanted: dict[str, Name] = {}
    for name in names:
        wanted.setdefault(name.identity, name)
        if name.lot is not None:
            wanted.setdefault(name.lot.identity, name.lot)
            if wanted[name.identity].lot is None:
                wanted[name.identity] = name
    known = _read(wanted, {})
    # Sorted, so that two captures racing for the same things wait for one another in one order;
    # lots before units, which point to them.
    missing = sorted((n for i, n in wanted.items() if i not in known), key=lambda n: n.identity)
    for some in ([n for n in missing if n.lot is None], [n for n in missing if n.lot is not None]):
        if some:
            known |= _insert(some, known, created_by, product_of, links, at)
    return known


def follow_bindings(names: Iterable[Name], known: dict[str, Known]) -> set[int]:
    """Under the log lock: stamps that were of no lot before, and were bound meanwhile, are of their
    lots now, in `known` as well. Returns the lots. Costs nothing where all were of one."""
    loose = [name for name in names if name.kind == "unit" and name.printer and not name.lot]
    if not loose:
        return set()
    name_stamps(loose)
    lots = {name.identity: name.lot.identity for name in loose if name.lot is not None}
    if lots:
        known |= _read(set(lots.values()) - known.keys(), {})
    for identity, lot in lots.items():
        row = known[identity] = known[identity]._replace(lot_id=known[lot].id)
        db.session.execute(
            update(Thing)
            .where(Thing.id == row.id)
            .values(lot_id=row.lot_id)
            .execution_options(synchronize_session=False)
        )
    return {known[lot].id for lot in lots.values()}


@lru_cache(maxsize=2)
def _by_identity(sqlite: bool) -> Select[int, str, str, int | None, bytes | None, int | None]:
    columns = _table.c
    return select(
        columns.id,
        columns.identity,
        columns.kind,
        columns.lot_id,
        columns.salt,
        columns.owner_id,
    ).where(among_given(columns.identity, "identities", sqlite=sqlite))


def _read(identities: Iterable[str], ours: Mapping[str, int]) -> dict[str, Known]:
    """Rows by identity. A row is of our making if it has the id we gave it."""
    rows = db.session.execute(_by_identity(is_sqlite()), {"identities": given(identities)})
    return {row.identity: Known(*row, created=row.id == ours.get(row.identity)) for row in rows}


def _insert(
    names: Sequence[Name],
    known: Mapping[str, Known],
    created_by: Mapping[str, int],
    product_of: Mapping[str, str],
    links: Mapping[str, int],
    at: datetime,
) -> dict[str, Known]:
    products = _products(names, product_of)
    made: dict[str, Known] = {}
    rows = []
    moment = to_millis(at)
    salts = os.urandom(SALT * len(names))  # one call: the system's randomness costs by the call
    for place, row_id in enumerate(allocate_ids("things", len(names))):
        name = names[place]
        identity = name.identity
        product = products.get(product_of.get(identity) or name.product or "") if products else None
        creator = created_by.get(identity)
        # A GTIN has one owner: another organisation's word does not make it the lot's creator.
        if product is not None and creator is not None and product[1] != creator:
            creator = None
        if name.printer is not None and creator != name.printer:
            creator = None  # nobody else creates what stands on this organisation's stamp
        salt = salts[SALT * place : SALT * place + SALT] if name.kind in CHAINED else None
        lot = known[name.lot.identity].id if name.lot else None
        made[identity] = Known(row_id, identity, name.kind, lot, salt, creator, True)
        rows.append(
            (
                row_id,
                identity,
                name.kind,
                lot,
                product[0] if product else None,
                creator,
                salt,
                # Nobody sees the row before we commit: its first entries are all ours.
                links.get(identity, 0),
                moment,
            )
        )
    # Two captures may name the same new thing at once: the first makes it, the other reads it.
    inserted = insert_rows("things", COLUMNS, rows, "ON CONFLICT (identity) DO NOTHING")
    if inserted != len(rows):
        return _read(made, {identity: row.id for identity, row in made.items()})
    return made


def _products(names: Sequence[Name], product_of: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    wanted = {product_of.get(n.identity) or n.product for n in names} - {None}
    if not wanted:
        return {}
    rows = db.session.execute(
        select(Product.identity, Product.id, Product.organisation_id).where(
            among(Product.identity, sorted(cast("set[str]", wanted)))
        )
    )
    return {row.identity: (row.id, row.organisation_id) for row in rows}


__all__ = [
    "CHAINED",
    "Known",
    "Name",
    "ensure_things",
    "follow_bindings",
    "name_of",
    "name_stamps",
]
