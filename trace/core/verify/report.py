"""What a verification takes (a policy) and gives (a report). Refusals are raised, never returned.

A page may say what the report holds and nothing more: who signed each line, that it is in the log,
what witnesses saw and when, where the operator signed that the chains end, and what is withheld.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from trace.core.history import Interval
from trace.core.signing import JsonObject, PublicKey
from trace.core.tlog import Verifier
from trace.core.verify.attachments import Attachment

RecallState = Literal["none-shown", "notice", "hold", "recalled", "unknown"]

# Findings: facts that a page shows and that refuse nothing.
WITHHELD: Final = "withheld"
ERASED: Final = "erased"
REPLAYED: Final = "replayed"
RECORDED_LATE: Final = "recorded-late"
RECALL_UNKNOWN: Final = "recall-unknown"
CHAIN_GAP: Final = "chain-gap"  # between two logs: the one begun anew does not hold all of the old
UNDECLARED: Final = Interval("undeclared")
INTERVAL_SHORT: Final = "interval-short"
MORE_OUT_THAN_IN: Final = "more-out-than-in"


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom a verifier trusts. Carried by the person who verifies, never taken from a bundle.

    `quorum` of `witnesses` must have cosigned; a witness that is the log itself counts zero.
    `max_age` bounds the newest cosignature's age when a quorum is asked for. `inspectors` are the
    issuers that may take part in key recoveries; `authorities` those whose notices and releases
    count beside the issuer's own. `logs` are further keys: a second one of the same log while its
    key is changed, and those of older logs that may be followed.
    """

    log: Verifier
    root: PublicKey
    platform: str
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0
    max_age: timedelta | None = None
    inspectors: Collection[str] = frozenset()
    authorities: Collection[str] = frozenset()
    logs: tuple[Verifier, ...] = ()

    def keys_of(self, origin: str) -> list[Verifier]:
        """The keys under which a log signs, each once."""
        known = dict.fromkeys((self.log, *self.logs))
        return [verifier for verifier in known if verifier.name == origin]


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact beside the proof: its code, the index it is about (None: the bundle), details, and the
    origin of the log that the index counts in."""

    code: str
    index: int | None
    detail: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class OlderPart:
    """An older log of the bundle: its number and origin, the size it is shown at, the size it ended
    at, whether what lies between is lost, and when witnesses last saw it."""

    number: int
    origin: str
    size: int
    ended: int
    lost: bool
    witnessed: datetime | None


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement that passed steps 1 to 8, as far as it is shown.

    `withheld` are paths of members that exist and are not shown; `erased` tells how many of them
    are erased by right (which ones, no digest tells). `custody` is `passkey` for an approved
    statement, else the signing key's `server` or `own`. `flagged` tells that the key was later
    said to be in wrong hands from an earlier index on. `index` counts in the log of origin `log`;
    `place` rises through all logs of the bundle and is the index where there is one.
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
    log: str = ""
    place: int = -1


@dataclass(frozen=True, slots=True)
class Report:
    """What a verified bundle proves.

    `statements` stand in the log's order, each at its first index. `time` is when the operator
    signed that the chains end; `witnessed` the newest cosignature counted and `since` the moment
    from which later changes would have been noticed, both None without witnesses. `recall` says
    what notices along the disclosed edges come to for the subject, `interval` what the days between
    spraying and harvest do. `older` are the logs that the history began in, the oldest first.
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
    interval: Interval = UNDECLARED
    older: tuple[OlderPart, ...] = ()
    attachments: Mapping[str, Attachment] = field(default_factory=dict)
