"""One line in, one answer out: what the command line prints about a Digital Link URI."""

from __future__ import annotations

from typing import Any

from trace.core.gs1.errors import Gs1Error
from trace.core.gs1.links import parse_digital_link


def digital_link_report(line: str) -> dict[str, Any]:
    """`{"ok": true, "canonical", "keys", "attributes"}` or `{"ok": false, "code", "detail"}`.

    `keys` holds primary key and qualifiers by application identifier, `attributes` the rest;
    `canonical` is the id.gs1.org form with the attributes sorted. Surrounding white space of the
    line is not part of it."""
    try:
        link = parse_digital_link(line.strip())
    except Gs1Error as error:
        return {"ok": False, "code": error.code, "detail": error.detail}
    return {
        "ok": True,
        "canonical": link.uri(),
        "keys": {link.identity.key: link.identity.value, **dict(link.identity.qualifiers)},
        "attributes": dict(link.attributes),
    }
