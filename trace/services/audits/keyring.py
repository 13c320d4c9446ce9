"""The keys table held against the keyrings that the log gives, replayed from its first entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from trace.core.signing import TrustError, unseal_key
from trace.core.statements import KeyEntry, Keyrings, is_receipt_kid, parse_entry
from trace.core.statements.keyring import KeyRecord, key_record_hash
from trace.core.statements.times import moment_text
from trace.core.verify.signed import known_keys
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Key, LogState, Organisation
from trace.services.audits.found import Difference
from trace.services.audits.logged import Logged
from trace.services.audits.rows import Origin
from trace.services.keys import root_public
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings


@dataclass(slots=True)
class Told:
    """What the log says of one kid: its record, the time of its entry and whether that is the time
    of the entry before as well, and the places between which it counts."""

    record: KeyRecord
    moment: str
    standing: bool
    starts: list[int]
    end: int | None


@dataclass(slots=True)
class Replayed:
    """All keyrings of all origins."""

    origins: list[Origin]
    keys: dict[str, Told]
    heads: dict[str, tuple[int, str]]  # DID: number of records and newest record's hash, here


def replay_keys(logged: Logged, into: Replayed) -> Iterator[Difference]:
    """Replays every origin's key entries; those that do not hold are named and left out."""
    authorities = db.session.scalars(
        select(Organisation.code).where(Organisation.kind == "authority")
    ).all()
    inspectors = frozenset(issuer_of(code) for code in authorities)
    states = db.session.scalars(select(LogState).order_by(LogState.id)).all()
    ends = [state.start for state in states[1:]]
    for state, end in zip(states, [*ends, logged.size], strict=True):
        rings = Keyrings(
            state.origin, root_public(), issuer_of(platform_organisation().code), inspectors
        )
        into.heads = {}
        for place, text in logged.others:
            if not state.start <= place < end:
                continue
            entry = parse_entry(text.encode())
            if not isinstance(entry, KeyEntry):
                continue
            try:
                record = rings.apply(place - state.start, entry)
            except TrustError as error:
                yield Difference(
                    "log_entries", str(place), "entry", "a key entry that holds", error.detail
                )
                continue
            into.heads[record.org] = (record.n + 1, key_record_hash(entry.jws[0]))
            if record.action == "revoke":
                continue
            known = into.keys.get(record.kid)
            if known is not None:
                known.starts.append(place)
                continue
            standing = place in logged.standing
            into.keys[record.kid] = Told(record, moment_text(entry.t), standing, [place], None)
        into.origins.append(Origin(state.start, end, known_keys(rings)))
        _end(into, rings, state.start)


def _end(into: Replayed, rings: Keyrings, start: int) -> None:
    """Where keys end: at their entry or, if a log begun anew does not know them, at its start."""
    for kid, told in into.keys.items():
        state = rings.keys.get(kid)
        if state is not None:
            told.end = None if state.end is None else start + state.end
        elif told.end is None:
            told.end = start


def audit_keys(replayed: Replayed) -> Iterator[Difference]:
    """Every column of keys that copies something."""
    organisations = {
        row.id: issuer_of(row.code)
        for row in db.session.execute(select(Organisation.id, Organisation.code))
    }
    missing = dict(replayed.keys)
    for row in db.session.scalars(select(Key).order_by(Key.id)):
        told = missing.pop(row.kid, None)
        if told is None:
            yield Difference("keys", str(row.id), "kid", "a kid that the log knows", row.kid)
            continue
        for column, expected, got in _columns(row, told, organisations.get(row.organisation_id)):
            if expected != got:
                yield Difference("keys", str(row.id), column, str(expected), str(got))
        yield from _audit_secret(row, told)
    for kid in missing:
        yield Difference("keys", kid, "kid", "a row", "none")


def _columns(row: Key, told: Told, org: str | None) -> Sequence[tuple[str, Any, Any]]:
    """(column, expected, got)."""
    record = told.record
    created = moment_text(row.created_at)
    # The record time stands still while the clock has gone back: then the row may be older.
    older = told.standing and created < told.moment
    # A log begun anew publishes the keys it keeps once more: either place may be the row's.
    started = row.active_from if row.active_from in told.starts else told.starts[0]
    return [
        ("organisation_id", record.org, org),
        ("purpose", "receipt" if is_receipt_kid(record.kid) else "sign", row.purpose),
        ("jwk", orjson.dumps(record.jwk).decode(), row.jwk),
        ("custody", record.custody, row.custody),
        ("active_from", started, row.active_from),
        ("revoked_from", told.end, row.revoked_from),
        ("created_at", created if older else told.moment, created),
    ]


def _audit_secret(row: Key, told: Told) -> Iterator[Difference]:
    """A key held here opens to the private half of what was published; others are not here."""
    name, record = str(row.id), told.record
    if (row.sealed is not None) != (record.custody == "server"):
        expected = "a sealed key" if record.custody == "server" else "none"
        yield Difference("keys", name, "sealed", expected, "the contrary")
    elif row.sealed is not None:
        try:
            opened = unseal_key(
                row.sealed, current_settings().key_encryption_key, org=record.org, kid=row.kid
            )
            if opened.public.jwk != record.jwk:
                yield Difference("keys", name, "sealed", "this kid's private half", "another")
        except TraceError as error:
            yield Difference("keys", name, "sealed", "a key that opens", error.code)
    try:
        passkey = orjson.loads(row.passkey) if row.passkey is not None else None
        said = None if passkey is None else (passkey.get("rpId"), passkey.get("origin"))
    except (ValueError, AttributeError):
        said = ("?", "?")
    expected_passkey = None if record.rp_id is None else (record.rp_id, record.rp_origin)
    if said != expected_passkey:
        yield Difference("keys", name, "passkey", str(expected_passkey), str(said))
