"""One press: a whole chain judged by every rule there is, from what was signed, logged and stored.

The answer names what was found, with its evidence; what was judged and is sound; and what could not
be judged and why, which is no pass. Nothing is written unless it is kept (`keep`): then it is told
as it was found, whatever the database says later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import orjson
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from trace.errors import NotFound
from trace.extensions import db
from trace.models import KeptAudit, Organisation, Thing
from trace.services import jurisdictions
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.chain_audit.found import (
    KEPT_FROM,
    SEVERITIES,
    Book,
    ChainAudit,
    Finding,
    Judged,
    NotJudged,
    Severity,
)
from trace.services.chain_audit.market import judge_market
from trace.services.chain_audit.papers import judge_papers
from trace.services.chain_audit.parameters import parameters_of, table_of
from trace.services.chain_audit.places import judge_places
from trace.services.chain_audit.proof import judge_proof
from trace.services.chain_audit.reading import MOST_EVENTS, Chain, read_chain
from trace.services.chain_audit.rules import RULES
from trace.services.chain_audit.story import judge_story

LIST_LIMIT: Final = 100


def audit_chain(
    actor: Actor,
    thing_id: int,
    *,
    at: datetime,
    descendants: bool = False,
    why: str = "audit",
    most_events: int = MOST_EVENTS,
) -> ChainAudit:
    """The whole chain of a thing, judged. Only authorities, and only within their reach: what
    neither sits in the area nor is led to by an open case is not found. Raises NotAllowed,
    NotFound."""
    started = time.perf_counter()
    check_reach(actor, thing_id, why, at=at)
    chain = read_chain(thing_id, descendants=descendants, most_events=most_events)
    return _within(actor, chain, judge(chain, actor.organisation, at=at, started=started))


def _within(actor: Actor, chain: Chain, found: ChainAudit) -> ChainAudit:
    """Without the amounts of goods that are out of reach: that something does not agree is told."""
    concerned = [_concerned(chain, one) if one.amounts else set() for one in found.findings]
    ids = set().union(*concerned)
    if not ids:
        return found
    reached = jurisdictions.reach(actor, ids)
    findings = tuple(
        replace(one, told={**one.told, **dict.fromkeys(one.amounts, KEPT_FROM)})
        if any(reached[thing] is None for thing in things)
        else one
        for one, things in zip(found.findings, concerned, strict=True)
    )
    return replace(found, findings=findings)


def _concerned(chain: Chain, one: Finding) -> set[int]:
    """The goods a finding is of: those it names, else those its events name."""
    names = set(one.things) or {
        identity
        for event in one.events
        if event in chain.by_id
        for _, identity, *_ in chain.by_id[event].things
    }
    return {chain.by_identity[name].id for name in names if name in chain.by_identity}


def check_reach(actor: Actor, thing_id: int, why: str, *, at: datetime) -> None:
    """Raises NotAllowed, NotFound; a look that is led there is written down."""
    jurisdictions.scope_of(actor)
    reached = jurisdictions.reach(actor, [thing_id]).get(thing_id)
    thing = db.session.get(Thing, thing_id)
    if thing is None or reached is None:
        raise NotFound
    if reached != "own":
        jurisdictions.look(actor, thing.identity, why, at=at)


def judge(chain: Chain, authority: Organisation, *, at: datetime, started: float) -> ChainAudit:
    """Every rule on what was read, by the numbers that this authority set. Looks at no scope."""
    book = Book()
    parameters = parameters_of(authority)
    judge_proof(chain, book, at=at)
    parts: tuple[Callable[[Chain, Mapping[str, Mapping[str, int]], Book], None], ...] = (
        judge_story,
        judge_market,
    )
    for part in parts:
        part(chain, parameters, book)
    judge_places(chain, parameters, table_of(authority), book)
    judge_papers(chain, book)
    unread = len(chain.rows) - len(chain.documents)
    order = {code: place for place, code in enumerate(RULES)}
    findings = sorted(
        map(_capped, book.findings),
        key=lambda one: (SEVERITIES.index(one.severity), order[one.rule]),
    )
    counts = {
        "events": len(chain.rows),
        "things": len(chain.things),
        "organisations": len(chain.organisations),
        "signed": len(chain.opened),
        "logged": book.judged.get("log-inclusion", 0),
        "unread": unread,
    }
    return ChainAudit(
        identity=chain.target.identity,
        at=at.astimezone(UTC).isoformat(timespec="seconds"),
        findings=tuple(findings),
        judged=tuple(
            Judged(code, book.judged.get(code, 0), book.counted.get(code, 0))
            for code in RULES
            if book.judged.get(code) or book.counted.get(code)
        ),
        not_judged=tuple(sorted(book.not_judged, key=lambda one: order[one.rule])),
        counts=counts,
        truncated=chain.truncated,
        descendants=chain.descendants,
        took=round((time.perf_counter() - started) * 1000),
    )


def _capped(one: Finding) -> Finding:
    """Never worse than its rule may be: what the phone, the hour or the lateness says is not high
    by itself, whatever a rule's code comes to say."""
    worst = max(SEVERITIES.index(one.severity), SEVERITIES.index(RULES[one.rule].worst))
    return replace(one, severity=SEVERITIES[worst])


