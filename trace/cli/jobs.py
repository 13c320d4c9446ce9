"""Jobs set aside, from the shell."""

from __future__ import annotations

import click

from trace import clock
from trace.cli.group import refusals, trace
from trace.extensions import db
from trace.services import jobs_aside
from trace.services.actors import Actor
from trace.services.platform import platform_organisation


@trace.command("jobs")
@click.option("--again", metavar="ID", help="Put this one back, as if it had never been tried.")
@click.option("--leave", metavar="ID", help="It stays failed; what it was to do is deleted.")
def jobs_command(again: str | None, leave: str | None) -> None:
    """List jobs that were set aside: those that killed their worker again and again, or failed each
    time. Exit status 1 while there are any."""
    with refusals():
        actor = Actor(platform_organisation(), None, "admin")
        if again:
            jobs_aside.try_again(actor, again, at=clock.now())
        if leave:
            jobs_aside.leave(actor, leave, at=clock.now())
        db.session.commit()
        left = jobs_aside.list_aside(actor)
    for one in left:
        click.echo(f"{one.public_id}\t{one.kind}\t{one.reason}\t{clock.rfc3339(one.at)}")
    click.echo(f"{len(left)} set aside")
    if left:
        raise SystemExit(1)
