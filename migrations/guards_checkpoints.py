"""The guard of checkpoints lets those go that nobody needs: not witnessed, and not the newest.

What witnesses saw dates the entries below it and stays for good (docs/reference/log.md).
"""

from __future__ import annotations

from typing import Any

KEPT = (
    "OLD.witnessed_at IS NOT NULL "
    "OR NOT EXISTS (SELECT 1 FROM log_checkpoints c WHERE c.size > OLD.size)"
)
NAME = "log_checkpoints_no_delete"


def add_checkpoint_guards(op: Any) -> None:
    """Replaces the guard against every deletion by one that knows what is needed."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER IF EXISTS {NAME}")
        op.execute(
            f"CREATE TRIGGER {NAME} BEFORE DELETE ON log_checkpoints WHEN {KEPT} "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION trace_checkpoint_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {KEPT} THEN RAISE EXCEPTION 'append-only'; END IF; RETURN OLD; END $$"
    )
    op.execute(f"DROP TRIGGER IF EXISTS {NAME} ON log_checkpoints")
    op.execute(
        f"CREATE TRIGGER {NAME} BEFORE DELETE ON log_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION trace_checkpoint_kept()"
    )


def drop_checkpoint_guards(op: Any) -> None:
    """Puts the first guard back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER IF EXISTS {NAME}")
        op.execute(
            f"CREATE TRIGGER {NAME} BEFORE DELETE ON log_checkpoints "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
        return
    op.execute(f"DROP TRIGGER IF EXISTS {NAME} ON log_checkpoints")
    op.execute("DROP FUNCTION IF EXISTS trace_checkpoint_kept()")
    op.execute(
        f"CREATE TRIGGER {NAME} BEFORE DELETE ON log_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION trace_append_only()"
    )
