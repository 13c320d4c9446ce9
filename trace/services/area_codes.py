"""Planting-area and packing-house codes: kept as the paper has them, checked softly.

Three shapes are in circulation, and none may be enforced: a code that fits none is kept and marked.

1. `domestic`: `VN-<province>-<district>-<commune>-<holding>-<yy>`, Decision 3156/QĐ-BNN-TT of 2022.
   Its district part names nothing since districts were abolished on 1 July 2025.
2. `export`: `VN-XXOR-0001` (orchard) and `VN-XXPH-0001` (packing house), the older export codes.
3. `market`: `NN-PUC-CC-00001[-CHN]` and `NN-PHC-…`: province by Decision 19/2025/QĐ-TTg, crop,
   number, market by ISO 3166-1 alpha-3.

Marks never refuse. They are told to whoever holds the code, and at shipping (consignments).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select

from trace.core.folding import fold
from trace.errors import NotFound
from trace.extensions import db
from trace.models import AreaCode, Place
from trace.models.types import to_millis
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.bulk import Row, insert_rows
from trace.services.sets import among
from trace.services.versions import check_version
from trace.services.wards import find_ward

DISTRICTS_ENDED: Final = date(2025, 7, 1)
SOON_DAYS: Final = 60
# Those asked about most; any ISO 3166-1 alpha-3 code may be typed.
MARKETS: Final = ("CHN", "USA", "AUS", "NZL", "JPN", "KOR", "THA", "EU", "GBR")
_SHAPES: Final = (
    ("domestic", re.compile(r"VN(?:-[0-9A-Z]{1,6}){4}-\d{2}")),
    ("export", re.compile(r"VN-?[A-Z]{2,3}(?P<kind>OR|PH)-?\d{3,5}")),
    (
        "market",
        re.compile(
            r"(?P<province>\d{2})-(?P<kind>PUC|PHC)-[A-Z]{2,4}-\d{3,6}(?:-(?P<market>[A-Z]{2,3}))?"
        ),
    ),
)
_KINDS: Final = {"OR": "planting", "PUC": "planting", "PH": "packing", "PHC": "packing"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth knowing, by a stable key; the face has the words. Never a refusal."""

    key: str
    told: Mapping[str, object] = field(default_factory=dict)
    level: str = "warn"  # warn | info


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a code says by itself. `scheme` is "" for a shape nobody knows."""

    scheme: str = ""
    kind: str = ""
    province: str = ""
    market: str = ""


def shape_of(code: str) -> Shape:
    """The shape of a code as written; case, spaces and the kind of dash do not matter."""
    plain = re.sub(r"\s*[-–—_./]\s*|\s+", "-", code.strip().upper())
    for scheme, pattern in _SHAPES:
        found = pattern.fullmatch(plain)
        if found:
            parts = found.groupdict()
            kind = _KINDS.get(parts.get("kind") or "", "")
            return Shape(scheme, kind, parts.get("province") or "", parts.get("market") or "")
    return Shape()


def folded(code: str) -> str:
    """Letters and digits alone: what two spellings of one code share."""
    return "".join(char for char in fold(code).upper() if char.isalnum())[:60]


def in_force(row: AreaCode, day: date) -> bool:
    """Whether nothing that was told speaks against the code on that day."""
    begun = row.issued is None or row.issued <= day
    return row.state == "active" and begun and (row.expires is None or day <= row.expires)


def marks_of(row: AreaCode, place: Place, *, today: date) -> list[Mark]:
    """What to know of one code, the worst first."""
    shape = shape_of(row.code)
    found = []
    if row.state in ("suspended", "revoked", "pending"):
        found.append(Mark(f"code-{row.state}"))
    if row.expires and row.expires < today:
        found.append(Mark("code-expired", {"day": row.expires}))
    elif row.expires and (row.expires - today).days <= SOON_DAYS:
        found.append(Mark("code-expires-soon", {"day": row.expires}, "info"))
    if row.issued and row.issued > today:
        found.append(Mark("code-not-yet", {"day": row.issued}))
    if not shape.scheme:
        found.append(Mark("code-unknown-shape"))
    if shape.kind and shape.kind != row.kind:
        found.append(Mark("code-other-kind", {"kind": shape.kind}))
    if shape.market and row.market and shape.market != row.market:
        found.append(Mark("code-other-market", {"written": shape.market, "told": row.market}))
    ward = find_ward(place.ward_code or "")
    if shape.province and ward and shape.province != ward.province.code:
        found.append(Mark("code-other-province", {"province": ward.province.name}))
    if shape.scheme == "domestic" and today >= DISTRICTS_ENDED:
        found.append(Mark("code-district-part", level="info"))
    return found


# -- reading and writing ---------------------------------------------------------------------------


def codes_at(places: Iterable[int], kind: str = "") -> dict[int, list[AreaCode]]:
    """The codes of places by row id of the place, oldest first."""
    found: dict[int, list[AreaCode]] = {}
    wanted = sorted(set(places))
    query = select(AreaCode).where(among(AreaCode.place_id, wanted)).order_by(AreaCode.id)
    for row in db.session.scalars(query.where(AreaCode.kind == kind) if kind else query):
        found.setdefault(row.place_id, []).append(row)
    return found


def get_code(actor: Actor, place_id: int, code_id: int) -> AreaCode:
    """One code of one of the organisation's places. Raises NotFound."""
    actor.check("read")
    row = db.session.get(AreaCode, code_id)
    if row is None or row.place_id != place_id or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def add_code(actor: Actor, place: Place, values: Mapping[str, Any], *, at: datetime) -> AreaCode:
    """A code of a place: `code` as written, `kind`, and what is known of market, crop, state,
    dates and area. What the shape itself says fills what was left open."""
    actor.check("record")
    shape = shape_of(values["code"])
    kind = values.get("kind") or shape.kind
    row = AreaCode(
        organisation_id=place.organisation_id,
        created_at=at,
        **{
            **values,
            "kind": kind or ("packing" if place.kind == "packhouse" else "planting"),
            "market": values.get("market") or shape.market,
            "state": values.get("state") or "active",
            "crop": values.get("crop") or "",
            "folded": folded(values["code"]),
        },
    )
    place.area_codes.append(row)
    db.session.flush()
    write_audit(actor, "area-code.create", f"place:{place.code}", at=at)
    freshness.place_changed(place, at=at)
    return row


