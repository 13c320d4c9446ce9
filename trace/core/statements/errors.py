"""Refusals of statements, entries, keys, approvals, receipts and erasures."""

from __future__ import annotations

from trace.core.signing.errors import TrustError, Unreadable
from trace.errors import TraceError


class NotSignable(TraceError):
    """The event holds something that a statement cannot carry; `path` is its JSON Pointer."""

    code = "not-signable"
    status = 422
    message = "This cannot be signed: %(reason)s."


class BadEntry(Unreadable):
    """A log entry that is not, byte for byte, one of ours: `unreadable`, at step 5."""

    usual_step = 5
    message = "Step %(step)s: the log entry is not well formed; expected %(expected)s, got %(got)s."


class NotThisEntry(TrustError):
    """The entry is about another statement."""

    code = "not-this-entry"
    usual_step = 5
    message = (
        "Step %(step)s: the log entry belongs to another statement; "
        "expected %(expected)s, got %(got)s."
    )


class BadKeyEntry(TrustError):
    """A key entry that does not follow from the ones before it."""

    code = "bad-key-entry"
    usual_step = 3
    message = "Step %(step)s: the key entry does not hold; expected %(expected)s, got %(got)s."


class NotApproved(TrustError):
    """The approval by passkey does not hold for this statement."""

    code = "not-approved"
    usual_step = 3
    message = "Step %(step)s: the approval does not hold; expected %(expected)s, got %(got)s."


class NotErasable(TraceError):
    """Only personal members can be erased; never core, notices or quantities."""

    code = "not-erasable"
    status = 422
    message = "The member %(member)s is not personal data of this statement and stays."
