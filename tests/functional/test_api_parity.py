"""Everything the consoles can do, programs can do: each route that changes something and each list
page has an operation of the interface that does the same, or a reason why none should.

`api_parity.txt` has a line for each: the endpoint, then `=` and the operations, or `-` and the name
of a reason of REASONS. A new route fails here until somebody has thought about programs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Flask
from werkzeug.routing import Rule

from trace.api.v1.by_hand import PATHS
from trace.api.v1.operations import OPERATIONS, bp

TABLE: Final = Path(__file__).with_name("api_parity.txt")
CONSOLES: Final = ("/producer/", "/inspection/", "/admin/", "/account/", "/directives/")
# Doors for programs themselves; and what pages of one browser tell the server about themselves.
DOORS: Final = ("/api/", "/epcis/")
CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REASONS: Final = {
    "person": "A person proves who it is, at once or shortly before: signing in, passwords,"
    " passkeys, keys, tokens, members, an application's papers, signing a recall, closing,"
    " succession.",
    "office": "An official says it in his own name, or decides: the record names him, and a token"
    " names nobody and has no power to decide.",
    "platform": "The platform's operator decides it about others; programs have its commands.",
    "private": "Words and addresses of people who asked something of the office, or what its own"
    " people did: read by whoever answers for it, and by nobody's program.",
    "browser": "It belongs to one browser or phone: its notifications, its outbox.",
    "page": "A page that gathers what other operations tell, for people to read or print.",
    "stranger": "For people without an account; what they may do, nobody does for them.",
}


def table() -> dict[str, tuple[str, tuple[str, ...]]]:
    """{endpoint: ("=", operations) or ("-", (reason,))}."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for line in TABLE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        endpoint, sign, *words = line.split()
        assert sign in ("=", "-"), line
        assert words, line
        assert endpoint not in found, endpoint
        found[endpoint] = sign, tuple(words)
    return found


def is_list_page(rule: Rule) -> bool:
    """A page of a console at an address without a variable."""
    return "GET" in (rule.methods or ()) and rule.rule.startswith(CONSOLES) and "<" not in rule.rule


def wanted(app: Flask) -> set[str]:
    """Every endpoint that must stand in the table."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(DOORS)
        and (CHANGES & (rule.methods or set()) or is_list_page(rule))
    }


def operation_names() -> set[str]:
    """Names of all operations, those written by hand as well."""
    by_hand = {told["operationId"] for methods in PATHS.values() for told in methods.values()}
    declared = {str(name) for name in bp._docs}
    assert len(declared) == len(OPERATIONS)
    return by_hand | declared


def test_every_change_and_every_list_of_the_consoles_has_an_operation_or_a_reason(
    app: Flask,
) -> None:
    told = table()
    missing = sorted(wanted(app) - told.keys())
    assert missing == [], "neither an operation nor a reason in api_parity.txt"
    assert sorted(told.keys() - wanted(app)) == [], "no such route any more"


def test_what_the_table_names_is_there(app: Flask) -> None:
    names = operation_names()
    epcis = {one for one in app.view_functions if one.startswith("epcis.")}
    used = set()
    for endpoint, (sign, words) in table().items():
        if sign == "=":
            unknown = set(words) - names - epcis
            assert unknown == set(), f"{endpoint}: no such operation {unknown}"
        else:
            assert set(words) <= REASONS.keys(), f"{endpoint}: no such reason"
            used |= set(words)
    assert used == REASONS.keys()
