"""The rules of an audit: their stable codes, the worst severity each may give, their parameters.

What each rule says, why, and how it is computed is told to people by `web.inspection.audit_words`
and in docs/reference/audit-rules.md (a test holds the two to this list). Codes never change their
meaning: kept audits and findings of inspectors name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trace.services.chain_audit.found import Severity


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number an authority may set, with its bounds; `unit` is a key of the words."""

    name: str
    default: int
    least: int
    most: int
    unit: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`worst` bounds every finding of the rule."""

    code: str
    group: str
    worst: Severity
    parameters: tuple[Parameter, ...] = ()

    @property
    def defaults(self) -> dict[str, int]:
        """The parameters as they stand where nobody set them."""
        return {one.name: one.default for one in self.parameters}


_ALL: Final = (
    # Proof: what was signed, what the log holds, what the database says.
    Rule("signature", "proof", "high"),
    Rule("key-valid", "proof", "high"),
    Rule("key-since", "proof", "medium"),
    Rule("row-edited", "proof", "high"),
    Rule("log-inclusion", "proof", "high"),
    Rule("log-complete", "proof", "high"),
    Rule("log-consistent", "proof", "high"),
    Rule("log-witnessed", "proof", "high"),
    # The chain itself.
    Rule("input-unmade", "chain", "medium"),
    Rule("origin-undeclared", "chain", "medium"),
    Rule("shipment-unanswered", "chain", "low"),
    Rule("receipt-alone", "chain", "low"),
    Rule("order", "chain", "medium", (Parameter("tolerance", 60, 0, 1440, "minutes"),)),
    Rule("third-party", "chain", "info"),
    # Amounts.
    Rule("balance", "amounts", "high", (Parameter("tolerance", 2, 0, 20, "percent"),)),
    Rule("holder-balance", "amounts", "medium", (Parameter("tolerance", 2, 0, 20, "percent"),)),
    Rule("step-yield", "amounts", "high"),
    Rule("repeat", "amounts", "low", (Parameter("within", 10, 1, 1440, "minutes"),)),
    # Growing.
    Rule("interval", "growing", "high"),
    Rule("banned", "growing", "high"),
    Rule(
        "area-overclaim",
        "growing",
        "high",
        (Parameter("tolerance", 10, 0, 100, "percent"),),
    ),
    Rule("area-shared", "growing", "medium"),
    Rule("area-force", "growing", "medium"),
    # Papers.
    Rule("certificate-force", "papers", "medium"),
    Rule("certificate-holder", "papers", "high"),
    Rule("claim-unbacked", "papers", "medium"),
    Rule("laboratory", "papers", "low"),
    # Time and place.
    Rule(
        "travel",
        "places",
        "high",
        (
            Parameter("speed", 120, 40, 1000, "kmh"),
            Parameter("sure", 900, 200, 3000, "kmh"),
            Parameter("slack", 60, 0, 720, "minutes"),
            Parameter("distance", 40, 0, 500, "km"),
        ),
    ),
    Rule("late", "places", "medium", (Parameter("days", 3, 1, 90, "days"),)),
    Rule(
        "hours",
        "places",
        "info",
        (Parameter("from", 0, 0, 23, "hour"), Parameter("to", 3, 1, 24, "hour")),
    ),
    Rule("phone", "places", "low", (Parameter("distance", 20, 1, 500, "km"),)),
    # Goods on the move.
    Rule("moved-held", "market", "high", (Parameter("grace", 4, 0, 72, "hours"),)),
    Rule("use-by", "market", "high"),
    Rule("copies", "market", "high"),
)
RULES: Final[Mapping[str, Rule]] = {one.code: one for one in _ALL}
GROUPS: Final = tuple(dict.fromkeys(one.group for one in _ALL))
CEILINGS: Final = "crop-ceilings"  # the table of crops, a rule's parameters of their own
