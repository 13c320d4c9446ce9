"""Commands of keys: rotate an organisation's, revoke one, seal all anew."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select

from trace import clock
from trace.cli.group import refusals, trace
from trace.config import read_key
from trace.extensions import db
from trace.models import Key, Organisation
from trace.services import (
    directive_files,
    factors,
    follows,
    keys,
    papers,
    requests,
    subscriptions,
    takedowns,
    web_push,
)
from trace.services.citizen_reports import days
from trace.services.citizen_reports import photos as report_photos
from trace.services.notifications import notify
from trace.services.settings import current_settings

group = AppGroup("keys", help="Signing keys.")
trace.add_command(group)


def _organisation(code: str) -> Organisation:
    found = db.session.scalar(select(Organisation).where(Organisation.code == code))
    if found is None:
        raise click.ClickException(f"no organisation has the code {code}")
    return found


def _tell(organisation: Organisation, word: str, kid: str) -> None:
    context = {"what": kid.rpartition("#")[2]}
    notify(organisation, word, context, at=clock.now(), address="/producer/keys/")


@group.command("list")
@click.argument("organisation")
def list_keys(organisation: str) -> None:
    """Print an organisation's keys: name, custody, the log indexes between which they count."""
    rows = db.session.scalars(
        select(Key).where(Key.organisation_id == _organisation(organisation).id).order_by(Key.id)
    )
    for row in rows:
        end = "valid" if row.revoked_from is None else f"ended at {row.revoked_from}"
        click.echo(f"{row.kid}  {row.custody}  from {row.active_from}  {end}")


@group.command("rotate")
@click.argument("organisation")
def rotate(organisation: str) -> None:
    """Put a new key in the place of the organisation's newest one."""
    row = _organisation(organisation)
    made = keys.rotate_key(row, at=clock.now())
    _tell(row, "key-rotated", made.kid)
    db.session.commit()
    click.echo(made.kid)


@group.command("revoke")
@click.argument("kid")
@click.option("--inspector", default="", help="Code of the authority that signs the revocation.")
@click.option("--since", type=int, default=None, help="Flag entries from this log index on.")
def revoke(kid: str, inspector: str, since: int | None) -> None:
    """End a key at the next log index."""
    row = db.session.scalar(select(Key).where(Key.kid == kid))
    if row is None:
        raise click.ClickException(f"no key has the name {kid}")
    authority = _organisation(inspector) if inspector else None
    index = keys.revoke_key(row, at=clock.now(), inspector=authority, since=since)
    _tell(row.organisation, "key-revoked", kid)
    db.session.commit()
    click.echo(f"{kid} ended at {index}")


@group.command("rewrap")
@click.option("--new-key", envvar="TRACE_NEW_KEY_ENCRYPTION_KEY", required=True)
def rewrap(new_key: str) -> None:
    """Seal every key under TRACE_NEW_KEY_ENCRYPTION_KEY instead of TRACE_KEY_ENCRYPTION_KEY.

    Stop the application first, and start it afterwards with the new value. Stopped half way, run it
    again with the same two values: it goes on where it was.
    """
    fresh = read_key("TRACE_NEW_KEY_ENCRYPTION_KEY", new_key)
    with refusals():
        old = current_settings().key_encryption_key
        count = keys.rewrap(old, fresh)
        texts = requests.rewrap(old, fresh) + takedowns.rewrap(old, fresh)
        texts += web_push.rewrap(old, fresh) + follows.rewrap(old, fresh)
        texts += days.rewrap(old, fresh) + subscriptions.rewrap(old, fresh)
        texts += factors.rewrap(old, fresh)
        photos = papers.rewrap(old, fresh) + report_photos.PHOTOS.rewrap(old, fresh)
        photos += directive_files.rewrap(old, fresh)
        db.session.commit()
        keys.finish_rewrap(fresh)
    click.echo(f"{count} keys and the root and log keys are sealed anew")
    click.echo(f"{photos} photos of papers and of reports are sealed anew")
    click.echo(
        f"{texts} texts of requests, reports, takedowns, web push, subscriptions and second steps "
        "are sealed anew"
    )
