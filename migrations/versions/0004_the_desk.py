"""the desk.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "area_sums",
        sa.Column("area", sa.String(length=5), nullable=False),
        sa.Column("measure", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("area", "measure", "day", name=op.f("pk_area_sums")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figures_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folded", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("scans_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figures_state")),
    )
    op.create_table(
        "accreditations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.String(length=45), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["organisations.id"], name=op.f("fk_accreditations_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_accreditations_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_accreditations_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accreditations")),
    )
    with op.batch_alter_table("accreditations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_accreditations_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "authority_reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_authority_reports_authority_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authority_reports")),
        sa.UniqueConstraint(
            "authority_id",
            "period",
            "first_day",
            name=op.f("uq_authority_reports_authority_id_period_first_day"),
        ),
    )
    with op.batch_alter_table("authority_reports", schema=None) as batch_op:
        batch_op.create_index("ix_authority_reports_newest", ["authority_id", "id"], unique=False)

    op.create_table(
        "authority_rules",
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_authority_rules_authority_id")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["people.id"], name=op.f("fk_authority_rules_set_by")),
        sa.PrimaryKeyConstraint("authority_id", "code", name=op.f("pk_authority_rules")),
    )
    op.create_table(
        "check_lists",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kinds", sa.String(length=200), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_check_lists_authority_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["people.id"], name=op.f("fk_check_lists_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_lists")),
        sa.UniqueConstraint(
            "authority_id", "code", "number", name=op.f("uq_check_lists_authority_id_code_number")
        ),
    )
    op.create_table(
        "counted_organisations",
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("ward_code", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_counted_organisations_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_counted_organisations")),
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("areas", sa.String(length=500), nullable=False),
        sa.Column("sectors", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["given_by"], ["people.id"], name=op.f("fk_delegations_given_by")),
        sa.ForeignKeyConstraint(
            ["giver_id"], ["organisations.id"], name=op.f("fk_delegations_giver_id")
        ),
        sa.ForeignKeyConstraint(
            ["taker_id"], ["organisations.id"], name=op.f("fk_delegations_taker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    with op.batch_alter_table("delegations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delegations_giver_id"), ["giver_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delegations_taker_id"), ["taker_id"], unique=False)

    op.create_table(
        "directives",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("units_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_directives_authority_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_directives_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directives")),
    )
    with op.batch_alter_table("directives", schema=None) as batch_op:
        batch_op.create_index("ix_directives_due", ["state", "due_on"], unique=False)
        batch_op.create_index("ix_directives_of", ["authority_id", "id"], unique=False)

    op.create_table(
        "organisation_sums",
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("measure", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_organisation_sums_organisation_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "measure", "day", name=op.f("pk_organisation_sums")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "platform_settings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_platform_settings_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_settings")),
    )
    with op.batch_alter_table("platform_settings", schema=None) as batch_op:
        batch_op.create_index("ix_platform_settings_newest", ["name", "id"], unique=False)

    op.create_table(
        "prefix_claims",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("extension", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("statement", sa.String(length=45), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["organisations.id"], name=op.f("fk_prefix_claims_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_prefix_claims_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prefix_claims")),
        sa.UniqueConstraint(
            "organisation_id", "prefix", name=op.f("uq_prefix_claims_organisation_id_prefix")
        ),
    )
    with op.batch_alter_table("prefix_claims", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_prefix_claims_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_prefix_claims_prefix"), ["prefix"], unique=False)
        batch_op.create_index("ix_prefix_claims_queue", ["state", "id"], unique=False)

    op.create_table(
        "recalls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sector", sa.String(length=20), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("hazard", sa.String(length=20), nullable=False),
        sa.Column("grade", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("instructions", sa.String(length=500), nullable=False),
        sa.Column("determined_at", sa.BigInteger(), nullable=True),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("reached_mixed", sa.Integer(), nullable=False),
        sa.Column("previewed_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "proposer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "proposed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("proposed_at", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.String(length=500), nullable=False),
        sa.Column(
            "decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "first_signer", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("waits_until", sa.BigInteger(), nullable=True),
        sa.Column("signer", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("answer_by", sa.BigInteger(), nullable=True),
        sa.Column("followed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("end_reason", sa.String(length=500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_recalls_created_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_recalls_decided_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["people.id"], name=op.f("fk_recalls_ended_by")),
        sa.ForeignKeyConstraint(
            ["first_signer"], ["people.id"], name=op.f("fk_recalls_first_signer")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_recalls_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["people.id"], name=op.f("fk_recalls_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["proposer_id"], ["organisations.id"], name=op.f("fk_recalls_proposer_id")
        ),
        sa.ForeignKeyConstraint(["signer"], ["people.id"], name=op.f("fk_recalls_signer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
        sa.UniqueConstraint("code", name=op.f("uq_recalls_code")),
    )
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recalls_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_recalls_proposer_id"), ["proposer_id"], unique=False)
        batch_op.create_index("ix_recalls_state", ["state", "id"], unique=False)

    op.create_table(
        "rehearsal_consents",
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agreed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_rehearsal_consents_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_rehearsal_consents_person_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_rehearsal_consents")),
    )
    op.create_table(
        "risks",
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("factor", sa.String(length=20), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("figure", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_risks_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "factor", name=op.f("pk_risks")),
    )
    op.create_table(
        "same_as",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("kept_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("statement", sa.String(length=45), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["organisations.id"], name=op.f("fk_same_as_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_same_as")),
    )
    with op.batch_alter_table("same_as", schema=None) as batch_op:
        batch_op.create_index("ix_same_as_kept", ["kind", "kept_id"], unique=False)
        batch_op.create_index(
            "uq_same_as_standing",
            ["kind", "other_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "standing_decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("was", sa.String(length=20), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.String(length=45), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["organisations.id"], name=op.f("fk_standing_decisions_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_standing_decisions_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_standing_decisions_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_decisions")),
    )
    with op.batch_alter_table("standing_decisions", schema=None) as batch_op:
        batch_op.create_index("ix_standing_decisions_of", ["organisation_id", "id"], unique=False)

    op.create_table(
        "directive_units",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "directive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["directive_id"], ["directives.id"], name=op.f("fk_directive_units_directive_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_directive_units_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directive_units")),
        sa.UniqueConstraint(
            "directive_id",
            "organisation_id",
            name=op.f("uq_directive_units_directive_id_organisation_id"),
        ),
    )
    with op.batch_alter_table("directive_units", schema=None) as batch_op:
        batch_op.create_index("ix_directive_units_of", ["organisation_id", "id"], unique=False)
        batch_op.create_index(
            "ix_directive_units_state", ["directive_id", "state", "id"], unique=False
        )

    op.create_table(
        "directive_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "directive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=30), nullable=False),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["directive_id"], ["directives.id"], name=op.f("fk_directive_files_directive_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["directive_units.id"], name=op.f("fk_directive_files_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directive_files")),
    )
    with op.batch_alter_table("directive_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_directive_files_directive_id"), ["directive_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_directive_files_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "inspections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column(
            "assigned_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("sector", sa.String(length=20), nullable=False),
        sa.Column("check_list", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column(
            "follows_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column("conclusion", sa.String(length=10), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("concluded_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "concluded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'begun', 'concluded', 'cancelled')",
            name=op.f("ck_inspections_known_state"),
        ),
        sa.ForeignKeyConstraint(
            ["assigned_id"], ["people.id"], name=op.f("fk_inspections_assigned_id")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_inspections_authority_id")
        ),
        sa.ForeignKeyConstraint(
            ["concluded_by"], ["people.id"], name=op.f("fk_inspections_concluded_by")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["people.id"], name=op.f("fk_inspections_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["follows_id"], ["inspections.id"], name=op.f("fk_inspections_follows_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_inspections_organisation_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_inspections_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
        sa.UniqueConstraint("code", name=op.f("uq_inspections_code")),
    )
    with op.batch_alter_table("inspections", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inspections_assigned_id"), ["assigned_id"], unique=False
        )
        batch_op.create_index(
            "ix_inspections_authority", ["authority_id", "state", "planned_on"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_inspections_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "recall_holders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "recall_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("giver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("one_sided", sa.Boolean(), nullable=False),
        sa.Column("things", sa.Integer(), nullable=False),
        sa.Column("mixed_only", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.String(length=20), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("first_answer_at", sa.BigInteger(), nullable=True),
        sa.Column("last_answer_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=5), nullable=False),
        sa.ForeignKeyConstraint(
            ["giver_id"], ["organisations.id"], name=op.f("fk_recall_holders_giver_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_recall_holders_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_holders_recall_id")
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["events.id"], name=op.f("fk_recall_holders_shipment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_holders")),
        sa.UniqueConstraint("recall_id", "organisation_id", name="uq_recall_holders_organisation"),
        sa.UniqueConstraint("recall_id", "shipment_id", name="uq_recall_holders_shipment"),
        sa.UniqueConstraint("secret", name=op.f("uq_recall_holders_secret")),
    )
    with op.batch_alter_table("recall_holders", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_holders_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_recall_holders_recall_id"), ["recall_id"], unique=False
        )

    op.create_table(
        "recall_notices",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "recall_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_recall_notices_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_notices_recall_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["events.id"], name=op.f("fk_recall_notices_release_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_recall_notices")),
    )
    with op.batch_alter_table("recall_notices", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_notices_recall_id"), ["recall_id"], unique=False
        )

    op.create_table(
        "chain_audits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("medium", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_chain_audits_authority_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_chain_audits_person_id")
        ),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_chain_audits_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_audits")),
    )
    with op.batch_alter_table("chain_audits", schema=None) as batch_op:
        batch_op.create_index("ix_chain_audits_authority", ["authority_id", "id"], unique=False)
        batch_op.create_index("ix_chain_audits_thing", ["thing_id", "id"], unique=False)

    op.create_table(
        "findings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "inspection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("rule", sa.String(length=30), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("action", sa.String(length=1000), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_words", sa.String(length=1000), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'withdrawn')", name=op.f("ck_findings_known_state")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_findings_authority_id")
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["people.id"], name=op.f("fk_findings_closed_by")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_findings_created_by")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_findings_event_id")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_findings_inspection_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_findings_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint("code", name=op.f("uq_findings_code")),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_findings_authority", ["authority_id", "state", "due_on"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_findings_inspection_id"), ["inspection_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_findings_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "follows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("contact_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("forget_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_follows_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_follows_code_hash")),
        sa.UniqueConstraint("thing_id", "contact_hash", name="uq_follows_contact"),
    )
    with op.batch_alter_table("follows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follows_forget_at"), ["forget_at"], unique=False)

    op.create_table(
        "inspection_things",
        sa.Column(
            "inspection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_inspection_things_inspection_id")
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_inspection_things_thing_id")
        ),
        sa.PrimaryKeyConstraint("inspection_id", "thing_id", name=op.f("pk_inspection_things")),
    )
    with op.batch_alter_table("inspection_things", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inspection_things_thing_id"), ["thing_id"], unique=False
        )

    op.create_table(
        "recall_amounts",
        sa.Column(
            "holder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("had", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["recall_holders.id"], name=op.f("fk_recall_amounts_holder_id")
        ),
        sa.PrimaryKeyConstraint("holder_id", "unit", name=op.f("pk_recall_amounts")),
    )
    op.create_table(
        "recall_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "holder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("fate", sa.String(length=12), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("way", sa.String(length=7), nullable=False),
        sa.Column("teller", sa.String(length=120), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["recall_holders.id"], name=op.f("fk_recall_answers_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_recall_answers_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_answers")),
    )
    with op.batch_alter_table("recall_answers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_answers_holder_id"), ["holder_id"], unique=False
        )

    op.create_table(
        "recall_items",
        sa.Column(
            "recall_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_items_recall_id")
        ),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_recall_items_thing_id")),
        sa.PrimaryKeyConstraint("recall_id", "thing_id", name=op.f("pk_recall_items")),
    )
    with op.batch_alter_table("recall_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recall_items_thing_id"), ["thing_id"], unique=False)

    op.create_table(
        "recall_things",
        sa.Column(
            "recall_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mixed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_things_recall_id")
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_recall_things_thing_id")
        ),
        sa.PrimaryKeyConstraint("recall_id", "thing_id", name=op.f("pk_recall_things")),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("problem", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("about", sa.String(length=300), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("maker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("bought_on", sa.Date(), nullable=True),
        sa.Column("bought_ward", sa.String(length=5), nullable=True),
        sa.Column("bought_at", sa.String(length=200), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("ward_code", sa.String(length=5), nullable=True),
        sa.Column("placed_by", sa.String(length=7), nullable=False),
        sa.Column("sector", sa.String(length=12), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("look_by", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=True),
        sa.Column("escalated_at", sa.BigInteger(), nullable=True),
        sa.Column("passed_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_reports_authority_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["things.id"], name=op.f("fk_reports_lot_id")),
        sa.ForeignKeyConstraint(
            ["maker_id"], ["organisations.id"], name=op.f("fk_reports_maker_id")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["reports.id"], name=op.f("fk_reports_merged_into_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reports_person_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_reports_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_reports_code_hash")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index("ix_reports_desk", ["authority_id", "closed_at"], unique=False)
        batch_op.create_index("ix_reports_lot", ["lot_id", "received_at"], unique=False)
        batch_op.create_index("ix_reports_maker", ["maker_id", "received_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_reports_merged_into_id"), ["merged_into_id"], unique=False
        )
        batch_op.create_index("ix_reports_open", ["closed_at", "received_at"], unique=False)
        batch_op.create_index("ix_reports_place", ["ward_code", "received_at"], unique=False)

    op.create_table(
        "samples",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "authority_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "inspection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seal", sa.String(length=40), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column(
            "laboratory_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("laboratory_name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("result_key", sa.String(length=22), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["organisations.id"], name=op.f("fk_samples_authority_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_samples_event_id")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_samples_inspection_id")
        ),
        sa.ForeignKeyConstraint(
            ["laboratory_id"], ["organisations.id"], name=op.f("fk_samples_laboratory_id")
        ),
        sa.ForeignKeyConstraint(["taken_by"], ["people.id"], name=op.f("fk_samples_taken_by")),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_samples_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("authority_id", "seal", name=op.f("uq_samples_authority_id_seal")),
    )
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_samples_inspection_id"), ["inspection_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_samples_laboratory_id"), ["laboratory_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_samples_thing_id"), ["thing_id"], unique=False)

    op.create_table(
        "finding_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("words", sa.String(length=2000), nullable=False),
        sa.Column("photos", sa.String(length=400), nullable=False),
        sa.Column("event_key", sa.String(length=22), nullable=False),
        sa.Column(
            "created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["people.id"], name=op.f("fk_finding_answers_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_finding_answers_finding_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_finding_answers_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_answers")),
    )
    with op.batch_alter_table("finding_answers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_finding_answers_finding_id"), ["finding_id"], unique=False
        )

    op.create_table(
        "finding_things",
        sa.Column(
            "finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("thing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_finding_things_finding_id")
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_finding_things_thing_id")
        ),
        sa.PrimaryKeyConstraint("finding_id", "thing_id", name=op.f("pk_finding_things")),
    )
    with op.batch_alter_table("finding_things", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_finding_things_thing_id"), ["thing_id"], unique=False)

    op.create_table(
        "follow_messages",
        sa.Column(
            "follow_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_follow_messages_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["follow_id"],
            ["follows.id"],
            name=op.f("fk_follow_messages_follow_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("follow_id", "event_id", name=op.f("pk_follow_messages")),
    )
    with op.batch_alter_table("follow_messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_follow_messages_due", ["event_id", "state", "due_at"], unique=False
        )

    op.create_table(
        "inspection_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "inspection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.String(length=12), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_inspection_events_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_inspection_events_finding_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_inspection_events_inspection_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_inspection_events_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.id"], name=op.f("fk_inspection_events_sample_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_inspection_events_event_id")),
    )
    with op.batch_alter_table("inspection_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inspection_events_finding_id"), ["finding_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_inspection_events_inspection_id"), ["inspection_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_inspection_events_sample_id"), ["sample_id"], unique=False
        )

    op.create_table(
        "report_photos",
        sa.Column(
            "report_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_report_photos_report_id")
        ),
        sa.PrimaryKeyConstraint("report_id", "digest", name=op.f("pk_report_photos")),
    )
    with op.batch_alter_table("report_photos", schema=None) as batch_op:
        batch_op.create_index("ix_report_photos_digest", ["digest"], unique=False)

    op.create_table(
        "report_steps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "report_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("seen", sa.String(length=10), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reference", sa.String(length=30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_report_steps_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_report_steps_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_report_steps_report_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_steps")),
    )
    with op.batch_alter_table("report_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_steps_report_id"), ["report_id"], unique=False)

    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_action", ["action", "id"], unique=False)
        batch_op.create_index("ix_audit_subject", ["subject", "id"], unique=False)

    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificates_number"), ["number"], unique=False)

    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("sectors", sa.String(length=60), server_default="", nullable=False)
        )
        batch_op.create_index(
            "ix_organisations_ward", ["ward_code", "kind", "status"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index("ix_organisations_ward")
        batch_op.drop_column("sectors")

    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_number"))

    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_subject")
        batch_op.drop_index("ix_audit_action")

    with op.batch_alter_table("report_steps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_steps_report_id"))

    op.drop_table("report_steps")
    with op.batch_alter_table("report_photos", schema=None) as batch_op:
        batch_op.drop_index("ix_report_photos_digest")

    op.drop_table("report_photos")
    with op.batch_alter_table("inspection_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inspection_events_sample_id"))
        batch_op.drop_index(batch_op.f("ix_inspection_events_inspection_id"))
        batch_op.drop_index(batch_op.f("ix_inspection_events_finding_id"))

    op.drop_table("inspection_events")
    with op.batch_alter_table("follow_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_follow_messages_due")

    op.drop_table("follow_messages")
    with op.batch_alter_table("finding_things", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_finding_things_thing_id"))

    op.drop_table("finding_things")
    with op.batch_alter_table("finding_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_finding_answers_finding_id"))

    op.drop_table("finding_answers")
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_samples_thing_id"))
        batch_op.drop_index(batch_op.f("ix_samples_laboratory_id"))
        batch_op.drop_index(batch_op.f("ix_samples_inspection_id"))

    op.drop_table("samples")
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index("ix_reports_place")
        batch_op.drop_index("ix_reports_open")
        batch_op.drop_index(batch_op.f("ix_reports_merged_into_id"))
        batch_op.drop_index("ix_reports_maker")
        batch_op.drop_index("ix_reports_lot")
        batch_op.drop_index("ix_reports_desk")

    op.drop_table("reports")
    op.drop_table("recall_things")
    with op.batch_alter_table("recall_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_items_thing_id"))

    op.drop_table("recall_items")
    with op.batch_alter_table("recall_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_answers_holder_id"))

    op.drop_table("recall_answers")
    op.drop_table("recall_amounts")
    with op.batch_alter_table("inspection_things", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inspection_things_thing_id"))

    op.drop_table("inspection_things")
    with op.batch_alter_table("follows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follows_forget_at"))

    op.drop_table("follows")
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_findings_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_findings_inspection_id"))
        batch_op.drop_index("ix_findings_authority")

    op.drop_table("findings")
    with op.batch_alter_table("chain_audits", schema=None) as batch_op:
        batch_op.drop_index("ix_chain_audits_thing")
        batch_op.drop_index("ix_chain_audits_authority")

    op.drop_table("chain_audits")
    with op.batch_alter_table("recall_notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_notices_recall_id"))

    op.drop_table("recall_notices")
    with op.batch_alter_table("recall_holders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_holders_recall_id"))
        batch_op.drop_index(batch_op.f("ix_recall_holders_organisation_id"))

    op.drop_table("recall_holders")
    with op.batch_alter_table("inspections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inspections_organisation_id"))
        batch_op.drop_index("ix_inspections_authority")
        batch_op.drop_index(batch_op.f("ix_inspections_assigned_id"))

    op.drop_table("inspections")
    with op.batch_alter_table("directive_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_directive_files_unit_id"))
        batch_op.drop_index(batch_op.f("ix_directive_files_directive_id"))

    op.drop_table("directive_files")
    with op.batch_alter_table("directive_units", schema=None) as batch_op:
        batch_op.drop_index("ix_directive_units_state")
        batch_op.drop_index("ix_directive_units_of")

    op.drop_table("directive_units")
    with op.batch_alter_table("standing_decisions", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_decisions_of")

    op.drop_table("standing_decisions")
    with op.batch_alter_table("same_as", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_same_as_standing",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_same_as_kept")

    op.drop_table("same_as")
    op.drop_table("risks")
    op.drop_table("rehearsal_consents")
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.drop_index("ix_recalls_state")
        batch_op.drop_index(batch_op.f("ix_recalls_proposer_id"))
        batch_op.drop_index(batch_op.f("ix_recalls_organisation_id"))

    op.drop_table("recalls")
    with op.batch_alter_table("prefix_claims", schema=None) as batch_op:
        batch_op.drop_index("ix_prefix_claims_queue")
        batch_op.drop_index(batch_op.f("ix_prefix_claims_prefix"))
        batch_op.drop_index(batch_op.f("ix_prefix_claims_organisation_id"))

    op.drop_table("prefix_claims")
    with op.batch_alter_table("platform_settings", schema=None) as batch_op:
        batch_op.drop_index("ix_platform_settings_newest")

    op.drop_table("platform_settings")
    op.drop_table("organisation_sums")
    with op.batch_alter_table("directives", schema=None) as batch_op:
        batch_op.drop_index("ix_directives_of")
        batch_op.drop_index("ix_directives_due")

    op.drop_table("directives")
    with op.batch_alter_table("delegations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delegations_taker_id"))
        batch_op.drop_index(batch_op.f("ix_delegations_giver_id"))

    op.drop_table("delegations")
    op.drop_table("counted_organisations")
    op.drop_table("check_lists")
    op.drop_table("authority_rules")
    with op.batch_alter_table("authority_reports", schema=None) as batch_op:
        batch_op.drop_index("ix_authority_reports_newest")

    op.drop_table("authority_reports")
    with op.batch_alter_table("accreditations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_accreditations_organisation_id"))

    op.drop_table("accreditations")
    op.drop_table("figures_state")
    op.drop_table("area_sums")
