"""The command that examines an installation."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from trace import clock
from trace.cli.group import trace
from trace.services.doctor import examine

MARKS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


@trace.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def doctor_command(as_json: bool) -> None:
    """Examine this installation and say what to mend.

    Looks at settings, secrets, permissions, database, log, keys, clock, worker, disk, backups and
    demonstration data; changes nothing. Ends with status 1 if there is a fault; warnings alone
    leave it at 0.
    """
    found = examine(now=clock.now())
    for one in found:
        if as_json:
            click.echo(orjson.dumps(asdict(one)).decode())
            continue
        click.echo(f"{MARKS[one.state]}  {one.part}: {one.text}")
        if one.mend:
            click.echo(f"         {one.mend}")
    faults = sum(one.state == "fault" for one in found)
    if not as_json:
        click.echo(f"{faults} faults, {sum(one.state == 'warning' for one in found)} warnings")
    if faults:
        raise SystemExit(1)
