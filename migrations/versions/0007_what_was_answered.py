"""What was answered: a shipment is looked for by its answer, without reading every handover there is.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = "ix_handovers_answered"
ANSWERED = sa.text("answered_by IS NOT NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(NAME, "handovers", ["answered_by"], sqlite_where=ANSWERED)
        return
    # Handovers are recorded meanwhile: nobody waits for this.
    with op.get_context().autocommit_block():
        op.create_index(
            NAME,
            "handovers",
            ["answered_by"],
            postgresql_where=ANSWERED,
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    op.drop_index(NAME, table_name="handovers")
