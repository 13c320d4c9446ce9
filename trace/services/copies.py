"""Packages whose code seems to be on more than one of them: judged by their scans, kept for
inspectors, said on the package's own page at a high score.

Rules (docs/explanation/copies.md).
1. Only packages: a lot's code is on many things by intention.
2. From `QUEUED` on a package is in the queue, from `SAID` on its page says that the code was
   scanned elsewhere before. Never that anything is false.
3. A score never falls by itself: what was seen was seen. An inspector clears a package (the page
   says nothing any more, however the score grows) or confirms it (the page says it in any case).
4. A voided code that somebody scans is in the queue at once: nothing should carry it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import joinedload

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Copy, Thing, Unit, UnitScan
from trace.models.types import from_millis
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.bulk import insert_rows
from trace.services.competence import areas, covers
from trace.services.copies_score import QUEUED, SAID, Judgement, Sighting, judge_scans
from trace.services.sets import among

LIST_LIMIT: Final = 200
_COLUMNS: Final = (
    *("key", "serial", "score", "said", "state", "reasons", "places", "since", "last_at", "words"),
)

Unitkey = tuple[str, str]


class CopySettled(Conflict):
    code = "copy-settled"
    message = "This code has been judged already."


class WordsMissing(TraceError):
    code = "copy-words-missing"
    message = "Write what was found."


# -- judging ---------------------------------------------------------------------------------------


def judge(scanned: Mapping[Unitkey, tuple[int | None, Sequence[Sighting]]]) -> int:
    """Judges packages by (lot, their latest scans in order); how many are newly in the queue or
    newly said. In the caller's transaction."""
    if not scanned:
        return 0
    voided = _voided(scanned)
    judged: dict[Unitkey, Judgement] = {}
    for unit, (_, scans) in scanned.items():
        found = judge_scans(scans)
        if unit in voided:
            reasons = (("voided", len(scans)), *found.reasons)
            found = Judgement(max(found.tenths, QUEUED), reasons, found.places)
        if found.tenths >= QUEUED:
            judged[unit] = found
    if not judged:
        return 0
    # Two processes may find the same package at once: the first one's row is kept.
    latest = [(unit, scanned[unit][1][-1].at) for unit in sorted(judged)]
    added = [(*unit, 0, False, "open", "", "", at, at, "") for unit, at in latest]
    changed = insert_rows("copies", _COLUMNS, added, "ON CONFLICT (key, serial) DO NOTHING")
    # Locked: what an inspector concludes meanwhile is read here or waits.
    rows = (
        select(Copy)
        .where(*of_units(Copy, judged))
        .order_by(Copy.key, Copy.serial)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in db.session.scalars(rows):
        if (row.key, row.serial) not in judged:
            continue
        found = judged[row.key, row.serial]
        lot, scans = scanned[row.key, row.serial]
        row.lot_id = lot
        row.last_at = from_millis(scans[-1].at)
        if found.tenths < row.score:
            continue
        row.score = found.tenths
        row.reasons = " ".join(f"{name}:{number}" for name, number in found.reasons)[:200]
        row.places = " ".join(found.places)[:200]
        if row.state == "open" and not row.said and found.tenths >= SAID:
            row.said = True
            changed += 1
    db.session.flush()
    return changed


def of_units(model: Any, units: Collection[Unitkey]) -> tuple[ColumnElement[bool], ...]:
    """Conditions that pick a table's rows of these packages by its index, and hardly any other."""
    keys, serials = (sorted(set(part)) for part in zip(*units, strict=True))
    return among(model.key, keys), among(model.serial, serials)


def _voided(units: Collection[Unitkey]) -> set[Unitkey]:
    rows = db.session.execute(
        select(Unit.key, Unit.serial).where(*of_units(Unit, units), Unit.voided_at.is_not(None))
    )
    return {(key, serial) for key, serial in rows} & set(units)


# -- the authority's side --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suspect:
    """A package of the queue. `reasons` are (signal, how often), `places` provinces."""

    row: Copy
    reasons: tuple[tuple[str, int], ...]
    places: tuple[str, ...]


def suspects(actor: Actor) -> list[Suspect]:
    """Packages not judged by a person yet, whose maker sits in the authority's jurisdiction or that
    were scanned there; the highest score first."""
    actor.check("read")
    rows = db.session.scalars(
        select(Copy)
        .where(Copy.state == "open")
        .options(joinedload(Copy.lot).options(joinedload(Thing.owner), joinedload(Thing.product)))
        .order_by(Copy.score.desc(), Copy.last_at.desc())
        .execution_options(yield_per=LIST_LIMIT)
    )
    # The limit is this authority's: however many wait elsewhere, none of its own is pushed out.
    found = [_suspect(row) for row in islice((r for r in rows if _concerns(actor, r)), LIST_LIMIT)]
    rows.close()
    return found


def get_suspect(actor: Actor, key: str, serial: str) -> Suspect:
    """One package, judged or not. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Copy, (key, serial))
    if row is None or not _concerns(actor, row):
        raise NotFound
    return _suspect(row)


def latest_scans(suspect: Suspect) -> list[UnitScan]:
    """The scans of a package that are kept, the latest first."""
    row = suspect.row
    query = select(UnitScan).where(UnitScan.key == row.key, UnitScan.serial == row.serial)
    return list(db.session.scalars(query.order_by(UnitScan.at.desc(), UnitScan.id.desc())))


def settle(actor: Actor, suspect: Suspect, state: str, words: str, *, at: datetime) -> None:
    """An inspector's judgement: `cleared` or `confirmed`, with what was found. Raises CopySettled,
    WordsMissing."""
    actor.check("decide")
    row = suspect.row
    if not words.strip():
        raise WordsMissing(path="words")
    done = db.session.execute(
        update(Copy)
        .where(Copy.key == row.key, Copy.serial == row.serial, Copy.state == "open")
        .values(
            state=state,
            words=words.strip()[:300],
            said=state == "confirmed",
            settled_by_id=actor.organisation.id,
            settled_at=at,
        )
    )
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        raise CopySettled
    write_audit(actor, f"copies.{state}", f"unit:{row.key}/{row.serial}", at=at)


def _concerns(actor: Actor, row: Copy) -> bool:
    if actor.organisation.status != "confirmed":  # nor one that was suspended meanwhile
        return False
    jurisdiction = actor.organisation.jurisdiction
    maker = row.lot.owner.ward_code if row.lot and row.lot.owner else None
    return covers(jurisdiction, maker) or bool(set(row.places.split()) & areas(jurisdiction))


def _suspect(row: Copy) -> Suspect:
    pairs = (part.partition(":") for part in row.reasons.split())
    reasons = tuple((name, int(number)) for name, _, number in pairs)
    return Suspect(row, reasons, tuple(row.places.split()))


__all__ = [
    "QUEUED",
    "SAID",
    "CopySettled",
    "Sighting",
    "Suspect",
    "WordsMissing",
    "get_suspect",
    "judge",
    "latest_scans",
    "of_units",
    "settle",
    "suspects",
]
