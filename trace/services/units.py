"""Serials of single packages: issued in ranges, bound to a lot by a signed event, voided.

Rules (docs/reference/formats.md, sections 1, 7, 8).
1. A serial is 80 random bits and is issued before it is printed; nobody can guess one, and one
   that was never issued is never answered with a story.
2. A binding is an event of the range's organisation: ObjectEvent OBSERVE, `commissioning`, the lot
   with the number of its units, and `trace:units` {range, first, last, count, digest}. `digest` is
   base64url(SHA-256(serials, joined by LF, in order)): it commits to the serials and shows none,
   because whoever can read a serial in a public record can print it.
3. Whatever door it comes through, capture asks `claim` and `confirm` here: a range never issued, of
   another organisation, bound or voided already is refused; so is a lot that the organisation
   neither made nor was given (its own word that it received one is recorded and opens nothing):
   its stamps would tell a stranger's story. An error declaration of the event frees its units
   again.
4. An event may name a unit before its stamp is bound, or after: rows of `things` follow the binding
   (`printed`, `claim`, `release`), never the code in a blank stamp's address.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import func, insert, literal, or_, select, update

from trace.core.gs1 import Identity, canonical_uri, format_code, new_code, new_serial, parse_path
from trace.core.signing import JsonObject, b64url
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Event,
    LabelBinding,
    LabelRange,
    Passport,
    Product,
    Thing,
    Unit,
)
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.bulk import insert_rows
from trace.services.edges import holders_of
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.successors import made_by_or_for

RANGE_LIMIT: Final = 20_000
MEMBER: Final = "trace:units"


class UnknownRange(TraceError):
    code = "label-range-unknown"
    message = "These labels were never issued to this organisation."


class RangeMismatch(TraceError):
    code = "label-range-mismatch"
    message = "What the event says of the label range is not what was issued."


class NotYourLot(TraceError):
    code = "labels-lot-not-yours"
    status = 403
    message = "Labels are bound to batches that your organisation made or was given, to no others."
    next_step = "Whoever gave you the batch records that, then you record that you received it."


class UnitsTaken(Conflict):
    code = "labels-bound"
    message = (
        "Labels no. %(taken)s of this roll already belong to batch %(lot)s."
        " Still free of these: no. %(free)s."
    )
    next_step = "Choose labels that are not bound yet."


class AllUnitsTaken(UnitsTaken):
    code = "labels-all-bound"
    message = "Labels no. %(taken)s of this roll already belong to batch %(lot)s: none is left."
    next_step = "If it is the wrong batch, correct the event that bound them."


class UnitsVoided(Conflict):
    code = "labels-voided"
    message = "Labels no. %(taken)s of this roll were voided and cannot be used."


class NothingToVoid(Conflict):
    code = "nothing-to-void"
    message = "None of these labels is still unused."


@dataclass(frozen=True, slots=True)
class Stretch:
    """Numbers `first` to `last` of a range, both included."""

    range: LabelRange
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    def where(self) -> tuple[Any, ...]:
        """The conditions that pick its units."""
        return (Unit.range_id == self.range.id, Unit.number.between(self.first, self.last))


def key_of(identity: Identity) -> str:
    """What the addresses of an identity's units begin with: `01/{gtin14}` or `b/{code}`."""
    return f"{identity.key}/{identity.value}"


def scanned(text: str) -> Identity:
    """The identity of an address as a camera reads it, whichever of our hosts it was printed for.
    Raises Gs1Error."""
    plain = text.strip()
    path = "/" + plain.partition("://")[2].partition("/")[2] if "://" in plain else plain
    stem = urlsplit(current_settings().id_base).path
    return parse_path(path.removeprefix(stem) if stem else path).identity


def unit_identity(key: str, serial: str) -> Identity:
    """The identity of one unit."""
    letter, _, value = key.partition("/")
    return Identity(letter, value, (("21" if letter == "01" else "serial", serial),))


# -- issuing ---------------------------------------------------------------------------------------


