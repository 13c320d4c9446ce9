"""What can go wrong. `Refused` is the server's word, `NotReached` that there was none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class NotReached(Exception):
    """No answer came, however often it was tried. The request may have been carried out: send it
    again with the same key."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: a stable code, a sentence, and where (a JSON Pointer)."""

    code: str
    detail: str
    path: str


class Refused(Exception):
    """The server refused: `status` of HTTP, a stable `code`, what to do next."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", ""))
        self.path = str(problem.get("path", ""))
        self.next_step = str(problem.get("next_step", ""))
        self.errors = tuple(
            Wrong(str(one["code"]), str(one["detail"]), str(one.get("path", "")))
            for one in problem.get("errors", ())
        )
        told = [f"{one.path} {one.code}: {one.detail}" for one in self.errors] or [self.detail]
        super().__init__("\n".join([f"{status} {self.code}", *told, self.next_step]).strip())


class Changed(Refused):
    """The record was changed since the version that was named (412)."""


class TooMany(Refused):
    """The token asked too often, and went on after the waits it was asked for (429). `retry_after`
    is for how many seconds more."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(status, problem)


class Failed(Exception):
    """Work that was asked for (a sheet, a spreadsheet) ended without its file."""
