"""What an audit finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that does not follow from what was signed and logged."""

    table: str
    row: str
    column: str
    expected: str
    got: str
    # Of what a signature, a key or an entry refused: the code of the error.
    code: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.table} {self.row} {self.column}: expected {self.expected}, got {self.got}"


# Told how many rows are done, and how many there are in all.
Progress = Callable[[int, int], None]


def quiet(done: int, size: int) -> None:
    """Tells nobody."""
