"""The rules of the market and of the clock: goods sold when they should not be, copied codes, and
what was recorded long after it happened or in the middle of the night.

Lateness and hours are never high by themselves: clerks type in offices, markets trade at night.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import aliased

from trace.core.history import LEAVING
from trace.core.history.dates import last_day
from trace.core.history.divisions import makes
from trace.core.history.orders import SELLING
from trace.extensions import db
from trace.models import Alert, Copy, Event
from trace.services.chain_audit.found import Book, Severity
from trace.services.chain_audit.reading import Chain
from trace.services.chain_audit.story import Parameters, is_mine, making, name_of
from trace.services.copies_score import SAID
from trace.services.passports_dates import iso_date
from trace.services.passports_lines import plain
from trace.services.sets import among

# Nobody types these at night: a logger does.
MACHINES: Final = frozenset({"sensor_reporting", "transporting", "storing"})


def judge_market(chain: Chain, parameters: Parameters, book: Book) -> None:
    """All of them."""
    _times(chain, parameters, book)
    _moved(chain, parameters, book)
    _use_by(chain, book)
    _copies(chain, book)


def _times(chain: Chain, parameters: Parameters, book: Book) -> None:
    """Lateness and hours: never high by themselves, clerks type in offices and markets trade at
    night."""
    days = timedelta(days=parameters["late"]["days"])
    first, last = parameters["hours"]["from"], parameters["hours"]["to"]
    # Told before goods went, typed after they had gone: what was typed then may be made to fit.
    left = [f for f in chain.live if f.step in LEAVING | SELLING and f.index is not None]
    for fact in chain.live:
        if not is_mine(chain, fact) or fact.notice is not None:
            continue
        if fact.record_time is not None:
            book.saw("late")
            delay = fact.record_time - fact.event_time
            if delay > days:
                after = any(
                    (one.index or 0) < (fact.index or 0)
                    and fact.event_time < one.event_time
                    and one.issuer == fact.issuer
                    for one in left
                )
                book.find(
                    "late",
                    "medium" if after else "low",
                    "late-after-leaving" if after else "late",
                    events=[chain.row_of(fact)],
                    days=delay.days,
                    limit=parameters["late"]["days"],
                )
        if fact.step not in MACHINES:
            book.saw("hours")
            hour = (fact.event_time.astimezone(UTC) + timedelta(minutes=fact.offset)).hour
            if first <= hour < last:
                book.find("hours", "info", "hours", events=[chain.row_of(fact)], hour=hour)


# -- on the market -----------------------------------------------------------------------------


def _moved(chain: Chain, parameters: Parameters, book: Book) -> None:
    """Goods on which a hold or a recall stood went on or were sold; back to the maker they may."""
    notice, release = aliased(Event), aliased(Event)
    rows = db.session.execute(
        select(
            Alert.thing_id,
            Alert.kind,
            notice.id,
            notice.event_time,
            release.event_time.label("ended"),
        )
        .join(notice, notice.id == Alert.event_id)
        .outerjoin(release, release.id == Alert.lifted_by)
        .where(
            among(Alert.thing_id, sorted(chain.things)),
            Alert.kind.in_(("hold", "recall")),
            Alert.mixed.is_(False),
        )
    ).all()
    book.saw("moved-held", len(rows))
    grace = timedelta(hours=parameters["moved-held"]["grace"])
    homes = {
        one.identity: chain.organisations[one.owner_id].code
        for one in chain.things.values()
        if one.owner_id in chain.organisations
    }
    leaving = [fact for fact in chain.live if fact.step in LEAVING | SELLING]
    for thing_id, kind, notice_id, since, lifted in rows:
        name = chain.things[thing_id].identity
        ended: datetime | None = lifted
        for fact in leaving:
            if name not in fact.things("epc") or fact.event_time <= since + grace:
                continue
            if ended is not None and fact.event_time >= ended:
                continue
            if fact.destinations and fact.destinations <= {homes.get(name, "")}:
                continue
            book.find(
                "moved-held",
                "high",
                f"moved-{kind}",
                events=[notice_id, chain.row_of(fact)],
                things=[name],
                who=name_of(chain, fact.issuer),
                hours=int((fact.event_time - since).total_seconds() // 3600),
            )


def _use_by(chain: Chain, book: Book) -> None:
    """Sold or sent to be sold after the last day on which it may be eaten."""
    said: dict[str, date | None] = {}
    for fact in reversed(chain.live):
        ilmd = chain.document_of(fact).get("ilmd")
        day = iso_date(ilmd.get("cbvmda:itemExpirationDate")) if isinstance(ilmd, dict) else None
        if day is None:
            continue
        for use in fact.uses:
            if makes(fact, use.role):
                said.setdefault(use.thing, day)
    known: dict[str, date | None] = {}
    for fact in chain.live:
        if fact.step not in SELLING:
            continue
        for thing in sorted(fact.things("epc") & chain.family_names):
            if thing not in known:
                known[thing] = last_day(thing, said, chain.live)
            last = known[thing]
            if last is None:
                book.miss("use-by", "no-use-by", applies=False, things=[thing])
                continue
            book.saw("use-by")
            if fact.day > last:
                book.find(
                    "use-by",
                    "high",
                    "use-by",
                    events=[*making(chain, thing), chain.row_of(fact)],
                    things=[thing],
                    day=last.isoformat(),
                    sold=fact.day.isoformat(),
                    days=(fact.day - last).days,
                )
    if not known:
        book.miss("use-by", "not-sold", applies=False)


def _copies(chain: Chain, book: Book) -> None:
    """Codes of single packages of these lots that were scanned as one package hardly can be."""
    lots = [one.id for one in chain.things.values() if one.kind == "lot" and one.id in chain.family]
    rows: Iterable[Copy] = db.session.scalars(
        select(Copy).where(among(Copy.lot_id, lots), Copy.state != "cleared").limit(500)
    ).all()
    book.saw("copies", len(lots))
    for row in rows:
        severity: Severity = "medium" if row.score >= SAID else "low"
        book.find(
            "copies",
            "high" if row.state == "confirmed" else severity,
            "copy-confirmed" if row.state == "confirmed" else "copy-suspected",
            things=[chain.things[row.lot_id].identity] if row.lot_id in chain.things else [],
            code=f"{row.key}/{row.serial}",
            score=plain(Decimal(row.score) / 10) or "0",
            places=row.places,
        )
