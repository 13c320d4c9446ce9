"""Whatever is another's is not found: every address that names an object, asked by a stranger.

For each address the stranger asks twice, for the object that is there and for one that nobody has:
both answers must be alike to the byte (but for what the stranger wrote himself), and ask the
database equally often. What the two have in common is refused for what the asker is, which the
table of roles holds (tests/functional/test_roles.py). Afterwards nothing of the owner's is changed.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from tests.functional.test_roles import address, pinned
from tests.security.everything import everything
from tests.support.members import Member, make_member, sign_in
from tests.support.statements import statements
from trace import clock
from trace.extensions import db
from trace.models import Organisation
from trace.services.tokens import SCOPES, issue_token
from trace.web.access import rule_of

pytestmark = pytest.mark.one_database

# An argument of an address -> the object it names. Where one name means several things, the
# beginning of the address says which.
OBJECTS: dict[str, str] = {
    "accreditation_id": "accreditations",
    "application_id": "applications",
    "audit_id": "chain_audits",
    "capture_id": "job:epcis-capture",
    "certificate_id": "certificates",
    "claim_id": "prefix_claims",
    "code_id": "area_codes",
    "delegation_id": "delegations",
    "device_id": "push_subscriptions",
    "digest": "report_photos.digest",
    "value": "identity",
    "directive_id": "directives",
    "event_id": "event",
    "file_id": "directive_files",
    "finding_id": "findings",
    "holder_id": "recall_holders",
    "household_id": "households",
    "inspection_id": "inspections",
    "invitation_id": "invitations",
    "jotting_id": "jottings",
    "key_id": "keys",
    "letter_id": "dead_letters",
    "line_id": "book_lines",
    "link_id": "links",
    "notification_id": "notifications",
    "paper_id": "application_papers",
    "passkey_id": "person_passkeys",
    "person_id": "colleague",
    "place_id": "places",
    "plan_id": "plans",
    "preset_id": "presets",
    "product_id": "products",
    "range_id": "label_ranges",
    "recall_id": "recalls",
    "report_id": "reports",
    "request_id": "requests",
    "reset_id": "factor_resets",
    "run": "crate_labels.run",
    "sample_id": "samples",
    "sensor_id": "sensors",
    "sheet_id": "weighing_sheets",
    "subscription_id": "subscriptions.public_id",
    "succession_id": "successions",
    "thing_id": "lot",
    "token_id": "tokens",
    "unit_id": "directive_units",
    "waiting_id": "pending_approvals",
    "/producer/cycles": "thing_id=cycle",
    "/api/v1/cycles": "thing_id=cycle",
    "/producer/shipments": "event_id=shipment",
    "/producer/labels/notes": "event_id=shipment",
    "/api/v1/handovers": "event_id=shipment",
    "/producer/labels/sheets": "public_id=job:label-sheet",
    "/api/v1/labels": "public_id=job:label-sheet",
    "/producer/my-data": "public_id=job:my-data",
    "/api/v1/exports": "public_id=job:my-data",
    "/producer/papers/files": "public_id=job:fsma-sheet",
    "/inspection/papers/files": "public_id=job:fsma-sheet",
    "/api/v1/fsma": "public_id=job:fsma-sheet",
    "/producer/papers/credentials": "public_id=credentials.public_id",
    "/producer/papers/deliveries": "public_id=portal_deliveries.public_id",
    "/producer/imports": "public_id=imports.public_id",
    "/api/v1/imports": "public_id=imports.public_id",
    "/producer/subscriptions": "public_id=subscriptions.public_id",
    "/inspection/statistics": "report_id=authority_reports",
    "/inspection/check-lists": "code=check_lists.code",
    "/inspection/reports": "request_id=requests",
    "/epcis/v2/queries": "name=named_queries.name",
    "/epcis/v2/events": "event_id=statement",
    "/epcis/v2/bizLocations": "value=place",
    "/epcis/v2/readPoints": "value=place",
    "/inspection/recalls": "recall_id=recall-of-authority",
    "/api/v1/desk/recalls": "recall_id=recall-of-authority",
    "/producer/books/diary": "thing_id=cycle",
    "/producer/batches/<int:thing_id>/unpack": "thing_id=crate",
}
# Arguments that choose among words that everybody may choose.
WORDS = {
    "book": "purchase",
    "step": "irrigating",
    "kind": "products",
    "beginning": "sowing",
    "act": "pause",
    "measure": "scans",
    "number": 1,
    "serial": "1",
    "form": "xlsx",
}
# What every request notes.
NOTED = ("last_used_at", "seen_at")
# An authority sees of goods that are not its own what the public sees (services.jurisdictions).
ONLY_THE_PUBLICS = {
    *("chain.event", "goods_papers.show", "goods_papers.events", "goods_papers.plots"),
    *("api_v1.ask_desk_spreadsheet", "api_v1.show_desk_epcis", "api_v1.show_desk_plots"),
}
# Refused alike for everybody, before the object is looked for.
REFUSED_BEFORE = {
    "GET /api/v1/certifying/<int:certificate_id>",
    "PUT /api/v1/certifying/<int:certificate_id>/decision",
    "GET /producer/certifying/<int:certificate_id>",
    "POST /producer/certifying/<int:certificate_id>",
    "POST /api/v1/directives/<int:unit_id>/answer/papers",
    "POST /api/v1/imports/<public_id>/columns",
    "POST /api/v1/imports/<public_id>/start",
    "POST /api/v1/sensors/<int:sensor_id>/readings",
}
NOBODYS = {int: 987654321, str: "00000000-0000-4000-8000-000000000000"}
# The same where an address is asked for.
NOBODYS_ADDRESS = "https://trace.example/b/7K3QMP2XV4"


@dataclass(slots=True)
class Case:
    """One address with one method, and how the three askers fared."""

    method: str
    rule: Rule
    kinds: dict[str, str]  # of the address's arguments that name an object
    own: int = 0
    other: int = 0
    nobodys: int = 0
    alike: bool = False  # the two answers to the stranger
    more: int = 0  # questions to the database for what is there

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"

    @property
    def found(self) -> bool:
        """Whether the owner met the object."""
        return self.own not in (403, 404)

    @property
    def usual(self) -> bool:
        return self.rule.endpoint not in ONLY_THE_PUBLICS


def values_of(rule: Rule, marks: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The values that lead to the owner's object, and the names of its kinds."""
    said = {}
    for start, what in OBJECTS.items():
        if start.startswith("/") and f"{rule.rule}/".startswith(f"{start}/"):
            name, _, mark = what.partition("=")
            said[name] = mark
    values: dict[str, Any] = {}
    kinds = {}
    for name, converter in rule._converters.items():
        mark = said.get(name, OBJECTS.get(name, ""))
        if mark:
            values[name] = marks[mark]
            kinds[name] = mark.partition(".")[0]
        elif hasattr(converter, "items"):
            values[name] = min(converter.items)
        elif name in WORDS:
            values[name] = WORDS[name]
        else:
            return None
    return (values, kinds) if kinds else None


