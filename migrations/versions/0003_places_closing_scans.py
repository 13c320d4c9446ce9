"""places closing scans.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guards_area_codes import add_moved_codes, drop_moved_codes
from migrations.guards_folded_names import add_folded_names, drop_folded_names

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "push_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public", sa.String(length=100), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_keys")),
    )
    op.create_table(
        "scan_salts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_scan_salts")),
    )
    op.create_table(
        "scan_visits",
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_scan_visits")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("scan_visits", schema=None) as batch_op:
        batch_op.create_index("ix_scan_visits_day", ["day"], unique=False)

    op.create_table(
        "unit_scans",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=5), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_scans")),
    )
    with op.batch_alter_table("unit_scans", schema=None) as batch_op:
        batch_op.create_index("ix_unit_scans_at", ["at"], unique=False)
        batch_op.create_index("ix_unit_scans_unit", ["key", "serial", "id"], unique=False)

    op.create_table(
        "closings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("statement", sa.String(length=45), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_closings_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_closings_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
    )
    with op.batch_alter_table("closings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_closings_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(
            "uq_closings_waiting",
            ["organisation_id"],
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "company_prefixes",
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("extension", sa.Integer(), nullable=False),
        sa.Column("issued", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_company_prefixes_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_company_prefixes")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_company_prefixes_organisation_id")),
    )
    op.create_table(
        "crate_labels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("identity", sa.String(length=60), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_crate_labels_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crate_labels")),
        sa.UniqueConstraint("identity", name=op.f("uq_crate_labels_identity")),
    )
    with op.batch_alter_table("crate_labels", schema=None) as batch_op:
        batch_op.create_index(
            "ix_crate_labels_organisation", ["organisation_id", "run"], unique=False
        )
        batch_op.create_index("ix_crate_labels_run", ["run", "number"], unique=True)

    op.create_table(
        "successions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("proof", sa.String(length=300), nullable=False),
        sa.Column(
            "offered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("offer", sa.String(length=45), nullable=False),
        sa.Column("answer", sa.String(length=45), nullable=True),
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["giver_id"], ["organisations.id"], name=op.f("fk_successions_giver_id")
        ),
        sa.ForeignKeyConstraint(
            ["offered_by_id"], ["organisations.id"], name=op.f("fk_successions_offered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["taker_id"], ["organisations.id"], name=op.f("fk_successions_taker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_successions")),
    )
    with op.batch_alter_table("successions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_successions_giver_id"), ["giver_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_successions_taker_id"), ["taker_id"], unique=False)

    op.create_table(
        "area_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("folded", sa.String(length=60), nullable=False),
        sa.Column("market", sa.String(length=3), nullable=False),
        sa.Column("crop", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("issued", sa.Date(), nullable=True),
        sa.Column("expires", sa.Date(), nullable=True),
        sa.Column("area_m2", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_area_codes_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_area_codes_place_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_codes")),
    )
    with op.batch_alter_table("area_codes", schema=None) as batch_op:
        batch_op.create_index("ix_area_codes_folded", ["folded"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_area_codes_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_area_codes_place_id"), ["place_id"], unique=False)

    op.create_table(
        "copies",
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("said", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.String(length=200), nullable=False),
        sa.Column("places", sa.String(length=200), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "settled_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'cleared', 'confirmed')", name=op.f("ck_copies_known_state")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["things.id"], name=op.f("fk_copies_lot_id")),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["organisations.id"], name=op.f("fk_copies_settled_by_id")
        ),
        sa.PrimaryKeyConstraint("key", "serial", name=op.f("pk_copies")),
    )
    with op.batch_alter_table("copies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_copies_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index("ix_copies_state", ["state", "score"], unique=False)

    op.create_table(
        "succession_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "succession_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_succession_items_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_succession_items_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["succession_id"], ["successions.id"], name=op.f("fk_succession_items_succession_id")
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_succession_items_thing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_succession_items")),
    )
    with op.batch_alter_table("succession_items", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_succession_items_place_id"), ["place_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_succession_items_product_id"), ["product_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_succession_items_succession_id"), ["succession_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_succession_items_thing_id"), ["thing_id"], unique=False
        )

    with op.batch_alter_table("catalogue_items", schema=None) as batch_op:
        batch_op.add_column(sa.Column("yield_ceiling", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "subscription_id",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=True,
            )
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_subscription_id"), ["subscription_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_deliveries_subscription_id"),
            "push_subscriptions",
            ["subscription_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("label_prints", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )

    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject", sa.String(length=60), nullable=True))
        batch_op.create_unique_constraint(
            "uq_notifications_subject", ["person_id", "organisation_id", "subject"]
        )

    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("folded", sa.String(length=500), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("closed_at", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outline", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("outline_source", sa.String(length=6), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("outline_accuracy", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("outline_area", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("west", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("south", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("east", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("north", sa.Double(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "position_public", sa.Boolean(), server_default=sa.text("(false)"), nullable=False
            )
        )

    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("folded", sa.String(length=500), server_default="", nullable=False)
        )

    with op.batch_alter_table("push_subscriptions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("device", sa.String(length=80), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("sent_at", sa.BigInteger(), nullable=True))

    add_moved_codes(op)
    add_folded_names(op)


def downgrade() -> None:
    drop_folded_names(op)
    drop_moved_codes(op)
    with op.batch_alter_table("push_subscriptions", schema=None) as batch_op:
        batch_op.drop_column("sent_at")
        batch_op.drop_column("device")

    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_column("folded")

    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.drop_column("position_public")
        batch_op.drop_column("north")
        batch_op.drop_column("east")
        batch_op.drop_column("south")
        batch_op.drop_column("west")
        batch_op.drop_column("outline_area")
        batch_op.drop_column("outline_accuracy")
        batch_op.drop_column("outline_source")
        batch_op.drop_column("outline")

    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_column("closed_at")
        batch_op.drop_column("folded")

    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_constraint("uq_notifications_subject", type_="unique")
        batch_op.drop_column("subject")

    with op.batch_alter_table("label_prints", schema=None) as batch_op:
        batch_op.drop_column("run")

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_deliveries_subscription_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_deliveries_subscription_id"))
        batch_op.drop_column("subscription_id")

    with op.batch_alter_table("catalogue_items", schema=None) as batch_op:
        batch_op.drop_column("yield_ceiling")

    with op.batch_alter_table("succession_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_succession_items_thing_id"))
        batch_op.drop_index(batch_op.f("ix_succession_items_succession_id"))
        batch_op.drop_index(batch_op.f("ix_succession_items_product_id"))
        batch_op.drop_index(batch_op.f("ix_succession_items_place_id"))

    op.drop_table("succession_items")
    with op.batch_alter_table("copies", schema=None) as batch_op:
        batch_op.drop_index("ix_copies_state")
        batch_op.drop_index(batch_op.f("ix_copies_lot_id"))

    op.drop_table("copies")
    with op.batch_alter_table("area_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_area_codes_place_id"))
        batch_op.drop_index(batch_op.f("ix_area_codes_organisation_id"))
        batch_op.drop_index("ix_area_codes_folded")

    op.drop_table("area_codes")
    with op.batch_alter_table("successions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_successions_taker_id"))
        batch_op.drop_index(batch_op.f("ix_successions_giver_id"))

    op.drop_table("successions")
    with op.batch_alter_table("crate_labels", schema=None) as batch_op:
        batch_op.drop_index("ix_crate_labels_run")
        batch_op.drop_index("ix_crate_labels_organisation")

    op.drop_table("crate_labels")
    op.drop_table("company_prefixes")
    with op.batch_alter_table("closings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_closings_waiting",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index(batch_op.f("ix_closings_organisation_id"))

    op.drop_table("closings")
    with op.batch_alter_table("unit_scans", schema=None) as batch_op:
        batch_op.drop_index("ix_unit_scans_unit")
        batch_op.drop_index("ix_unit_scans_at")

    op.drop_table("unit_scans")
    with op.batch_alter_table("scan_visits", schema=None) as batch_op:
        batch_op.drop_index("ix_scan_visits_day")

    op.drop_table("scan_visits")
    op.drop_table("scan_salts")
    op.drop_table("push_keys")
