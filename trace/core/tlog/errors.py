"""Refusals of the log: proofs, notes, checkpoints, witnesses."""

from __future__ import annotations

from trace.core.signing.errors import TrustError
from trace.errors import TraceError


class NotInLog(TrustError):
    """The inclusion proof does not lead from the entry to the checkpoint's root."""

    code = "not-in-log"
    usual_step = 6
    message = "Step %(step)s: the entry is not in the log; expected %(expected)s, got %(got)s."


class NotConsistent(TrustError):
    """The older log is not the beginning of the newer one: history was rewritten."""

    code = "not-consistent"
    usual_step = 7
    message = (
        "Step %(step)s: the log does not continue the older one; "
        "expected %(expected)s, got %(got)s."
    )


class NotWitnessed(TrustError):
    """The checkpoint lacks the log's signature or the witnesses the policy asks for."""

    code = "not-witnessed"
    usual_step = 7
    message = (
        "Step %(step)s: the checkpoint is not signed as the policy asks; "
        "expected %(expected)s, got %(got)s."
    )


class Stale(TrustError):
    """The newest cosignature is older than the policy allows."""

    code = "stale"
    usual_step = 7
    message = "Step %(step)s: the checkpoint is too old; expected %(expected)s, got %(got)s."


class BrokenTiles(TraceError):
    """A stored tile is missing, short, or does not belong to a log of this size."""

    code = "broken-tiles"
    status = 500
    message = "The log's tile %(tile)s is not what a log of this size has."
    next_step = "Stop writing and rebuild the tiles from the entries, or refill from a mirror."