def issue(
    actor: Actor,
    count: int,
    *,
    at: datetime,
    product: Product | None = None,
    lot: Thing | None = None,
    lot_identity: Identity | None = None,
) -> LabelRange:
    """A new range of `count` serials, unbound. With a lot (or a product with a GTIN) their
    addresses begin as its own; otherwise with the range's code."""
    actor.check("record")
    code = new_code(os.urandom)
    if lot_identity is not None:
        key = key_of(lot_identity)
    elif product is not None and product.gtin:
        key = key_of(Identity("01", product.gtin))
    else:
        key = key_of(Identity("b", code))
    serials = _draw(count)
    made = LabelRange(
        code=code,
        organisation_id=actor.organisation.id,
        product_id=product.id if product is not None else None,
        lot_id=lot.id if lot is not None else None,
        key=key,
        count=count,
        first=serials[0],
        last=serials[-1],
        created_at=at,
    )
    db.session.add(made)
    db.session.flush()
    insert_rows(
        "units",
        ("key", "serial", "range_id", "number"),
        [(key, serial, made.id, number) for number, serial in enumerate(serials, 1)],
    )
    write_audit(actor, "labels.issue", f"labels:{code}", at=at, count=count)
    return made


def _draw(count: int) -> list[str]:
    """Different serials; that two of 80 bits are equal is not to be expected, but costs nothing."""
    random = os.urandom(10 * count)
    serials = dict.fromkeys(
        new_serial(lambda _, start=start: random[start : start + 10])  # type: ignore[misc]
        for start in range(0, 10 * count, 10)
    )
    while len(serials) < count:
        serials[new_serial(os.urandom)] = None
    return list(serials)


def get_range(actor: Actor, range_id: int) -> LabelRange:
    """One of the organisation's own. Raises NotFound."""
    actor.check("read")
    found = db.session.get(LabelRange, range_id)
    if found is None or found.organisation_id != actor.organisation.id:
        raise NotFound
    return found


def serials(stretch: Stretch) -> Iterator[tuple[int, str]]:
    """(number, serial) in order, some at a time."""
    rows = db.session.execute(
        select(Unit.number, Unit.serial).where(*stretch.where()).order_by(Unit.number)
    )
    yield from ((number, serial) for number, serial in rows)


def digest_of(ordered: Iterable[str]) -> str:
    """What an event says of serials: base64url of the SHA-256 of the texts joined by LF."""
    return b64url(sha256("\n".join(ordered).encode()).digest())


@dataclass(frozen=True, slots=True)
class Printed:
    """Who printed a unit's stamp, and the identity of the lot it is bound to ("" for none)."""

    organisation_id: int
    lot: str


