"""The verifier's own refusals; those of statements, signing and the log come from there."""

from __future__ import annotations

from trace.core.signing.errors import TrustError


class UnknownKey(TrustError):
    """No key entry in the log brings the key that signed."""

    code = "unknown-key"
    usual_step = 2
    message = "Step %(step)s: the key is not in the log; expected %(expected)s, got %(got)s."


class KeyNotValidThen(TrustError):
    """The key was not valid at the position of the entry."""

    code = "key-not-valid-then"
    usual_step = 3
    message = (
        "Step %(step)s: the key was not valid at that place of the log; "
        "expected %(expected)s, got %(got)s."
    )


class ChainGap(TrustError):
    """A link of a disclosed chain is missing, out of order, or beyond the receipt."""

    code = "chain-gap"
    usual_step = 8
    message = "Step %(step)s: the chain has a gap; expected %(expected)s, got %(got)s."


class WrongThing(TrustError):
    """A statement names a thing whose chain its entry does not link."""

    code = "wrong-thing"
    usual_step = 8
    message = "Step %(step)s: the entry is about another thing; expected %(expected)s, got %(got)s."


class ReceiptOlder(TrustError):
    """The receipt was made for another checkpoint than the bundle's."""

    code = "receipt-older"
    usual_step = 8
    message = (
        "Step %(step)s: the receipt is not for this checkpoint; expected %(expected)s, got %(got)s."
    )
