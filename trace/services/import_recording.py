"""Rows of a file on their way in: their events signed window by window, then all written at once.

Every function works in its caller's transaction; `trace.services.imports` has the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import orjson
from sqlalchemy import select

from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.models import Import, Product
from trace.services import approvals
from trace.services.actors import Actor
from trace.services.approvals import ApprovalExpired
from trace.services.batches import organisation_address
from trace.services.bulk import execute_many
from trace.services.capture import Sheaf
from trace.services.import_events import Frame, event_of
from trace.services.import_masters import write_masters
from trace.services.imports import RECORDED_KIND, Told, note, ready_rows, stop, take
from trace.services.settings import current_settings
from trace.services.weights import all_weights


def frame_of(actor: Actor, row: Import) -> Frame:
    """What all events of the import share."""
    settings = current_settings()
    gtins = db.session.execute(
        select(Product.id, Product.gtin).where(Product.organisation_id == actor.organisation.id)
    )
    return Frame(
        settings.id_base,
        settings.secret_key,
        actor.organisation.code,
        organisation_address(actor.organisation),
        row.public_id,
        {gtin[0]: gtin[1] for gtin in gtins},
        all_weights(actor.organisation),
    )


def sign_rows(
    sheaf: Sheaf, kind: str, frame: Frame, told: Told
) -> tuple[list[int], dict[int, list[TraceError]]]:
    """Signs what rows say: the numbers of those signed, and of those that capture would not take
    with the reasons. Raises what is no single row's fault."""
    left = dict(told)
    refused: dict[int, list[TraceError]] = {}
    while left:
        events = [event_of(kind, frame, number, clean) for number, clean in left.items()]
        try:
            sheaf.add(events, [f"/{number}" for number in left])
            break
        except TraceError as error:
            wrong = _by_row(error, left)
            refused |= wrong
            for number in wrong:
                del left[number]
    return list(left), refused


def _by_row(error: TraceError, numbers: Collection[int]) -> dict[int, list[TraceError]]:
    found: dict[int, list[TraceError]] = {}
    for one in error.errors if isinstance(error, Refused) else (error,):
        number = one.path.split("/")[1:2]
        if not number or not number[0].isdecimal() or int(number[0]) not in numbers:
            raise error
        found.setdefault(int(number[0]), []).append(one)
    return found


def write_rows(
    actor: Actor, row: Import, sheaf: Sheaf, numbers: Sequence[int], *, at: datetime
) -> bool:
    """Records the signed rows, or keeps them for their approval; False where another worker did.
    Raises what `Sheaf.record` raises."""
    import_id, mapping = row.id, orjson.loads(row.mapping)
    if approvals.is_demanded(actor):
        if not take(import_id, "running", "waiting"):
            return False
        waiting = approvals.hold(
            actor,
            sheaf,
            idempotency_key=f"import:{row.public_id}",
            at=at,
            then=(RECORDED_KIND, {"import": row.public_id}),
        )
        mapping["approval"] = waiting.id
        note(import_id, mapping=orjson.dumps(mapping).decode())
        return True
    if not take(import_id, "running", "done"):
        return False
    captured = sheaf.record()
    _made(import_id, numbers, [one.event_id for one in captured.events], at)
    return True


def write_catalogue(actor: Actor, row: Import, *, at: datetime) -> bool:
    """Writes the rows of a catalogue; False where another worker did. Raises IntegrityError where
    a code was taken meanwhile."""
    import_id = row.id
    if not take(import_id, "running", "done"):
        return False
    made = write_masters(actor, row, frame_of(actor, row), ready_rows(import_id), at=at)
    note(import_id, done=made, finished_at=at, source=None)
    return True


def settle(row: Import, events: Sequence[int], *, expired: bool, at: datetime) -> None:
    """After its approval was given (the events' rows, in the sheet's order), refused or awaited in
    vain: then the file is where it was before."""
    if row.state != "waiting":
        return
    if not events:
        stop(row.id, ApprovalExpired() if expired else None, state="checked")
        return
    _made(row.id, [number for number, _ in ready_rows(row.id)], events, at)


def _made(import_id: int, numbers: Sequence[int], events: Sequence[int], at: datetime) -> None:
    execute_many(
        "UPDATE import_rows SET state = 'made', record_id = ? WHERE import_id = ? AND number = ?",
        [(event, import_id, at) for at, event in zip(numbers, events, strict=True)],
    )
    note(import_id, state="done", done=len(events), finished_at=at, source=None)