def cases(app: Flask, marks: dict[str, Any]) -> Iterator[tuple[Case, dict[str, Any]]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: (one.rule, one.endpoint)):
        kind = (rule_of(app, rule.endpoint) or "").partition(":")[0]
        if kind in ("anonymous", "public", "platform") or not rule.arguments:
            continue
        found = values_of(rule, marks)
        if found is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Case(method, rule, found[1]), found[0]


class Asker:
    """Somebody, as a browser with a sign-in or as a program with a token."""

    def __init__(self, app: Flask, member: Member, token: str) -> None:
        self.app, self.token = app, token
        self.client = app.test_client()
        sign_in(app, self.client, member, at=clock.now())

    def ask(self, case: Case, values: dict[str, Any], body: Any) -> tuple[int, str, int]:
        """Status, text without what the asker wrote, and how often the database was asked."""
        path = self.app.url_map.bind("localhost").build(
            case.rule.endpoint, values, method=case.method
        )
        # Refusals as JSON: the pages of refusal are one template.
        options: dict[str, Any] = {"headers": {"Accept": "application/json"}, "data": body}
        if case.rule.rule.startswith(("/api/", "/epcis/")):
            headers = {
                "Authorization": f"Bearer {self.token}",
                "Idempotency-Key": uuid.uuid4().hex,
                "If-Match": '"1"',
            }
            options = {"headers": headers, "json": body}
        if case.method in ("GET", "DELETE"):
            options.pop("json", None)
            options.pop("data", None)
        with statements(self.app) as counted:
            answer = self.client.open(path, method=case.method, **options)
            told = answer.get_data(as_text=True)
            answer.close()
        for mine in (path, quote(path), quote(path, safe=""), *map(str, values.values())):
            if len(mine) > 5 or mine == path:
                told = told.replace(mine, "…")
        return answer.status_code, MOVING.sub("…", told), len(counted)

    def own(self, case: Case, values: dict[str, Any], body: Any) -> int:
        """The status for the owner. A row that stands for an object may not bear being shown in
        full: then it was found."""
        try:
            return self.ask(case, values, body)[0]
        except Exception:
            return 599


