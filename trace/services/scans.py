"""Scans counted: sums by thing, day and place; of single packages also the latest few.

Rules (docs/explanation/copies.md; what is kept of whom: docs/explanation/personal-data.md).
1. What arrives here is a `Seen`: no address, no name of a browser; who it was is a `mark`, a hash
   of visitor and thing under a key of that day only. The key's one half is the server's secret,
   the other lies in the database and is deleted when the day is over.
2. A visitor counts once for a thing and a day.
3. A package counts for the lot it is bound to. What is not known, or known to nobody but strangers,
   is not counted.
4. Of a package the latest 32 scans of 60 days are kept, the same visitor's at least half an hour
   apart: nobody carries a package to another province in less.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from trace.extensions import db
from trace.models import Product, ScanCount, ScanSalt, ScanVisit, Thing, Unit, UnitScan
from trace.models.types import from_millis, to_millis
from trace.services import copies
from trace.services.batches import short_name
from trace.services.bulk import execute_many, insert_rows
from trace.services.sets import among, batched, is_sqlite
from trace.services.settings import current_settings
from trace.services.wards import find_ward

LOCAL: Final = timezone(timedelta(hours=7))
KEPT_SCANS: Final = 32
KEPT_FOR: Final = timedelta(days=60)
APART_MS: Final = 30 * 60 * 1000
# Two parameters a row, well below what either driver takes in one statement.
_CHUNK: Final = 500
COUNTED: Final = ("lot", "cycle", "logistic")

Unitkey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """One page shown. `texts` are the identities it may be kept under, the most specific first;
    `unit` is (key, serial) of a package; `at` in milliseconds; `place` as in ScanCount; `again`
    says that the phone had the page already; `sender` stands for a network address on this day, for
    limits that machines share, and is never stored."""

    texts: tuple[str, ...]
    unit: Unitkey | None
    at: int
    mark: bytes
    place: str = ""
    again: bool = False
    sender: bytes = b""


def day_of(at: int) -> date:
    """The day in Viet Nam of a moment in milliseconds."""
    return from_millis(at).astimezone(LOCAL).date()


# -- visitors --------------------------------------------------------------------------------------


def day_key(day: date) -> bytes:
    """The key of a day's marks; made by whichever process is first. Commits by itself."""
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    with db.engine.connect() as connection:
        salt = connection.scalar(select(ScanSalt.salt).where(ScanSalt.day == day))
    if salt is None:
        with db.engine.begin() as connection:
            connection.execute(
                insert(ScanSalt)
                .values(day=day, salt=os.urandom(32))
                .on_conflict_do_nothing(index_elements=["day"])
            )
            salt = connection.scalar(select(ScanSalt.salt).where(ScanSalt.day == day))
    secret = current_settings().secret_key.encode()
    return hmac.new(secret, b"trace scans\n" + bytes(salt or b""), hashlib.sha256).digest()


def mark_of(key: bytes, visitor: str, thing: str) -> bytes:
    """16 bytes that stand for a visitor at one thing on one day."""
    return hashlib.blake2b(f"{visitor}\n{thing}".encode(), key=key, digest_size=16).digest()


def forget_over(*, at: datetime) -> int:
    """Drops the marks and salts of days that are over and scans that are too old; how many scans.
    The caller commits."""
    today = at.astimezone(LOCAL).date()
    db.session.execute(delete(ScanVisit).where(ScanVisit.day < today))
    db.session.execute(delete(ScanSalt).where(ScanSalt.day < today))
    gone = db.session.execute(delete(UnitScan).where(UnitScan.at < at - KEPT_FOR))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE has one


# -- storing ---------------------------------------------------------------------------------------


