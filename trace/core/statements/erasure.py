"""What may be erased: personal members, by the digest of their disclosures.

Rules (docs/reference/formats.md, "Log entry").
1. Only personal members: who performed and who recorded, free text, attachments, places (a
   household's plot is an address). Never core, notices or quantities.
2. With any of them the eventID goes, when it is an event hash: a hash over what was erased would
   still answer guesses.
3. What hangs below an erased member goes with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from trace.core.statements.build import Statement
from trace.core.statements.errors import NotErasable

ERASABLE: Final = frozenset(
    {
        "trace:performedBy",
        "trace:recordedBy",
        "trace:note",
        "trace:witness",
        "trace:attachments",
        "readPoint",
        "bizLocation",
        "eventID",
    }
)


def erased_paths(statement: Statement, paths: Collection[str]) -> list[str]:
    """The paths of all disclosures that go when `paths` are erased, in stored order (rules 2, 3).

    Raises NotErasable for a path that is not personal or that the statement does not have.
    """
    present = {disclosure.path for disclosure in statement.disclosures}
    for path in paths:
        if path.partition("/")[0] not in ERASABLE or path not in present:
            raise NotErasable(member=path, path=f"/{path}")
    gone = {*paths, "eventID"} if paths else set()
    return [d.path for d in statement.disclosures if d.path in gone or _under(d.path, gone)]


def erasure_digests(statement: Statement, paths: Collection[str]) -> list[str]:
    """The digests for the erasure entry when `paths` are erased, sorted. Raises NotErasable."""
    gone = frozenset(erased_paths(statement, paths))
    return sorted(d.digest for d in statement.disclosures if d.path in gone)


def _under(path: str, parents: Collection[str]) -> bool:
    return any(path.startswith(f"{parent}/") for parent in parents)