def printed(asked: Collection[tuple[str, str]]) -> dict[tuple[str, str], Printed]:
    """What is known of stamps by (key, serial). A serial that a blank roll never had is of no lot
    either: the code before it is the roll's."""
    rows = db.session.execute(
        select(Unit.key, Unit.serial, LabelRange.organisation_id, Thing.identity)
        .join(LabelRange, LabelRange.id == Unit.range_id)
        .outerjoin(Thing, Thing.id == Unit.lot_id)
        .where(among(Unit.serial, sorted({serial for _, serial in asked})))
    )
    found = {(key, serial): Printed(maker, lot or "") for key, serial, maker, lot in rows}
    left = {key.removeprefix("b/") for key, serial in asked if (key, serial) not in found}
    if left:
        rolls = db.session.execute(
            select(LabelRange.code, LabelRange.organisation_id).where(
                among(LabelRange.code, sorted(left)), LabelRange.key == "b/" + LabelRange.code
            )
        )
        makers = {f"b/{code}": Printed(maker, "") for code, maker in rolls}
        found = {one: makers[one[0]] for one in asked if one[0] in makers} | found
    return {one: found[one] for one in asked if one in found}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many units of a range are where."""

    total: int
    bound: int
    voided: int

    @property
    def unbound(self) -> int:
        return self.total - self.bound - self.voided


def counts(range_ids: Iterable[int]) -> dict[int, Counts]:
    """By range; one query."""
    rows = db.session.execute(
        select(
            Unit.range_id,
            func.count(),
            func.count(Unit.lot_id),
            func.count(Unit.voided_at),
        )
        .where(Unit.range_id.in_(list(range_ids)))
        .group_by(Unit.range_id)
    )
    return {row[0]: Counts(*row[1:]) for row in rows}


# -- binding ---------------------------------------------------------------------------------------


def told(stretch: Stretch) -> JsonObject:
    """The member `trace:units` of the event that binds these units."""
    listed = [serial for _, serial in serials(stretch)]
    return {
        "range": stretch.range.code,
        "first": stretch.first,
        "last": stretch.last,
        "count": len(listed),
        "digest": digest_of(listed),
    }


def check_free(stretch: Stretch, ours: Collection[int] = ()) -> None:
    """Raises UnitsTaken or UnitsVoided, saying which are not free, what they are on and which are
    left: two phones may have scanned ranges that overlap, and the second has to mend its own.
    `ours` were free until this very claim took them."""
    found = db.session.execute(
        select(Unit.number, Unit.voided_at, Thing.identity)
        .outerjoin(Thing, Thing.id == Unit.lot_id)
        .where(*stretch.where(), or_(Unit.lot_id.is_not(None), Unit.voided_at.is_not(None)))
        .order_by(Unit.number)
    ).all()
    rows = [row for row in found if row.number not in ours]
    bound = {row.number: row.identity for row in rows if row.voided_at is None}
    if not rows:
        return
    if not bound:
        raise UnitsVoided(number=rows[0].number, taken=_spelled([row.number for row in rows]))
    gone = {row.number for row in rows}
    free = [number for number in range(stretch.first, stretch.last + 1) if number not in gone]
    lots = [_name(identity) for identity in dict.fromkeys(bound.values())]
    raise (UnitsTaken if free else AllUnitsTaken)(
        number=min(bound), taken=_spelled(list(bound)), lot=", ".join(lots), free=_spelled(free)
    )


# Runs of numbers in one sentence; more would be read by nobody.
_RUNS: Final = 5


def _spelled(numbers: Sequence[int]) -> str:
    """ "3–5, 9" for ascending numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [str(one) if one == two else f"{one}–{two}" for one, two in runs[:_RUNS]]
    return ", ".join(told) + ("…" if len(runs) > _RUNS else "")


