"""Sets in queries: a list as one parameter, found by index."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import scoped_session

from trace.models import Thing
from trace.services.sets import among, is_sqlite


def test_rows_among_many_identities_are_found_by_index_and_not_by_reading_the_table(
    db_session: scoped_session[Any],
) -> None:
    query = select(Thing.id).where(among(Thing.identity, ["a", "b"]))
    if is_sqlite():
        plain = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        plan = [row[-1] for row in db_session.execute(text(f"EXPLAIN QUERY PLAN {plain}"))]
        assert any("SEARCH things" in step for step in plan), plan
        assert not any("SCAN things" in step for step in plan), plan
    else:
        db_session.execute(text("SET LOCAL enable_seqscan = off"))  # an empty table is read whole
        sql = "EXPLAIN SELECT id FROM things WHERE identity = ANY(:all)"
        plan = [row[0] for row in db_session.execute(text(sql), {"all": ["a", "b"]})]
        assert any("Index" in step for step in plan), plan


def test_a_list_may_be_empty_long_or_of_either_kind(db_session: scoped_session[Any]) -> None:
    for column, values in ((Thing.id, []), (Thing.id, range(5000)), (Thing.identity, [])):
        assert db_session.scalars(select(Thing.id).where(among(column, values))).all() == []
    many = [f"https://trace.example/b/{number}" for number in range(5000)]
    assert db_session.scalars(select(Thing.id).where(among(Thing.identity, many))).all() == []
