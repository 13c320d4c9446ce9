"""`trace verify`, the same program as trace-verify.pyz, and the audit of what is stored."""

from __future__ import annotations

import os
import sys

import click

from trace import clock
from trace.cli.group import trace
from trace.core.verify.program import main
from trace.services.statement_audit import audit_stored, statement_count


@trace.command(
    "verify",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def verify(arguments: tuple[str, ...]) -> None:
    """Check a bundle or a copy of the log; `trace verify --help` tells how."""
    raise SystemExit(main(arguments, now=clock.now(), prog="flask --app wsgi trace verify"))


@trace.command("audit-statements")
@click.option("--workers", type=int, default=os.cpu_count() or 1, help="Processes to use.")
def audit_statements(workers: int) -> None:
    """Check every stored statement: signature, key, disclosures, and its entry in the log.

    Status 1 when one of them does not hold; each is named by its index.
    """
    with click.progressbar(length=statement_count(), label="statements", file=sys.stderr) as bar:
        count, problems = audit_stored(
            workers=max(1, workers), progress=lambda done: bar.update(done - bar.pos)
        )
    for problem in problems:
        click.echo(f"{problem.code} at {problem.place}: {problem.detail}")
    click.echo(f"{count} statements, {len(problems)} problems")
    if problems:
        raise SystemExit(1)
