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
    op.create_table(
        "authenticators",
        sa.Column(
            "person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "last_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_authenticators_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_authenticators")),
    )
    op.create_table(
        "factor_resets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["people.id"], name=op.f("fk_factor_resets_asked_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_factor_resets_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_factor_resets_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_resets")),
    )
    with op.batch_alter_table("factor_resets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_factor_resets_person_id"), ["person_id"], unique=False)

    op.create_table(
        "half_sign_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_half_sign_ins_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_half_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_half_sign_ins_token_hash")),
    )
    with op.batch_alter_table("half_sign_ins", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_half_sign_ins_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_half_sign_ins_person_id"), ["person_id"], unique=False)

    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("place", sa.String(length=1), nullable=False),
        sa.Column("code_hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_recovery_codes_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("person_id", "place", name=op.f("uq_recovery_codes_person_id_place")),
    )
    with op.batch_alter_table("passports", schema=None) as batch_op:
        batch_op.create_index(
            "ix_passports_stale",
            ["thing_id"],
            unique=False,
            sqlite_where=sa.text("stale = 1"),
            postgresql_where=sa.text("stale"),
        )

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_events_corrects"), sqlite_where=sa.text("corrects IS NOT NULL")
        )
        batch_op.create_index(
            "ix_events_corrects",
            ["corrects", "issuer_id"],
            unique=False,
            sqlite_where=sa.text("corrects IS NOT NULL"),
            postgresql_where=sa.text("corrects IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_events_measured_at",
            ["read_point", "id"],
            unique=False,
            sqlite_where=sa.text("biz_step = 'sensor_reporting'"),
            postgresql_where=sa.text("biz_step = 'sensor_reporting'"),
        )
        batch_op.create_index(
            "ix_events_measured_in",
            ["biz_location", "id"],
            unique=False,
            sqlite_where=sa.text("biz_step = 'sensor_reporting'"),
            postgresql_where=sa.text("biz_step = 'sensor_reporting'"),
        )

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("deaths", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
        )
        batch_op.add_column(sa.Column("set_aside_at", sa.BigInteger(), nullable=True))
        batch_op.create_index(
            "ix_jobs_aside",
            ["set_aside_at"],
            unique=False,
            sqlite_where=sa.text("set_aside_at IS NOT NULL"),
            postgresql_where=sa.text("set_aside_at IS NOT NULL"),
        )

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("factor_asked_at", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("factor_at", sa.BigInteger(), nullable=True))

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

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_column("factor_at")

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("factor_asked_at")

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_jobs_aside",
            sqlite_where=sa.text("set_aside_at IS NOT NULL"),
            postgresql_where=sa.text("set_aside_at IS NOT NULL"),
        )
        batch_op.drop_column("set_aside_at")
        batch_op.drop_column("deaths")

    with op.batch_alter_table("passports", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_passports_stale",
            sqlite_where=sa.text("stale = 1"),
            postgresql_where=sa.text("stale"),
        )

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_events_measured_in",
            sqlite_where=sa.text("biz_step = 'sensor_reporting'"),
            postgresql_where=sa.text("biz_step = 'sensor_reporting'"),
        )
        batch_op.drop_index(
            "ix_events_measured_at",
            sqlite_where=sa.text("biz_step = 'sensor_reporting'"),
            postgresql_where=sa.text("biz_step = 'sensor_reporting'"),
        )
        batch_op.drop_index(
            "ix_events_corrects",
            sqlite_where=sa.text("corrects IS NOT NULL"),
            postgresql_where=sa.text("corrects IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_events_corrects"),
            ["corrects"],
            unique=False,
            sqlite_where=sa.text("corrects IS NOT NULL"),
            postgresql_where=sa.text("corrects IS NOT NULL"),
        )

    op.drop_table("recovery_codes")
    with op.batch_alter_table("half_sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_half_sign_ins_person_id"))
        batch_op.drop_index(batch_op.f("ix_half_sign_ins_expires_at"))

    op.drop_table("half_sign_ins")
    with op.batch_alter_table("factor_resets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_factor_resets_person_id"))

    op.drop_table("factor_resets")
    op.drop_table("authenticators")
    op.drop_table("scan_cursors")
    op.drop_table("pulses")
    op.drop_table("leases")
