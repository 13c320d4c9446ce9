"""Commands of the log and the worker."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from trace import clock
from trace.cli.group import trace
from trace.extensions import db
from trace.jobs import worker
from trace.services import platform, sequencer
from trace.services.log import current_state

log = AppGroup("log", help="The transparency log.")
trace.add_command(log)


@log.command("init")
def init() -> None:
    """Create keys, log and the platform's organisation; does nothing where they exist."""
    made = platform.initialise(at=clock.now())
    db.session.commit()
    worker.publish("command-line")
    state = current_state()
    click.echo(f"{'created' if made else 'exists'}: {state.origin}, {state.size} entries")


@log.command("publish")
def publish() -> None:
    """Integrate committed entries and sign the checkpoint now."""
    worker.publish("command-line")
    newest = sequencer.newest_checkpoint()
    if newest is not None:
        click.echo(newest.note, nl=False)


@trace.command("worker")
@click.option("--once", is_flag=True, help="Do everything due and stop.")
def worker_command(once: bool) -> None:
    """Publish the log and run background jobs until stopped."""
    if once:
        click.echo(f"{worker.run_pending('command-line')} jobs")
    else:
        worker.work()