# -- kept --------------------------------------------------------------------------------------


def keep(actor: Actor, thing_id: int, found: ChainAudit, *, at: datetime) -> KeptAudit:
    """Keeps an audit with its date, for the authority that made it."""
    row = KeptAudit(
        thing_id=thing_id,
        authority_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        made_at=at,
        events=found.counts["events"],
        high=found.of("high"),
        medium=found.of("medium"),
        low=found.of("low"),
        result=orjson.dumps(found.to_json()).decode(),
    )
    db.session.add(row)
    db.session.flush()
    write_audit(actor, "chain.audit", found.identity[:500], at=at, high=row.high, kept=row.id)
    return row


def get_kept(actor: Actor, audit_id: int) -> tuple[KeptAudit, ChainAudit]:
    """One of the authority's own. Raises NotAllowed, NotFound."""
    jurisdictions.scope_of(actor)
    row = db.session.get(KeptAudit, audit_id) if audit_id < 2**63 else None
    if row is None or row.authority_id != actor.organisation.id:
        raise NotFound
    return row, ChainAudit.from_json(orjson.loads(row.result))


def last_kept(actor: Actor, thing_id: int) -> KeptAudit | None:
    """The authority's own latest of a thing. Raises NotAllowed."""
    jurisdictions.scope_of(actor)
    query = select(KeptAudit).where(
        KeptAudit.authority_id == actor.organisation.id, KeptAudit.thing_id == thing_id
    )
    return db.session.scalar(query.order_by(KeptAudit.id.desc()).limit(1))


def list_kept(actor: Actor, thing_id: int | None = None) -> list[KeptAudit]:
    """The authority's own, the latest first; of one thing, or of all. Raises NotAllowed."""
    jurisdictions.scope_of(actor)
    query = (
        select(KeptAudit)
        .where(KeptAudit.authority_id == actor.organisation.id)
        .options(joinedload(KeptAudit.thing), joinedload(KeptAudit.person))
        .order_by(KeptAudit.id.desc())
        .limit(LIST_LIMIT)
    )
    if thing_id is not None:
        query = query.where(KeptAudit.thing_id == thing_id)
    return list(db.session.scalars(query))


__all__ = [
    "RULES",
    "SEVERITIES",
    "ChainAudit",
    "Finding",
    "Judged",
    "NotJudged",
    "Severity",
    "audit_chain",
    "check_reach",
    "get_kept",
    "judge",
    "keep",
    "last_kept",
    "list_kept",
    "read_chain",
]
