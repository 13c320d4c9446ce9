"""Commands of people: for who forgot a password, and for who lost the second step."""

from __future__ import annotations

import secrets

import click
from flask.cli import AppGroup

from trace import clock
from trace.cli.group import trace
from trace.extensions import db
from trace.services import factor_resets, factors
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


@people.command("reset-second-step")
@click.argument("login")
def reset_second_step(login: str) -> None:
    """Take the second step of signing in away from LOGIN (phone number or e-mail): application,
    passkeys, recovery codes. Ends all its sign-ins and tells the person.

    Where the platform has two administrators they do this in the pages, each seeing the other. Make
    sure who asks: meet them.
    """
    person = find_person(parse_login(login))
    if person is None or not factors.has_any(person):
        raise click.ClickException("nobody signs in with that, or there is no second step")
    factor_resets.take_away(person, at=clock.now())
    db.session.commit()
    click.echo("taken away; a new one is asked for at the next sign-in")
