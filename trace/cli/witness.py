"""An independent witness: its key, the logs it knows, and the server.

It shares the program with the application and nothing else: no database, no key, no settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has none

from trace.cli.group import refusals, trace
from trace.services.witness import Witness, make_key, read_key
from trace.web.witness import WitnessApplication

FILE = click.Path(dir_okay=False, path_type=Path)


@trace.group("witness", invoke_without_command=True)
@click.option("--database", type=FILE, default="witness.db", show_default=True, help="SQLite file.")
@click.option("--key", type=FILE, default="witness.key", show_default=True, help="Key file.")
@click.option("--port", type=click.IntRange(1, 65535), default=8100, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.pass_context
def witness_group(context: click.Context, database: Path, key: Path, port: int, host: str) -> None:
    """Run an independent witness that cosigns logs which only grow."""
    context.obj = (database, key)
    if context.invoked_subcommand is None:
        with refusals():
            witness = Witness(database, read_key(key))
        click.echo(f"{witness.cosigner.verifier.vkey}\nhttp://{host}:{port}/add-checkpoint")
        _Server(WitnessApplication(witness), f"{host}:{port}").run()


@witness_group.command("keygen")
@click.argument("file", type=FILE)
@click.argument("name")
def keygen(file: Path, name: str) -> None:
    """Make a witness's key in FILE under NAME, such as witness.university.example/w1, and print
    the verifier key for policies."""
    with refusals():
        click.echo(make_key(file, name).verifier.vkey)


@witness_group.command("add-log")
@click.argument("vkey")
@click.pass_context
def add_log(context: click.Context, vkey: str) -> None:
    """Cosign for the log with this verifier key from now on."""
    with refusals():
        click.echo(f"known: {_opened(context).add_log(vkey).name}")


@witness_group.command("remove-log")
@click.argument("vkey")
@click.pass_context
def remove_log(context: click.Context, vkey: str) -> None:
    """Trust this verifier key no longer."""
    with refusals():
        if not _opened(context).remove_log(vkey):
            raise click.ClickException("This key is not known.")


@witness_group.command("list")
@click.pass_context
def list_logs(context: click.Context) -> None:
    """Print the logs it knows: origin, newest size cosigned, when."""
    with refusals():
        for seen in _opened(context).logs():
            at = seen.cosigned_at.isoformat() if seen.cosigned_at else "never"
            click.echo(f"{seen.origin} {seen.size} {at}")


def _opened(context: click.Context) -> Witness:
    database, key = context.obj
    return Witness(database, read_key(key))


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One process with threads: the database is one small file."""

    def __init__(self, application: WitnessApplication, bind: str) -> None:
        self._application = application
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": self._bind,
            "workers": 1,
            "threads": 8,
            "worker_class": "gthread",
            "control_socket_disable": True,
            "accesslog": "-",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> WitnessApplication:
        return self._application
