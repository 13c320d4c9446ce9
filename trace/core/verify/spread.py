"""Work cut into pieces and shared by as many processes as asked for; answers come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, TypeVar

Piece = TypeVar("Piece")
Answer = TypeVar("Answer")
AHEAD: Final = 3  # pieces that wait per process: none idles, and few are in memory


def spread(
    pieces: Iterable[Piece], work: Callable[[Piece], Answer], workers: int
) -> Iterator[Answer]:
    """`work` of each piece, in the pieces' order; with one worker in this process.

    With more, pieces and work must survive being sent to another process, and `pieces` is read
    here, at most three a process ahead.
    """
    if workers <= 1:
        yield from map(work, pieces)
        return
    # Fresh processes: a forked one would share the caller's connections and threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        waiting: deque[Future[Answer]] = deque()
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
