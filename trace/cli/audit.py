"""The database held against what was signed and logged."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from trace import clock
from trace.cli.group import refusals, trace
from trace.services.audits import Progress, Summary, audit, one_state


@trace.command("audit")
@click.option(
    "--workers", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes to use."
)
def audit_command(workers: int) -> None:
    """Check everything stored: rebuild the log and compare, check every signature and disclosure,
    compute every column of the event tables again.

    Prints one difference a line (table, row, column) and ends with status 1 if there is any. The
    application may go on meanwhile: one state of the database is read.
    """
    summary, count = Summary(), 0
    with refusals(), one_state(), _bar() as progress:
        for difference in audit(summary, now=clock.now(), workers=workers, progress=progress):
            count += 1
            click.echo(str(difference))
    for note in summary.notes:
        click.echo(note, err=True)
    if summary.otherwise:
        click.echo(
            f"{summary.otherwise} events hide members otherwise than the policy: as their "
            "issuers chose, and nothing here can tell that they did",
            err=True,
        )
    click.echo(f"{summary.entries} entries, {summary.events} statements, {count} differences")
    if count:
        raise SystemExit(1)


@contextmanager
def _bar() -> Iterator[Progress]:
    """Progress on standard error: a bar for people, a line now and then for journals."""
    if sys.stderr.isatty():
        with click.progressbar(length=1, label="rows", file=sys.stderr, show_pos=True) as bar:

            def move(done: int, size: int) -> None:
                bar.length = size
                bar.update(done - bar.pos)

            yield move
        return
    told = [0.0]

    def tell(done: int, size: int) -> None:
        if done >= size or done >= told[0]:
            click.echo(f"{done} of {size} rows", err=True)
            told[0] = done + size / 20

    yield tell