def store(seen: Sequence[Seen]) -> int:
    """Adds these scans to the sums and judges the packages among them; how many counted. In the
    caller's transaction; a handful of statements however many there are."""
    if not seen:
        return 0
    things = _lots(seen)
    units = _units(seen)
    known = [one for one in seen if _is_known(one, things, units)]
    fresh = _first_today(known)
    sums: Counter[tuple[int, date, str]] = Counter()
    for one in known:
        if one.mark not in fresh:
            continue
        fresh.discard(one.mark)
        lot = units[one.unit] if one.unit else things[one.texts[0]]
        if lot is not None:
            sums[lot, day_of(one.at), one.place] += 1
    rows = [
        (thing, day.isoformat() if is_sqlite() else day, place, count)
        for (thing, day, place), count in sorted(sums.items())
    ]
    insert_rows(
        "scans",
        ("thing_id", "day", "ward_code", "count"),
        rows,
        "ON CONFLICT (thing_id, day, ward_code) DO UPDATE SET count = scans.count + excluded.count",
    )
    _keep([one for one in known if one.unit], units)
    return sum(sums.values())


def _is_known(one: Seen, things: dict[str, int], units: dict[Unitkey, int | None]) -> bool:
    return one.unit in units if one.unit else one.texts[0] in things


def _lots(seen: Iterable[Seen]) -> dict[str, int]:
    """Identity to row of what was scanned by itself."""
    texts = sorted({one.texts[0] for one in seen if one.unit is None})
    if not texts:
        return {}
    rows = db.session.execute(
        select(Thing.identity, Thing.id).where(
            among(Thing.identity, texts), Thing.kind.in_(COUNTED)
        )
    )
    return {row.identity: row.id for row in rows}


def _units(seen: Iterable[Seen]) -> dict[Unitkey, int | None]:
    """Package to the lot it is bound to: what was issued here, then what its maker recorded."""
    asked = {one.unit: one.texts for one in seen if one.unit}
    if not asked:
        return {}
    serials = sorted({serial for _, serial in asked})
    rows = db.session.execute(
        select(Unit.key, Unit.serial, Unit.lot_id).where(among(Unit.serial, serials))
    )
    found = {(key, serial): lot for key, serial, lot in rows if (key, serial) in asked}
    rest = {text: unit for unit, texts in asked.items() if unit not in found for text in texts}
    if rest:
        recorded = db.session.execute(
            select(Thing.identity, Thing.lot_id).where(
                among(Thing.identity, sorted(rest)),
                Thing.kind == "unit",
                Thing.owner_id.is_not(None),
            )
        )
        found |= {rest[identity]: lot for identity, lot in recorded}
    return found


def _first_today(seen: Iterable[Seen]) -> set[bytes]:
    """The marks that were not there yet, and now are."""
    days = {one.mark: day_of(one.at) for one in seen}
    fresh: set[bytes] = set()
    connection = db.session.connection()
    mark = "?" if is_sqlite() else "%s"
    # In order: two processes that store at once wait for each other instead of locking up.
    for some in batched(sorted(days), _CHUNK):
        values = ", ".join([f"({mark}, {mark})"] * len(some))
        given = [
            part
            for one in some
            for part in (one, days[one].isoformat() if is_sqlite() else days[one])
        ]
        rows = connection.exec_driver_sql(
            f"INSERT INTO scan_visits (mark, day) VALUES {values} "  # noqa: S608 (marks only)
            "ON CONFLICT DO NOTHING RETURNING mark",
            tuple(given),
        )
        fresh.update(bytes(row[0]) for row in rows)
    return fresh


