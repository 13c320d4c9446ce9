"""Set-based SQL that is the same on both databases: a list as one parameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar
from typing import cast as cast_type

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    Text,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy import column as sql_column

from trace.extensions import db

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` values, in order."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def is_sqlite() -> bool:
    """Whether the current database is SQLite."""
    return db.engine.dialect.name == "sqlite"


def among(column: Any, values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """`column IN values` with one bound parameter however many there are.

    An expanding IN compiles anew for every length and stops at the driver's parameter limit.
    """
    listed = list(values)
    if is_sqlite():
        each = func.json_each(literal(orjson.dumps(listed).decode())).table_valued("value")
        # Bare: inside a CAST, say, SQLite would read the whole table instead of an index.
        inside: ColumnElement[bool] = column.in_(select(each.c.value))
        return inside
    # An empty array has a type too: PostgreSQL compares no text with numbers.
    of_text = isinstance(listed[0], str) if listed else isinstance(column.type, String)
    kind = Text() if of_text else BigInteger()
    result: ColumnElement[bool] = column == func.any(
        bindparam(None, listed, type_=ARRAY(kind), unique=True)
    )
    return result


def among_given(column: Any, name: str, *, sqlite: bool) -> ColumnElement[bool]:
    """`among` for a query that is built once and asked often: building one costs more than SQLite
    needs to answer it. The values come with the execution, as `given(values)` under `name`."""
    if sqlite:
        each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
        inside: ColumnElement[bool] = column.in_(select(each.c.value))
        return inside
    kind = Text() if isinstance(column.type, String) else BigInteger()
    result: ColumnElement[bool] = column == func.any(bindparam(name, type_=ARRAY(kind)))
    return result


def given(values: Iterable[int] | Iterable[str]) -> str | list[Any]:
    """Values as `among_given` takes them."""
    listed: list[Any] = list(values)
    return orjson.dumps(listed).decode() if is_sqlite() else listed


def unnested(values: Iterable[int], name: str) -> FromClause:
    """Long lists of ids as a table with the column `id`, as one bound text. PostgreSQL reads the
    text in a third of the time the driver needs to make an array of a hundred thousand numbers."""
    if is_sqlite():
        each = func.json_each(literal(given(values), Text())).table_valued("value")
        return select(type_coerce(each.c.value, BigInteger).label("id")).subquery(name)
    written = "{" + ",".join(map(str, values)) + "}"
    listed = cast(literal(written, Text()), ARRAY(BigInteger))
    each = func.unnest(listed).table_valued(sql_column("id", BigInteger), name=name)
    return each.render_derived()


def plan_plainly() -> None:
    """For the rest of this transaction PostgreSQL runs its plans as they are. For queries over long
    lists it would compile them first, which takes longer than they do."""
    if not is_sqlite():
        db.session.execute(text("SET LOCAL jit = off"))


def raw_rows(query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A query's rows as the driver gives them: for those that come by the hundred thousand, where a
    named row each costs more than finding it. Numbers and texts only: no type of ours is read."""
    result = db.session.connection().execute(query)
    return cast_type("list[tuple[Any, ...]]", result.cursor.fetchall())
