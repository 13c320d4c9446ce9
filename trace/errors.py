"""Errors with stable public codes. One class per thing that can go wrong; knows no Flask.

`message` is an English %-template filled from `params`; faces translate it (msgid = the template).
`path` names the field or the place in a document (JSON Pointer for documents, name for forms).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class TraceError(Exception):
    """Base of everything this package refuses. `code` is public and never changes meaning."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "Something went wrong."
    next_step: ClassVar[str] = ""
    # Of a 503: that asking again is of no use, and somebody has to do something first.
    lasting: bool = False

    def __init__(self, *, path: str = "", **params: object) -> None:
        self.path = path
        self.params = params
        super().__init__(self.detail)

    @property
    def detail(self) -> str:
        """The English sentence with its parameters filled in."""
        return self.message % self.params if self.params else self.message

    @property
    def passes(self) -> bool:
        """Whether the same may succeed later without anybody changing what was asked."""
        return self.status == 503 and not self.lasting

    def at(self, prefix: str) -> TraceError:
        """The same error, its path set under `prefix` (which keeps its own separators)."""
        self.path = prefix + self.path
        return self


class Refused(TraceError):
    """Several errors about one input, all of them reported together."""

    code = "refused"
    message = "The input has %(count)d errors; the first: %(first)s"

    def __init__(self, errors: Sequence[TraceError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(count=len(self.errors), first=f"{first.path} {first.detail}".strip())


def problem_members(error: TraceError) -> dict[str, object]:
    """The error as members of problem+json (RFC 9457), with `code`, `path`, `next_step` and, for
    several, `errors`."""
    body: dict[str, object] = {
        "type": f"urn:trace:error:{error.code}",
        "title": error.message if not error.params else error.detail,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.path:
        body["path"] = error.path
    if error.next_step:
        body["next_step"] = error.next_step
    if isinstance(error, Refused):
        body["errors"] = [
            {"code": e.code, "detail": e.detail, "path": e.path} for e in error.errors[:100]
        ]
    return body


class NotFound(TraceError):
    code = "not-found"
    status = 404
    message = "Nothing is known under this address."


class NotAllowed(TraceError):
    code = "not-allowed"
    status = 403
    message = "You may not do this."
    next_step = "Ask the owner of your organisation for the role that may."


class NotSignedIn(TraceError):
    code = "not-signed-in"
    status = 401
    message = "Sign in first."


class Conflict(TraceError):
    code = "conflict"
    status = 409
    message = "This was changed or recorded by someone else meanwhile."


class TooLarge(TraceError):
    code = "too-large"
    status = 413
    message = "This is larger than allowed (%(limit)s)."
