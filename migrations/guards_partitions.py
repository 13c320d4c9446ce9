"""Tables that grow without bound are partitioned on PostgreSQL; SQLite keeps plain ones.

The plain table becomes the first partition as it stands: no row is copied. The parts lie in a
schema of their own (`parts`), so that the list of tables stays what it was. A part for all that no
other takes is always there: no row is ever refused because nobody made room ahead
(trace.services.partitions makes it; docs/explanation/sharding.md says which tables, and why no
others).

`scan_visits` gets its day into its key: a mark is made under the day's own key, so that (mark, day)
is unique where the mark was. The release before this one names the old key when it counts scans;
what it counts between this migration and its end is not counted.
"""

from __future__ import annotations

from typing import Any

SCHEMA = "parts"
MONTH = "date_trunc('month', greatest(coalesce(max({0}), now()::date), now()::date))"
UTC_MONTH = (
    "date_trunc('month', greatest(now(), to_timestamp(coalesce(max(time), 0) / 1000.0)) "
    "AT TIME ZONE 'UTC')"
)
# Table: the column it is parted by, and where the first part ends.
TABLES = {
    "scans": ("day", f"SELECT ({MONTH.format('day')} + interval '1 month')::date FROM scans"),
    "scan_visits": ("day", "SELECT greatest(max(day), now()::date) + 1 FROM scan_visits"),
    "sensor_readings": (
        "time",
        f"SELECT (extract(epoch FROM {UTC_MONTH} + interval '1 month') * 1000)::bigint FROM sensor_readings",
    ),
    "audit": ("id", "SELECT (coalesce(max(id), 0) / 10000000 + 1) * 10000000 FROM audit"),
    "event_things": (
        "event_id",
        "SELECT (coalesce(max(event_id), 0) / 16777216 + 1) * 16777216 FROM event_things",
    ),
}


def add_partitions(op: Any) -> None:
    """Makes each table the first part of a partitioned one of the same name."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(f"CREATE SCHEMA {SCHEMA}")
    op.execute("ALTER TABLE scan_visits DROP CONSTRAINT pk_scan_visits")
    op.execute("ALTER TABLE scan_visits ADD CONSTRAINT pk_scan_visits PRIMARY KEY (mark, day)")
    for table, (column, end) in TABLES.items():
        _part(op, table, column, str(op.get_bind().exec_driver_sql(end).scalar()))


def drop_partitions(op: Any) -> None:
    """Puts all rows into plain tables again."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in TABLES:
        _join(op, table)
    op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    op.execute("ALTER TABLE scan_visits DROP CONSTRAINT pk_scan_visits")
    op.execute("ALTER TABLE scan_visits ADD CONSTRAINT pk_scan_visits PRIMARY KEY (mark)")


def _part(op: Any, table: str, column: str, end: str) -> None:
    bind = op.get_bind()
    constraints, indexes, triggers, sequences = _described(bind, table)
    for name, _ in triggers:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name, _ in sequences:
        op.execute(f"ALTER SEQUENCE {name} OWNED BY NONE")  # it would go along
    op.execute(f"ALTER TABLE {table} SET SCHEMA {SCHEMA}")
    op.execute(f"ALTER TABLE {SCHEMA}.{table} RENAME TO {table}_first")
    op.execute(
        f"CREATE TABLE {table} (LIKE {SCHEMA}.{table}_first INCLUDING DEFAULTS INCLUDING STORAGE) "
        f"PARTITION BY RANGE ({column})"
    )
    _dress(op, table, constraints, indexes, sequences)
    op.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {SCHEMA}.{table}_first "
        f"FOR VALUES FROM (MINVALUE) TO ('{end}')"
    )
    op.execute(f"CREATE TABLE {SCHEMA}.{table}_rest PARTITION OF {table} DEFAULT")
    for _, definition in triggers:
        op.execute(definition)


def _join(op: Any, table: str) -> None:
    bind = op.get_bind()
    constraints, indexes, triggers, sequences = _described(bind, table)
    for name, _ in triggers:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name, _ in sequences:
        op.execute(f"ALTER SEQUENCE {name} OWNED BY NONE")
    op.execute(f"CREATE TABLE joined (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)")
    op.execute(f"INSERT INTO joined SELECT * FROM {table}")
    op.execute(f"DROP TABLE {table} CASCADE")
    op.execute(f"ALTER TABLE joined RENAME TO {table}")
    _dress(op, table, constraints, indexes, sequences)
    for _, definition in triggers:
        op.execute(definition)


Named = list[tuple[str, str]]


def _described(bind: Any, table: str) -> tuple[Named, Named, Named, Named]:
    """Keys, indexes, triggers and sequences of a table, each as (name, what makes it again)."""

    def ask(query: str) -> Named:
        rows = bind.exec_driver_sql(query.replace("THIS", f"'public.{table}'::regclass"))
        return [(row[0], row[1]) for row in rows]

    return (
        ask(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = THIS AND contype IN ('p', 'u', 'f', 'c') ORDER BY contype DESC, 1"
        ),
        ask(
            "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = THIS "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid) ORDER BY 1"
        ),
        ask(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE tgrelid = THIS AND NOT tgisinternal ORDER BY 1"
        ),
        ask(
            "SELECT s.relname, a.attname FROM pg_depend d "
            "JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
            "JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
            "WHERE d.refobjid = THIS AND d.deptype = 'a'"
        ),
    )


def _dress(op: Any, table: str, constraints: Named, indexes: Named, sequences: Named) -> None:
    for name, definition in constraints:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, definition in indexes:
        # Of a partitioned table the definition says ONLY, which would leave its parts without.
        op.execute(definition.replace(" ON ONLY ", " ON "))
    for name, column in sequences:
        op.execute(f"ALTER SEQUENCE {name} OWNED BY {table}.{column}")
