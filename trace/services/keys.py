"""Signing keys: made, sealed by the key-encryption key, published in the log, opened to sign."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

import orjson
from cachetools import TTLCache
from sqlalchemy import select, update

from trace.core.signing import PrivateKey, PublicKey, seal_key, unseal_key
from trace.core.statements import (
    KEYRING_SALT,
    KeyRecord,
    key_entry,
    key_record_hash,
    keyring_identity,
    parse_entry,
    sign_key_record,
    tag,
)
from trace.core.statements.entries import KeyEntry
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Key, LogEntry, Organisation
from trace.services import log
from trace.services.naming import issuer_of, organisation_did
from trace.services.settings import current_settings


class NoKey(TraceError):
    code = "no-key"
    status = 409
    message = "The organisation has no valid signing key."
    next_step = "Ask the platform to make one."


class MissingKeyFile(TraceError):
    code = "missing-key-file"
    status = 500
    message = "The key file %(name)s is missing from the instance folder."
    next_step = "Restore it from the backup of keys; without it nothing can be published."


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An opened key: `row_id` in keys, its `kid`, and the private half."""

    row_id: int
    kid: str
    private: PrivateKey


# Opened keys stay in memory for five minutes: opening costs as much as signing, and a rotation
# made by another process must be noticed soon.
_opened: TTLCache[tuple[str, int], SigningKey] = TTLCache(maxsize=4096, ttl=300)
_opened_lock = Lock()


def create_key(organisation: Organisation, *, at: datetime, purpose: str = "sign") -> Key:
    """Makes a server-held key for an organisation and publishes it on its keyring chain.

    The first key is signed by the platform's root key, a later one by the newest valid key as
    well as by itself (formats §5).
    """
    settings = current_settings()
    issuer = issuer_of(organisation.code)
    name = "receipt" if purpose == "receipt" else "key"
    count = db.session.scalar(
        select(db.func.count()).select_from(Key).filter_by(organisation_id=organisation.id)
    )
    kid = f"{issuer}#{name}-{(count or 0) + 1}"
    private = PrivateKey.generate()
    state = log.lock()
    head = db.session.scalar(
        select(Organisation.keyring_head).where(Organisation.id == organisation.id)
    )
    number = head or 0
    previous = _previous_record(organisation, number)
    record = KeyRecord(
        origin=state.origin,
        org=issuer,
        n=number,
        action="add",
        kid=kid,
        jwk=private.public.jwk,
        custody="server",
        prev=previous,
    )
    authority = _authority(organisation)
    signed = sign_key_record(record, [authority, (kid, private)])
    entry = key_entry(
        log.record_time(state, at), signed, tag(KEYRING_SALT, keyring_identity(issuer), number)
    )
    index = log.append(state, [(entry, None)], at)
    db.session.execute(
        update(Organisation)
        .where(Organisation.id == organisation.id)
        .values(keyring_head=number + 1)
        .execution_options(synchronize_session=False)
    )
    row = Key(
        organisation_id=organisation.id,
        purpose=purpose,
        kid=kid,
        jwk=orjson.dumps(private.public.jwk).decode(),
        sealed=seal_key(
            private, settings.key_encryption_key, org=issuer, kid=kid, randbytes=os.urandom
        ),
        custody="server",
        active_from=index,
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def signing_key(organisation: Organisation, purpose: str = "sign") -> SigningKey:
    """The organisation's newest valid server-held key, opened. Raises NoKey."""
    settings = current_settings()
    cache_key = (settings.id_base + purpose + str(settings.instance), organisation.id)
    with _opened_lock:
        known = _opened.get(cache_key)
    if known is not None:
        return known
    row = db.session.scalar(
        select(Key)
        .where(
            Key.organisation_id == organisation.id,
            Key.purpose == purpose,
            Key.sealed.is_not(None),
            Key.active_from.is_not(None),
            Key.revoked_from.is_(None),
        )
        .order_by(Key.id.desc())
        .limit(1)
    )
    if row is None or row.sealed is None:
        raise NoKey
    private = unseal_key(
        row.sealed,
        settings.key_encryption_key,
        org=organisation_did(organisation.code, settings.id_base),
        kid=row.kid,
    )
    opened = SigningKey(row_id=row.id, kid=row.kid, private=private)
    with _opened_lock:
        _opened[cache_key] = opened
    return opened


def check_still_valid(key: SigningKey) -> None:
    """Under the log lock: the key has not been revoked since it signed. Raises NoKey."""
    valid = db.session.scalar(
        select(Key.id).where(Key.id == key.row_id, Key.revoked_from.is_(None))
    )
    if valid is None:
        forget_opened()
        raise NoKey


def forget_opened() -> None:
    """Empties the cache of opened keys (after a rotation or revocation, and between tests)."""
    with _opened_lock:
        _opened.clear()


def _previous_record(organisation: Organisation, number: int) -> str | None:
    if number == 0:
        return None
    newest = db.session.scalar(
        select(LogEntry.entry)
        .join(Key, Key.active_from == LogEntry.index)
        .where(Key.organisation_id == organisation.id)
        .order_by(LogEntry.index.desc())
        .limit(1)
    )
    entry = parse_entry((newest or "").encode())
    if not isinstance(entry, KeyEntry):
        raise NoKey
    return key_record_hash(entry.jws[0])


def _authority(organisation: Organisation) -> tuple[str, PrivateKey]:
    """Who signs the new key in: the newest valid key, or for the first the platform's root."""
    try:
        current = signing_key(organisation)
    except NoKey:
        return root_kid(), root_key()
    return current.kid, current.private


def root_kid() -> str:
    """The root key's name in signatures: `{platform's DID}#root`; the key itself is policy."""
    code = db.session.scalar(select(Organisation.code).where(Organisation.kind == "platform"))
    return f"{issuer_of(code or '')}#root"


def root_key() -> PrivateKey:
    """The platform's root key, which signs in an organisation's first key."""
    return _file_key("root")


def log_key() -> PrivateKey:
    """The log's own key: signs checkpoints and nothing else."""
    return _file_key("log")


def create_file_keys() -> None:
    """Makes the root and log keys where they do not exist: sealed files, owner-only."""
    settings = current_settings()
    for name in ("root", "log"):
        path = _key_path(name)
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        sealed = seal_key(
            PrivateKey.generate(),
            settings.key_encryption_key,
            org=settings.id_base,
            kid=name,
            randbytes=os.urandom,
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)


def root_public() -> PublicKey:
    """The root key's public half: published beside the policy."""
    return root_key().public


def _key_path(name: str) -> Path:
    return current_settings().instance / "keys" / f"{name}.sealed"


def _file_key(name: str) -> PrivateKey:
    settings = current_settings()
    path = _key_path(name)
    if not path.exists():
        raise MissingKeyFile(name=path.name)
    return unseal_key(
        path.read_bytes(), settings.key_encryption_key, org=settings.id_base, kid=name
    )
