"""Every signing key and how it stands: whose, who holds it, from and until which place in the log.
What counts is the log; these rows say where the keys are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from trace.core.folding import fold
from trace.extensions import db
from trace.models import Key, Organisation
from trace.services.actors import Actor

PAGE: Final = 50
STATES: Final = ("active", "waiting", "revoked", "closed")
CUSTODIES: Final = ("server", "passkey", "own")


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of keys; how many there are; how many active ones are in whose custody."""

    rows: Sequence[Key]
    more: int | None
    custody: dict[str, int]


def state_of(key: Key) -> str:
    """active | waiting (not in the log yet) | revoked | closed (its organisation has ended)."""
    if key.revoked_from is not None:
        return "revoked"
    if key.active_from is None:
        return "waiting"
    return "closed" if key.organisation.closed_at is not None else "active"


def overview(
    actor: Actor,
    *,
    text: str = "",
    custody: str = "",
    state: str = "",
    before: int | None = None,
    limit: int = PAGE,
) -> Overview:
    """Keys, the newest first, paged by key. Raises NotAllowed."""
    actor.check("administer")
    query = select(Key).join(Organisation, Organisation.id == Key.organisation_id)
    code = text.replace("-", "").replace(" ", "").upper()[:10]
    for word in fold(text.replace("-", " ")).split()[:8]:
        pattern = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        named = Organisation.folded.like(f"%{pattern}%", escape="\\")
        query = query.where(named | (Organisation.code == code))
    if custody:
        query = query.where(Key.custody == custody)
    if state == "revoked":
        query = query.where(Key.revoked_from.is_not(None))
    elif state:
        query = query.where(Key.revoked_from.is_(None))
        if state == "waiting":
            query = query.where(Key.active_from.is_(None))
        else:
            closed = Organisation.closed_at.is_not(None)
            query = query.where(
                Key.active_from.is_not(None), closed if state == "closed" else ~closed
            )
    if before is not None:
        query = query.where(Key.id < before)
    rows = db.session.scalars(query.order_by(Key.id.desc()).limit(limit + 1)).all()
    counts = db.session.execute(
        select(Key.custody, func.count())
        .where(Key.revoked_from.is_(None), Key.active_from.is_not(None))
        .group_by(Key.custody)
    )
    more = rows[limit - 1].id if len(rows) > limit else None
    return Overview(rows[:limit], more, {row[0]: row[1] for row in counts})
