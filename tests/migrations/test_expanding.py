"""The newest migration leaves the previous release working: it expands and never contracts.

During an update both releases run on the new schema, one as long as it takes to replace it. So a
migration may add tables, columns that may be left out, and indexes; what the previous release reads
or writes stays as it was. What nobody uses any more is taken away one release later
(docs/how-to/upgrade.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Inspector, inspect

from trace.extensions import db

MIGRATIONS = Path(__file__).parents[2] / "migrations"
# What a migration takes away on purpose, "table" or "table.column", and since which release no code
# of the previous one uses it. Empty it with the next migration.
CONTRACTED: dict[str, str] = {}


Schema = dict[str, dict[str, Any]]


def schema(look: Inspector) -> Schema:
    """Of each table: its columns, and what it demands of rows."""
    return {
        table: {
            "columns": {one["name"]: one for one in look.get_columns(table)},
            "unique": {tuple(one["column_names"]) for one in look.get_unique_constraints(table)}
            | {
                tuple(str(name) for name in one["column_names"])
                for one in look.get_indexes(table)
                if one["unique"]
            },
            "checks": {str(one["sqltext"]) for one in look.get_check_constraints(table)},
            "references": {
                (tuple(one["constrained_columns"]), one["referred_table"])
                for one in look.get_foreign_keys(table)
            },
        }
        for table in look.get_table_names()
        if table != "alembic_version"
    }


def hindrances(before: Schema, after: Schema) -> list[str]:
    """What would make the previous release fail on the new schema."""
    found = []
    for table, old in before.items():
        new = after.get(table)
        if new is None:
            found.append(table)
            continue
        for name, column in old["columns"].items():
            here = new["columns"].get(name)
            if here is None:
                found.append(f"{table}.{name}")
            elif column["nullable"] and not here["nullable"]:
                found.append(f"{table}.{name}: must hold something now")
            elif str(column["type"]) != str(here["type"]) and not _wider(column, here):
                found.append(f"{table}.{name}: {column['type']} became {here['type']}")
        for name in new["columns"].keys() - old["columns"].keys():
            here = new["columns"][name]
            if not here["nullable"] and here["default"] is None and not here.get("identity"):
                found.append(f"{table}.{name}: new, and the previous release does not fill it")
        for kind in ("unique", "checks", "references"):
            added = [
                one
                for one in new[kind] - old[kind]
                # A rule about new columns alone is none for who leaves them out.
                if kind == "checks" or _columns(one, kind) & old["columns"].keys()
            ]
            found += [f"{table}: demands more of rows now, {kind} {one}" for one in added]
    return [one for one in found if one not in CONTRACTED]


def _columns(one: Any, kind: str) -> set[str]:
    return set(one[0] if kind == "references" else one)


def _wider(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """A longer text of the same kind takes all that the shorter one took."""
    before, after = (getattr(one["type"], "length", None) for one in (old, new))
    same = type(old["type"]) is type(new["type"])
    return same and before is not None and (after is None or after >= before)


def test_the_previous_releases_code_still_works_on_the_newest_schema(empty_app: Flask) -> None:
    revisions = [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    with empty_app.app_context():
        upgrade(revision=revisions[1])
        before = schema(inspect(db.engine))
        upgrade()
        after = schema(inspect(db.engine))
    assert before != after
    assert hindrances(before, after) == []


def test_each_kind_of_hindrance_is_found() -> None:
    from sqlalchemy import Integer, String

    def one(name: str, kind: Any, *, nullable: bool = False, default: str | None = None) -> Any:
        return {"name": name, "type": kind, "nullable": nullable, "default": default}

    def table(*columns: Any, unique: set[Any] = frozenset(), checks: set[str] = frozenset()) -> Any:  # type: ignore[assignment]  # an empty set is a set
        named = {column["name"]: column for column in columns}
        return {"columns": named, "unique": unique, "checks": checks, "references": set()}

    code, note = one("code", String(10)), one("note", String(10), nullable=True)
    before = {"lots": table(code, note), "gone": table(code)}
    fine = {
        "lots": table(
            one("code", String(20)),
            note,
            one("added", String(5), nullable=True),
            one("counted", Integer(), default="0"),
            unique={("added",)},
        ),
        "gone": table(code),
        "new": table(one("needed", String(3))),
    }
    assert hindrances(before, fine) == []
    bad = {
        "lots": table(
            one("code", Integer()),
            one("note", String(10)),
            one("needed", String(5)),
            unique={("code",)},
            checks={"code > 0"},
        )
    }
    assert len(hindrances(before, bad)) == 6
    assert hindrances(before, {"lots": table(code), "gone": table(code)}) == ["lots.note"]