def _keep(seen: Sequence[Seen], lots: dict[Unitkey, int | None]) -> None:
    """Keeps scans of packages beside the latest ones and judges each package anew."""
    if not seen:
        return
    latest: defaultdict[Unitkey, list[copies.Sighting]] = defaultdict(list)
    rows = db.session.execute(
        select(
            UnitScan.key,
            UnitScan.serial,
            UnitScan.at,
            UnitScan.place,
            UnitScan.mark,
            UnitScan.again,
        )
        .where(*copies.of_units(UnitScan, {one.unit for one in seen if one.unit}))
        .order_by(UnitScan.at, UnitScan.id)
    )
    for key, serial, at, place, mark, again in rows:
        latest[key, serial].append(copies.Sighting(to_millis(at), place, bytes(mark), again))
    added: list[tuple[Any, ...]] = []
    touched = []
    for one in sorted(seen, key=lambda one: one.at):
        before = latest[one.unit] if one.unit else []
        earlier = [past for past in before if past.mark == one.mark]
        if one.unit is None or (earlier and one.at - earlier[-1].at < APART_MS):
            continue
        before.append(copies.Sighting(one.at, one.place, one.mark, one.again or bool(earlier)))
        added.append((*one.unit, one.at, one.place, one.mark, before[-1].again))
        touched.append(one.unit)
    insert_rows("unit_scans", ("key", "serial", "at", "place", "mark", "again"), added)
    many = [unit for unit in dict.fromkeys(touched) if len(latest[unit]) > KEPT_SCANS]
    execute_many(
        "DELETE FROM unit_scans WHERE key = ? AND serial = ? AND at < ?",
        [(*unit, latest[unit][-KEPT_SCANS].at) for unit in many],
    )
    copies.judge(
        {unit: (lots[unit], latest[unit][-KEPT_SCANS:]) for unit in dict.fromkeys(touched)}
    )


# -- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScanWeek:
    """Scans of an organisation's goods in one week: how many, in how many wards (and provinces)
    as far as anybody knows, and of what, the most scanned first."""

    count: int
    wards: int
    things: list[tuple[str, int]]
    provinces: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """Scans of a product: "quét 84 lần, 3 phường"."""

    count: int
    wards: int
    provinces: int


def week_of(organisation_id: int, monday: date) -> ScanWeek:
    """The seven days from `monday` in Viet Nam; lots that the organisation made."""
    where = (
        Thing.owner_id == organisation_id,
        ScanCount.day >= monday,
        ScanCount.day < monday + timedelta(days=7),
    )
    total = _total(*where)
    rows = db.session.execute(
        select(Product.name, Thing.identity, func.sum(ScanCount.count))
        .join(Thing, Thing.id == ScanCount.thing_id)
        .outerjoin(Product, Product.id == Thing.product_id)
        .where(*where)
        .group_by(Product.name, Thing.identity)
    )
    named: Counter[str] = Counter()
    for name, identity, count in rows:
        named[name or short_name(identity)] += int(count)
    things = sorted(named.items(), key=lambda one: (-one[1], one[0]))
    return ScanWeek(total.count, total.wards, things, total.provinces)


def product_totals(product_ids: Collection[int]) -> dict[int, Total]:
    """By product, all days together; products never scanned are left out."""
    rows = db.session.execute(
        select(Thing.product_id, ScanCount.ward_code, func.sum(ScanCount.count))
        .join(Thing, Thing.id == ScanCount.thing_id)
        .where(among(Thing.product_id, sorted(product_ids)))
        .group_by(Thing.product_id, ScanCount.ward_code)
    )
    places: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for product, place, count in rows:
        places[int(product or 0)][place] = int(count)
    return {product: _summed(found) for product, found in places.items()}


def _total(*where: ColumnElement[bool]) -> Total:
    rows = db.session.execute(
        select(ScanCount.ward_code, func.sum(ScanCount.count))
        .join(Thing, Thing.id == ScanCount.thing_id)
        .where(*where)
        .group_by(ScanCount.ward_code)
    )
    return _summed({place: int(count) for place, count in rows})


def _summed(places: dict[str, int]) -> Total:
    wards = {place for place in places if len(place) == 5}
    found = [find_ward(ward) for ward in wards]
    provinces = {ward.province.code for ward in found if ward}
    provinces |= {place for place in places if len(place) == 2}
    return Total(sum(places.values()), len(wards), len(provinces))
