"""Commands of kept files: where they are, and bringing them elsewhere."""

from __future__ import annotations

import click

from trace.cli.group import refusals, trace
from trace.config import BadSetting, files_address
from trace.services.files import KEPT, files, files_at
from trace.services.files.moving import FilesNotMoved, Moved, move
from trace.services.settings import current_settings


@trace.group("files")
def files_group() -> None:
    """Photos, papers and other files that are kept."""


@files_group.command("show")
def show() -> None:
    """How many files there are, and how large they are together, by folder."""
    with refusals():
        place = files()
        for folder in KEPT:
            found = list(place.list(folder))
            click.echo(f"{folder}: {len(found)} files, {sum(one.size for one in found)} bytes")


@files_group.command("move")
@click.option(
    "--to",
    "target",
    required=True,
    help="“folder” (the instance folder), a whole path, or s3://BUCKET/PREFIX?endpoint=…",
)
@click.option("--from", "source", help="The same of where they are now; without it TRACE_FILES.")
@click.option(
    "--finish", is_flag=True, help="The application is stopped: also take away what is gone here."
)
def move_command(target: str, source: str | None, finish: bool) -> None:
    """Bring all kept files to another place; nothing is taken away here.

    It can be stopped and started again at any time. First while people work, then once more with
    --finish while the application is stopped; then set TRACE_FILES and start it
    (docs/how-to/many-nodes.md). A bucket is opened with TRACE_FILES_KEY and TRACE_FILES_SECRET.
    """
    settings = current_settings()
    with refusals():
        here = files() if source is None else files_at(settings, _address(source))
        there = files_at(settings, _address(target))
        if _address(target) == (settings.files if source is None else _address(source)):
            raise FilesNotMoved(reason="it is the place where they are")
        moved = move(here, there, KEPT, finish=finish, tell=_tell)
    click.echo(
        f"{moved.brought} files brought ({moved.bytes} bytes), {moved.there} were there, "
        f"{moved.gone} were erased meanwhile, {moved.removed} taken away there"
    )


def _address(given: str) -> str:
    try:
        return "" if given == "folder" else files_address(given, "the address")
    except BadSetting as error:
        raise click.ClickException(str(error)) from None


def _tell(moved: Moved) -> None:
    done = moved.brought + moved.there
    if done % 1000 == 0:
        click.echo(f"{done} files …", err=True)
