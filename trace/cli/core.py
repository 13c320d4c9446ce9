"""Commands that need no database: event hashes and Digital Link reports."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click
import orjson

from trace.cli.group import trace
from trace.core.gs1 import digital_link_report
from trace.errors import Refused, TraceError


@trace.command("hash")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def hash_command(file: Path) -> None:
    """Print one CBV 2.0 event hash per event of a JSON-LD or XML document."""
    from trace.core.epcis.xml import hash_any

    try:
        for line in hash_any(file.read_bytes()):
            click.echo(line)
    except TraceError as error:
        errors = error.errors if isinstance(error, Refused) else (error,)
        for one in errors:
            click.echo(f"{one.code} {one.path}: {one.detail}", err=True)
        raise SystemExit(1) from error


@trace.command("digital-link")
@click.argument("source", type=click.File("r"), default="-")
def digital_link_command(source: IO[str]) -> None:
    """Read URIs, one a line, and print one JSON object a line."""
    for line in source:
        text = line.rstrip("\r\n")
        if text:
            click.echo(orjson.dumps(digital_link_report(text)).decode())
