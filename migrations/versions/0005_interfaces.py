"""interfaces.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guards_folded_places import add_folded_places, drop_folded_places

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "named_queries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_named_queries_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_queries")),
        sa.UniqueConstraint("organisation_id", "name", name="uq_named_queries_name"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("query_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("dest", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("report_if_empty", sa.Boolean(), nullable=False),
        sa.Column("initial_record_time", sa.BigInteger(), nullable=True),
        sa.Column("epc_format", sa.String(length=24), nullable=False),
        sa.Column("made_with", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_notified_at", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=100), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_subscriptions_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["query_id"], ["named_queries.id"], name=op.f("fk_subscriptions_query_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_subscriptions_public_id")),
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.create_index("ix_subscriptions_due", ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_subscriptions_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_subscriptions_query_id"), ["query_id"], unique=False)

    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("first", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("upto", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("replay_at", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_dead_letters_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.create_index("ix_dead_letters_open", ["subscription_id", "done_at"], unique=False)

    op.create_table(
        "sensors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("device", sa.String(length=45), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("last_reading_at", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_sensors_organisation_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_sensors_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensors")),
        sa.UniqueConstraint("device", name=op.f("uq_sensors_device")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sensors_token_hash")),
    )
    with op.batch_alter_table("sensors", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sensors_organisation_id"), ["organisation_id"], unique=False
        )

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
        "links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("identity", sa.String(length=500), nullable=False),
        sa.Column("link_type", sa.String(length=40), nullable=False),
        sa.Column("href", sa.String(length=1000), nullable=False),
        sa.Column("title", sa.String(length=150), nullable=False),
        sa.Column("languages", sa.String(length=60), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("context", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("check", sa.String(length=7), nullable=False),
        sa.Column("check_reason", sa.String(length=40), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("check_due", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["things.id"], name=op.f("fk_links_lot_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_links_organisation_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_links_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index("ix_links_due", ["state", "check_due"], unique=False)
        batch_op.create_index(batch_op.f("ix_links_identity"), ["identity"], unique=False)
        batch_op.create_index(batch_op.f("ix_links_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_links_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_links_product_id"), ["product_id"], unique=False)

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

    op.create_table(
        "sensor_limits",
        sa.Column(
            "sensor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("measure", sa.String(length=12), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sensor_id"],
            ["sensors.id"],
            name=op.f("fk_sensor_limits_sensor_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sensor_id", "measure", name=op.f("pk_sensor_limits")),
    )
    op.create_table(
        "sensor_readings",
        sa.Column(
            "sensor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("measure", sa.String(length=12), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_sensor_readings_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["sensor_id"], ["sensors.id"], name=op.f("fk_sensor_readings_sensor_id")
        ),
        sa.PrimaryKeyConstraint("sensor_id", "measure", "time", name=op.f("pk_sensor_readings")),
    )
    with op.batch_alter_table("sensor_readings", schema=None) as batch_op:
        batch_op.create_index("ix_sensor_readings_time", ["time"], unique=False)
        batch_op.create_index(
            "ix_sensor_readings_untold",
            ["sensor_id", "time"],
            unique=False,
            sqlite_where=sa.text("event_id IS NULL"),
            postgresql_where=sa.text("event_id IS NULL"),
        )

    op.create_table(
        "sensor_watches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "sensor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sensor_id"], ["sensors.id"], name=op.f("fk_sensor_watches_sensor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensor_watches")),
    )
    with op.batch_alter_table("sensor_watches", schema=None) as batch_op:
        batch_op.create_index("ix_sensor_watches_sensor", ["sensor_id", "since"], unique=False)

    op.create_table(
        "link_versions",
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_versions_link_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_link_versions_person_id")
        ),
        sa.PrimaryKeyConstraint("link_id", "number", name=op.f("pk_link_versions")),
    )
    op.create_table(
        "sensor_watch_things",
        sa.Column("watch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_sensor_watch_things_thing_id")
        ),
        sa.ForeignKeyConstraint(
            ["watch_id"],
            ["sensor_watches.id"],
            name=op.f("fk_sensor_watch_things_watch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("watch_id", "thing_id", name=op.f("pk_sensor_watch_things")),
    )
    with op.batch_alter_table("follows", schema=None) as batch_op:
        batch_op.create_index("ix_follows_contact", ["contact_hash"], unique=False)

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_own", ["organisation_id", "kind", "id"], unique=False)

    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("folded", sa.String(length=500), server_default="", nullable=False)
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
            batch_op.f("fk_recall_answers_undoes_id"), "recall_answers", ["undoes_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_recall_answers_thing_id"), "things", ["thing_id"], ["id"]
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

    with op.batch_alter_table("things", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_things_product_id"))
        batch_op.create_index("ix_things_product", ["product_id", "id"], unique=False)

    add_folded_places(op)


def downgrade() -> None:
    drop_folded_places(op)
    with op.batch_alter_table("things", schema=None) as batch_op:
        batch_op.drop_index("ix_things_product")
        batch_op.create_index(batch_op.f("ix_things_product_id"), ["product_id"], unique=False)

    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_recalls_end_first"), type_="foreignkey")
        batch_op.drop_column("end_state")
        batch_op.drop_column("end_until")
        batch_op.drop_column("end_first")

    with op.batch_alter_table("recall_answers", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_recall_answers_thing_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_recall_answers_undoes_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_recall_answers_undoes_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_recall_answers_thing_id"))
        batch_op.drop_column("undoes_id")
        batch_op.drop_column("event_key")
        batch_op.drop_column("thing_id")

    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.drop_column("folded")

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_own")

    with op.batch_alter_table("follows", schema=None) as batch_op:
        batch_op.drop_index("ix_follows_contact")

    op.drop_table("sensor_watch_things")
    op.drop_table("link_versions")
    with op.batch_alter_table("sensor_watches", schema=None) as batch_op:
        batch_op.drop_index("ix_sensor_watches_sensor")

    op.drop_table("sensor_watches")
    with op.batch_alter_table("sensor_readings", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sensor_readings_untold",
            sqlite_where=sa.text("event_id IS NULL"),
            postgresql_where=sa.text("event_id IS NULL"),
        )
        batch_op.drop_index("ix_sensor_readings_time")

    op.drop_table("sensor_readings")
    op.drop_table("sensor_limits")
    with op.batch_alter_table("portal_deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_portal_deliveries_organisation_id"))
        batch_op.drop_index("ix_portal_deliveries_due")

    op.drop_table("portal_deliveries")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_links_product_id"))
        batch_op.drop_index(batch_op.f("ix_links_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_links_lot_id"))
        batch_op.drop_index(batch_op.f("ix_links_identity"))
        batch_op.drop_index("ix_links_due")

    op.drop_table("links")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index("ix_credentials_thing")
        batch_op.drop_index(batch_op.f("ix_credentials_organisation_id"))

    op.drop_table("credentials")
    with op.batch_alter_table("sensors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sensors_organisation_id"))

    op.drop_table("sensors")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_index("ix_dead_letters_open")

    op.drop_table("dead_letters")
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subscriptions_query_id"))
        batch_op.drop_index(batch_op.f("ix_subscriptions_organisation_id"))
        batch_op.drop_index("ix_subscriptions_due")

    op.drop_table("subscriptions")
    op.drop_table("named_queries")
