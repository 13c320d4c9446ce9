"""The command that tells how long rows stay, and takes away what is over."""

from __future__ import annotations

import click

from trace import clock
from trace.cli.group import refusals, trace
from trace.extensions import db
from trace.services import retention


@trace.command("retention")
@click.option("--run", is_flag=True, help="Take away now what is over, as the worker does hourly.")
def retention_command(run: bool) -> None:
    """Show which rows are deleted when, and how many are over; nothing else is ever deleted."""
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
