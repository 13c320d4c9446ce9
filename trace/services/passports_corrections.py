"""What stands behind the lines of a page: what was corrected or voided, by whom, and whether that
was in time.

An error mended before the goods went out (`core.history.in_time`) is told by its present value
alone. Afterwards old and new are told together: who signed each, who declared the error and when,
and where each stands in the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from trace.core.history import Fact, Journey
from trace.core.history.corrections import Settled, in_time
from trace.core.signing import JsonObject
from trace.core.statements import Opened
from trace.services.corrections import went_out
from trace.services.histories import Loaded
from trace.services.passports_lines import Around, line_of, proof_path, who

Told = Mapping[str, tuple[Opened | None, bool]]


@dataclass(frozen=True, slots=True)
class Behind:
    """`past` are the corrected facts to show, by statement; `mended` the statements of which no
    page tells any more."""

    settled: Settled
    past: dict[str, Fact]
    mended: frozenset[str]
    missing: frozenset[str]  # error declarations whose corrective event never came

    def declared(self, shown: Sequence[Fact]) -> list[Fact]:
        """The error declarations about what a page shows."""
        about = [fact.statement for fact in shown if fact.statement in self.settled.declared]
        return [self.settled.declared[one] for one in (*about, *self.past)]

    def untold(self) -> list[str]:
        """The statements that were mended in time and the declarations about them: no line tells of
        them, and what proves the page holds them all the same."""
        errors = {self.settled.declared[one].statement for one in self.mended}
        return sorted({*self.mended, *errors})

    def told(self, statement: str, told: Told, around: Around) -> JsonObject:
        """The members of a line that tell of corrections: `voided` with who declared it,
        `edited` where it replaced anything, `was` what it replaced after the goods went out, the
        latest first, and then the paths of the proofs."""
        found: JsonObject = {}
        before = self.settled.before(statement)
        if before:
            found["edited"] = True
        was = [self._was(self.past[old], told, around) for old in before if old in self.past]
        if was:
            found["was"] = was
        if statement in self.settled.declared:
            found["voided"] = self._declaration(statement, told, around)
        if was or "voided" in found:
            found["proof"] = proof_path(around.loaded.events[statement].index)
        return found

    def _was(self, old: Fact, told: Told, around: Around) -> JsonObject:
        return {
            **line_of(old, *told[old.statement], (), around),
            "corrected": self._declaration(old.statement, told, around),
            "proof": proof_path(old.index),
        }

    def _declaration(self, about: str, told: Told, around: Around) -> JsonObject:
        """Who declared an error, when and why, and where that stands in the log."""
        error = self.settled.declared[about]
        said = around.loaded.subjects[error.statement].get("errorDeclaration")
        said = said if isinstance(said, dict) else {}
        return {
            "at": said.get("declarationTime"),
            "record_time": error.record_time.isoformat() if error.record_time else None,
            "reason": said.get("reason"),
            "who": who(around.loaded.organisations[error.issuer]),
            "signed": told[error.statement][1],
            "custody": around.loaded.events[error.statement].custody,
            "statement": error.statement,
            "index": error.index,
            "proof": proof_path(error.index),
            "corrective_missing": error.statement in self.missing,
        }


def what_stands_behind(connection: Connection, journey: Journey, loaded: Loaded) -> Behind:
    """The corrections behind the lines of a page. No query where nothing was corrected."""
    settled = journey.settled
    corrected = {fact.statement: fact for fact in settled.corrected}
    past = {
        old: corrected[old]
        for fact in journey.lines
        for old in settled.before(fact.statement)
        if old in corrected
    }
    voided = {f.statement: f for f in journey.lines if f.statement in settled.declared}
    rows = {one: loaded.events[one].id for one in (*past, *voided)}
    declared = {row: settled.declared[one] for one, row in rows.items()}
    out = went_out(connection, declared, loaded.target.id) if rows else {}
    missing = frozenset(
        error.statement
        for error in (settled.declared[one] for one in rows)
        if not all(
            (loaded.events[error.statement].issuer_id, wanted) in loaded.arrived
            for wanted in error.corrective
        )
    )
    mended = frozenset(
        one
        for one, fact in {**past, **voided}.items()
        if in_time(fact, settled.declared[one], out[rows[one]])
        and settled.declared[one].statement not in missing
    )
    kept = {old: fact for old, fact in past.items() if old not in mended}
    return Behind(settled, kept, mended, missing)


__all__ = ["Behind", "Told", "what_stands_behind"]
