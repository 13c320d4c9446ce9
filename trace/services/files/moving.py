"""Files brought from one place to another, in any number of goes.

1. What is there already in the same size (and with the same digest, where both places keep one) is
   passed over: stopped anywhere, it goes on there.
2. What is brought is read as whoever fetches it reads it, and then looked for on the other side.
3. While people work, files are only added on the other side. `finish` is for the moment in which
   nobody works: it brings the rest, and takes away on the other side what is gone here, such as a
   photo that was erased meanwhile.
4. Nothing is taken away here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trace.errors import TraceError
from trace.services.files.base import Facts, FileMissing, Files


class FilesNotMoved(TraceError):
    code = "files-not-moved"
    status = 409
    message = "The files were not brought there: %(reason)s."


@dataclass(slots=True)
class Moved:
    """What was done: files brought, passed over, gone before they were read, taken away there."""

    brought: int = 0
    there: int = 0
    gone: int = 0
    removed: int = 0
    bytes: int = 0


def move(
    source: Files,
    target: Files,
    folders: tuple[str, ...],
    *,
    finish: bool = False,
    tell: Callable[[Moved], None] = lambda _: None,
) -> Moved:
    """Brings all files of these folders. `tell` hears how far it is after each. Raises FileBroken,
    FilesAway, FilesNotMoved where a file is not there afterwards."""
    moved = Moved()
    for folder in folders:
        here = set()
        known = {one.name: one for one in target.list(folder)}
        for one in source.list(folder):
            here.add(one.name)
            _bring(source, target, one, known.get(one.name), moved)
            tell(moved)
        if finish:
            for name in sorted(known.keys() - here):
                target.remove(name)
                moved.removed += 1
    return moved


def _bring(source: Files, target: Files, one: Facts, there: Facts | None, moved: Moved) -> None:
    if there is not None and there.size == one.size:
        moved.there += 1
        return
    try:
        data = b"".join(source.open(one.name).chunks)
    except FileMissing:
        moved.gone += 1  # erased while we were on the way
        return
    target.put(one.name, data, replace=True)
    found = target.facts(one.name)
    if found is None or found.size != len(data):
        raise FilesNotMoved(reason=f"{one.name} is not there after it was put")
    moved.brought += 1
    moved.bytes += len(data)
