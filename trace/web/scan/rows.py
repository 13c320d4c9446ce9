"""What a scan reads: one query for everything that decides which page it is.

The row tells whose passport speaks, its version, whether it is still good, which alerts stand and
how far the public log reaches. No session and no objects: this is the hot path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Alias,
    ColumnElement,
    Connection,
    Engine,
    PoolProxiedConnection,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from trace.core.gs1 import Identity, canonical_uri, parse_path
from trace.models import (
    Alert,
    Copy,
    Event,
    LabelRange,
    LogState,
    Organisation,
    Passport,
    Thing,
    Unit,
)
from trace.models.pulses import BEAT, NOTICES, Pulse
from trace.services.alerts import AlertView, alert_columns, alert_view
from trace.services.passports import has_own_history, inflated
from trace.services.replicas import ON_REPLICA

HISTORIES: Final = frozenset({"lot", "unit", "cycle", "logistic"})
LEVELS: Final = 4  # serial, serial under its lot, lot, key


@dataclass(frozen=True, slots=True)
class Asked:
    """A printed address as asked for: its identity and the identities it may be found under, the
    most specific first, padded so that every request runs the same statement."""

    identity: Identity
    texts: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Found:
    """The thing a scan is about. `passport` is the thing whose passport speaks: the thing itself,
    or a unit's lot. `level` is its place among the asked identities (0: exactly what was asked);
    `lot_asked` says that a unit's lot is among them. Read from a replica, `beat` (milliseconds)
    and `notices` tell how far that is; see services.replicas."""

    thing: int
    kind: str
    lot: int | None
    lot_asked: bool
    passport: int
    version: int
    fresh: bool
    alerts: str
    integrated: int
    level: int
    beat: int = 0
    notices: int = 0


@lru_cache(maxsize=8192)
def ask(raw_path: str, id_base: str) -> Asked:
    """Reads a raw, still percent-encoded path. Raises Gs1Error."""
    identity = parse_path(raw_path).identity
    texts = [canonical_uri(level, id_base) for level in identity.levels()][:LEVELS]
    return Asked(identity, tuple(texts + [texts[-1]] * (LEVELS - len(texts))), identity.path)


def _statement(*, replica: bool) -> Select[Any]:
    """One row a known level, in one column of text: describing sixteen columns to the driver's
    caller costs more than joining them in the database. A replica tells in the same row how far
    it is."""
    thing, lot = _alias(Thing, "t"), _alias(Thing, "l")
    own, lots = _alias(Passport, "own"), _alias(Passport, "lots")
    texts = [bindparam(f"text{n}", "", type_=String) for n in range(LEVELS)]
    level = case(*((thing.c.identity == text, n) for n, text in enumerate(texts)), else_=LEVELS)
    of_a_lot = and_(thing.c.kind == "unit", thing.c.lot_id.is_not(None))
    speaks = case((of_a_lot, has_own_history(thing.c.id)), else_=1)
    told = [
        case((speaks == 1, own.c[name]), else_=lots.c[name])
        for name in ("version", "valid_until", "building_until")
    ]
    stale = case((case((speaks == 1, own.c.stale), else_=lots.c.stale), 1), else_=0)
    far = [
        select(cast(column, String)).where(Pulse.id == number).scalar_subquery()
        for column, number in ((Pulse.at, BEAT), (Pulse.count, NOTICES))
    ]
    columns = [
        level,
        *(far if replica else ()),
        thing.c.id,
        thing.c.kind,
        thing.c.lot_id,
        case((lot.c.identity.in_(texts), 1), else_=0),
        speaks,
        *told,
        stale,
        select(func.max(LogState.integrated)).scalar_subquery(),
        _standing(thing),
    ]
    joined: ColumnElement[str] = literal("")
    for column in columns:
        joined = joined + func.coalesce(cast(column, String), "") + "|"
    return (
        select(joined)
        .select_from(thing)
        .outerjoin(lot, lot.c.id == thing.c.lot_id)
        .outerjoin(own, own.c.thing_id == thing.c.id)
        .outerjoin(lots, lots.c.thing_id == thing.c.lot_id)
        # A unit of which its maker said nothing is known from strangers only: its lot speaks.
        .where(
            thing.c.identity.in_(texts), or_(thing.c.kind != "unit", thing.c.owner_id.is_not(None))
        )
    )


def _alias(model: Any, name: str) -> Alias:
    alias: Alias = model.__table__.alias(name)
    return alias


def _standing(thing: Alias) -> Any:
    """The alerts that stand, `event:kind:hazard:m,…`; last in the row: a hazard is free text."""
    each = cast(Alert.event_id, String) + ":" + Alert.kind + ":" + Alert.hazard
    return (
        select(func.aggregate_strings(each + case((Alert.mixed, ":m"), else_=":"), ","))
        .where(Alert.thing_id == thing.c.id, Alert.lifted_by.is_(None))
        .correlate(thing)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Stamp:
    """What was issued under a unit's address. `lot` is the identity it is bound to, "" for none."""

    voided: bool
    lot: str
    roll: str
    number: int


