"""What tables of links and of loggers hold of a person because an organisation typed it there,
found and emptied for `services.subjects`: the title or address of an added link, in any of its
versions, and the name of a logger. Found by the number or address, as it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from sqlalchemy import or_, select

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Link, LinkVersion, Organisation, Sensor

MOST: Final = 200
Found = tuple[str, str, str, tuple[str, ...]]  # key, label, where, fields


def by_text(typed: Sequence[str]) -> list[Found]:
    """Links and loggers in which one of these texts stands."""
    said = [
        LinkVersion.content.contains(orjson.dumps(one).decode()[1:-1], autoescape=True)
        for one in typed
    ]
    links = db.session.execute(
        select(Link, Organisation.name)
        .join(Organisation, Organisation.id == Link.organisation_id)
        .where(Link.id.in_(select(LinkVersion.link_id).where(or_(*said))))
        .order_by(Link.id)
        .limit(MOST)
    )
    found: list[Found] = [
        (f"link:{link.id}", link.title or link.href, name, ("title", "href"))
        for link, name in links
    ]
    named = [Sensor.name.contains(one, autoescape=True) for one in typed]
    sensors = db.session.execute(
        select(Sensor, Organisation.name)
        .join(Organisation, Organisation.id == Sensor.organisation_id)
        .where(or_(*named))
        .order_by(Sensor.id)
        .limit(MOST)
    )
    return found + [(f"sensor:{one.id}", one.name, name, ("name",)) for one, name in sensors]


def erase(kind: str, number: int) -> bool:
    """Empties what one of these keys names: a link is taken away and says nothing in any version, a
    logger is called by its device's last characters. False for another's kind. Raises NotFound."""
    if kind == "link":
        link = db.session.get(Link, number)
        if link is None:
            raise NotFound
        link.title, link.href, link.state = "", "", "removed"
        for version in db.session.scalars(
            select(LinkVersion).where(LinkVersion.link_id == link.id)
        ):
            kept = orjson.loads(version.content)
            version.content = orjson.dumps({**kept, "title": "", "href": ""}).decode()
    elif kind == "sensor":
        sensor = db.session.get(Sensor, number)
        if sensor is None:
            raise NotFound
        sensor.name = sensor.device[-8:]
    else:
        return False
    return True
