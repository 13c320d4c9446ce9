"""Beginning the log anew, when the old one cannot be continued: the last resort of formats §4.

The new log has an origin, a key and indexes of its own, and its first entry names the old origin
and the old log's last checkpoint. Verifiers follow it only where their policy names it, and see the
gap. The old log stays readable under its own address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from trace.core.signing import PrivateKey
from trace.core.statements import (
    KEYRING_SALT,
    KeyRecord,
    key_entry,
    key_record_hash,
    keyring_identity,
    origin_entry,
    root_kid,
    sign_key_record,
    tag,
)
from trace.core.tlog import origin_of
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Key, LogCheckpoint, LogState, Organisation
from trace.services import log
from trace.services.keys import NoKey, forget_opened, root_key, signing_key
from trace.services.log_file import checkpoint_path, parse_kept
from trace.services.log_guard import mending
from trace.services.log_keys import make_for
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings


class NothingPublished(TraceError):
    code = "nothing-published"
    status = 409
    message = "The log %(origin)s has published no checkpoint that is known here."
    next_step = "Give the newest one with --checkpoint; a witness or a mirror has it."


@dataclass(frozen=True, slots=True)
class NewOrigin:
    """The log begun anew, the size the old one was published at, and the organisations that have no
    key in the new log because nobody here holds it: they enrol anew."""

    number: int
    origin: str
    old: str
    old_size: int
    without_key: tuple[str, ...]


def new_origin(*, at: datetime, note: str | None = None) -> NewOrigin:
    """Begins the next origin; the caller commits, then publishes. `note` is the old log's newest
    checkpoint where the file outside the database has none. Raises NothingPublished, LogForked."""
    with mending():
        return _begin(at, note)


def _begin(at: datetime, note: str | None) -> NewOrigin:
    state = log.lock()
    note = note or _newest_note(state)
    old = parse_kept(note, state.origin)
    number = state.number + 1
    origin = origin_of(current_settings().id_base, number)
    make_for(origin)
    moment = log.record_time(state, at)
    db.session.add(
        LogState(
            id=number,
            origin=origin,
            id_base=current_settings().id_base,
            start=state.size,
            size=state.size,
            integrated=state.size,
            last_time=moment,
        )
    )
    db.session.flush()
    entry = origin_entry(moment, number - 1, state.origin, note)
    log.append(log.lock(), [(entry, None)], at)
    without = [
        organisation.code
        for organisation in db.session.scalars(select(Organisation).order_by(Organisation.id))
        if not _publish_keys(organisation, at)
    ]
    forget_opened()
    return NewOrigin(number, origin, state.origin, old.size, tuple(without))


def _newest_note(state: log.Locked) -> str:
    path = checkpoint_path(state.number)
    if path.exists():
        return path.read_text()
    row = db.session.get(LogState, state.number)
    newest = db.session.scalar(
        select(LogCheckpoint.note)
        .where(LogCheckpoint.size > (row.start if row is not None else 0))
        .order_by(LogCheckpoint.size.desc())
        .limit(1)
    )
    if newest is None:
        raise NothingPublished(origin=state.origin)
    return newest


def _publish_keys(organisation: Organisation, at: datetime) -> bool:
    """Opens the organisation's keyring in the new log with the keys held here: the signing key
    under the platform's root key, then the receipt key. False when there is none to sign with."""
    organisation.keyring_head, organisation.keyring_last = 0, None
    forget_opened()
    kept = []
    try:
        own = signing_key(organisation)
    except NoKey:
        own = None
    if own is not None:
        root = (root_kid(issuer_of(platform_organisation().code)), root_key())
        _publish(organisation, own.kid, own.private, [root], at)
        kept.append(own.row_id)
        try:
            receipt = signing_key(organisation, "receipt")
        except NoKey:
            pass
        else:
            signers = [(own.kid, own.private), (receipt.kid, receipt.private)]
            _publish(organisation, receipt.kid, receipt.private, signers, at)
            kept.append(receipt.row_id)
    db.session.flush()
    db.session.execute(
        update(Key)
        .where(
            Key.organisation_id == organisation.id,
            Key.revoked_from.is_(None),
            Key.id.not_in(kept),
        )
        .values(revoked_from=log.current_state().start)
    )
    return own is not None


def _publish(
    organisation: Organisation,
    kid: str,
    key: PrivateKey,
    signers: list[tuple[str, PrivateKey]],
    at: datetime,
) -> None:
    state = log.lock()
    issuer = issuer_of(organisation.code)
    record = KeyRecord(
        origin=state.origin,
        org=issuer,
        n=organisation.keyring_head,
        action="add",
        kid=kid,
        jwk=key.public.jwk,
        custody="server",
        prev=organisation.keyring_last,
    )
    signed = sign_key_record(record, signers)
    link = tag(KEYRING_SALT, keyring_identity(issuer), record.n)
    log.append(state, [(key_entry(log.record_time(state, at), signed, link), None)], at)
    organisation.keyring_head = record.n + 1
    organisation.keyring_last = key_record_hash(signed[0])
