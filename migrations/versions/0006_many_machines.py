"""many machines.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guards_partitions import add_partitions, drop_partitions

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "pulses",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pulses")),
    )
    op.create_table(
        "scan_cursors",
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("last", sa.String(length=40), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_scan_cursors")),
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("form", sa.String(length=8), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("acts", sa.String(length=8), server_default="", nullable=False)
        )

    add_partitions(op)


def downgrade() -> None:
    drop_partitions(op)
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_column("acts")
        batch_op.drop_column("form")

    op.drop_table("scan_cursors")
    op.drop_table("pulses")
    op.drop_table("leases")
