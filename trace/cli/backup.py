"""Commands of backups: take one, look at one, put one back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from trace import clock
from trace.cli.group import refusals, trace
from trace.services import backup_keys, backups
from trace.services.keys import write_secret
from trace.services.settings import current_settings

FOLDER = click.Path(file_okay=False, path_type=Path)
INCOMPLETE: Final = 3
FILE = click.Path(dir_okay=False, path_type=Path)


@trace.command("backup")
@click.argument("folder", type=FOLDER)
@click.option("--keys", "keys_file", type=FILE, help="Also seal all keys into this new file.")
@click.option("--passphrase", envvar="TRACE_BACKUP_PASSPHRASE", hidden=True)
def backup_command(folder: Path, keys_file: Path | None, passphrase: str | None) -> None:
    """Copy database and files into FOLDER while the application goes on.

    Keys are not among them. --keys seals them under a passphrase (asked for, or given in
    TRACE_BACKUP_PASSPHRASE); keep that file elsewhere. A backup without keys reads everything and
    signs nothing.

    Status 3: the backup is written, but files of the bucket that are broken are not in it.
    """
    with refusals():
        if keys_file is not None:
            if keys_file.resolve().is_relative_to(folder.resolve()):
                raise backups.BackupRefused(reason="the file of keys is inside the backup")
            if keys_file.exists():
                raise backups.BackupRefused(reason=f"{keys_file} is there already")
            passphrase = passphrase or click.prompt(
                "Passphrase for the keys", hide_input=True, confirmation_prompt=True
            )
            count = backup_keys.seal_keys(keys_file, passphrase)
            click.echo(f"{count} key files and both secrets are sealed in {keys_file}")
        made = backups.backup(folder, at=clock.now())
    _tell(made)
    if made.broken:
        sys.exit(INCOMPLETE)


@trace.command("restore")
@click.argument("folder", type=FOLDER)
@click.option("--check", is_flag=True, help="Only look whether the backup is whole.")
@click.option("--keys", "keys_file", type=FILE, help="File of keys to put back as well.")
@click.option("--secrets", type=FILE, help="New file for the settings that were sealed with them.")
@click.option("--passphrase", envvar="TRACE_BACKUP_PASSPHRASE", hidden=True)
def restore_command(
    folder: Path,
    check: bool,
    keys_file: Path | None,
    secrets: Path | None,
    passphrase: str | None,
) -> None:
    """Put the backup in FOLDER into an empty database and the instance folder.

    Afterwards, before anything is started: `trace audit`, and look whether more was published than
    the backup holds (docs/how-to/back-up-and-restore.md).
    """
    with refusals():
        if check:
            _tell(backups.read_manifest(folder))
            return
        opened = None
        if keys_file is not None:
            passphrase = passphrase or click.prompt("Passphrase of the keys", hide_input=True)
            opened = backup_keys.open_keys(keys_file, passphrase)
            backup_keys.missing_files(opened)  # before anything is put anywhere
            if secrets is not None and secrets.exists():
                raise backups.BackupRefused(reason=f"{secrets} is there already")
            if secrets is not None and not os.access(secrets.absolute().parent, os.W_OK):
                raise backups.BackupRefused(reason=f"{secrets.absolute().parent} takes no file")
        _tell(backups.restore(folder))
        if opened is not None:
            count = backup_keys.put_back(opened)
            click.echo(f"{count} key files are put back")
            if secrets is not None:
                write_secret(secrets, opened.environment().encode())
                click.echo(f"TRACE_KEY_ENCRYPTION_KEY and TRACE_SECRET_KEY are in {secrets}")
            elif opened.key_encryption_key != current_settings().key_encryption_key:
                click.echo(
                    "TRACE_KEY_ENCRYPTION_KEY is another one here: nothing can be signed. Run it "
                    "again with --secrets FILE in an empty place, or set it from your safe.",
                    err=True,
                )
    click.echo("Next: flask --app wsgi db upgrade; flask --app wsgi trace audit")
    click.echo(
        "Nothing is recorded or signed until you have said how the log goes on: "
        "flask --app wsgi trace log refill SOURCE takes back from a copy what was published after "
        "the backup; where nothing was, flask --app wsgi trace log resume"
    )


def _tell(manifest: backups.Manifest) -> None:
    size = sum(part.size for part in manifest.parts.values())
    click.echo(
        f"{manifest.made}: {manifest.database}, schema {manifest.held.schema}, "
        f"{manifest.held.origin} with {manifest.held.entries} entries, {size} bytes"
    )
    for name in manifest.broken:
        click.echo(f"not in it, since it is broken where it is kept: {name}", err=True)
