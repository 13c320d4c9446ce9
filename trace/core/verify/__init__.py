"""The verifier: reads bundles; the one part of core that may read files."""

from trace.core.verify.bundle import verify_bundle, verify_statement
from trace.core.verify.errors import (
    ChainGap,
    KeyNotValidThen,
    ReceiptOlder,
    UnknownKey,
    WrongThing,
)
from trace.core.verify.report import (
    CHAIN_GAP,
    ERASED,
    INTERVAL_SHORT,
    MORE_OUT_THAN_IN,
    RECALL_UNKNOWN,
    RECORDED_LATE,
    REPLAYED,
    WITHHELD,
    Finding,
    Policy,
    Report,
    VerifiedStatement,
)

__all__ = [
    "CHAIN_GAP",
    "ERASED",
    "INTERVAL_SHORT",
    "MORE_OUT_THAN_IN",
    "RECALL_UNKNOWN",
    "RECORDED_LATE",
    "REPLAYED",
    "WITHHELD",
    "ChainGap",
    "Finding",
    "KeyNotValidThen",
    "Policy",
    "ReceiptOlder",
    "Report",
    "UnknownKey",
    "VerifiedStatement",
    "WrongThing",
    "verify_bundle",
    "verify_statement",
]