def _name(identity: str) -> str:
    """The last part of a lot's identity, as people read it."""
    last = identity.rpartition("/")[2]
    return format_code(last) if "/b/" in identity else last


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an event of this capture binds, until its row is known."""

    stretch: Stretch
    lot_id: int
    digest: str


def claim(actor: Actor, member: object, lot: str, path: str) -> Claimed:
    """Takes the units an event names for the lot of this identity, before the event is written; no
    other row is touched before the log is locked (`confirm`). Raises UnknownRange, RangeMismatch,
    UnitsTaken, UnitsVoided."""
    path = f"{path}/{MEMBER}"
    told_of = member if isinstance(member, dict) else {}
    stretch = _stretch_told(actor, told_of, path)
    thing = db.session.scalar(select(Thing.id).where(Thing.identity == lot, Thing.kind == "lot"))
    if thing is None:
        raise UnknownRange(path=path)
    _check_own(actor, thing, path)
    taken = set(
        db.session.scalars(
            update(Unit)
            .where(*stretch.where(), Unit.lot_id.is_(None), Unit.voided_at.is_(None))
            .values(lot_id=thing)
            .returning(Unit.number)
            .execution_options(synchronize_session=False)
        )
    )
    if len(taken) != stretch.count:
        # The caller's savepoint gives back what we took.
        try:
            check_free(stretch, taken)
        except TraceError as error:
            raise error.at(path) from None
    digest = digest_of(serial for _, serial in serials(stretch))
    if told_of.get("digest") != digest or told_of.get("count") != stretch.count:
        raise RangeMismatch(path=path)
    return Claimed(stretch, thing, digest)


def _check_own(actor: Actor, lot: int, path: str) -> None:
    """Raises NotYourLot for a lot that the organisation neither made nor was ever given."""
    mine = actor.organisation.id
    own = select(Thing.id).where(Thing.id == lot, made_by_or_for(mine))
    if db.session.scalar(own) is None and mine not in holders_of([lot])[lot]:
        raise NotYourLot(path=path)


def _belong(stretch: Stretch, lot: int | None) -> bool:
    """Units of the stretch that events named are of this lot from now on. Whether there are any."""
    sample = unit_identity(stretch.range.key, stretch.range.first)
    base = canonical_uri(sample, current_settings().id_base).removesuffix(stretch.range.first)
    named = select(literal(base) + Unit.serial).where(*stretch.where())
    other = Thing.lot_id.is_distinct_from(lot)
    found = db.session.scalars(select(Thing.id).where(Thing.identity.in_(named), other)).all()
    if found:
        for change in (
            update(Thing).where(among(Thing.id, found)).values(lot_id=lot),
            update(Passport).where(among(Passport.thing_id, found)).values(stale=True),
        ):
            db.session.execute(change.execution_options(synchronize_session=False))
    return bool(found)


def _stretch_told(actor: Actor, member: JsonObject, path: str) -> Stretch:
    first, last = member.get("first"), member.get("last")
    found = db.session.scalar(
        select(LabelRange).where(
            LabelRange.code == str(member.get("range", "")),
            LabelRange.organisation_id == actor.organisation.id,
        )
    )
    if found is None:
        raise UnknownRange(path=path)
    if not (isinstance(first, int) and isinstance(last, int) and 1 <= first <= last <= found.count):
        raise RangeMismatch(path=path)
    return Stretch(found, first, last)


def confirm(claimed: Claimed, event_id: int, *, at: datetime) -> bool:
    """Under the log lock: notes which event binds the claimed units, and that their lot has labels.
    Whether events named some of them before."""
    stretch = claimed.stretch
    db.session.execute(
        insert(LabelBinding).values(
            range_id=stretch.range.id,
            first=stretch.first,
            last=stretch.last,
            lot_id=claimed.lot_id,
            event_id=event_id,
            digest=claimed.digest,
            at=at,
        )
    )
    db.session.execute(
        update(Thing)
        .where(Thing.id == claimed.lot_id, Thing.labelled_at.is_(None))
        .values(labelled_at=at)
        .execution_options(synchronize_session=False)
    )
    return _belong(stretch, claimed.lot_id)


def release(statement: bytes) -> Stretch | None:
    """Frees the units of a binding whose event (the 16 bytes of its urn:uuid) was declared an
    error, before that is written; None for any other event. What events named of them is told
    under the log lock (`part`)."""
    row = db.session.execute(
        select(LabelBinding.id, LabelBinding.range_id, LabelBinding.first, LabelBinding.last)
        .join(Event, Event.id == LabelBinding.event_id)
        .where(Event.statement_id == statement, LabelBinding.undone.is_(False))
    ).first()
    if row is None:
        return None
    db.session.execute(
        update(Unit)
        .where(Unit.range_id == row.range_id, Unit.number.between(row.first, row.last))
        .values(lot_id=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(LabelBinding)
        .where(LabelBinding.id == row.id)
        .values(undone=True)
        .execution_options(synchronize_session=False)
    )
    return Stretch(db.session.get_one(LabelRange, row.range_id), row.first, row.last)


def part(freed: Stretch) -> None:
    """Under the log lock: units that events named are of no lot any more."""
    _belong(freed, None)


def void(actor: Actor, stretch: Stretch, reason: str, *, at: datetime) -> int:
    """Takes unused units out of use for good; those bound already stay. Returns how many.
    Raises NothingToVoid."""
    actor.check("record")
    done = db.session.execute(
        update(Unit)
        .where(*stretch.where(), Unit.lot_id.is_(None), Unit.voided_at.is_(None))
        .values(voided_at=at)
        .execution_options(synchronize_session=False)
    )
    count: int = done.rowcount  # type: ignore[attr-defined]  # an UPDATE has one
    if not count:
        raise NothingToVoid
    write_audit(
        actor,
        "labels.void",
        f"labels:{stretch.range.code}",
        at=at,
        first=stretch.first,
        last=stretch.last,
        count=count,
        reason=reason,
    )
    return count


def bindings_of(range_ids: Collection[int]) -> list[LabelBinding]:
    """What stands of these rolls, in the order of numbers."""
    of = LabelBinding.range_id.in_(list(range_ids))
    query = select(LabelBinding).where(of, LabelBinding.undone.is_(False))
    return list(db.session.scalars(query.order_by(LabelBinding.first)))
