"""Commands of tokens for programs: make one, list them, take one back."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import AppGroup
from sqlalchemy import select

from trace import clock
from trace.cli.group import refusals, trace
from trace.core.gs1 import check_code
from trace.extensions import db
from trace.models import Organisation, Token
from trace.services.audit import write_audit
from trace.services.organisations import get_organisation
from trace.services.tokens import SCOPES, end_token, issue_token

tokens = AppGroup("token", help="Tokens for programs.")
trace.add_command(tokens)


def _organisation(code: str) -> Organisation:
    return get_organisation(check_code(code))


@tokens.command("create")
@click.option("--organisation", required=True, metavar="CODE", help="For whom it acts.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may; more than one.",
)
@click.option("--name", default="command line", show_default=True, help="Which program uses it.")
@click.option("--days", type=click.IntRange(1, 3650), help="Until it ends; without, never.")
def create(organisation: str, scopes: tuple[str, ...], name: str, days: int | None) -> None:
    """Make a token and print it. It is kept nowhere: who loses it makes another."""
    now = clock.now()
    ends = now + timedelta(days=days) if days else None
    with refusals():
        _, text = issue_token(
            _organisation(organisation), name[:100], scopes, at=now, expires_at=ends
        )
    db.session.commit()
    click.echo(text)


@tokens.command("list")
@click.option("--organisation", required=True, metavar="CODE", help="Whose.")
def list_them(organisation: str) -> None:
    """Tell an organisation's tokens: number, scopes, end, last use, name. Never their text."""
    with refusals():
        owner = _organisation(organisation)
    query = select(Token).where(Token.organisation_id == owner.id).order_by(Token.id)
    for token in db.session.scalars(query):
        ends = token.expires_at.date().isoformat() if token.expires_at else "never ends"
        used = token.last_used_at.date().isoformat() if token.last_used_at else "never used"
        click.echo(f"{token.id}\t{token.scopes}\t{ends}\t{used}\t{token.name}")


@tokens.command("revoke")
@click.argument("number", type=click.IntRange(1, 2**53))
def revoke(number: int) -> None:
    """Take back the token with this NUMBER (`token list` tells them)."""
    token = db.session.get(Token, number)
    if token is None:
        raise click.ClickException("no token has this number")
    at = clock.now()
    write_audit(None, "token.revoke", f"token:{token.id}", at=at, organisation=token.organisation)
    end_token(token, at=at)
    db.session.commit()
