"""Requests of people from the shell: what is due, and forgetting what is over."""

from __future__ import annotations

import click
from sqlalchemy import select

from trace import clock
from trace.cli.group import trace
from trace.extensions import db
from trace.jobs.tidying import STEPS, tidy
from trace.models import Request
from trace.models.requests import CLOSED
from trace.services import deadlines, requests


@trace.command("requests")
@click.option("--tidy", "forget", is_flag=True, help="Do what a worker does every hour: forget.")
def requests_command(forget: bool) -> None:
    """List open requests of people by due day; exit status 1 when one is overdue.

    Of a request its number, kind and days are told, never who asked or what."""
    now = clock.now()
    if forget:
        told = tidy(at=now)
        gone = {name: told.get(name, 0) for name in ("requests", "photos")}
        click.echo(f"{gone['requests']} closed requests forgotten, {gone['photos']} photos deleted")
        if left := [name for name in STEPS if name not in told]:
            click.echo(f"failed: {', '.join(left)}", err=True)
            raise SystemExit(1)
        return
    today = deadlines.local_day(now)
    rows = list(db.session.scalars(select(Request).where(Request.state.not_in(CLOSED))))
    late = 0
    for one in sorted(rows, key=lambda row: (requests.next_day(row), row.id)):
        missed = requests.overdue(one, today)
        late += bool(missed)
        due = "finish" if one.answered_at is not None else "reply"
        mark = f"OVERDUE ({missed})" if missed else ""
        day = requests.next_day(one).isoformat()
        click.echo(f"{one.id}\t{one.kind}\t{one.state}\t{due} by {day}\t{mark}".rstrip())
    click.echo(f"{len(rows)} open, {late} overdue")
    if today.year > deadlines.last_known_year():
        click.echo(
            f"holidays are known until {deadlines.last_known_year()}: add the next years", err=True
        )
    if late:
        raise SystemExit(1)
