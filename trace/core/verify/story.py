"""Step 9, the story: notices along disclosed edges, late records, what stays unknown.

Rules.
1. A notice (recall, hold, advice) hits the things its statement names or links, and everything
   that came out of them: outputs of a transformation that had one as input, a parent holding one.
2. Voiding or correcting a statement never lifts a notice, and voided edges still carry one. An
   error declaration counts for statements of its own issuer only, and gives no notice itself: it
   repeats what the statement said.
3. A release ends the notices it names by statement id, if it comes from their issuer or from an
   authority of the policy, and stands later in the log than they do. A release that its issuer
   declared to be in error ends nothing.
4. An ancestor that is not disclosed leaves "recall unknown": some input or content of an edge
   is withheld or named without its lot, or a whole statement is withheld. A notice that is shown
   counts all the same.
5. Late records, harvests before the label's interval is over, and more out than in are found by the
   rules that pages are made with (trace.core.history), from what is disclosed. Of a thing some of
   whose statements or amounts are withheld, no balance is drawn, and "kept" is not said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trace.core.history import Interval
from trace.core.statements import THING_MEMBERS
from trace.core.verify.findings import findings_of
from trace.core.verify.report import (
    RECALL_UNKNOWN,
    UNDECLARED,
    Finding,
    Policy,
    RecallState,
    VerifiedStatement,
)
from trace.core.verify.things import Named, things_of

_STATES: Final[dict[str, RecallState]] = {
    "advice": "notice",
    "hold": "hold",
    "recall": "recalled",
}
_RANK: Final[dict[RecallState, int]] = {
    "none-shown": 0,
    "notice": 1,
    "hold": 2,
    "unknown": 3,  # hides anything up to a recall, so only a shown recall weighs more
    "recalled": 4,
}
_ROLES_UP: Final = frozenset({"input", "child"})
_ROLES_DOWN: Final = frozenset({"output", "parent"})


@dataclass(frozen=True, slots=True)
class Notice:
    """A statement with `trace:notice`: its kind, its own things, and what it ends."""

    statement: VerifiedStatement
    kind: str
    things: frozenset[str]
    ends: frozenset[str]


@dataclass(slots=True)
class Story:
    """What the shown statements come to."""

    recall: RecallState = "none-shown"
    notices: list[str] = field(default_factory=list)
    voided: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    interval: Interval = UNDECLARED


def tell(
    subject: str,
    statements: Sequence[VerifiedStatement],
    *,
    linked: Mapping[int, frozenset[str]],
    hidden: frozenset[str],
    hidden_statements: int,
    lost: bool,
    policy: Policy,
    id_base: str,
) -> Story:
    """The story of `subject` from statements in the log's order.

    `linked` gives, by place, the disclosed chains that a statement's entry links: with what it
    names withheld, that still tells what it is about. `hidden` are the disclosed chains that wholly
    withheld statements link; `lost` says that entries between two logs are lost.
    """
    story = Story()
    edges: dict[str, set[str]] = {}
    open_ended: set[str] = set()
    notices: list[Notice] = []
    for statement in statements:
        things = things_of(statement.event, id_base)
        chains = linked.get(statement.place, frozenset())
        _add_edges(edges, statement, things, chains)
        if _hides_upstream(statement, things):
            named = {t.identity for t in things if t.role in _ROLES_UP}
            open_ended.update(_downstream(statement, things, chains) or chains - named)
            detail = "an input or a content is not disclosed"
            story.findings.append(Finding(RECALL_UNKNOWN, statement.index, detail, statement.log))
        notice = _notice(statement, things, chains)
        if notice is not None:
            notices.append(notice)
    story.voided = _voided(statements)
    ended = _ended(notices, story.voided, policy)
    for notice in notices:
        if notice.kind == "release" or notice.statement.statement_id in ended:
            continue
        if subject in _reached(notice.things, edges):
            story.notices.append(notice.statement.statement_id)
            _worsen(story, _STATES.get(notice.kind, "hold"))
    if hidden_statements:
        story.findings.append(
            Finding(RECALL_UNKNOWN, None, f"{hidden_statements} statements are withheld")
        )
    if hidden_statements or lost or subject in _reached(frozenset(open_ended), edges):
        _worsen(story, "unknown")
    family = upstream(subject, statements, linked, id_base)
    found, story.interval = findings_of(statements, linked, hidden, family, id_base)
    story.findings += found
    return story


def upstream(
    subject: str,
    statements: Sequence[VerifiedStatement],
    linked: Mapping[int, frozenset[str]],
    id_base: str,
) -> set[str]:
    """What the shown edges, voided ones too, say went into `subject`; itself included."""
    edges: dict[str, set[str]] = {}
    for statement in statements:
        chains = linked.get(statement.place, frozenset())
        _add_edges(edges, statement, things_of(statement.event, id_base), chains)
    into: dict[str, set[str]] = {}
    for above, below in edges.items():
        for name in below:
            into.setdefault(name, set()).add(above)
    return _reached(frozenset((subject,)), into)


def _worsen(story: Story, state: RecallState) -> None:
    story.recall = max(story.recall, state, key=_RANK.__getitem__)


def _downstream(
    statement: VerifiedStatement, things: list[Named], chains: frozenset[str]
) -> set[str]:
    """What the goods became or went into. Of withheld outputs the linked chains tell: all that are
    not named as inputs may be one."""
    into = {thing.identity for thing in things if thing.role in _ROLES_DOWN}
    if _hides(statement, _ROLES_DOWN):
        into |= chains - {thing.identity for thing in things if thing.role in _ROLES_UP}
    return into


def _add_edges(
    edges: dict[str, set[str]],
    statement: VerifiedStatement,
    things: list[Named],
    chains: frozenset[str],
) -> None:
    into = _downstream(statement, things, chains)
    for thing in things:
        if thing.role in _ROLES_UP:
            edges.setdefault(thing.identity, set()).update(into)


def _hides(statement: VerifiedStatement, roles: frozenset[str]) -> bool:
    return any(THING_MEMBERS.get(path.partition("/")[0]) in roles for path in statement.withheld)


def _hides_upstream(statement: VerifiedStatement, things: list[Named]) -> bool:
    """An edge's input or content is withheld, or named without the lot it belongs to."""
    return _hides(statement, _ROLES_UP) or any(
        thing.role in _ROLES_UP and not thing.linked for thing in things
    )


