"""Pages built before say "confirmed" of certificates whose certifier no authority has confirmed: the
worker builds them anew, an hour from now, when no process of the release before is left to do it.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import json
import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KIND = "stale-pages"
LATER = 3_600_000  # milliseconds
CERTIFIERS = sa.text(
    "SELECT id FROM organisations WHERE status <> 'confirmed'"
    " AND id IN (SELECT confirmed_by_id FROM certificates) ORDER BY id"
)
JOBS = sa.table(
    "jobs",
    *(sa.column(name) for name in ("public_id", "kind", "argument", "state", "attempts")),
    *(sa.column(name) for name in ("progress", "total", "run_after", "created_at")),
)


def upgrade() -> None:
    connection = op.get_bind()
    now = time.time_ns() // 1_000_000
    jobs = [
        {
            "public_id": str(uuid.uuid4()),
            "kind": KIND,
            "argument": json.dumps({"organisation": certifier}),
            "state": "queued",
            "attempts": 0,
            "progress": 0,
            "total": 0,
            "run_after": now + LATER,
            "created_at": now,
        }
        for certifier in connection.scalars(CERTIFIERS)
    ]
    if jobs:
        connection.execute(JOBS.insert(), jobs)


def downgrade() -> None:
    """The schema is the same; a page built once more harms nobody."""
