"""Labels of crates printed ahead of packing, for the first time or once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trace.core.labels import Label
from trace.models import Job
from trace.services.actors import Actor
from trace.services.crates import Run, labels_in
from trace.services.label_sheets import ask_for_sheet
from trace.services.labels import Sheet, check_sheet, crate_label, issue_labels, prints_of
from trace.services.stamps import check_not_held

BLANK = "Thùng hàng"
# (label, the first number, how many) -> the sheet on the stock that was chosen.
Drawn = Callable[[Label, int, int], Sheet]


def print_new(actor: Actor, run: Run, text: str, drawn: Drawn, *, at: datetime) -> Job:
    """Asks for the sheet of a whole run that nothing was packed under yet. Raises what
    `check_sheet` raises."""
    label = Label("", "", text or BLANK)
    return _print(actor, run, drawn(label, 1, run.count), (1, run.count), "new", "", at)


def print_again(
    actor: Actor, run: Run, ends: tuple[int, int], reason: str, drawn: Drawn, *, at: datetime
) -> Job:
    """Asks for the sheet of the labels `ends` (in either order) of a run: for the first time after
    packing, or once more. Raises BatchHeld, LabelsRecalled, and what `check_sheet` raises."""
    first, last = sorted(ends)
    kind = "again" if prints_of(actor, run=run.number) else "new"
    label = _label_of(actor, run.number, first)
    sheet = drawn(label, first, last - first + 1)
    return _print(actor, run, sheet, (first, last), kind, reason, at)


def _print(
    actor: Actor,
    run: Run,
    sheet: Sheet,
    ends: tuple[int, int],
    kind: str,
    reason: str,
    at: datetime,
) -> Job:
    packed = [one for _, _, one in labels_in(run.number, *ends) if one]
    check_not_held(*packed)
    check_sheet(sheet)
    job = ask_for_sheet(actor, sheet, at=at)
    issue_labels(actor, None, sheet, at=at, kind=kind, reason=reason, job=job.public_id)
    return job


def _label_of(actor: Actor, run: int, number: int) -> Label:
    """What the labels say: crates of a run are filled alike, so what the first one holds."""
    for _, _, thing in labels_in(run, number, number):
        if thing is not None:
            return crate_label(actor, thing)
    return Label("", "", BLANK)
