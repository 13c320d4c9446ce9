"""Commands of people: a new password for somebody who forgot theirs."""

from __future__ import annotations

import secrets

import click
from flask.cli import AppGroup

from trace import clock
from trace.cli.group import trace
from trace.extensions import db
from trace.services.people import find_person, parse_login, reset_password

people = AppGroup("people", help="Accounts.")
trace.add_command(people)


@people.command("reset-password")
@click.argument("login")
def reset(login: str) -> None:
    """Set a random password for LOGIN (phone number or e-mail), end all its sign-ins, print it.

    Make sure who asks: a phone number that changed hands proves nothing.
    """
    person = find_person(parse_login(login))
    if person is None:
        raise click.ClickException("nobody signs in with that")
    made = secrets.token_urlsafe(12)
    reset_password(person, made, at=clock.now())
    db.session.commit()
    click.echo(made)
