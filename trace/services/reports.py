"""What a reader may report on a public page: its photos, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from trace.core.gs1 import Identity, canonical_uri, check_code, check_serial, parse_digital_link
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Thing
from trace.services.deadlines import local_day
from trace.services.passports import passport_of
from trace.services.settings import current_settings

CODE_LENGTH: Final = 10
WORDS: Final = frozenset({"note", "productName", "variety", "seedSource", "externalSource"})
MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Item:
    """A photo (`digest`) or the words of a line (`words`); `key` names it in a form."""

    key: str
    statement: str
    digest: str | None
    words: str
    day: str


def items_of(about: str, *, at: datetime) -> list[Item]:
    """The photos and words that a page shows, by the page's address or code; nothing for what is
    not known. Raises errors of gs1 for what is no address."""
    thing = _find(about)
    if thing is None or thing.kind not in ("lot", "unit", "cycle", "logistic"):
        return []
    speaks = thing.lot_id if thing.kind == "unit" and thing.lot_id is not None else thing.id
    document = passport_of(speaks, at=at).document
    return list(_items(document["lines"]))[:MOST]


def find_item(about: str, key: str, *, at: datetime) -> Item | None:
    """The item of a key on that page; None for another's, or an unreadable address."""
    try:
        return next((one for one in items_of(about, at=at) if one.key == key), None)
    except TraceError:
        return None


def _items(lines: list[dict[str, Any]]) -> Iterator[Item]:
    for line in lines:
        moment = datetime.fromisoformat(line["event_time"])
        day, statement = local_day(moment).strftime("%d/%m/%Y"), line["statement"]
        for photo in line.get("attachments", ()):
            key = f"{statement} {photo['digest']}"
            yield Item(key, statement, photo["digest"], "", day)
        said = [
            str(one["value"])
            for one in line["details"]
            if one["label"] in WORDS and isinstance(one.get("value"), str)
        ]
        if said:
            yield Item(statement, statement, None, "; ".join(said)[:200], day)


def identity_of(typed: str) -> Identity:
    """What a code, a printed address, its path, or the address of its page stands for. Raises
    errors of gs1."""
    base = current_settings().id_base
    text = typed.strip()
    if "/" not in text:
        plain = "".join(character for character in text if character.isalnum())
        code, serial = plain[:CODE_LENGTH], plain[CODE_LENGTH:]
        under = (("serial", check_serial(serial)),) if serial else ()
        return Identity("b", check_code(code), under)
    text = text.partition("?")[0]
    text = text.removeprefix("/t") if text.startswith("/t/") else text.replace("/t/", "/", 1)
    return parse_digital_link(text if "://" in text else base + text, id_base=base).identity


def _find(about: str) -> Thing | None:
    base = current_settings().id_base
    found = [canonical_uri(level, base) for level in identity_of(about).levels()]
    things = db.session.scalars(select(Thing).where(Thing.identity.in_(found))).all()
    return min(things, key=lambda one: found.index(one.identity), default=None)