# What differs between any two answers.
MOVING = re.compile(r"(?<=value=\")[\w.-]{40,}(?=\")|[0-9a-f]{32}")


def nobody_has(values: dict[str, Any], case: Case) -> dict[str, Any]:
    """The same values for an object that is not there."""
    return {
        name: value
        if name not in case.kinds
        else NOBODYS_ADDRESS
        if name == "value"
        else NOBODYS[type(value)]
        for name, value in values.items()
    }


def asker_of(case: Case, *, own: bool) -> str:
    """Who asks: an authority from elsewhere for the desk's, somebody of the same house for what is
    a person's, else another organisation."""
    if case.rule.rule.startswith(("/inspection/", "/api/v1/desk/")):
        return "authority" if own else "elsewhere"
    if case.rule.rule.startswith("/account/"):
        return "farm" if own else "colleague"
    return "farm" if own else "stranger"


def rows(app: Flask) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every table that requests alone do not change."""
    with app.app_context():
        return {
            table.name: {tuple(row) for row in db.session.execute(select(*columns))}
            for table in db.metadata.sorted_tables
            if table.name not in ("sessions", "counters")
            and (columns := [one for one in table.columns if one.name not in NOTED])
        }


def examples(app: Flask) -> dict[tuple[str, str], Any]:
    """(method, address) -> the body that the interface's own document gives as an example."""
    with app.app_context():
        document = json.loads(app.extensions["trace.openapi"]())
    return {
        (method.upper(), path): found["example"]
        for path, operations in document["paths"].items()
        for method, told in operations.items()
        if isinstance(told, dict)
        for found in told.get("requestBody", {}).get("content", {}).values()
        if "example" in found
    }


def test_what_is_anothers_is_found_by_no_address_and_stays_as_it_is(
    app: Flask, now: datetime, regenerate: bool
) -> None:
    told: list[Case] = []
    app.config["WTF_CSRF_ENABLED"] = False  # the door stands behind that one
    world = everything(app)
    askers = {
        name: Asker(app, member, world.tokens[name]) for name, member in world.members.items()
    }
    bodies = examples(app)
    before = rows(app)
    waiting = []
    for case, values in cases(app, world.marks):
        body = bodies.get((case.method, re.sub(r"<[^:>]*:?(\w+)>", r"{\1}", case.rule.rule)), {})
        asker = askers[asker_of(case, own=False)]
        case.nobodys, nothing, few = asker.ask(case, nobody_has(values, case), body)
        case.other, found, many = asker.ask(case, values, body)
        case.alike, case.more = found == nothing, many - few
        waiting.append((case, values, body))
        told.append(case)
    after = rows(app)
    assert {name: before[name] - after[name] for name in before if before[name] - after[name]} == {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db.session, "commit", db.session.flush)  # taken back with each request
        for case, values, body in waiting:
            names = (asker_of(case, own=True), *("shop",) * case.rule.rule.startswith("/producer/"))
            for name in names:
                case.own = askers[name].own(case, values, body)
                if case.found:
                    break
    if regenerate:
        REPORT.write_text(report(told, now))
    check_that_nothing_is_found(told)
    check_that_it_is_asked_for_about_as_often(told)
    # Otherwise the owner's being let in would show nothing.
    assert sum(one.found for one in told) > 0.8 * len(told)
    assert {one.rule.endpoint for one in told if not one.usual} == ONLY_THE_PUBLICS


def check_that_nothing_is_found(told: list[Case]) -> None:
    """The stranger's two answers are alike, and almost all of them 404."""
    assert len(told) > 400
    assert [str(one) for one in told if one.usual and one.other != one.nobodys] == []
    assert [str(one) for one in told if one.usual and not one.alike] == []
    refused = [one for one in told if one.usual and one.other != 404]
    assert {str(one) for one in refused} == REFUSED_BEFORE


