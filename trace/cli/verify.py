"""`trace verify`, the same program as trace-verify.pyz."""

from __future__ import annotations

import click

from trace import clock
from trace.cli.group import trace
from trace.core.verify.program import main


@trace.command(
    "verify",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def verify(arguments: tuple[str, ...]) -> None:
    """Check a bundle or a copy of the log; `trace verify --help` tells how."""
    raise SystemExit(main(arguments, now=clock.now(), prog="flask --app wsgi trace verify"))
