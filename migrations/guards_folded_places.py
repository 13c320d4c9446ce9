"""Names of places get the form people look for them by, as products and organisations have it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trace.core.folding import fold


def add_folded_places(op: Any) -> None:
    """Fills the new column from both names, a few thousand rows at a time."""
    connection = op.get_bind()
    places = sa.table(
        "places", sa.column("id"), sa.column("name"), sa.column("name_en"), sa.column("folded")
    )
    last = 0
    while rows := connection.execute(
        sa.select(places.c.id, places.c.name, places.c.name_en)
        .where(places.c.id > last)
        .order_by(places.c.id)
        .limit(2000)
    ).all():
        last = rows[-1].id
        connection.execute(
            sa.update(places)
            .where(places.c.id == sa.bindparam("row"))
            .values(folded=sa.bindparam("words")),
            [{"row": row.id, "words": fold(f"{row.name} {row.name_en}")[:500]} for row in rows],
        )


def drop_folded_places(op: Any) -> None:
    """Nothing: the column goes with its table's older form."""