def check_that_it_is_asked_for_about_as_often(told: list[Case]) -> None:
    """As often as what nobody has: existence shows in no count one could take the time of."""
    # What an identity leads to in the EPCIS interface is printed on the goods, and how many events
    # there are is told by the public log: no secrets.
    public = {"identity", "event"}
    numbers = [one for one in told if one.usual and public.isdisjoint(one.kinds.values())]
    assert {str(one): one.more for one in numbers if abs(one.more) > 3} == {}


def test_a_token_opens_by_its_scope_and_by_nothing_else(app: Flask) -> None:
    member = make_member(app, kind="authority", role="supervisor")
    with app.app_context():
        organisation = db.session.get(Organisation, member.organisation_id)
        assert organisation is not None
        tokens = {
            scope: issue_token(organisation, scope, [scope], at=clock.now())[1] for scope in SCOPES
        }
        db.session.commit()
    client = app.test_client()
    sign_in(app, client, member)  # which opens none of them
    wrong = []
    for rule, method in token_rules(app):
        needed = str(getattr(app.view_functions[rule.endpoint], "trace_needs", ""))
        other = next(scope for scope in SCOPES if scope != needed)
        path = address(app, rule, method)
        for token, expected in (("", {401}), (tokens[other], {403}), (tokens[needed], None)):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = client.open(path, method=method, headers=headers)
            answer.close()
            shut = answer.status_code == 401 or b"wrong-scope" in answer.data
            if (answer.status_code not in expected) if expected else shut:
                wrong.append((method, rule.rule, needed, answer.status_code))
    assert wrong == []


def token_rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        if rule_of(app, rule.endpoint) == "token":
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


# -- the report ------------------------------------------------------------------------------------

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "roles.md"


def report(told: list[Case], now: datetime) -> str:
    """docs/reports/roles.md"""
    lines = [
        "# Who may do what, measured",
        "",
        "<!-- Written by `python -m pytest tests/security/test_objects.py --regenerate`. -->",
        "",
        *doors(),
        "## Objects",
        "",
        f"{len(told)} combinations of address and method name an object. A stranger (an owner of",
        "another organisation; for the desk a supervisor of another province; for what is a",
        "person's, somebody of the same house) asked for each twice: for an object that is there",
        "and for one that nobody has. The answers were the same to the byte, and nothing of the",
        "owner's had changed afterwards. “Found” are those that the owner himself was answered",
        "otherwise than with 404 or 403: there the refusal is of ownership and nothing else.",
        "“Questions more” is how much oftener the database was asked, at most, for what is there:",
        "row numbers run through and say how many rows there are, nothing else.",
        "",
        "| object | combinations | found by the owner | answer to a stranger | questions more |",
        "| --- | --- | --- | --- | --- |",
    ]
    kinds: dict[str, list[Case]] = {}
    for case in told:
        kinds.setdefault(" + ".join(dict.fromkeys(case.kinds.values())), []).append(case)
    for kind in sorted(kinds):
        of = kinds[kind]
        answers = ", ".join(str(status) for status in sorted({one.other for one in of}))
        found = sum(one.found for one in of)
        more = max(one.more for one in of)
        lines.append(f"| {kind} | {len(of)} | {found} | {answers} | {more} |")
    lines += [
        "",
        "## Exceptions",
        "",
        "Goods of another province: an authority sees of them what the public sees, and its look",
        f"is written down ({', '.join(sorted(ONLY_THE_PUBLICS))}). A body that is refused before",
        "the object is looked for, or a house of another kind, alike for everybody:",
        "",
        *(f"- {one}" for one in sorted(REFUSED_BEFORE)),
        "",
        "## Not found by the owner either",
        "",
        "A file that is not on the disk, a state that the row is not in:",
        "",
        *(f"- {one}" for one in told if not one.found),
    ]
    return "\n".join(lines) + "\n"


def doors() -> list[str]:
    """What the pinned table of roles says, in figures."""
    lines = pinned()
    names = list(lines[0][2])
    let_in = {name: sum(one[2][name] not in (303, 403) for one in lines) for name in names}
    return [
        "## Doors",
        "",
        f"{len(lines)} combinations of address and method stand behind a rule about people; the",
        "table of all of them is pinned and tried in every run (tests/functional/roles.txt). Of",
        "them are answered otherwise than with the way to sign in (303) or a refusal (403):",
        "",
        "| " + " | ".join(names) + " |",
        "| " + " | ".join("---" for _ in names) + " |",
        "| " + " | ".join(str(let_in[name]) for name in names) + " |",
        "",
    ]
