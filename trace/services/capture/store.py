"""Step 3: one transaction. Everything but the log first; the log lock last and briefly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, cast

import orjson
from sqlalchemy import Update, bindparam, false, or_, select, update

from trace.core.epcis.parts import read_time
from trace.core.history import ARRIVING, LEAVING
from trace.core.statements import (
    Assertion,
    approval_entry,
    event_entries,
    statement_hashes,
    tags,
    tags_of,
    use_identity,
)
from trace.extensions import db
from trace.models import (
    EventThing,
    Organisation,
    Passport,
    Product,
    Thing,
)
from trace.models.events import TYPES
from trace.models.types import to_micro, to_millis
from trace.services import balances, handovers, log, news
from trace.services.actors import Actor
from trace.services.bulk import Row, allocate_ids, execute_many, insert_rows
from trace.services.capture import notices, releases
from trace.services.capture.holdings import heavy_outputs, write_holdings
from trace.services.capture.prepare import CHILD, INPUT, PARENT, Prepared
from trace.services.capture.things import Known, Name, ensure_things, follow_bindings
from trace.services.histories import contents
from trace.services.jobs import enqueue
from trace.services.keys import NamedKey, check_still_valid
from trace.services.naming import issuer_of
from trace.services.sets import among, among_given, given, is_sqlite
from trace.services.settings import current_settings
from trace.services.vocabulary import bare_step

EVENT_COLUMNS = (
    "id",
    "statement_id",
    "issuer_id",
    "key_id",
    "type",
    "action",
    "event_time",
    "biz_step",
    "disposition",
    "read_point",
    "biz_location",
    "corrects",
    "notice",
    "jwt",
    "disclosures",
    "private",
)


# What every capture asks, written once: building a query costs more than answering it.
_USE = select(Organisation.use_head, Organisation.use_salt).where(
    Organisation.id == bindparam("organisation")
)
_USED = (
    update(Organisation)
    .where(Organisation.id == bindparam("organisation"))
    .values(use_head=bindparam("head"))
    .execution_options(synchronize_session=False)
)
_PASSING = frozenset({INPUT, CHILD, PARENT})
_HANDS = LEAVING | ARRIVING
_TYPE_NUMBERS = {name: number for number, name in enumerate(TYPES)}


@dataclass(frozen=True, slots=True)
class Approval:
    """What a passkey of the organisation answered to the challenge of exactly these statements."""

    hashes: tuple[str, ...]
    assertion: Assertion
    passkey: NamedKey


def store(
    actor: Actor,
    prepared: Sequence[Prepared],
    key: NamedKey,
    *,
    at: datetime,
    approval: Approval | None = None,
    foreseen: notices.Foreseen | None = None,
) -> list[tuple[int, int]]:
    """Writes signed events; returns (event row id, log index) of each, in order.

    An approval goes into the log right before them. `foreseen` is what notices among them reach,
    where somebody looked before anything was written.
    """
    if foreseen is None:
        foreseen = notices.foresee(actor.organisation, prepared)
    organisation = actor.organisation
    known = _things(organisation, prepared, at)
    ids = allocate_ids("events", len(prepared))
    _write_events(organisation, prepared, key, ids, known)
    changed = write_holdings(organisation, prepared, known)
    handed = handovers.index_handovers(
        organisation.id,
        [(row_id, e.document, e.corrects) for row_id, e in zip(ids, prepared, strict=True)],
        id_base=current_settings().id_base,
    )
    touched, sources = _reached(prepared, known)
    _audit(actor, prepared, at)
    told = [(row_id, p) for row_id, p in zip(ids, prepared, strict=True) if p.notice is not None]
    alerting = _alerting(organisation, prepared, ids, known, foreseen)

    state = log.lock()
    check_still_valid(key)
    if approval is not None:
        check_still_valid(approval.passkey)
    sources |= follow_bindings((m.name for event in prepared for m in event.things), known)
    if not all(row.created for row in known.values()):
        _claim(organisation, prepared, known)
    handed.meet()
    _ask_for_descendants(known.values(), touched, at)
    newer = notices.newer_events(foreseen.since, ids) if alerting else []
    for row_id, event in told:  # in order: a release ends what was given before it
        reach = alerting.get(row_id)
        if reach is not None:
            reach.complete(newer)
            notices.write_alerts(event, row_id, reach)
        releases.lift_alerts(organisation, event, row_id)
    releases.withdraw_releases(organisation, prepared)
    moved = _moved(prepared, known)
    if moved:
        sources |= notices.doubted_sources(moved)
    spread = notices.inherit_alerts(sources) if sources else set()
    telling = given(_telling(known.values(), touched))
    db.session.execute(_mark_stale(is_sqlite()), {"things": telling})
    balances.ask_for_review(changed, heavy_outputs(prepared, known), at=at)
    said = [(row_id, e.document, e.notice) for row_id, e in zip(ids, prepared, strict=True)]
    news.ask(actor, said, at=at, inherited=spread)
    first = _append(organisation, prepared, ids, known, state, at, approval)
    return list(zip(ids, first, strict=True))


def _alerting(
    organisation: Organisation,
    prepared: Sequence[Prepared],
    ids: Sequence[int],
    known: Mapping[str, Known],
    foreseen: notices.Foreseen,
) -> dict[int, notices.Reach]:
    """The reach of the notices with alerts, by event row; their alerts written as far as known,
    unless a release among them must not find those of a later one."""
    if not foreseen.reaches:
        return {}
    owners = {k.identity: (k.id, k.owner_id) for k in known.values()}
    in_order = any(event.notice == releases.RELEASE for event in prepared)
    found = {}
    for place, reach in foreseen.reaches.items():
        event = prepared[place]
        notices.reach_of(organisation, event, owners, reach)
        if not in_order:
            notices.write_alerts(event, ids[place], reach)
        found[ids[place]] = reach
    return found


@lru_cache(maxsize=2)
def _mark_stale(sqlite: bool) -> Update:
    return (
        update(Passport)
        .where(among_given(Passport.thing_id, "things", sqlite=sqlite))
        .values(stale=True)
        .execution_options(synchronize_session=False)
    )


def _reached(prepared: Sequence[Prepared], known: Mapping[str, Known]) -> tuple[set[int], set[int]]:
    """The things named, and those whose alerts pass on to what came of them here."""
    touched: set[int] = set()
    sources: set[int] = set()
    for event in prepared:
        for mention in event.things:
            thing = known[mention.name.identity].id
            touched.add(thing)
            if mention.role in _PASSING:
                sources.add(thing)
            # A unit first named after its lot was recalled is recalled with it.
            if mention.name.lot is not None:
                sources.add(known[mention.name.lot.identity].id)
    return touched, sources


def _moved(prepared: Sequence[Prepared], known: Mapping[str, Known]) -> set[int]:
    """The things, known before, that change hands here, or may by what they are packed with."""
    found: set[int] = set()
    if all(row.created for row in known.values()):
        return found
    for event in prepared:
        moves = bare_step(event.document.get("bizStep")) in _HANDS
        for mention in event.things:
            if moves or mention.role == PARENT:
                found.update(k.id for k in (known[mention.name.identity],) if not k.created)
    return found


def _things(
    organisation: Organisation, prepared: Sequence[Prepared], at: datetime
) -> dict[str, Known]:
    created_by: dict[str, int] = {}
    product_of: dict[str, str] = {}
    links: dict[str, int] = {}
    names: list[Name] = []
    for event in prepared:
        if event.product_of:
            product_of |= event.product_of
        creates = event.creates
        chains = set()
        for mention in event.things:
            name = mention.name
            names.append(name)
            chain = name.identity
            if name.lot is not None:
                chain = name.lot.identity
            if mention.role in creates:
                created_by[name.identity] = organisation.id
                if name.lot is not None:
                    created_by.setdefault(chain, organisation.id)
            if chain not in chains:
                chains.add(chain)
                links[chain] = links.get(chain, 0) + 1
    return ensure_things(names, created_by, product_of, links, at=at)


def _write_events(
    organisation: Organisation,
    prepared: Sequence[Prepared],
    key: NamedKey,
    ids: Sequence[int],
    known: dict[str, Known],
) -> None:
    rows: list[Row] = []
    things: list[Row] = []
    keys: list[Row] = []
    issuer = organisation.id
    for row_id, event in zip(ids, prepared, strict=True):
        if not event.jwt:
            raise AssertionError("store takes signed events")
        document, hidden = event.document, event.private
        step, disposition = document.get("bizStep"), document.get("disposition")
        rows.append(
            (
                row_id,
                event.statement_uuid,
                issuer,
                key.row_id,
                _TYPE_NUMBERS[document["type"]],
                document.get("action"),
                to_millis(read_time(document["eventTime"])),
                step[:100] if step else None,
                disposition[:100] if disposition else None,
                event.read_point,
                event.biz_location,
                event.corrects,
                event.notice,
                event.kept,
                event.disclosures,
                orjson.dumps(hidden).decode() if hidden else "[]",
            )
        )
        keys.append((issuer, event.key_digest, event.error_declaration, row_id))
        things += [
            (
                row_id,
                mention.role,
                known[mention.name.identity].id,
                to_micro(mention.quantity),
                mention.unit,
                mention.visibility,
            )
            for mention in event.things
        ]
    insert_rows("events", EVENT_COLUMNS, rows)
    # Sorted, so that two captures racing for the same keys wait for one another in one order.
    keys.sort(key=itemgetter(1))
    insert_rows("event_keys", ("issuer_id", "event_key", "error_declaration", "event_id"), keys)
    insert_rows(
        "event_things",
        ("event_id", "role", "thing_id", "quantity", "unit", "visibility"),
        sorted(things, key=itemgetter(0, 1, 2)),
    )


def _telling(known: Iterable[Known], touched: set[int]) -> list[int]:
    """Whose passports tell of this: the things named, their lots, and what lies in a container
    (what happens to the container happens to it)."""
    rows = [k for k in known if k.id in touched]
    found = touched | {k.lot_id for k in rows if k.lot_id is not None}
    boxes = [k.id for k in rows if k.kind == "logistic" and not k.created]
    if boxes:
        found |= contents(db.session.connection(), boxes)
    return sorted(found)


def _ask_for_descendants(known: Iterable[Known], touched: set[int], at: datetime) -> None:
    """A job marks the passports of descendants stale: alerts do not wait for it, words may. What
    happened to a box happened to its load, and is told by whatever was made of that. Under the log
    lock: what another capture makes of these meanwhile, it makes without this one's words."""
    before = [k for k in known if k.id in touched and not k.created]
    if not before:
        return
    used = set(
        db.session.scalars(
            select(EventThing.thing_id)
            .where(
                among(EventThing.thing_id, [k.id for k in before]),
                EventThing.role.in_((INPUT, CHILD)),
            )
            .distinct()
        )
    )
    used |= {k.id for k in before if k.kind == "logistic"}
    if used:
        enqueue("stale-descendants", {"things": sorted(used)}, at=at)


