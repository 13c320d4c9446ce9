"""Which authority may act where: its jurisdiction against wards and other jurisdictions.

A jurisdiction is `*` (everywhere) or a list of two-digit province codes and five-digit ward codes,
apart by commas or spaces. Who states none is competent nowhere.
"""

from __future__ import annotations

import re

from sqlalchemy import select

from trace.extensions import db
from trace.models import Organisation
from trace.services.wards import find_ward

EVERYWHERE = "*"


def areas(jurisdiction: str | None) -> frozenset[str]:
    """The codes a jurisdiction lists; `*` for everywhere."""
    return frozenset(part for part in re.split(r"[\s,;]+", jurisdiction or "") if part)


def covers(jurisdiction: str | None, ward_code: str | None) -> bool:
    """Whether a ward lies in the jurisdiction. An unknown ward lies in `*` only."""
    listed = areas(jurisdiction)
    if EVERYWHERE in listed:
        return True
    ward = find_ward(ward_code) if ward_code else None
    return ward is not None and bool({ward.code, ward.province.code} & listed)


def authorities_for(ward_code: str | None) -> list[Organisation]:
    """The confirmed authorities in whose jurisdiction a ward lies."""
    rows = db.session.scalars(
        select(Organisation)
        .where(Organisation.kind == "authority", Organisation.status == "confirmed")
        .order_by(Organisation.id)
    )
    return [one for one in rows if covers(one.jurisdiction, ward_code)]


def contains(outer: str | None, inner: str | None) -> bool:
    """Whether everything in one jurisdiction lies in another; an empty one in `*` only."""
    listed, asked = areas(outer), areas(inner)
    if EVERYWHERE in listed:
        return True
    return bool(asked) and all(area in listed or covers(outer, area) for area in asked)
