"""Two records of one organisation, place or product: read together from then on, nothing rewritten.

Rules.
1. The platform says that one record is the same as another, which is kept; both stay, statements
   stay with their issuer, printed codes lead where they led. Each page names the other.
2. Two organisations that are the same speak for one another, as a successor does
   (services.successors): what either recorded joins the histories of what either made, and the
   notices that stand on it travel along at once.
3. Places and products are the same only within one organisation, or two that are the same.
4. One record is the same as one other at most, and what is kept is itself not the same as a third:
   a chain would have to be guessed at.
5. It can be ended; then everything reads as before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select

from trace.core.gs1 import Identity
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Organisation, Place, Product, SameAs
from trace.models.standings import SAME_KINDS
from trace.services import freshness, news
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture import notices
from trace.services.platform_statements import say

Record = Organisation | Place | Product
MODELS: Final[dict[str, Any]] = {"organisation": Organisation, "place": Place, "product": Product}
LETTERS: Final = {"organisation": "o", "place": "l", "product": "q"}
LIST: Final = 2_000


class UnknownRecord(TraceError):
    code = "unknown-record"
    message = "No record of this kind has the code “%(text)s”."


class SameRecord(TraceError):
    code = "same-record"
    message = "These are one and the same record."


class NotOneOwner(Conflict):
    code = "not-one-owner"
    message = "These belong to two organisations. Say first that those are the same."


class NotOneKind(Conflict):
    code = "not-one-kind"
    message = "These are organisations of different kinds; they are not taken for one."


class AlreadySame(Conflict):
    code = "already-same"
    message = "One of these is the same as another record already. End that first."


class AlreadyEnded(Conflict):
    code = "already-ended"
    message = "This was ended already."


@dataclass(frozen=True, slots=True)
class Pair:
    """A row with the two records it is about."""

    row: SameAs
    kept: Record
    other: Record


def list_pairs(actor: Actor) -> list[Pair]:
    """All of them, the newest first. Raises NotAllowed."""
    actor.check("administer")
    rows = db.session.scalars(select(SameAs).order_by(SameAs.id.desc()).limit(LIST)).all()
    return [_pair(row) for row in rows]


def get_pair(actor: Actor, row_id: int) -> Pair:
    """One of them. Raises NotAllowed, NotFound."""
    actor.check("administer")
    row = db.session.get(SameAs, row_id)
    if row is None:
        raise NotFound
    return _pair(row)


def _pair(row: SameAs) -> Pair:
    model = MODELS[row.kind]
    return Pair(
        row, db.session.get_one(model, row.kept_id), db.session.get_one(model, row.other_id)
    )


def find_record(kind: str, text: str, path: str) -> Record:
    """The record with a code, as printed or typed. Raises UnknownRecord."""
    code = text.replace("-", "").replace(" ", "").upper()[-14:]
    model = MODELS[kind]
    where = model.code == code[-10:]
    if kind == "product" and code.isascii() and code.isdecimal() and len(code) > 10:
        where = Product.gtin == code.zfill(14)
    found: Record | None = db.session.scalar(select(model).where(where)) if code else None
    if found is None or (isinstance(found, Organisation) and found.kind == "platform"):
        raise UnknownRecord(path=path, text=text[:60])
    return found


def declare(
    actor: Actor, kind: str, kept: Record, other: Record, reason: str, *, at: datetime
) -> SameAs:
    """Says that two records are one. Raises NotAllowed, SameRecord, NotOneKind, NotOneOwner,
    AlreadySame."""
    actor.check("administer")
    if kind not in SAME_KINDS:
        raise NotFound
    if kept.id == other.id:
        raise SameRecord(path="other")
    if isinstance(kept, Organisation) and isinstance(other, Organisation):
        if kept.kind != other.kind:
            raise NotOneKind(path="other")
    elif not _one_owner(kept, other):
        raise NotOneOwner(path="other")
    ids = (kept.id, other.id)
    known = select(SameAs.id).where(
        SameAs.kind == kind,
        SameAs.ended_at.is_(None),
        or_(SameAs.other_id.in_(ids), SameAs.kept_id == other.id),
    )
    if db.session.scalar(known.limit(1)) is not None:
        raise AlreadySame(path="other")
    statement = _say(actor, kind, kept, other, {"decision": "same-as", "reason": reason}, at)
    made = SameAs(
        kind=kind,
        kept_id=kept.id,
        other_id=other.id,
        reason=reason,
        by_id=actor.organisation.id,
        at=at,
        statement=statement,
    )
    db.session.add(made)
    db.session.flush()
    write_audit(actor, "same-as.declare", f"{kind}:{other.code}", at=at, kept=kept.code)
    _changed(kept, other, at)
    if kind == "organisation":
        _pass_notices_on(actor, ids, at)
    return made


def end(actor: Actor, pair: Pair, *, at: datetime) -> None:
    """Takes it back. Raises NotAllowed, AlreadyEnded."""
    actor.check("administer")
    if pair.row.ended_at is not None:
        raise AlreadyEnded
    told = {"decision": "same-as-ended", "about": pair.row.statement}
    _say(actor, pair.row.kind, pair.kept, pair.other, told, at)
    pair.row.ended_at = at
    db.session.flush()
    subject = f"{pair.row.kind}:{pair.other.code}"
    write_audit(actor, "same-as.end", subject, at=at, kept=pair.kept.code)
    _changed(pair.kept, pair.other, at)


def same_as(record: Record) -> Sequence[Record]:
    """What else this record is, for its public page: the kept one, or those read with it."""
    kind = next(name for name, model in MODELS.items() if isinstance(record, model))
    rows = db.session.scalars(
        select(SameAs).where(
            SameAs.kind == kind,
            SameAs.ended_at.is_(None),
            or_(SameAs.kept_id == record.id, SameAs.other_id == record.id),
        )
    ).all()
    ids = [row.other_id if row.kept_id == record.id else row.kept_id for row in rows]
    return [db.session.get_one(MODELS[kind], one) for one in sorted(ids)]


def _one_owner(kept: Any, other: Any) -> bool:
    if kept.organisation_id == other.organisation_id:
        return True
    pair = (kept.organisation_id, other.organisation_id)
    query = select(SameAs.id).where(
        SameAs.kind == "organisation",
        SameAs.ended_at.is_(None),
        SameAs.kept_id.in_(pair),
        SameAs.other_id.in_(pair),
    )
    return db.session.scalar(query.limit(1)) is not None


def _say(
    actor: Actor, kind: str, kept: Record, other: Record, told: dict[str, Any], at: datetime
) -> str:
    about = [Identity(LETTERS[kind], one.code) for one in (kept, other)]
    conforms = told["decision"] == "same-as"
    return say(about, told, by=actor.organisation, conforms=conforms, at=at)


def _pass_notices_on(actor: Actor, organisations: Collection[int], at: datetime) -> None:
    """Rule 2. What was said holds the log lock: nothing else is recorded meanwhile."""
    sources = notices.sources_heard_now(organisations)
    if sources:
        news.ask(actor, (), at=at, inherited=notices.inherit_alerts(sources))


def _changed(kept: Record, other: Record, at: datetime) -> None:
    for one in (kept, other):
        if isinstance(one, Organisation):
            freshness.organisation_changed(one, at=at)
        elif isinstance(one, Place):
            freshness.place_changed(one, at=at)
        else:
            freshness.product_changed(one, at=at)
