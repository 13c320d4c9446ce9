"""The platform itself: its organisation, its keys, the log's first entries."""

from __future__ import annotations

import os
from datetime import datetime

from sqlalchemy import select

from trace.core.gs1 import new_code
from trace.extensions import db
from trace.models import Organisation
from trace.services import keys, log


def initialise(*, at: datetime) -> bool:
    """Creates keys, log and the platform's organisation once; False where they exist.

    This is the only way a log comes into being: a restored or emptied database never starts a
    second one by itself.
    """
    if not log.create_log(at=at):
        return False
    keys.create_file_keys()
    platform = Organisation(
        code=new_code(os.urandom),
        name="Trace",
        name_en="Trace",
        kind="platform",
        status="confirmed",
        use_salt=os.urandom(32),
        created_at=at,
        confirmed_at=at,
    )
    db.session.add(platform)
    db.session.flush()
    keys.create_key(platform, at=at)
    keys.create_key(platform, at=at, purpose="receipt")
    return True


def platform_organisation() -> Organisation:
    """The platform's own organisation. Raises NoLog before initialisation."""
    found = db.session.scalar(select(Organisation).where(Organisation.kind == "platform"))
    if found is None:
        raise log.NoLog
    return found