def insert_codes(
    organisation_id: int, told: Sequence[tuple[int, str, str]], *, at: datetime
) -> None:
    """Many new codes at once: (row id of the place, code as written, kind of the place)."""
    rows: list[Row] = []
    for place_id, code, place_kind in told:
        shape = shape_of(code)
        kind = shape.kind or ("packing" if place_kind == "packhouse" else "planting")
        told_by_code = (code, folded(code), shape.market)
        rows.append(
            (organisation_id, place_id, kind, *told_by_code, "", "active", to_millis(at), 1)
        )
    columns = ("organisation_id", "place_id", "kind", "code", "folded", "market", "crop", "state")
    insert_rows("area_codes", (*columns, "created_at", "version"), rows)


def change_code(
    actor: Actor, row: AreaCode, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Corrects a code. Raises NotAllowed, ChangedMeanwhile."""
    actor.check("record")
    check_version(row, version)
    changed = apply(row, {**values, "folded": folded(values["code"])})
    if changed:
        subject = f"place:{row.place.code}"
        write_audit(actor, "area-code.change", subject, at=at, fields=sorted(changed))
        freshness.place_changed(row.place, at=at)


def remove_code(actor: Actor, row: AreaCode, *, at: datetime) -> None:
    """Takes away a code that was entered by mistake; an expired one is better kept."""
    actor.check("record")
    place = row.place
    place.area_codes.remove(row)
    db.session.delete(row)
    db.session.flush()
    write_audit(actor, "area-code.remove", f"place:{place.code}", at=at)
    freshness.place_changed(place, at=at)
