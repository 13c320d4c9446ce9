"""The command that tells how long rows stay, and takes away what is over."""

from __future__ import annotations

import click

from trace import clock
from trace.cli.group import refusals, trace
from trace.extensions import db
from trace.services import retention


@trace.command("retention")
@click.option("--run", is_flag=True, help="Take away now the rows that are counted as over.")
def retention_command(run: bool) -> None:
    """Show how long rows stay, and how many are over. What is told without a number goes by the
    worker's hourly tidying, with the noun it belongs to."""
    now = clock.now()
    with refusals():
        for rule, count in retention.waiting(at=now):
            click.echo(f"{rule.table}: {rule.kept} ({count} are over)")
        for tables, kept, where in retention.ELSEWHERE:
            click.echo(f"{tables}: {kept} ({where})")
        if run:
            room = retention.make_room(at=now)
            gone = 0
            while count := retention.forget(at=now):
                db.session.commit()
                gone += count
            db.session.commit()
            click.echo(f"{gone} rows are gone; {room} parts of tables made or emptied")
