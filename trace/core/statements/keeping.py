"""How statements are kept: every byte of them, without what can be written again.

A statement's JWT and disclosures are base64url of JSON, a third longer than the JSON itself, and
what stands around its subject is alike in all statements of its issuer. What is kept is the JSON;
reading gives back the very texts that were signed and hashed.

Rules.
1. A JWT in the form that `build` writes is kept as `1 {kid} {validFrom} {id} {signature}` and the
   subject as JSON, after one more blank. Every other JWT is kept as it is; none begins with `1 `.
2. Disclosures are kept as one JSON array in their order. An element is the disclosure's own array
   where that, written by us, is the disclosure's bytes; its text where it is not; null where it was
   erased or taken down.
3. Nothing is kept in a short form that does not come back byte for byte.
4. What was kept before there was a short form (texts in both places) is read all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from trace.core.signing import (
    TrustError,
    Unreadable,
    b64url,
    b64url_bytes,
    dumps,
    unb64url,
)
from trace.core.signing.encoding import NOT_CANONICAL, loads_canonical
from trace.core.signing.jose import header_bytes, parse_compact
from trace.core.statements.frame import TYP, frame_of

_SHORT = "1 "


def short_jwt(kid: str, valid_from: str, statement_id: str, signature: str, subject: str) -> str:
    """Rule 1, for who has just written it."""
    return f"{_SHORT}{kid} {valid_from} {statement_id} {signature} {subject}"


def keep_jwt(jwt: str) -> str:
    """The text kept for a JWT (rules 1 and 3)."""
    try:
        compact = parse_compact(jwt, typ=TYP)
        payload = orjson.loads(compact.payload)
        subject = dumps(payload["credentialSubject"]).decode()
        parts = (compact.kid, payload["validFrom"], payload["id"])
        kept = short_jwt(*parts, b64url(compact.signature), subject)
    except (TrustError, ValueError, TypeError, KeyError):
        return jwt
    return kept if kept_jwt(kept) == jwt else jwt


def kept_jwt(kept: str) -> str:
    """The JWT of a text that was kept. A text that is no longer what was kept comes back as it is:
    whoever reads the statement says what is wrong with it."""
    if not kept.startswith(_SHORT):
        return kept
    try:
        _, kid, valid_from, statement_id, signature, subject = kept.split(" ", 5)
        frame = frame_of(kid.partition("#")[0])
        payload = frame.around(statement_id.encode(), valid_from.encode(), subject.encode())
        return f"{(header_bytes(TYP, kid) + b64url_bytes(payload)).decode()}.{signature}"
    except (Unreadable, ValueError):
        return kept


def _element(text: str | None) -> Any:
    if text is None:
        return None
    try:
        array = loads_canonical(unb64url(text))
    except Unreadable:
        return text
    return array if array is not NOT_CANONICAL and isinstance(array, list) else text


def _text(element: Any) -> str | None:
    if isinstance(element, list):
        return b64url(orjson.dumps(element))
    if element is None or isinstance(element, str):
        return element
    raise Unreadable("a disclosure", element)


def keep_texts(texts: Sequence[str | None]) -> str:
    """The JSON kept for a statement's disclosures (rules 2 and 3)."""
    return orjson.dumps([_element(text) for text in texts]).decode()


def _elements(kept: str) -> list[Any]:
    try:
        elements = orjson.loads(kept)
    except ValueError:
        elements = None
    if not isinstance(elements, list):
        raise Unreadable("a list of disclosures", kept[:40])
    return elements


def kept_texts(kept: str) -> list[str | None]:
    """The disclosures' texts, None where one is gone. Raises Unreadable for what was not kept."""
    return [_text(element) for element in _elements(kept)]


def keep_changed(kept: str, texts: Sequence[str | None]) -> str:
    """What is kept once the disclosures in `kept` are `texts`: those that stay the same stay in the
    form they are in, so that a database can tell that nothing else changed. Raises Unreadable."""
    elements = _elements(kept)
    changed = [
        element if _text(element) == text else _element(text)
        for element, text in zip(elements, texts, strict=True)
    ]
    return orjson.dumps(changed).decode()