def _audit(actor: Actor, prepared: Sequence[Prepared], at: datetime) -> None:
    steps = Counter(p.step or p.type for p in prepared)
    row = (
        to_millis(at),
        actor.organisation.id,
        actor.person.id if actor.person else None,
        "capture",
        prepared[0].statement_id if prepared else "",
        orjson.dumps({"events": len(prepared), "steps": dict(steps)}).decode(),
    )
    columns = ("at", "organisation_id", "person_id", "action", "subject", "detail")
    insert_rows("audit", columns, [row])


def _claim(
    organisation: Organisation, prepared: Sequence[Prepared], known: dict[str, Known]
) -> None:
    """Things first named by others get their creator, product and lot once those are told."""
    for event in prepared:
        creates = event.creates
        for mention in event.things:
            row = known[mention.name.identity]
            if row.created:
                continue
            # Nobody else creates what stands on an organisation's own stamp.
            ours = mention.name.printer in (None, organisation.id)
            if row.owner_id is None and mention.role in creates and ours:
                _claim_one(organisation, row, event, mention.name.product)
            lot = known[mention.name.lot.identity].id if mention.name.lot is not None else None
            if lot is not None and lot != row.lot_id:
                # Anybody's word will do for a unit without a lot; its maker's stands above others'.
                mine = Thing.owner_id == organisation.id if mention.role in creates else false()
                db.session.execute(
                    update(Thing)
                    .where(Thing.id == row.id, or_(Thing.lot_id.is_(None), mine))
                    .values(lot_id=lot)
                    .execution_options(synchronize_session=False)
                )


