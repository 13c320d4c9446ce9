"""The command group, in a module of its own so that commands can hang themselves on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from trace.errors import TraceError

trace = AppGroup("trace", help="Everything about Trace that is done from a shell.")


@contextmanager
def refusals() -> Iterator[None]:
    """Says what was refused and what to do next, and exits with status 1."""
    try:
        yield
    except TraceError as error:
        raise click.ClickException(
            f"{error.code}: {error.detail} {error.next_step}".strip()
        ) from error
