"""One event = one statement: a W3C Verifiable Credential 2.0 secured as SD-JWT (RFC 9901).

Rules (docs/reference/formats.md, "Statement").
1. Core members stay in the clear: a statement is shown with them or not at all, so withholding
   cannot turn a recall or a void into praise.
2. `trace:members` names every other member with its element count: undeclared and withheld can be
   told apart.
3. Each other member is a disclosure; `ilmd` holds one disclosure per member of its own; a list of
   2 to 32 elements holds one per element. A parent stands before its children in our order.
4. A path names the member: segments joined by `/`, with `~` and `/` inside a name written `~0` and
   `~1` (RFC 6901), list elements by index from 0.
5. Names `_sd`, `_sd_alg`, `...` are refused anywhere: with them a claim could be added after
   signing. `recordTime` is dropped: the log gives it.
6. Numbers are kept by value; salts have 128 bits; there are no decoys; at most 256 members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from trace.core.signing import (
    IssuerMismatch,
    JsonObject,
    PrivateKey,
    Unreadable,
    b64url,
    dumps,
    parse_kid,
    sign_compact,
)
from trace.core.signing.sdjwt import digest_of
from trace.core.statements.errors import NotSignable
from trace.core.statements.frame import CREDENTIAL_TYPES, TYP, context_of, frame_of, id_base_of
from trace.core.statements.keeping import kept_texts, short_jwt
from trace.core.statements.layout import (
    CORE,
    MAX_MEMBERS,
    MEMBERS,
    SPLIT_FROM,
    SPLIT_TO,
    Broken,
    Disclosures,
    Laid,
    digest_texts,
    escape,
    paths_of,
)
from trace.core.statements.times import moment_text

__all__ = [
    "CORE",
    "CREDENTIAL_TYPES",
    "MAX_MEMBERS",
    "MEMBERS",
    "SPLIT_FROM",
    "SPLIT_TO",
    "TYP",
    "Disclosure",
    "Signed",
    "Statement",
    "build_statement",
    "build_statements",
    "context_of",
    "escape",
    "id_base_of",
    "is_statement_id",
    "paths_of",
    "present",
    "statement_hash",
    "statement_hashes",
]

# Events whose disclosures are made together: few enough that what one step wrote is still in the
# processor's cache when the next one reads it.
TOGETHER: Final = 32
SIGNATURE: Final = 86  # characters of an Ed25519 signature in base64url
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Disclosure(NamedTuple):
    """One disclosure: the member it is for (rule 4) and its text between the tildes."""

    path: str
    text: str

    @property
    def digest(self) -> str:
        """base64url SHA-256 of the text, as it stands in the statement."""
        return digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed JWT and its disclosures in event order, each parent before its children."""

    jwt: str
    disclosures: tuple[Disclosure, ...]


class Signed(NamedTuple):
    """A signed JWT, the same and its disclosures (in the order of `paths_of(event)`) as they are
    kept, and the event."""

    jwt: str
    kept: str
    disclosures: str
    event: JsonObject

    @property
    def texts(self) -> list[str]:
        """The disclosures' texts."""
        return [text for text in kept_texts(self.disclosures) if text is not None]

    @property
    def statement(self) -> Statement:
        return Statement(self.jwt, tuple(map(Disclosure, paths_of(self.event), self.texts)))


def statement_hash(jwt: str) -> str:
    """base64url SHA-256 of the JWT: the `h` of its log entry, 43 characters."""
    return b64url(sha256(jwt.encode()).digest())


def statement_hashes(jwts: Iterable[str]) -> list[str]:
    """statement_hash of each, at less cost."""
    return digest_texts([sha256(jwt.encode()).digest() for jwt in jwts])


