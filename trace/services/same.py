"""Records that are one, read as one: which row stands for a product, place or organisation.

A record said to be the same as another (`services.same_records`) is read as the one that is kept;
what is kept is itself not the same as a third. One small table, joined where rows are counted,
listed or compared: nothing is rewritten, and ended it reads as before.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from trace.extensions import db
from trace.models import SameAs
from trace.services.sets import among


def root_of(kind: str, column: Any) -> ColumnElement[int]:
    """The id that stands for the record whose id this column holds."""
    kept = select(SameAs.kept_id).where(
        SameAs.kind == kind, SameAs.ended_at.is_(None), SameAs.other_id == column
    )
    found: ColumnElement[int] = func.coalesce(kept.scalar_subquery(), column)
    return found


def is_root(kind: str, column: Any) -> ColumnElement[bool]:
    """That the record stands for itself."""
    double = select(SameAs.id).where(
        SameAs.kind == kind, SameAs.ended_at.is_(None), SameAs.other_id == column
    )
    return ~double.exists()


def roots(kind: str, ids: Collection[int]) -> dict[int, int]:
    """These records and all that are one with them, each with the id that stands for it."""
    kept = select(SameAs.kept_id).where(
        SameAs.kind == kind,
        SameAs.ended_at.is_(None),
        or_(among(SameAs.kept_id, sorted(ids)), among(SameAs.other_id, sorted(ids))),
    )
    rows = db.session.execute(
        select(SameAs.kept_id, SameAs.other_id).where(
            SameAs.kind == kind, SameAs.ended_at.is_(None), SameAs.kept_id.in_(kept)
        )
    )
    found = {one: one for one in ids}
    for one, other in rows:
        found[one] = found[other] = one
    return found
