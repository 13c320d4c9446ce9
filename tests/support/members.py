"""People and organisations for tests, made by the services that make them in earnest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from flask import Flask
from flask.testing import FlaskClient

from trace.extensions import db
from trace.models import Organisation, Person
from trace.services import organisations, people, platform, sessions
from trace.services.actors import Actor
from trace.web.access import COOKIE

START = datetime(2026, 11, 1, 0, 0, 0, tzinfo=UTC)
WARD = "09784"
PASSWORD = "vườn rau sau nhà"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organisation, and how they sign in."""

    person_id: int
    organisation_id: int
    login: str
    role: str

    @property
    def actor(self) -> Actor:
        """For services, inside an application context."""
        organisation = db.session.get(Organisation, self.organisation_id)
        assert organisation is not None
        return Actor(organisation, db.session.get(Person, self.person_id), self.role)


def make_member(
    app: Flask,
    *,
    role: str = "owner",
    kind: str = "co-operative",
    name: str = "HTX Minh họa",
    inside: int | None = None,
) -> Member:
    """A person in a new organisation (or in the organisation with the id `inside`)."""
    with app.app_context():
        platform.initialise(at=START)
        login = f"09{next(_numbers):08d}"
        while True:
            try:
                parsed = people.parse_login(login)
                break
            except people.BadPhone:
                login = f"09{next(_numbers):08d}"
        person = people.register_person(f"Người {login}", parsed, PASSWORD, at=START)
        if inside is None:
            organisation = organisations.create_organisation(
                {"name": name, "kind": kind, "ward_code": WARD, "address": "Thôn 1"}, at=START
            )
        else:
            found = db.session.get(Organisation, inside)
            assert found is not None
            organisation = found
        organisations.add_member(organisation, person, role, at=START)
        db.session.commit()
        return Member(person.id, organisation.id, login, role)


def sign_in(app: Flask, client: FlaskClient, member: Member, *, at: datetime | None = None) -> str:
    """Signs a client in without the form: a password's hash takes its time on purpose."""
    from trace import clock

    with app.app_context():
        person = db.session.get(Person, member.person_id)
        assert person is not None
        opened, token = sessions.open_session(person, at=at or clock.now())
        opened.organisation_id = member.organisation_id
        db.session.commit()
    client.set_cookie(COOKIE, token)
    return token