def _stamp_statement() -> Select[Any]:
    lot = _alias(Thing, "lot")
    columns = [
        case((Unit.voided_at.is_not(None), 1), else_=0),
        Unit.number,
        LabelRange.code,
        lot.c.identity,
    ]
    joined: ColumnElement[str] = literal("")
    for column in columns:
        joined = joined + func.coalesce(cast(column, String), "") + "|"
    key, serial = (bindparam(name, "", type_=String) for name in ("text0", "text1"))
    issued = (
        select(joined)
        .select_from(Unit)
        .join(LabelRange, LabelRange.id == Unit.range_id)
        .outerjoin(lot, lot.c.id == Unit.lot_id)
        .where(Unit.key == key, Unit.serial == serial)
    )
    said = select(case((Copy.said, "1"), else_="0")).where(Copy.key == key, Copy.serial == serial)
    return select(
        func.coalesce(said.scalar_subquery(), "0") + func.coalesce(issued.scalar_subquery(), "")
    )


class _Prepared:
    """A statement compiled once for an engine: on the hot path only values change."""

    def __init__(self, engine: Engine, statement: Select[Any]) -> None:
        compiled = statement.compile(
            dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        self.text = str(compiled)
        self.values = dict(compiled.params)
        self.order = tuple(compiled.positiontup or ())

    def rows(
        self, engine: Engine, texts: tuple[str, ...], shared: PoolProxiedConnection | None = None
    ) -> list[str]:
        """Straight through the driver, on a pooled connection (the caller's, where one is given);
        listeners of the engine hear it."""
        values = {**self.values, **dict(zip(_NAMES, texts, strict=False))}
        given: Any = tuple([values[name] for name in self.order]) if self.order else values
        connection = shared or engine.raw_connection()
        try:
            cursor = connection.cursor()
            for hear in engine.dispatch.before_cursor_execute:
                hear(connection, cursor, self.text, given, None, False)
            cursor.execute(self.text, given)
            rows = cursor.fetchall()
            cursor.close()
        finally:
            if shared is None:
                connection.close()
        return [row[0] for row in rows]


_NAMES: Final = tuple(f"text{number}" for number in range(LEVELS))
_prepared: WeakKeyDictionary[Engine, tuple[_Prepared, _Prepared]] = WeakKeyDictionary()


def _statements(engine: Engine) -> tuple[_Prepared, _Prepared]:
    """(of things, of stamps)."""
    found = _prepared.get(engine)
    if found is None:
        things = _statement(replica=_is_replica(engine))
        made = _Prepared(engine, things), _Prepared(engine, _stamp_statement())
        found = _prepared[engine] = made
    return found


def _is_replica(engine: Engine) -> bool:
    return bool(engine.get_execution_options().get(ON_REPLICA))


def find_stamp(
    engine: Engine, asked: Asked, shared: PoolProxiedConnection | None = None
) -> tuple[Stamp | None, bool]:
    """What was issued under a unit's address, and whether its page says that the code was scanned
    elsewhere before; one query."""
    identity = asked.identity
    serial = identity.get("21") or identity.get("serial") or ""
    key = f"{identity.key}/{identity.value}"
    rows = _statements(engine)[1].rows(engine, (key, serial), shared)
    said, issued = rows[0][:1] == "1", rows[0][1:-1]
    if not issued:
        return None, said
    voided, number, roll, lot = issued.split("|", 3)
    return Stamp(voided == "1", lot, roll, int(number)), said


def of_lot(asked: Asked, lot: str) -> Asked:
    """The same address, answered by the lot its stamp is bound to. A lot named beside it that is
    another one is not asked about: it would tell another batch's story."""
    return Asked(asked.identity, (asked.texts[0], lot, *[lot] * (LEVELS - 2)), asked.path)


def find(
    engine: Engine, asked: Asked, now: int, shared: PoolProxiedConnection | None = None
) -> Found | None:
    """The most specific thing known of what was asked; one query. `now` in milliseconds."""
    rows = _statements(engine)[0].rows(engine, asked.texts, shared)
    if not rows:
        return None
    if not _is_replica(engine):
        return _found(min(rows), now)
    level, beat, notices, rest = min(rows).split("|", 3)
    return replace(_found(f"{level}|{rest}", now), beat=int(beat or 0), notices=int(notices or 0))


def _found(row: str, now: int) -> Found:
    level, thing, kind, lot, lot_asked, speaks, *told, alerts = row[:-1].split("|", 11)
    version, until, building, stale, integrated = told
    fresh = (
        version not in ("", "0")
        and stale == "0"
        and (not until or int(until) > now)
        and (not building or int(building) > now)
    )
    return Found(
        thing=int(thing),
        kind=kind,
        lot=int(lot) if lot else None,
        lot_asked=lot_asked == "1",
        passport=int(thing) if speaks == "1" else int(lot),
        version=int(version or 0),
        fresh=fresh,
        alerts=",".join(sorted(alerts.split(","))) if alerts else "",
        integrated=int(integrated or 0),
        level=int(level),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """All that is read of a printed address before its page is known: what was issued under it,
    the lot that is bound to ("" for none), whether its page says that the code was scanned
    elsewhere, and the thing itself. `as_of`: nobody but a replica could be asked, and this is how
    far it is (milliseconds); 0: it is so now."""

    asked: Asked
    stamp: Stamp | None
    bound: str
    copied: bool
    found: Found | None
    as_of: int = 0


def read(
    engine: Engine, asked: Asked, now: int, shared: PoolProxiedConnection | None = None
) -> Reading:
    """One query, two for a unit. `now` in milliseconds."""
    if asked.identity.kind != "unit":
        return Reading(asked, None, "", False, find(engine, asked, now, shared))
    connection = shared or engine.raw_connection()
    try:
        stamp, copied = find_stamp(engine, asked, connection)
        bound = stamp.lot if stamp is not None and not stamp.voided else ""
        # Whatever became of a stamp, the same two questions are asked: time tells nothing either.
        found = find(engine, of_lot(asked, bound) if bound else asked, now, connection)
    finally:
        if shared is None:
            connection.close()
    return Reading(asked, stamp, bound, copied, found)


@cache
def _document_query() -> Select[Any]:
    return (
        select(Passport.version, Passport.document, *alert_columns())
        .select_from(Passport)
        .outerjoin(Alert, and_(Alert.thing_id == bindparam("thing"), Alert.lifted_by.is_(None)))
        .outerjoin(Event, Event.id == Alert.event_id)
        .outerjoin(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(Thing, Thing.id == Alert.source_id)
        .where(Passport.thing_id == bindparam("passport"))
    )


def read_document(
    connection: Connection, passport: int, thing: int
) -> tuple[int, Any, list[AlertView]]:
    """(version, document or None, alerts of the thing, the worst first); one query."""
    given = {"passport": passport, "thing": thing}
    rows: list[Any] = list(connection.execute(_document_query(), given))
    if not rows:
        return 0, None, []
    alerts = [alert_view(row) for row in rows if row.kind is not None]
    document = None if rows[0].document is None else inflated(rows[0].document)
    return rows[0].version, document, sorted(alerts, key=lambda one: one.rank)
