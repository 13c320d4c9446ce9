"""What was answered: a shipment is looked for by its answer, without reading every handover there is.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guards_indexes import add_beside_writers

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
    add_beside_writers(op, NAME, "handovers", ["answered_by"], ANSWERED)


def downgrade() -> None:
    op.drop_index(NAME, table_name="handovers")
