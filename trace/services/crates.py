"""Crates and pallets: codes issued ahead or at packing, and what lies in one now.

An organisation with a GS1 company prefix gets serial shipping container codes (SSCC) of it, each
number once and for good; the others get codes of ours (`/h/{code}`). A code names nothing until
something is packed under it. Numbers that the organisation's own systems used already are passed
over; the extension digit keeps the rest of their numbers apart.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select, update

from trace.core.gs1 import (
    Gs1Error,
    Identity,
    canonical_uri,
    check_code,
    check_prefix,
    new_code,
    parse_digital_link,
    parse_element_string,
    sscc,
)
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import CompanyPrefix, CrateLabel, EventThing, Thing
from trace.models.events import ROLES
from trace.models.types import to_millis
from trace.services import prefixes
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.bulk import allocate_ids, insert_rows
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.timelines import Named, read_events
from trace.services.units import scanned
from trace.services.vocabulary import Amount

RUN_LIMIT: Final = 2_000
_LIST: Final = 200
_PARENT: Final = ROLES.index("parent")
# What of a packing says what lies in a crate: kept from the public in part, it is kept whole.
_CONTENTS: Final = frozenset({"parentID", "childEPCs", "childQuantityList"})


class PrefixFixed(Conflict):
    code = "prefix-fixed"
    message = "Numbers were given out from %(prefix)s already: it stays."


class NotACrate(TraceError):
    code = "not-a-crate"
    message = "“%(text)s” is not the code of a crate or pallet. Leave this empty for a new one."


class OtherRun(TraceError):
    code = "crates-of-two-runs"
    message = "The first and the last label were not printed together. Pack each run by itself."


class TooManyCrates(TraceError):
    code = "too-many-crates"
    message = "At most %(limit)d crates are packed in one go."


# -- prefix and numbers ----------------------------------------------------------------------------


def find_prefix(actor: Actor) -> CompanyPrefix | None:
    """The organisation's company prefix, if it has one."""
    actor.check("read")
    return db.session.scalar(
        select(CompanyPrefix).where(CompanyPrefix.organisation_id == actor.organisation.id)
    )


