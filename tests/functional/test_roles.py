"""One table of (endpoint, role, status): roles.txt beside this file, every page of people in it.

Objects in addresses do not exist and forms are sent empty, so whoever is let in meets 404 or 400:
what is pinned is who gets past the door. After a change on purpose read the difference:
`python -m pytest tests/functional/test_roles.py --regenerate`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule

from tests.support.members import Member, make_member, sign_in
from trace.web.access import rule_of

pytestmark = pytest.mark.one_database

PINNED = Path(__file__).with_name("roles.txt")
# (name, role, kind of organisation); None: nobody is signed in.
ROLES: tuple[tuple[str, str | None, str], ...] = (
    ("nobody", None, ""),
    ("viewer", "viewer", "co-operative"),
    ("recorder", "recorder", "co-operative"),
    ("owner", "owner", "co-operative"),
    ("inspector", "inspector", "authority"),
    ("supervisor", "supervisor", "authority"),
    ("admin", "admin", "platform"),
)
ENTRY = 303  # to the page of signing in, or of choosing an organisation
ARGUMENTS = {"IntegerConverter": 987654321, "FloatConverter": 1.5}


def people_rules(app: Flask) -> list[Rule]:
    """Every address behind a rule about people."""
    found = []
    for rule in app.url_map.iter_rules():
        stated = rule_of(app, rule.endpoint) or ""
        if stated.partition(":")[0] not in ("anonymous", "token", "public"):
            found.append(rule)
    return sorted(found, key=lambda rule: rule.rule)


def address(app: Flask, rule: Rule, method: str = "") -> str:
    """An address of the rule that leads to an object nobody has."""
    values = {
        name: min(converter.items)
        if isinstance(converter, AnyConverter)
        else ARGUMENTS.get(type(converter).__name__, "0000000000")
        for name, converter in rule._converters.items()
    }
    method = method or ("GET" if "GET" in (rule.methods or ()) else "POST")
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


def somebody(app: Flask, member: Member | None) -> FlaskClient:
    client = app.test_client()
    if member is not None:
        sign_in(app, client, member)
    return client


def status(client: FlaskClient, method: str, path: str) -> int:
    return client.open(path, method=method, headers={"Accept": "text/html"}).status_code


def table(app: Flask) -> list[str]:
    app.config["WTF_CSRF_ENABLED"] = False  # the door stands behind that one
    clients = {
        name: somebody(app, make_member(app, role=role, kind=kind) if role else None)
        for name, role, kind in ROLES
    }
    head = f"{'':6}{'':40}" + "".join(f"{name:>11}" for name, _, _ in ROLES)
    lines = [head.rstrip()]
    for rule in people_rules(app):
        path = address(app, rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}):
            found = [status(clients[name], method, path) for name, _, _ in ROLES]
            lines.append(f"{method:6}{rule.endpoint:40}" + "".join(f"{one:>11}" for one in found))
    return lines


def pinned() -> list[tuple[str, str, dict[str, int]]]:
    """(method, endpoint, status by role) of every line of the table."""
    head, *lines = PINNED.read_text().splitlines()
    names = head.split()
    found = []
    for line in lines:
        method, endpoint, *statuses = line.split()
        found.append((method, endpoint, dict(zip(names, map(int, statuses), strict=True))))
    return found


def test_everybody_meets_the_pinned_status_everywhere(app: Flask, regenerate: bool) -> None:
    now = table(app)
    if regenerate:
        PINNED.write_text("\n".join(now) + "\n")
    assert now == PINNED.read_text().splitlines()


def test_nobody_gets_past_the_door_without_signing_in() -> None:
    assert [line for line in pinned() if line[2]["nobody"] != ENTRY] == []


def test_a_viewer_changes_nothing_but_their_own_account() -> None:
    own = ("account.", "contact.", "factors.", "notifications.", "passkeys.", "sign_ins.")
    changing = [line for line in pinned() if line[0] != "GET" and not line[1].startswith(own)]
    assert changing != []
    assert [line for line in changing if line[2]["viewer"] != 403] == []


def test_recorders_do_not_manage_and_owners_do() -> None:
    managing = [
        line for line in pinned() if line[1].startswith("tokens.") or line[1] == "organisation.edit"
    ]
    assert len(managing) >= 5
    assert {line[2]["recorder"] for line in managing} == {403}
    assert 403 not in {line[2]["owner"] for line in managing}


def test_nothing_answers_with_a_fault_of_ours() -> None:
    assert [line for line in pinned() if max(line[2].values()) >= 500] == []
