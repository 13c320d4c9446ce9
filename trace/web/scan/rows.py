"""What a scan reads: one query for everything that decides which page it is.

The row tells whose passport speaks, its version, whether it is still good, which alerts stand and
how far the public log reaches. No session and no objects: this is the hot path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from trace.core.gs1 import Identity, canonical_uri, parse_path
from trace.models import Alert, Event, EventThing, LogState, Organisation, Passport, Thing
from trace.models.events import ROLES
from trace.services.alerts import AlertView, alert_columns, alert_view

EPC, OUTPUT = ROLES.index("epc"), ROLES.index("output")
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
    or a unit's lot. `level` is its place among the asked identities (0: exactly what was asked)."""

    thing: int
    identity: str
    kind: str
    lot: int | None
    lot_identity: str | None
    passport: int
    version: int
    fresh_until: int | None  # milliseconds since 1970
    fresh: bool
    alerts: str
    integrated: int
    level: int


@lru_cache(maxsize=8192)
def ask(raw_path: str, id_base: str) -> Asked:
    """Reads a raw, still percent-encoded path. Raises Gs1Error."""
    identity = parse_path(raw_path).identity
    texts = [canonical_uri(level, id_base) for level in identity.levels()][:LEVELS]
    return Asked(identity, tuple(texts + [texts[-1]] * (LEVELS - len(texts))), identity.path)


def _statement() -> Select[Any]:
    thing, lot = aliased(Thing), aliased(Thing)
    own, lots = aliased(Passport), aliased(Passport)
    created = or_(EventThing.role == OUTPUT, and_(EventThing.role == EPC, Event.action == "ADD"))
    # A unit has a history of its own once something else than its making names it.
    lives = exists(
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(EventThing.thing_id == thing.id, not_(created))
    )
    speaks = case((and_(thing.kind == "unit", thing.lot_id.is_not(None)), lives), else_=True)
    standing = (
        select(
            func.aggregate_strings(
                Alert.event_id.cast(String)
                + ":"
                + Alert.kind
                + ":"
                + Alert.hazard
                + case((Alert.mixed, ":m"), else_=":"),
                ",",
            )
        )
        .where(Alert.thing_id == thing.id, Alert.lifted_by.is_(None))
        .scalar_subquery()
    )
    integrated = select(func.max(LogState.integrated)).scalar_subquery()
    wanted = [bindparam(f"text{n}", "", type_=String) for n in range(LEVELS)]
    return (
        select(
            thing.id,
            thing.identity,
            thing.kind,
            thing.lot_id,
            lot.identity,
            speaks,
            own.version,
            own.stale,
            own.valid_until,
            own.building_until,
            lots.version,
            lots.stale,
            lots.valid_until,
            lots.building_until,
            standing,
            integrated,
        )
        .outerjoin(lot, lot.id == thing.lot_id)
        .outerjoin(own, own.thing_id == thing.id)
        .outerjoin(lots, lots.thing_id == thing.lot_id)
        .where(thing.identity.in_(wanted))
    )


class _Prepared:
    """The statement compiled once for an engine: on the hot path only values change."""

    def __init__(self, engine: Engine) -> None:
        compiled = _statement().compile(
            dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        self.text = str(compiled)
        self.values = dict(compiled.params)
        self.order = tuple(compiled.positiontup or ())

    def rows(self, connection: Connection, texts: tuple[str, ...]) -> list[Any]:
        values = {**self.values, **{f"text{n}": text for n, text in enumerate(texts)}}
        given: Any = tuple(values[name] for name in self.order) if self.order else values
        return list(connection.exec_driver_sql(self.text, given))


_prepared: WeakKeyDictionary[Engine, _Prepared] = WeakKeyDictionary()


def find(connection: Connection, asked: Asked, now: int) -> Found | None:
    """The most specific thing known of what was asked; one query. `now` in milliseconds."""
    engine = connection.engine
    prepared = _prepared.get(engine)
    if prepared is None:
        prepared = _prepared[engine] = _Prepared(engine)
    rows = prepared.rows(connection, asked.texts)
    if not rows:
        return None
    rows.sort(key=lambda row: asked.texts.index(row[1]))
    return _found(rows[0], asked, now)


def _found(row: Any, asked: Asked, now: int) -> Found:
    speaks_itself = bool(row[5])
    version, stale, until, building = row[6:10] if speaks_itself else row[10:14]
    fresh = (
        bool(version)
        and not stale
        and (until is None or until > now)
        and (building is None or building > now)
    )
    return Found(
        thing=row[0],
        identity=row[1],
        kind=row[2],
        lot=row[3],
        lot_identity=row[4],
        passport=row[0] if speaks_itself else row[3],
        version=version or 0,
        fresh_until=until,
        fresh=fresh,
        alerts=",".join(sorted(row[14].split(","))) if row[14] else "",
        integrated=row[15] or 0,
        level=asked.texts.index(row[1]),
    )


def read_document(
    connection: Connection, passport: int, thing: int
) -> tuple[int, bytes | None, list[AlertView]]:
    """(version, deflated document, alerts of the thing, the worst first); one query."""
    query = (
        select(Passport.version, Passport.document, *alert_columns())
        .select_from(Passport)
        .outerjoin(Alert, and_(Alert.thing_id == thing, Alert.lifted_by.is_(None)))
        .outerjoin(Event, Event.id == Alert.event_id)
        .outerjoin(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(Thing, Thing.id == Alert.source_id)
        .where(Passport.thing_id == passport)
    )
    rows: list[Any] = list(connection.execute(query))
    if not rows:
        return 0, None, []
    alerts = [alert_view(row) for row in rows if row.kind is not None]
    return rows[0].version, rows[0].document, sorted(alerts, key=lambda one: one.rank)


__all__ = ["Asked", "Found", "ask", "find", "read_document"]
