"""Deny by default: every endpoint stands under a rule, and the rules are kept."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from tests.support.members import make_member, sign_in
from trace.errors import NotAllowed
from trace.extensions import db, needs
from trace.services import tokens
from trace.services.organisations import get_organisation
from trace.web.access import register, rule_of

# Rules are read before any row is; what rows they read is the same on both.
pytestmark = [pytest.mark.one_database, pytest.mark.own_application]


def test_every_endpoint_stands_under_a_rule(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert [one for one in sorted(endpoints) if rule_of(app, one) is None] == []


def test_every_view_under_tokens_names_its_scope(app: Flask) -> None:
    unnamed = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule_of(app, rule.endpoint) == "token"
        and not getattr(app.view_functions[rule.endpoint], "trace_needs", "")
    ]
    assert unnamed == []


def blueprint(name: str) -> Blueprint:
    made = Blueprint(name, __name__, url_prefix=f"/{name}")

    @made.route("/", methods=["GET", "POST"])
    def page() -> str:
        return "inside"

    @made.get("/more")
    @needs("manage")
    def more() -> str:
        return "inside"

    @made.get("/capture")
    @needs("capture")
    def capture() -> str:
        return "inside"

    return made


def test_a_blueprint_without_a_rule_is_closed(app: Flask, client: FlaskClient) -> None:
    app.register_blueprint(blueprint("forgotten"))
    sign_in(app, client, make_member(app, role="admin", kind="platform"))
    assert client.get("/forgotten/").status_code == 403


def test_a_rule_nobody_knows_is_closed(app: Flask, client: FlaskClient) -> None:
    register(app, blueprint("mistyped"), "memebr:record")
    sign_in(app, client, make_member(app))
    assert client.get("/mistyped/").status_code == 403


@pytest.mark.parametrize(
    ("role", "kind", "rule", "reading", "more"),
    [
        ("owner", "producer", "member:record", 200, 200),
        ("recorder", "producer", "member:record", 200, 403),
        ("viewer", "producer", "member:record", 200, 403),
        ("owner", "producer", "authority:inspect", 403, 403),
        ("inspector", "authority", "authority:inspect", 200, 403),
        ("owner", "producer", "platform:administer", 403, 403),
        ("viewer", "platform", "platform:administer", 403, 403),
        ("admin", "platform", "platform:administer", 200, 200),
    ],
)
def test_the_rule_decides_by_role_and_kind(
    app: Flask, client: FlaskClient, role: str, kind: str, rule: str, reading: int, more: int
) -> None:
    register(app, blueprint("guarded"), rule)
    sign_in(app, client, make_member(app, role=role, kind=kind))
    assert client.get("/guarded/").status_code == reading
    assert client.get("/guarded/more").status_code == more


def test_sending_needs_more_than_reading(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    register(app, blueprint("guarded"), "member:record")
    sign_in(app, client, make_member(app, role="viewer"))
    assert client.post("/guarded/").status_code == 403
    sign_in(app, client, make_member(app, role="recorder"))
    assert client.post("/guarded/").status_code == 200


def test_a_person_with_no_organisation_is_sent_to_choose_one(
    app: Flask, client: FlaskClient
) -> None:
    member = make_member(app)
    sign_in(app, client, member)
    with app.app_context():
        from trace.models import Membership

        membership = db.session.get_one(Membership, (member.person_id, member.organisation_id))
        db.session.delete(membership)
        db.session.commit()
    answer = client.get("/producer/today")
    assert answer.headers["Location"].startswith("/account/organisation")
    as_machine = client.get("/producer/today", headers={"Accept": "application/json"})
    assert (as_machine.status_code, as_machine.json and as_machine.json["code"]) == (
        403,
        "no-organisation",
    )


def test_a_token_opens_what_its_scope_names_and_nothing_else(
    app: Flask, client: FlaskClient
) -> None:
    register(app, blueprint("machine"), "token")
    member = make_member(app)
    with app.app_context():
        organisation = get_organisation(member.actor.organisation.code)
        _, capture = tokens.issue_token(
            organisation, "cân", ["capture"], at=organisation.created_at
        )
        _, query = tokens.issue_token(organisation, "kho", ["query"], at=organisation.created_at)
        db.session.commit()

    def call(path: str, text: str, scheme: str = "Bearer") -> int:
        return client.get(path, headers={"Authorization": f"{scheme} {text}"}).status_code

    assert call("/machine/capture", capture) == 200
    assert call("/machine/capture", capture, "bearer") == 200
    assert call("/machine/capture", query) == 403
    assert call("/machine/", capture) == 403  # names no scope: closed
    assert call("/machine/capture", capture[:-1]) == 401
    assert call("/machine/capture", capture, "Basic") == 401
    assert client.get("/machine/capture").status_code == 401
    sign_in(app, client, member)
    assert client.get("/machine/capture").status_code == 401  # a cookie is no token


def test_an_ended_or_revoked_token_opens_nothing(app: Flask, client: FlaskClient) -> None:
    from datetime import timedelta

    register(app, blueprint("machine"), "token")
    member = make_member(app)
    with app.app_context():
        actor = member.actor
        made = actor.organisation.created_at
        _token, ended = tokens.create_token(
            actor, "cũ", ["capture"], at=made, expires_at=made + timedelta(days=1)
        )
        kept, revoked = tokens.create_token(actor, "mới", ["capture"], at=made)
        tokens.revoke_token(actor, kept, at=made)
        db.session.commit()
    for text in (ended, revoked):
        answer = client.get("/machine/capture", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 401


def test_an_anonymous_page_looks_nobody_up(app: Flask, client: FlaskClient) -> None:
    from flask import g

    made = Blueprint("poster", __name__, url_prefix="/poster")

    @made.get("/")
    def page() -> str:
        return f"{g.person!r} {g.actor!r}"

    register(app, made, "anonymous")
    sign_in(app, client, make_member(app))
    assert client.get("/poster/").text == "None None"


def test_only_whoever_manages_makes_tokens(app: Flask) -> None:
    member = make_member(app, role="recorder")
    with app.app_context(), pytest.raises(NotAllowed):
        tokens.create_token(member.actor, "x", ["query"], at=member.actor.organisation.created_at)
