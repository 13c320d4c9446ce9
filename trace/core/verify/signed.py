"""Every stored statement against the log: is it the one that was logged, signed by a key of its
issuer that the log had then?

What bundles show of a statement is checked by `verify_bundle`; this is for whoever holds them all,
and many. Rules, each with the code of its problem:
1. The entry is an event's and holds this JWT's hash (`unreadable`, `not-this-entry`).
2. The header is exact, the kid is the issuer's (`bad-signature`, `issuer-mismatch`), and the log
   brought that key before this place and did not end it (`unknown-key`, `key-not-valid-then`).
3. The signature holds (`bad-signature`).
4. Each kept disclosure belongs to exactly one digest (`disclosure-mismatch`).

The work is cut into pieces, shared by as many processes as asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Final

from trace.core.signing import (
    IssuerMismatch,
    PublicKey,
    TrustError,
    Unreadable,
    loads_strict,
    parse_kid,
    unb64url,
)
from trace.core.signing.jose import read_kid
from trace.core.signing.sdjwt import unpack
from trace.core.statements import (
    BadEntry,
    EventEntry,
    Keyrings,
    NotThisEntry,
    is_receipt_kid,
    parse_entry,
    statement_hash,
)
from trace.core.statements.build import TYP
from trace.core.verify.errors import KeyNotValidThen, UnknownKey
from trace.core.verify.mirror import MOST_PROBLEMS, PLAIN, Problem, has_plain_form
from trace.core.verify.spread import spread

PIECE: Final = 2048  # statements of one piece of work: about half a second


@dataclass(frozen=True, slots=True)
class SignedRow:
    """A stored statement: its index and entry in the log, its JWT, and the disclosures that are
    kept (None where erased); no disclosures at all leaves rule 4 out."""

    index: int
    entry: bytes
    jwt: str
    disclosures: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that signs statements, from its entries: valid from `start` up to before `end`."""

    raw: bytes
    start: int
    end: int | None


def known_keys(keyrings: Keyrings) -> dict[str, KnownKey]:
    """The keys of replayed keyrings that may sign statements, by kid."""
    found = {}
    for kid, state in keyrings.keys.items():
        if not is_receipt_kid(kid) and state.record.custody != "passkey":
            found[kid] = KnownKey(keyrings.public_key(kid).raw, state.start, state.end)
    return found


def audit_statements(
    rows: Iterable[SignedRow],
    keys: Mapping[str, KnownKey],
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[int, tuple[Problem, ...]]:
    """(how many, problems: at most a hundred). `progress` is told how many are done."""
    count, problems = 0, list[Problem]()
    rest = iter(rows)
    pieces = iter(lambda: list(islice(rest, PIECE)), [])
    for done, found in spread(pieces, partial(_check_piece, keys=dict(keys)), workers):
        count += done
        problems += found[: MOST_PROBLEMS - len(problems)]
        progress(count)
    return count, tuple(problems)


def _check_piece(
    rows: Sequence[SignedRow], keys: Mapping[str, KnownKey]
) -> tuple[int, list[Problem]]:
    return len(rows), check_rows(rows, keys)


def check_rows(rows: Sequence[SignedRow], keys: Mapping[str, KnownKey]) -> list[Problem]:
    """The problems of some statements, in their order."""
    problems = []
    for row in rows:
        try:
            _check(row, keys)
        except TrustError as error:
            problems.append(Problem(error.code, f"entry {row.index}", error.detail))
    return problems


def _check(row: SignedRow, keys: Mapping[str, KnownKey]) -> None:
    check_entry(row.entry, row.jwt)  # 1
    kid = read_kid(row.jwt, typ=TYP)  # 2
    signed, _, signature = row.jwt.rpartition(".")
    payload = loads_strict(unb64url(signed.partition(".")[2]))
    _check_issuer(payload, kid)
    public = key_at(keys, kid, row.index)
    public.verify(unb64url(signature), signed.encode())  # 3
    if row.disclosures:  # 4
        kept = [text for text in row.disclosures if text is not None]
        # Not disclosures_of: it reads the payload once more and names what nobody asks for.
        unpack(payload, kept, strays_allowed=len(kept) != len(row.disclosures))


def check_entry(entry: bytes, jwt: str) -> None:
    """Rule 1. Raises BadEntry, NotThisEntry."""
    logged, own = _hash_in(entry), statement_hash(jwt)
    if logged != own:
        raise NotThisEntry(own, logged)


def key_at(keys: Mapping[str, KnownKey], kid: str, index: int) -> PublicKey:
    """The key of a kid, if it counts at this index (rule 2). Raises UnknownKey, KeyNotValidThen."""
    key = keys.get(kid)
    if key is None:
        raise UnknownKey("a key entry for this kid", kid)
    if index < key.start or (key.end is not None and index >= key.end):
        raise KeyNotValidThen(f"an index from {key.start} and before {key.end}", index)
    return _public(key.raw)


def _hash_in(entry: bytes) -> str:
    found = PLAIN.fullmatch(entry)
    if found is not None and found[1] == b"event" and has_plain_form(entry):
        return found[3].decode()
    parsed = parse_entry(entry)
    if not isinstance(parsed, EventEntry):
        raise BadEntry("an entry of type event", parsed.type)
    return parsed.h


def _check_issuer(payload: Any, kid: str) -> None:
    issuer = payload.get("issuer") if isinstance(payload, dict) else None
    if not isinstance(issuer, str):
        raise Unreadable("an issuer", issuer)
    if parse_kid(kid).issuer != issuer:
        raise IssuerMismatch(f"a key of {issuer}", kid)


@lru_cache(maxsize=4096)
def _public(raw: bytes) -> PublicKey:
    return PublicKey.from_bytes(raw)
