"""interfaces.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("jwt", sa.Text(), nullable=False),
        sa.Column("status_list", sa.Integer(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_credentials_organisation_id")
        ),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_credentials_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("public_id", name=op.f("uq_credentials_public_id")),
        sa.UniqueConstraint(
            "status_list", "status_index", name=op.f("uq_credentials_status_list_status_index")
        ),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_credentials_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_credentials_thing", ["thing_id", "kind"], unique=False)

    op.create_table(
        "portal_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_portal_deliveries_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_portal_deliveries_thing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_deliveries")),
        sa.UniqueConstraint("public_id", name=op.f("uq_portal_deliveries_public_id")),
        sa.UniqueConstraint(
            "thing_id", "digest", name=op.f("uq_portal_deliveries_thing_id_digest")
        ),
    )
    with op.batch_alter_table("portal_deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_portal_deliveries_due", ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_portal_deliveries_organisation_id"), ["organisation_id"], unique=False
        )

    with op.batch_alter_table("recall_answers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.add_column(sa.Column("event_key", sa.String(length=22), nullable=True))
        batch_op.add_column(
            sa.Column(
                "undoes_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_index(batch_op.f("ix_recall_answers_thing_id"), ["thing_id"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_recall_answers_undoes_id"), ["undoes_id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_recall_answers_thing_id"), "things", ["thing_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_recall_answers_undoes_id"), "recall_answers", ["undoes_id"], ["id"]
        )

    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "end_first", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.add_column(sa.Column("end_until", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("end_state", sa.String(length=10), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_recalls_end_first"), "people", ["end_first"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_recalls_end_first"), type_="foreignkey")
        batch_op.drop_column("end_state")
        batch_op.drop_column("end_until")
        batch_op.drop_column("end_first")

    with op.batch_alter_table("recall_answers", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_recall_answers_undoes_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_recall_answers_thing_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_recall_answers_undoes_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_recall_answers_thing_id"))
        batch_op.drop_column("undoes_id")
        batch_op.drop_column("event_key")
        batch_op.drop_column("thing_id")

    with op.batch_alter_table("portal_deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_portal_deliveries_organisation_id"))
        batch_op.drop_index("ix_portal_deliveries_due")

    op.drop_table("portal_deliveries")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index("ix_credentials_thing")
        batch_op.drop_index(batch_op.f("ix_credentials_organisation_id"))

    op.drop_table("credentials")
