"""What stands around an event in every statement of one issuer: the credential's own members.

The payload's bytes are the frame's with three texts put in: the statement's id, the moment from
which it is valid, and the subject (docs/reference/formats.md, "Statement").
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from trace.core.remembering import remembered
from trace.core.signing import Unreadable, dumps

TYP: Final = "vc+sd-jwt"
CREDENTIAL_TYPES: Final = ["VerifiableCredential", "TraceEvent"]
_DID: Final = 512  # characters, as in a kid
_ISSUER = re.compile(r"did:web:(?P<host>[A-Za-z0-9.%-]+)(?P<stem>(:[A-Za-z0-9._~%-]+)*):o:[^:#/?]+")


class Frame(NamedTuple):
    """The payload's bytes before the id, between id and moment, and between moment and subject;
    after the subject stands `}`."""

    start: bytes
    middle: bytes
    end: bytes

    def around(self, statement_id: bytes, valid_from: bytes, subject: bytes) -> bytes:
        """The payload."""
        start, middle, end = self
        return b"".join((start, statement_id, middle, valid_from, end, subject, b"}"))


@remembered(4096, longest=_DID)
def id_base_of(issuer: str) -> str:
    """The identifier base under which an issuer `did:web:{host}[:{stem}]:o:{code}` stands.

    did:web, "Method-specific identifier": segments are percent-decoded. Raises Unreadable.
    """
    found = _ISSUER.fullmatch(issuer)
    if found is None:
        raise Unreadable("an issuer did:web:…:o:…", issuer)
    stem = unquote(found["stem"]).replace(":", "/")
    return f"https://{unquote(found['host'])}{stem}"


@remembered(4096, longest=_DID)
def _context(issuer: str) -> tuple[object, ...]:
    return (
        "https://www.w3.org/ns/credentials/v2",
        "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        {"trace": f"{id_base_of(issuer)}/voc/", "TraceEvent": "trace:TraceEvent"},
    )


def context_of(issuer: str) -> list[object]:
    """The `@context` of every statement of this issuer. Raises Unreadable for a foreign DID."""
    return list(_context(issuer))


@remembered(4096, longest=_DID)
def frame_of(issuer: str) -> Frame:
    """The frame of an issuer's statements. Raises Unreadable for a foreign DID."""
    payload = {
        "@context": _context(issuer),
        "type": CREDENTIAL_TYPES,
        "id": "",
        "issuer": issuer,
        "validFrom": "",
        "_sd_alg": "sha-256",
        "credentialSubject": 0,
    }
    start, _, rest = dumps(payload).partition(b'"id":""')
    middle, _, end = rest.partition(b'"validFrom":""')
    return Frame(start + b'"id":"', b'"' + middle + b'"validFrom":"', b'"' + end[:-2])
