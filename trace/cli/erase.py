"""Erasure from the shell, and doing it again after a restore."""

from __future__ import annotations

import click

from trace import clock
from trace.cli.group import trace
from trace.extensions import db
from trace.services import erasures, takedowns
from trace.services.actors import Actor
from trace.services.platform import platform_organisation


@trace.command("erase")
@click.argument("statement", required=False)
@click.option("--member", "members", multiple=True, help="A personal member, such as trace:note.")
@click.option("--reason", default="", help="Why; kept with the erasure, not in the log.")
@click.option(
    "--replay", is_flag=True, help="Do every erasure and takedown again (after a restore)."
)
def erase(statement: str | None, members: tuple[str, ...], reason: str, replay: bool) -> None:
    """Erase personal members of one STATEMENT (urn:uuid:…): value and salt go, digests stay."""
    if replay:
        count = erasures.replay()
        taken = takedowns.replay(at=clock.now())
        db.session.commit()
        click.echo(f"{count} statements forgot again what had been erased")
        click.echo(f"{taken} takedowns done again")
        return
    if not statement or not members or not reason:
        raise click.UsageError("give a statement, at least one --member, and a --reason")
    actor = Actor(platform_organisation(), None, "admin")
    made = erasures.erase(actor, statement, members, reason=reason, at=clock.now())
    db.session.commit()
    click.echo(f"erased; log index {made.index}")
