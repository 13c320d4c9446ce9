"""What a verification takes (a policy) and gives (a report). Refusals are raised, never returned.

A page may say what the report holds and nothing more: who signed each line, that it is in the log,
what witnesses saw and when, where the operator signed that the chains end, and what is withheld.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from trace.core.signing import JsonObject, PublicKey
from trace.core.tlog import Verifier

RecallState = Literal["none-shown", "notice", "hold", "recalled", "unknown"]

# Findings: facts that a page shows and that refuse nothing.
WITHHELD: Final = "withheld"
ERASED: Final = "erased"
REPLAYED: Final = "replayed"
RECORDED_LATE: Final = "recorded-late"
RECALL_UNKNOWN: Final = "recall-unknown"


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom a verifier trusts. Carried by the person who verifies, never taken from a bundle.

    `quorum` of `witnesses` must have cosigned; a witness that is the log itself counts zero.
    `max_age` bounds the newest cosignature's age when a quorum is asked for. `inspectors` are the
    issuers that may take part in key recoveries; `authorities` those whose notices and releases
    count beside the issuer's own. `late_after` is when a record counts as late.
    """

    log: Verifier
    root: PublicKey
    platform: str
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0
    max_age: timedelta | None = None
    inspectors: Collection[str] = frozenset()
    authorities: Collection[str] = frozenset()
    late_after: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact beside the proof: its code, the index it is about (None: the bundle), and details."""

    code: str
    index: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement that passed steps 1 to 8, as far as it is shown.

    `withheld` are paths of members that exist and are not shown; `erased` tells how many of them
    are erased by right (which ones, no digest tells). `custody` is `passkey` for an approved
    statement, else the signing key's `server` or `own`. `flagged` tells that the key was later
    said to be in wrong hands from an earlier index on.
    """

    index: int
    time: datetime
    statement_id: str
    issuer: str
    kid: str
    custody: str
    event: JsonObject
    withheld: tuple[str, ...]
    erased: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a verified bundle proves.

    `statements` stand in the log's order, each at its first index. `time` is when the operator
    signed that the chains end; `witnessed` the newest cosignature counted and `since` the moment
    from which later changes would have been noticed, both None without witnesses. `recall` says
    what notices along the disclosed edges come to for the subject.
    """

    subject: str
    origin: str
    size: int
    time: datetime
    statements: tuple[VerifiedStatement, ...]
    findings: tuple[Finding, ...]
    recall: RecallState
    notices: tuple[str, ...]
    witnesses: tuple[str, ...] = ()
    witnessed: datetime | None = None
    since: datetime | None = None
    voided: frozenset[str] = field(default_factory=frozenset)
