"""Check-lists: what an inspector looks at. A library of our own to begin with, then an authority's.

A list is never changed: editing makes its next version, and an inspection keeps the list as it was
when it was planned. Words of the given lists are msgids; an authority's own are shown as written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import CheckList
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.check_lists_given import GIVEN, Given
from trace.services.jurisdictions import scope_of
from trace.services.records import JsonObject

ITEM_LIMIT: Final = 60
WORDS_LIMIT: Final = 300


class NoItems(TraceError):
    code = "check-list-empty"
    message = "A check-list needs at least one question, one on each line."


class TooManyItems(TraceError):
    code = "check-list-too-long"
    message = "A check-list holds at most %(limit)d questions."


class ItemTooLong(TraceError):
    code = "check-list-item-too-long"
    message = "Question %(number)d has %(got)d characters; at most %(limit)d are kept."


class ListChanged(Conflict):
    code = "check-list-changed"
    message = "Version %(number)d of this check-list was made meanwhile."
    next_step = "Look at it, then send yours again as the next version."


@dataclass(frozen=True, slots=True)
class ListView:
    """One version of a list. `number` 0 is a given one, that nobody can change but everybody can
    take as the beginning of their own."""

    code: str
    number: int
    name: str
    kinds: tuple[str, ...]
    items: tuple[tuple[str, str], ...]  # key, words

    def snapshot(self) -> JsonObject:
        """As an inspection keeps it."""
        items = [{"key": key, "words": words} for key, words in self.items]
        return {"code": self.code, "number": self.number, "name": self.name, "items": items}


def _given(one: Given) -> ListView:
    items = tuple((f"{number:02d}", words) for number, words in enumerate(one.items, 1))
    return ListView(one.code, 0, one.name, one.kinds, items)


def _own(row: CheckList) -> ListView:
    items = tuple((one["key"], one["words"]) for one in orjson.loads(row.items))
    return ListView(row.code, row.number, row.name, tuple(row.kinds.split()), items)


def library(actor: Actor) -> list[ListView]:
    """The lists offered: the newest version of each of the authority's own, and the given ones that
    it has not made its own."""
    scope = scope_of(actor)
    newest = (
        select(CheckList.code, func.max(CheckList.number).label("number"))
        .where(CheckList.authority_id == scope.authority.id)
        .group_by(CheckList.code)
        .subquery()
    )
    rows = db.session.scalars(
        select(CheckList)
        .join(newest, (newest.c.code == CheckList.code) & (newest.c.number == CheckList.number))
        .where(CheckList.authority_id == scope.authority.id)
        .order_by(CheckList.name)
    )
    own = list(rows)
    taken = {row.code for row in own}
    found = [_own(row) for row in own if not row.retired]
    return found + [_given(one) for one in GIVEN if one.code not in taken]


def proposed(lists: Sequence[ListView], kind: str) -> ListView | None:
    """The list for a kind of organisation: an own one before a given one."""
    return next((one for one in lists if kind in one.kinds), lists[0] if lists else None)


def get_list(actor: Actor, code: str) -> ListView:
    """A list of the library. Raises NotFound."""
    found = next((one for one in library(actor) if one.code == code), None)
    if found is None:
        raise NotFound
    return found


def versions(actor: Actor, code: str) -> list[CheckList]:
    """The authority's versions of a list, newest first."""
    scope = scope_of(actor)
    return list(
        db.session.scalars(
            select(CheckList)
            .where(CheckList.authority_id == scope.authority.id, CheckList.code == code)
            .order_by(CheckList.number.desc())
        )
    )


def read_items(text: str) -> list[str]:
    """The questions of a box, one on each line. Raises NoItems, TooManyItems, ItemTooLong."""
    found = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not found:
        raise NoItems(path="items")
    if len(found) > ITEM_LIMIT:
        raise TooManyItems(path="items", limit=ITEM_LIMIT)
    for number, words in enumerate(found, 1):
        if len(words) > WORDS_LIMIT:
            raise ItemTooLong(path="items", number=number, got=len(words), limit=WORDS_LIMIT)
    return found


def save_list(
    actor: Actor,
    code: str,
    name: str,
    kinds: Sequence[str],
    items: Sequence[str],
    *,
    seen: int,
    at: datetime,
) -> CheckList:
    """The next version of a list, made from version `seen`. Raises NotAllowed, ListChanged."""
    actor.check("decide")
    scope = scope_of(actor)
    last = db.session.scalar(
        select(func.max(CheckList.number)).where(
            CheckList.authority_id == scope.authority.id, CheckList.code == code
        )
    )
    if (last or 0) != seen:
        raise ListChanged(number=last or 0)
    before = get_list(actor, code) if last or code in {one.code for one in GIVEN} else None
    known = {words: key for key, words in before.items} if before else {}
    keys = set(known.values())
    told = []
    for words in items:
        key = known.pop(words, "") or _new_key(keys)
        keys.add(key)
        told.append({"key": key, "words": words})
    row = CheckList(
        authority_id=scope.authority.id,
        code=code,
        number=(last or 0) + 1,
        name=name,
        kinds=" ".join(kinds),
        items=orjson.dumps(told).decode(),
        created_at=at,
        created_by=actor.person.id if actor.person else None,
    )
    db.session.add(row)
    write_audit(actor, "check-list.save", f"check-list:{code}", at=at, number=row.number)
    db.session.flush()
    return row


def _new_key(known: set[str]) -> str:
    """A question keeps its key from version to version; a new one gets a new one."""
    numbers = [int(key) for key in known if key.isdecimal()]
    return f"{max(numbers, default=0) + 1:02d}"


def retire_list(actor: Actor, code: str, *, at: datetime) -> None:
    """Offers an own list no more; what was planned with it stands. Raises NotFound."""
    actor.check("decide")
    scope = scope_of(actor)
    done = db.session.execute(
        update(CheckList)
        .where(CheckList.authority_id == scope.authority.id, CheckList.code == code)
        .values(retired=True)
    )
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        raise NotFound
    write_audit(actor, "check-list.retire", f"check-list:{code}", at=at)
