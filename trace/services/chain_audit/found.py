"""What an audit of a chain says: findings with their evidence, what was judged, and what was not.

Everything here is plain data that goes into JSON and comes back the same: a kept audit is told in
the reader's language with the words of today, from the numbers of then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Severity = Literal["high", "medium", "low", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low", "info")
# Of one rule so many are told one by one; how many there are in all is counted.
MOST_TOLD: Final = 100
# Of one finding so many events are listed as evidence.
MOST_EVENTS: Final = 40

Told = Mapping[str, str | int]
# Instead of an amount of goods that are out of the reader's reach.
KEPT_FROM: Final = "?"
AMOUNTS: Final = frozenset(
    {"made", "gone", "over", "missing", "going_in", "coming_out", "kg", "yields"}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree. `key` is the sentence (`web.inspection.audit_words`), `told`
    the numbers in it, `events` the row ids of the statements it rests on, `things` identities."""

    rule: str
    severity: Severity
    key: str
    told: Told = field(default_factory=dict)
    events: tuple[int, ...] = ()
    things: tuple[str, ...] = ()

    @property
    def amounts(self) -> frozenset[str]:
        """Which of the numbers say how much there was of goods."""
        found = AMOUNTS & self.told.keys()
        if "quantity" in str(self.told.get("columns", "")):
            found |= {"expected", "got"}
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule that could be judged: of how many, and how many findings there were in all."""

    rule: str
    of: int
    found: int = 0


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A rule, or a part of it, that could not be judged, and what is missing. That is no pass.
    `applies` is False where the question does not arise for these goods."""

    rule: str
    key: str
    told: Told = field(default_factory=dict)
    applies: bool = True
    things: tuple[str, ...] = ()


@dataclass(slots=True)
class Book:
    """Where the rules write while they judge. `limits` caps a rule's severity: what the phone, the
    hour or the lateness says is never high by itself."""

    findings: list[Finding] = field(default_factory=list)
    not_judged: list[NotJudged] = field(default_factory=list)
    judged: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def saw(self, rule: str, of: int = 1) -> None:
        """The rule was judged, of so many."""
        self.judged[rule] = self.judged.get(rule, 0) + of

    def find(
        self,
        rule: str,
        severity: Severity,
        sentence: str,
        /,
        *,
        events: Iterable[int] = (),
        things: Iterable[str] = (),
        **told: str | int,
    ) -> None:
        """Writes a finding down."""
        self.counted[rule] = self.counted.get(rule, 0) + 1
        if self.counted[rule] <= MOST_TOLD:
            some = tuple(dict.fromkeys(events))[:MOST_EVENTS]
            named = tuple(dict.fromkeys(things))[:MOST_EVENTS]
            self.findings.append(Finding(rule, severity, sentence, told, some, named))

    def miss(
        self,
        rule: str,
        sentence: str,
        /,
        *,
        applies: bool = True,
        things: Iterable[str] = (),
        **told: str | int,
    ) -> None:
        """Writes down what could not be judged; the same lack is told once."""
        one = NotJudged(rule, sentence, told, applies, tuple(dict.fromkeys(things))[:MOST_EVENTS])
        if one not in self.not_judged and len(self.not_judged) < 5 * MOST_TOLD:
            self.not_judged.append(one)


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """The answer. `counts` are events, things, organisations, statements signed well and entries
    proven; `truncated` says that the chain was larger than what was read; `took` milliseconds."""

    identity: str
    at: str
    findings: tuple[Finding, ...]
    judged: tuple[Judged, ...]
    not_judged: tuple[NotJudged, ...]
    counts: Mapping[str, int]
    truncated: bool
    descendants: bool
    took: int

    def of(self, severity: Severity) -> int:
        """How many findings there are of a severity."""
        return sum(one.severity == severity for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, version 1."""
        return {"v": 1, **asdict(self)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ChainAudit:
        """A kept one."""
        return cls(
            identity=kept["identity"],
            at=kept["at"],
            findings=tuple(
                Finding(**{**one, "events": tuple(one["events"]), "things": tuple(one["things"])})
                for one in kept["findings"]
            ),
            judged=tuple(Judged(**one) for one in kept["judged"]),
            not_judged=tuple(
                NotJudged(**{**one, "things": tuple(one["things"])}) for one in kept["not_judged"]
            ),
            counts=kept["counts"],
            truncated=kept["truncated"],
            descendants=kept["descendants"],
            took=kept["took"],
        )
