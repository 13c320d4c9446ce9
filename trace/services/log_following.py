"""The newest checkpoint on every machine that could publish, not only where it was signed.

A worker that does not hold the sequencer's lease keeps what the one that does has published, after
the same comparison that publishing begins with. So whichever machine goes on next knows what must
be continued, and a backup restored under all of them is noticed by each.

A machine without a checkpoint is given none: the first one is copied by an operator, with the keys
(docs/how-to/many-nodes.md). Otherwise a lost instance folder would look like a new machine.
"""

from __future__ import annotations

from trace.services import sequencer
from trace.services.log import current_state
from trace.services.log_file import keep, read_kept


def follow() -> bool:
    """Keeps the newest published checkpoint here where this machine has an older one; whether it
    did. Raises LogForked where the database does not continue what is kept."""
    state = current_state()
    newest = sequencer.newest_checkpoint()
    if newest is None or newest.size <= state.start:
        return False
    kept = read_kept(state.id, state.origin)
    if kept is None or kept.checkpoint.size >= newest.size - state.start:
        return False
    sequencer.check_continues()
    keep(state.id, state.origin, newest.note, seen=kept)
    return True
