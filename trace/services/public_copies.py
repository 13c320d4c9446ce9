"""Copies of what was public once, kept beside the record: credentials handed out (services.untp)
and what was sent to the national portal (services.portal).

Rules.
1. When something in an event is erased or taken down, whatever is a copy of a page that may have
   shown it goes too: a credential ends in its status list for good and its text is dropped; a
   delivery's document is dropped, one still waiting to be sent is sent no more. Its digest is
   replaced: whoever knows the rest of the paper could test guesses against it. The maker may issue
   and hand in what the record says now.
2. What others fetched before lies with them: they learn from the status list, or not at all.
3. A delivery's document serves to send it again. With a receipt it is dropped at once; of what was
   refused or given up, KEPT after the last word.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update

from trace.core.signing import b64url
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Credential, PortalDelivery
from trace.services.sets import among, batched

KEPT: Final = timedelta(days=90)
# What stands in a delivery's `reason` when rule 1 ended it.
WITHDRAWN: Final = "withdrawn"
AT_ONCE: Final = 500


class CopyDropped(TraceError):
    code = "copy-dropped"
    status = 410
    message = "The copy of this is no longer kept."
    next_step = "Make a new one from what the record says now."


def forget_copies(thing_ids: Collection[int], *, at: datetime) -> int:
    """Rule 1 for these things; how many copies went. The caller commits."""
    gone = 0
    for some in batched(sorted(thing_ids), AT_ONCE):
        for credential in db.session.scalars(
            select(Credential).where(among(Credential.thing_id, some), Credential.jwt != "")
        ):
            credential.jwt, credential.revoked_at = "", credential.revoked_at or at
            gone += 1
        for row in db.session.scalars(
            select(PortalDelivery)
            .where(among(PortalDelivery.thing_id, some), PortalDelivery.reason != WITHDRAWN)
            .execution_options(populate_existing=True)
        ):
            if row.state == "queued":
                row.state, row.due_at = "failed", None
            row.document, row.reason = b"", WITHDRAWN
            row.digest = b64url(secrets.token_bytes(32))
            gone += 1
    db.session.flush()
    return gone


def forget_old(*, at: datetime) -> int:
    """Rule 3 for what was refused or given up; how many. The caller commits, every hour."""
    over = select(PortalDelivery.id).where(
        PortalDelivery.state.in_(("refused", "failed")),
        PortalDelivery.document != b"",
        func.coalesce(PortalDelivery.answered_at, PortalDelivery.created_at) < at - KEPT,
    )
    if db.session.scalar(over.limit(1)) is None:
        return 0  # looking takes no write lock
    gone = db.session.scalars(
        update(PortalDelivery)
        .where(PortalDelivery.id.in_(over))
        .values(document=b"")
        .returning(PortalDelivery.id)
        .execution_options(synchronize_session="fetch")
    )
    return len(gone.all())