def is_statement_id(text: object) -> bool:
    """True for `urn:uuid:` and a lower-case version 4 UUID (RFC 9562)."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def build_statement(
    event: JsonObject,
    *,
    issuer: str,
    kid: str,
    key: PrivateKey,
    statement_id: str,
    valid_from: datetime,
    salts: Callable[[int], bytes],
) -> Statement:
    """Signs `event` (its JSON with its own `@context`) for `issuer`.

    `salts(n)` returns n random bytes; `statement_id` is `urn:uuid:` v4. Raises NotSignable with the
    JSON Pointer of what cannot be signed, Unreadable for a malformed issuer, kid or id,
    IssuerMismatch for another's kid.
    """
    return build_statements(
        [event],
        issuer=issuer,
        kid=kid,
        key=key,
        statement_ids=[statement_id],
        valid_from=valid_from,
        salts=salts,
    )[0].statement


def build_statements(
    events: Sequence[JsonObject],
    *,
    issuer: str,
    kid: str,
    key: PrivateKey,
    statement_ids: Sequence[str],
    valid_from: datetime,
    salts: Callable[[int], bytes],
) -> list[Signed]:
    """build_statement for many events of one issuer at less cost: what was signed for each.

    `salts` is called once for every TOGETHER of them. Raises what build_statement raises.
    """
    _check_issuer(issuer, kid)
    signed: list[Signed] = []
    for begin in range(0, len(events), TOGETHER):
        some = slice(begin, begin + TOGETHER)
        made = Disclosures()
        laid = [made.lay_out(event) for event in events[some]]
        try:
            made.write(salts)
        except Broken as broken:
            value = made.arrays[broken.slot][-1]
            for event, one in zip(events[some], laid, strict=True):
                if one.start <= broken.slot < one.end:
                    raise broken.told(event, one, value) from None
            raise
        signed += _signed(made, laid, events[some], statement_ids[some], valid_from, kid, key)
    return signed


def _signed(
    made: Disclosures,
    laid: Sequence[Laid],
    events: Sequence[JsonObject],
    statement_ids: Sequence[str],
    valid_from: datetime,
    kid: str,
    key: PrivateKey,
) -> Iterator[Signed]:
    moment = moment_text(valid_from)
    frame, moment_bytes = frame_of(kid.partition("#")[0]), moment.encode()
    for one, event, statement_id in zip(laid, events, statement_ids, strict=True):
        if not is_statement_id(statement_id):
            raise Unreadable("urn:uuid: and a version 4 UUID", statement_id)
        subject = one.subject
        subject[MEMBERS] = one.counts
        subject["_sd"] = sorted([made.digests[slot] for slot in one.members])
        try:
            raw = dumps(subject)
        except Unreadable as error:
            raise NotSignable(reason=error.got, path="") from None
        payload = frame.around(statement_id.encode(), moment_bytes, raw)
        jwt = sign_compact(payload, typ=TYP, kid=kid, key=key)
        kept = short_jwt(kid, moment, statement_id, jwt[-SIGNATURE:], raw.decode())
        # The array as a JSON writer would write it: what it holds was written by one.
        disclosures = b",".join(made.raws[one.start : one.end]).decode()
        yield Signed(jwt, kept, f"[{disclosures}]", event)


@lru_cache(maxsize=4096)
def _check_issuer(issuer: str, kid: str) -> None:
    id_base_of(issuer)
    if parse_kid(kid).issuer != issuer:
        raise IssuerMismatch(f"a key of {issuer}", kid)


def present(statement: Statement, withhold: Collection[str] = ()) -> str:
    """`<jwt>~<disclosure>~…~` without the members at the paths in `withhold` and what is below."""
    hidden = frozenset(withhold)
    shown = [
        disclosure.text
        for disclosure in statement.disclosures
        if not _below(disclosure.path, hidden)
    ]
    return "~".join([statement.jwt, *shown, ""])


def _below(path: str, hidden: frozenset[str]) -> bool:
    if not hidden:
        return False
    while path not in hidden:
        path, slash, _ = path.rpartition("/")
        if not slash:
            return False
    return True
