"""The database held against what was signed and logged."""

from __future__ import annotations

import click

from trace import clock
from trace.cli.group import trace
from trace.services.audits import audit_events


@trace.command("audit")
def audit() -> None:
    """Compare every stored event with its statement, its disclosures and the log.

    Prints one difference a line (table, row, column) and ends with status 1 if there is any.
    """
    count = 0
    for difference in audit_events(now=clock.now()):
        count += 1
        click.echo(str(difference))
    click.echo(f"{count} differences", err=True)
    if count:
        raise SystemExit(1)