def register_prefix(
    actor: Actor, text: str, extension: int, *, at: datetime
) -> CompanyPrefix | None:
    """Writes down which digits GS1 gave the organisation, as it says (services.prefixes); another
    one while none of its numbers was given out. None where the digits are disputed: numbers are
    made of them once a desk has decided. Raises Gs1Error, PrefixTaken, PrefixFixed."""
    actor.check("manage")
    try:
        prefix = check_prefix(text)
    except Gs1Error as error:
        raise error.at("prefix") from None
    known = find_prefix(actor)
    if known is not None and known.issued:
        raise PrefixFixed(path="prefix", prefix=known.prefix)
    prefixes.claim(actor, prefix, extension, at=at)
    if known is not None:
        db.session.delete(known)
        db.session.flush()
    write_audit(actor, "crates.prefix", f"prefix:{prefix}", at=at, extension=extension)
    if prefixes.disputed(prefix, actor.organisation.id):
        return None
    made = CompanyPrefix(
        prefix=prefix,
        organisation_id=actor.organisation.id,
        extension=extension,
        issued=0,
        created_at=at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def new_crates(actor: Actor, count: int) -> list[Identity]:
    """Identities that no crate ever had, in order. Raises NoNumbersLeft."""
    actor.check("record")
    prefix = find_prefix(actor)
    if prefix is None:
        return [Identity("h", new_code(os.urandom)) for _ in range(count)]
    found: list[Identity] = []
    while len(found) < count:
        wanted = count - len(found)
        # One statement takes the numbers: two desks at once never get the same.
        after = db.session.scalar(
            update(CompanyPrefix)
            .where(CompanyPrefix.prefix == prefix.prefix)
            .values(issued=CompanyPrefix.issued + wanted)
            .returning(CompanyPrefix.issued)
            .execution_options(synchronize_session=False)
        )
        numbers = range(int(after or 0) - wanted, int(after or 0))
        made = [Identity("00", sscc(prefix.prefix, prefix.extension, one)) for one in numbers]
        texts = {_text(one): one for one in made}
        used = {
            identity
            for column in (Thing.identity, CrateLabel.identity)
            for identity in db.session.scalars(select(column).where(among(column, sorted(texts))))
        }
        found += [one for text, one in texts.items() if text not in used]
    return found


def _text(identity: Identity) -> str:
    return canonical_uri(identity, current_settings().id_base)


# -- labels printed ahead --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """Labels that were asked for in one go: how many, and how many were packed under since."""

    number: int
    count: int
    packed: int
    at: datetime


def issue_crates(actor: Actor, count: int, *, at: datetime) -> int:
    """Codes for `count` crates; the number of their run."""
    identities = new_crates(actor, count)
    ids = list(allocate_ids("crate_labels", count))
    insert_rows(
        "crate_labels",
        ("id", "identity", "organisation_id", "run", "number", "created_at"),
        [
            (row, _text(one), actor.organisation.id, ids[0], number, to_millis(at))
            for number, (row, one) in enumerate(zip(ids, identities, strict=True), 1)
        ],
    )
    write_audit(actor, "crates.issue", f"crates:{ids[0]}", at=at, count=count)
    return ids[0]


def list_runs(actor: Actor) -> list[Run]:
    """The organisation's runs, newest first."""
    actor.check("read")
    rows = db.session.execute(
        select(
            CrateLabel.run,
            func.count(),
            func.count(Thing.id),
            func.min(CrateLabel.created_at),
        )
        .outerjoin(Thing, Thing.identity == CrateLabel.identity)
        .where(CrateLabel.organisation_id == actor.organisation.id)
        .group_by(CrateLabel.run)
        .order_by(CrateLabel.run.desc())
        .limit(_LIST)
    )
    return [Run(*row) for row in rows]


def get_run(actor: Actor, run: int) -> Run:
    """One of the organisation's own. Raises NotFound."""
    found = next((one for one in list_runs(actor) if one.number == run), None)
    if found is None:
        raise NotFound
    return found


def labels_in(run: int, first: int, last: int) -> Iterator[tuple[int, str, Thing | None]]:
    """(number, identity, the crate once something was packed under it), in order."""
    rows = db.session.execute(
        select(CrateLabel.number, CrateLabel.identity, Thing)
        .outerjoin(Thing, Thing.identity == CrateLabel.identity)
        .where(CrateLabel.run == run, CrateLabel.number.between(first, last))
        .order_by(CrateLabel.number)
    )
    yield from ((number, identity, thing) for number, identity, thing in rows)


# -- which crates a form means ---------------------------------------------------------------------


def read_crate(text: str, path: str) -> Identity:
    """The crate of what was scanned or typed: an address, (00) and 18 digits, 18 digits, or a code
    of ours. Raises NotACrate."""
    plain = text.strip()
    try:
        if "/" in plain:
            found = scanned(plain)
        elif plain.startswith("("):
            told = dict(parse_element_string(plain))
            found = _sscc(told.get("00", ""))
        else:
            digits = "".join(c for c in plain if c not in " .-\u00a0")
            # Scanners of linear codes give the application identifier without brackets.
            digits = digits[2:] if len(digits) == 20 and digits.startswith("00") else digits
            own = not (digits.isascii() and digits.isdecimal() and len(digits) == 18)
            found = Identity("h", check_code(plain)) if own else _sscc(digits)
    except Gs1Error:
        raise NotACrate(path=path, text=text[:100]) from None
    if found.key not in ("00", "h"):
        raise NotACrate(path=path, text=text[:100])
    return found


def _sscc(digits: str) -> Identity:
    spelled = "".join(digits.split())
    return parse_digital_link(f"https://id.gs1.org/00/{spelled}").identity


def chosen_crates(actor: Actor, first: str, last: str) -> list[Identity]:
    """From the first to the last label of a run, in whichever order they were scanned; one label
    alone may be anybody's. Raises NotACrate, OtherRun, TooManyCrates."""
    one = read_crate(first, "parent")
    if not last.strip():
        return [one]
    two = read_crate(last, "last")
    if one == two:
        return [one]
    rows = {
        row.identity: row
        for row in db.session.scalars(
            select(CrateLabel).where(
                CrateLabel.identity.in_((_text(one), _text(two))),
                CrateLabel.organisation_id == actor.organisation.id,
            )
        )
    }
    ends = [rows.get(_text(one)), rows.get(_text(two))]
    if ends[0] is None or ends[1] is None or ends[0].run != ends[1].run:
        raise OtherRun(path="last")
    low, high = sorted((ends[0].number, ends[1].number))
    check_count(high - low + 1, "last")
    id_base = current_settings().id_base
    return [
        parse_digital_link(identity, id_base=id_base).identity
        for _, identity, _ in labels_in(ends[0].run, low, high)
    ]


# Each crate is an event, signed; more in one go and people wait.
PACK_LIMIT: Final = 200


def check_count(count: int, path: str) -> None:
    """Raises TooManyCrates."""
    if count > PACK_LIMIT:
        raise TooManyCrates(path=path, limit=PACK_LIMIT)


# -- what is inside --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """Something in a crate, and how much of it (None: a crate, or nobody said). `public`: anybody
    may read that it lies there, and how much."""

    thing: Thing
    amount: Amount | None
    public: bool = True


def loads_of(actor: Actor, crates: Collection[int]) -> dict[int, list[Load]]:
    """What lies in each crate now, as the organisation may read it: packed, less what was taken
    out since. Taking out names whole stays, as histories tell them."""
    events = db.session.scalars(
        select(EventThing.event_id).where(
            EventThing.role == _PARENT, among(EventThing.thing_id, sorted(crates))
        )
    ).all()
    inside: dict[int, dict[int, Load]] = {crate: {} for crate in crates}
    for line in sorted(read_events(actor, events), key=lambda one: (one.event_time, one.event_id)):
        action = line.document.get("action")
        if not line.stands or line.document["type"] != "AggregationEvent":
            continue
        for parent in line.named("parent"):
            held = inside.get(parent.thing.id)
            if held is None:
                continue
            children = line.named("child")
            if action == "DELETE":
                for gone in [one.thing.id for one in children] or list(held):
                    held.pop(gone, None)
            elif action == "ADD":
                public = not any(path.partition("/")[0] in _CONTENTS for path in line.kept)
                for one in children:
                    held[one.thing.id] = _added(held.get(one.thing.id), one, public)
    return {crate: list(held.values()) for crate, held in inside.items()}


def _added(known: Load | None, told: Named, public: bool) -> Load:
    public = public and (known is None or known.public)
    if told.quantity is None:
        return Load(told.thing, known.amount if known is not None else None, public)
    before = known.amount if known is not None else None
    more = before.quantity if before is not None and before.uom == told.unit else Decimal(0)
    return Load(told.thing, Amount(told.quantity + more, told.unit), public)


def totals(loads: Sequence[Load]) -> list[Amount]:
    """The weights in a crate, one for each unit."""
    found: dict[str, Decimal] = {}
    for one in loads:
        if one.amount is not None:
            found[one.amount.uom] = found.get(one.amount.uom, Decimal(0)) + one.amount.quantity
    return [Amount(quantity, uom) for uom, quantity in found.items()]
