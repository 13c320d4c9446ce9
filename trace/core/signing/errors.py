"""What a check of trust can refuse. Each class has one public code (the verifier's reason codes).

`step` is the number of the verification step that refuses (docs/reference/formats.md, "Steps").
A class knows its usual step; a check made on behalf of another step passes its own.
`expected` and `got` are short English phrases or values; both are part of the sentence.
"""

from __future__ import annotations

from typing import ClassVar

from trace.errors import TraceError

_SHOWN = 120  # characters of a foreign value that a message repeats: enough to find it, no flood


def shown(value: object) -> str:
    """`value` as one printable line of at most 120 characters."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    line = "".join(c if c.isprintable() else " " for c in text)
    if len(line) > _SHOWN:
        return line[: _SHOWN - 1] + "…"
    return line or "nothing"


class TrustError(TraceError):
    """Base of the verifier's refusals: names the step, what was expected and what was there."""

    code = "untrusted"
    usual_step: ClassVar[int] = 1
    message = "Step %(step)s: this cannot be trusted; expected %(expected)s, got %(got)s."

    def __init__(
        self, expected: object, got: object, *, path: str = "", step: int | None = None
    ) -> None:
        self.step = self.usual_step if step is None else step
        self.expected = shown(expected)
        self.got = shown(got)
        super().__init__(path=path, step=self.step, expected=self.expected, got=self.got)

    def for_step(self, step: int) -> TrustError:
        """The same refusal on behalf of another step."""
        return type(self)(self.expected, self.got, path=self.path, step=step)


class Unreadable(TrustError):
    """Not the strict JSON, base64url, note or shape that the format asks for."""

    code = "unreadable"
    usual_step = 1
    message = "Step %(step)s: this cannot be read; expected %(expected)s, got %(got)s."


class BadSignature(TrustError):
    """The signature, its header or its algorithm is not the right one."""

    code = "bad-signature"
    usual_step = 2
    message = "Step %(step)s: the signature does not hold; expected %(expected)s, got %(got)s."


class IssuerMismatch(TrustError):
    """The key named in the header does not belong to the issuer of the statement."""

    code = "issuer-mismatch"
    usual_step = 2
    message = (
        "Step %(step)s: the key does not belong to the issuer; expected %(expected)s, got %(got)s."
    )


class DisclosureMismatch(TrustError):
    """Disclosures and digests do not fit each other, one to one."""

    code = "disclosure-mismatch"
    usual_step = 4
    message = (
        "Step %(step)s: the shown members are not the signed ones; "
        "expected %(expected)s, got %(got)s."
    )


class SealBroken(TraceError):
    """A sealed private key does not open: other key-encryption key, organisation, kid, or bytes."""

    code = "seal-broken"
    status = 500
    message = "The signing key %(kid)s cannot be opened with this key-encryption key."
    next_step = "Check TRACE_KEY_ENCRYPTION_KEY: it must be the one the key was sealed with."
