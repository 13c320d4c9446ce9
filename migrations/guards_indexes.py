"""Indexes built while rows are written (CREATE INDEX CONCURRENTLY), also after a build that was cut
short: PostgreSQL leaves that one under its name, kept up with every write and used by no query."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_BROKEN = sa.text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")


def add_beside_writers(op: Any, name: str, table: str, columns: list[str], where: Any) -> None:
    """Builds the index on PostgreSQL, unless a whole one is there already. Commits what the
    migration did before."""
    with op.get_context().autocommit_block():
        if op.get_bind().scalar(_BROKEN, {"name": name}):
            op.drop_index(name, table_name=table, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            columns,
            postgresql_where=where,
            postgresql_concurrently=True,
            if_not_exists=True,
        )