def _claim_one(
    organisation: Organisation, row: Known, event: Prepared, product: str | None
) -> None:
    identity = event.product_of.get(row.identity) or product
    found = None
    if identity is not None:
        found = db.session.execute(
            select(Product.id, Product.organisation_id).where(Product.identity == identity)
        ).one_or_none()
    values: dict[str, Any] = {}
    if found is None or found.organisation_id == organisation.id:
        values["owner_id"] = organisation.id
    if found is not None:
        values["product_id"] = found.id
    db.session.execute(
        update(Thing)
        .where(Thing.id == row.id, Thing.owner_id.is_(None))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _append(
    organisation: Organisation,
    prepared: Sequence[Prepared],
    ids: Sequence[int],
    known: dict[str, Known],
    state: log.Locked,
    at: datetime,
    approval: Approval | None = None,
) -> list[int]:
    """Gives record time, index and tags; returns each event's index."""
    by_id = {row.id: row for row in known.values()}
    chained = {row.id for row in known.values() if row.salt is not None}
    chains = [_chains(event, known, chained) for event in prepared]
    heads = dict.fromkeys((row.id for row in known.values() if row.created), 0)
    heads |= _heads({thing for linked in chains for thing in linked} - heads.keys())
    used = db.session.execute(_USE, {"organisation": organisation.id}).one()
    use_tags = tags(
        used.use_salt,
        use_identity(issuer_of(organisation.code)),
        used.use_head,
        len(prepared),
    )
    moment = log.record_time(state, at)
    hashes = statement_hashes(event.jwt for event in prepared)
    wanted: list[tuple[bytes, str, int]] = []
    for linked in chains:
        for thing in linked:
            row = by_id[thing]
            head = heads[thing]
            heads[thing] = head + 1
            wanted.append((cast("bytes", row.salt), row.identity, head))
    thing_tags = iter(tags_of(wanted))
    entries: list[tuple[bytes, int | None]] = []
    approved = None
    if approval is not None:
        approved = state.size - state.start
        entries.append((approval_entry(moment, approval.hashes, approval.assertion), None))
    indexes = []
    for digest, row_id, linked, use_tag in zip(hashes, ids, chains, use_tags, strict=True):
        links = [use_tag, *islice(thing_tags, len(linked))]
        lines = event_entries(moment, digest, links, approved)
        indexes.append(state.size + len(entries))
        entries.append((lines[0], row_id))
        if len(lines) > 1:
            entries += [(line, None) for line in lines[1:]]
    log.append(state, entries, at)
    execute_many(
        "UPDATE things SET head = ? WHERE id = ?",
        [(head, thing) for thing, head in heads.items() if not by_id[thing].created],
    )
    values = {"organisation": organisation.id, "head": used.use_head + len(prepared)}
    db.session.execute(_USED, values)
    return indexes


def _chains(event: Prepared, known: dict[str, Known], chained: set[int]) -> list[int]:
    """Ids of the things whose chains this event continues, each once (a unit's is its lot's)."""
    found: dict[int, None] = {}
    for mention in event.things:
        row = known[mention.name.identity]
        # The lot that the event names, whatever the unit was said to belong to before.
        lot = known[mention.name.lot.identity].id if mention.name.lot else row.lot_id
        if row.salt is not None:
            found[row.id] = None
        elif lot in chained:
            found[lot] = None
    return list(found)


def _heads(things: set[int]) -> dict[int, int]:
    if not things:
        return {}
    rows = db.session.execute(select(Thing.id, Thing.head).where(among(Thing.id, sorted(things))))
    return {row.id: row.head for row in rows}
