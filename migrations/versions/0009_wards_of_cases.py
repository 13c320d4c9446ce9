"""A case keeps the ward that it was opened in: who moves away takes it from nobody's hands.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("inspections", "findings")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("ward_code", sa.String(length=10), nullable=True))
        op.execute(
            f"UPDATE {table} SET ward_code = (SELECT ward_code FROM organisations"
            f" WHERE organisations.id = {table}.organisation_id)"
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "ward_code")