def _notice(
    statement: VerifiedStatement, things: list[Named], chains: frozenset[str]
) -> Notice | None:
    value = statement.event.get("trace:notice")
    if value is None or "errorDeclaration" in statement.event:
        return None
    ends: frozenset[str] = frozenset()
    kind = value
    if isinstance(value, dict):
        kind = value.get("kind")
        named = value.get("ends", [])
        if isinstance(named, list):
            ends = frozenset(name for name in named if isinstance(name, str))
    return Notice(statement, str(kind), chains.union(t.identity for t in things), ends)


def _voided(statements: Sequence[VerifiedStatement]) -> set[str]:
    """Statements that their own issuer declared to be in error (rule 2)."""
    issuers = {one.statement_id: one.issuer for one in statements}
    named = [
        (str(one.event.get("trace:corrects", "")), one.issuer)
        for one in statements
        if "errorDeclaration" in one.event
    ]
    return {target for target, issuer in named if issuers.get(target) == issuer}


def _ended(notices: Sequence[Notice], voided: Collection[str], policy: Policy) -> set[str]:
    """The notices that a release ends (rule 3)."""
    by_id = {notice.statement.statement_id: notice.statement for notice in notices}
    ended = set()
    for release in notices:
        said = release.statement
        if release.kind != "release" or said.statement_id in voided:
            continue
        for name in release.ends:
            target = by_id.get(name)
            if (
                target is not None
                and target.place < said.place
                and (said.issuer == target.issuer or said.issuer in policy.authorities)
            ):
                ended.add(name)
    return ended


def _reached(start: frozenset[str], edges: dict[str, set[str]]) -> set[str]:
    seen = set(start)
    waiting = list(start)
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen
