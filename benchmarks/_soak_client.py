"""The client of `benchmarks.soak`: a process, many hands. Shoppers have one of their own: reading
forms and signing documents, as the others do, would make them late, and be told as the server's.

Arrivals come at random moments at a given rate (Poisson's), whether the server keeps up or not; a
free hand takes the one that has been due for longest. With `closed` the hands take one act after
another as fast as they are answered: what the machine can do at most.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from benchmarks._soak_acts import MIX, NOW_AND_THEN, prepare
from benchmarks._soak_people import Line, People, Strange
from benchmarks._soak_public import scan
from benchmarks._soak_stage import Act, Stage
from benchmarks._soak_told import Told

HANDS: Final = 48
MOST_WAITING: Final = 20_000
HASTE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `rate` is acts a second, of everybody's; 0: as fast as `hands` are answered."""

    socket: str
    seconds: float
    rate: float
    passwords: dict[str, str]
    token: tuple[tuple[str, str], ...]
    pages: tuple[str, ...]
    acknowledged: str
    seed: int = 1
    hands: int = HANDS
    progress: str = ""
    who: str = "all"  # or "shoppers", or "others": each with their part of the rate
    warm: float = 0.0  # seconds, of `seconds`, that go by at HASTE times the rate

    @property
    def mix(self) -> dict[Act, int]:
        """What is done, and how often of a thousand times of everybody's."""
        chosen = {"all": tuple(MIX), "shoppers": (scan,)}.get(self.who)
        return {act: often for act, often in MIX.items() if act in (chosen or set(MIX) - {scan})}


class Agenda:
    """What is to be done, by when; for threads."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Act]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._open = 0
        self.closed = False

    def add(self, due: float, act: Act) -> None:
        with self._changed:
            heapq.heappush(self._heap, (due, next(self._numbers), act))
            self._changed.notify()

    def take(self) -> tuple[float, Act] | None:
        """The next that is due, waited for; None when all is over."""
        with self._changed:
            while True:
                now = time.perf_counter()
                if self._heap and self._heap[0][0] <= now:
                    due, _, act = heapq.heappop(self._heap)
                    self._open += 1
                    return due, act
                if self.closed and not self._heap and not self._open:
                    self._changed.notify_all()
                    return None
                wait = self._heap[0][0] - now if self._heap else 1.0
                self._changed.wait(min(wait, 1.0))

    def done(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def close(self) -> None:
        """No arrivals any more; what follows from them is still done."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def waiting(self) -> int:
        return len(self._heap)


def run_client(plan: Plan) -> Told:
    """Signs in, does the acts, and tells."""
    told = Told()
    random = Random(plan.seed)
    line = Line(plan.socket, told, time.perf_counter())
    agenda = Agenda()

    def later(seconds: float, act: Act) -> None:
        agenda.add(time.perf_counter() + seconds, act)

    people = People(line, plan.passwords)
    stage = Stage(people, plan.token, plan.pages, Path(plan.acknowledged), later, random)
    stage.numbers = plan.seed * 1_000_000  # no visitor of one run was in another
    if plan.who != "shoppers":
        prepare(stage)
    told.times.clear()
    told.statuses.clear()
    line.began = begin = time.perf_counter()
    hands = [
        threading.Thread(target=_work, args=(agenda, stage), daemon=True) for _ in range(plan.hands)
    ]
    for hand in hands:
        hand.start()
    acts, weights = list(plan.mix), list(plan.mix.values())
    if plan.rate:
        _arrive(agenda, stage, plan, begin)
    else:
        end = begin + plan.seconds
        busy = [
            threading.Thread(
                target=_hurry, args=(stage, Random(one), end, acts, weights), daemon=True
            )
            for one in range(6)
        ]
        for one in busy:
            one.start()
        for one in busy:
            one.join()
    agenda.close()
    for hand in hands:
        hand.join(timeout=900)
    return told


def _arrive(agenda: Agenda, stage: Stage, plan: Plan, begin: float) -> None:
    """Puts arrivals on the agenda when they are due."""
    random = Random(plan.seed + 1)
    acts, weights = list(plan.mix), list(plan.mix.values())
    rate = plan.rate * sum(weights) / sum(MIX.values())
    rare = {act: begin + min(every, plan.seconds) / 4 for act, every in NOW_AND_THEN.items()}
    if plan.who == "shoppers":
        rare.clear()
    due, end, said, warm = begin, begin + plan.seconds, begin, begin + plan.warm
    while due < end:
        due += random.expovariate(rate * HASTE if due < warm else rate)
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        if agenda.waiting() > MOST_WAITING:
            stage.told.wonder("too much waits to be sent")
            continue
        agenda.add(due, random.choices(acts, weights)[0])
        for act, at in rare.items():
            if at <= due:
                agenda.add(at, act)
                rare[act] = at + NOW_AND_THEN[act]
        if plan.progress and due - said > 30:
            said = due
            told = stage.told
            words = "\n".join(told.words[-20:])
            Path(plan.progress).write_text(
                f"{(due - begin) / 60:.1f} min, {told.acts} acts, {agenda.waiting()} wait, "
                f"{told.unexpected} unexpected\n{words}\n"
            )


def _work(agenda: Agenda, stage: Stage) -> None:
    while (taken := agenda.take()) is not None:
        due, act = taken
        late = 1000 * (time.perf_counter() - due)
        with stage.told.lock:
            stage.told.late.add(late)
        _do(act, stage, due)
        agenda.done()


def _hurry(stage: Stage, random: Random, end: float, acts: list[Act], weights: list[int]) -> None:
    while time.perf_counter() < end:
        _do(random.choices(acts, weights)[0], stage, 0.0)


def _do(act: Callable[[Stage, float], None], stage: Stage, due: float) -> None:
    try:
        act(stage, due)
    except Strange:
        pass  # told where it was met
    except Exception as error:  # the client's own mistake must not end a hand unseen
        stage.told.wonder(f"{getattr(act, '__name__', act)}: {error!r}")
    with stage.told.lock:
        stage.told.acts += 1
