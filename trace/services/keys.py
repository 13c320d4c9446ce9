"""Signing keys: made, sealed by the key-encryption key, published in the log, opened to sign."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

import orjson
from cachetools import TTLCache
from sqlalchemy import ColumnElement, func, select, update

from trace.core.signing import (
    JsonObject,
    PrivateKey,
    PublicKey,
    SealBroken,
    seal_key,
    unseal_key,
)
from trace.core.statements import (
    KEYRING_SALT,
    Assertion,
    KeyRecord,
    key_entry,
    key_record_hash,
    keyring_identity,
    root_kid,
    sign_key_record,
    tag,
)
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Key, Organisation
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


class KeysSealedOtherwise(TraceError):
    code = "keys-sealed-otherwise"
    status = 503
    message = "The database's keys do not open with this TRACE_KEY_ENCRYPTION_KEY."
    next_step = (
        "A change of the key-encryption key was stopped half way. Start with the other of the two "
        "values, or run the change again: flask --app wsgi trace keys rewrap"
    )


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key wherever it is held: `row_id` in keys and its `kid`."""

    row_id: int
    kid: str


@dataclass(frozen=True, slots=True)
class SigningKey(NamedKey):
    """An opened key: with the private half."""

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
    return _new_key(organisation, "add", purpose, at)


def rotate_key(organisation: Organisation, *, at: datetime) -> Key:
    """Puts a new key in the place of the newest valid one, which signs it in and ends there. Raises
    NoKey when there is none: a lost key is recovered, not rotated."""
    log.lock()
    old, _ = signer_of(organisation)
    made = _new_key(organisation, "rotate", "sign", at)
    end_keys(Key.kid == old, made.active_from)
    return made


def recover_key(organisation: Organisation, inspector: Organisation, *, at: datetime) -> Key:
    """Gives an organisation that lost its keys a new one; the platform's root key and an
    inspecting authority sign it in, and every earlier key ends there."""
    made = _new_key(organisation, "recover", "sign", at, inspector)
    others = (Key.organisation_id == organisation.id) & (Key.id != made.id)
    end_keys(others & Key.revoked_from.is_(None), made.active_from)
    return made


def revoke_key(
    key: Key,
    *,
    at: datetime,
    inspector: Organisation | None = None,
    since: int | None = None,
) -> int:
    """Ends a key at the next log index, which is returned. Signed by the organisation's newest
    valid key or, with `inspector`, by the platform's root key and that authority; only then may
    `since` name the index from which entries are flagged."""
    organisation = key.organisation
    state = log.lock()
    record = next_record(organisation, state.origin, "revoke", key.kid, since=since)
    signers = [signer_of(organisation)] if inspector is None else [_root(), signer_of(inspector)]
    index = publish(organisation, state, record, sign_key_record(record, signers), at)
    end_keys(Key.id == key.id, index)
    return index


def rewrap(old: bytes, new: bytes) -> int:
    """Seals every server-held key anew under another key-encryption key; returns how many were not
    yet.

    File keys are written anew beside the old ones (`.rewrapped`). The caller commits, calls
    `finish_rewrap(new)`, and only then changes TRACE_KEY_ENCRYPTION_KEY. Stopped anywhere, it is
    run again with the same two keys: what is sealed under the new one already is left alone.
    """
    with suppress(KeysSealedOtherwise):  # stopped after the commit: these two keys once more
        finish_rewrap(old)
    id_base = current_settings().id_base
    count = 0
    for row in db.session.scalars(select(Key).where(Key.sealed.is_not(None))):
        if row.sealed is None:
            continue
        org = organisation_did(row.organisation.code, id_base)
        if _opens(row.sealed, new, org, row.kid):
            continue
        private = unseal_key(row.sealed, old, org=org, kid=row.kid)
        row.sealed = seal_key(private, new, org=org, kid=row.kid, randbytes=os.urandom)
        count += 1
    for path in sorted(_folder().glob("*.sealed")):
        name, data = _sealed_as(path.stem), path.read_bytes()
        if _opens(data, new, id_base, name):
            continue
        private = unseal_key(data, old, org=id_base, kid=name)
        fresh = path.with_suffix(REWRAPPED)
        fresh.unlink(missing_ok=True)
        write_secret(fresh, seal_key(private, new, org=id_base, kid=name, randbytes=os.urandom))
    db.session.flush()
    forget_opened()
    return count


def finish_rewrap(key: bytes | None = None) -> None:
    """Brings the file keys to where the database is, after a `rewrap` that ended or was stopped:
    puts what it sealed in the place of the old files if the database's keys open with the
    key-encryption key (`key`, or the settings'), and takes away what does not open with it.

    Does nothing where no rewrap was. Raises KeysSealedOtherwise when the database's keys do not
    open: then nothing is moved, and the other value of the key-encryption key is the right one.
    """
    _drop_parts()
    waiting = sorted(_folder().glob(f"*{REWRAPPED}"))
    if not waiting:
        return
    settings = current_settings()
    kek = settings.key_encryption_key if key is None else key
    row = db.session.scalar(select(Key).where(Key.sealed.is_not(None)).order_by(Key.id).limit(1))
    if row is not None and row.sealed is not None:
        org = organisation_did(row.organisation.code, settings.id_base)
        if not _opens(row.sealed, kek, org, row.kid):
            raise KeysSealedOtherwise
    for fresh in waiting:
        with suppress(FileNotFoundError):  # another process tidies up at the same time
            if _opens(fresh.read_bytes(), kek, settings.id_base, _sealed_as(fresh.stem)):
                fresh.replace(fresh.with_suffix(".sealed"))
            else:
                fresh.unlink()
    sync_folder(_folder())


def _drop_parts() -> None:
    """Takes away what a killed process had written of a key file."""
    for part in _folder().glob(".*.new"):
        with suppress(FileNotFoundError, PermissionError):
            try:
                os.kill(int(part.name.split(".")[-2]), 0)
            except ProcessLookupError:
                part.unlink()


def _opens(sealed: bytes, kek: bytes, org: str, kid: str) -> bool:
    try:
        unseal_key(sealed, kek, org=org, kid=kid)
    except SealBroken:
        return False
    return True


def _sealed_as(stem: str) -> str:
    """The name under which a key file is sealed: a log's next and retired keys bear the log's."""
    return stem.removesuffix("-next").partition("-retired-")[0]


def _new_key(
    organisation: Organisation,
    action: str,
    purpose: str,
    at: datetime,
    inspector: Organisation | None = None,
) -> Key:
    state = log.lock()
    kid = next_kid(organisation, "receipt" if purpose == "receipt" else "key")
    private = PrivateKey.generate()
    record = next_record(
        organisation, state.origin, action, kid, jwk=private.public.jwk, custody="server"
    )
    if inspector is not None:
        signers = [_root(), signer_of(inspector), (kid, private)]
    elif record.n == 0:
        signers = [_root()]
    else:
        signers = [signer_of(organisation), (kid, private)]
    index = publish(organisation, state, record, sign_key_record(record, signers), at)
    row = Key(
        organisation_id=organisation.id,
        purpose=purpose,
        kid=kid,
        jwk=orjson.dumps(private.public.jwk).decode(),
        sealed=seal_key(
            private,
            current_settings().key_encryption_key,
            org=record.org,
            kid=kid,
            randbytes=os.urandom,
        ),
        custody="server",
        active_from=index,
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def next_kid(organisation: Organisation, name: str = "key") -> str:
    """A kid never used before: names count through all keys the organisation ever had."""
    count = db.session.scalar(
        select(func.count()).select_from(Key).where(Key.organisation_id == organisation.id)
    )
    return f"{issuer_of(organisation.code)}#{name}-{(count or 0) + 1}"


def next_record(
    organisation: Organisation,
    origin: str,
    action: str,
    kid: str,
    *,
    jwk: JsonObject | None = None,
    custody: str | None = None,
    passkey: tuple[str, str] | None = None,
    since: int | None = None,
) -> KeyRecord:
    """The organisation's next key record. It stays the next one only under the log lock.

    `passkey` is (rpId, origin).
    """
    row = db.session.execute(
        select(Organisation.keyring_head, Organisation.keyring_last).where(
            Organisation.id == organisation.id
        )
    ).one()
    rp_id, rp_origin = passkey or (None, None)
    return KeyRecord(
        origin=origin,
        org=issuer_of(organisation.code),
        n=row.keyring_head,
        action=action,
        kid=kid,
        jwk=jwk,
        custody=custody,
        prev=row.keyring_last if row.keyring_head else None,
        rp_id=rp_id,
        rp_origin=rp_origin,
        since=since,
    )


def publish(
    organisation: Organisation,
    state: log.Locked,
    record: KeyRecord,
    jws: Sequence[str],
    at: datetime,
    assertion: Assertion | None = None,
) -> int:
    """Logs a signed record on the keyring chain, under the log lock; returns its index."""
    entry = key_entry(
        log.record_time(state, at),
        jws,
        tag(KEYRING_SALT, keyring_identity(record.org), record.n),
        assertion,
    )
    index = log.append(state, [(entry, None)], at)
    values: dict[str, object] = {
        "keyring_head": record.n + 1,
        "keyring_last": key_record_hash(jws[0]),
    }
    db.session.execute(
        update(Organisation)
        .where(Organisation.id == organisation.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return index


def _root() -> tuple[str, PrivateKey]:
    """The root key under its name in signatures; the key itself is in the verifier's policy."""
    code = db.session.scalar(select(Organisation.code).where(Organisation.kind == "platform"))
    return root_kid(issuer_of(code or "")), root_key()


def signer_of(organisation: Organisation) -> tuple[str, PrivateKey]:
    """Who signs the next key record, under the log lock: by an ended key nobody believes it."""
    forget_opened()  # another process may have ended what this one has open
    own = signing_key(organisation)
    return own.kid, own.private


def end_keys(which: ColumnElement[bool], index: int | None) -> None:
    """The keys end at a log index, and are forgotten by this process."""
    db.session.execute(
        update(Key)
        .where(which)
        .values(revoked_from=index)
        .execution_options(synchronize_session="fetch")
    )
    forget_opened()


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


def check_still_valid(key: NamedKey) -> None:
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


FILE_KEYS = ("root", "log")
REWRAPPED = ".rewrapped"  # beside a key file: the same key, sealed anew


def root_key() -> PrivateKey:
    """The platform's root key, which signs in an organisation's first key."""
    return _file_key("root")


def log_key() -> PrivateKey:
    """The log's own key: signs checkpoints and nothing else."""
    return _file_key("log")


def create_file_keys() -> None:
    """Makes the root and log keys where they do not exist: sealed files, owner-only."""
    settings = current_settings()
    for name in FILE_KEYS:
        path = _key_path(name)
        if path.exists():
            continue
        sealed = seal_key(
            PrivateKey.generate(),
            settings.key_encryption_key,
            org=settings.id_base,
            kid=name,
            randbytes=os.urandom,
        )
        write_secret(path, sealed)


def write_secret(path: Path, data: bytes) -> None:
    """Writes a new file that only its owner may read, and waits until it is on the disk, whole and
    under its name: a stop at any moment leaves all of it or nothing. Raises FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.new")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # unlike a renaming, never over a key that is there
    finally:
        part.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def root_public() -> PublicKey:
    """The root key's public half: published beside the policy."""
    return root_key().public


def _key_path(name: str) -> Path:
    return current_settings().instance / "keys" / f"{name}.sealed"


def _folder() -> Path:
    return current_settings().instance / "keys"


def _file_key(name: str) -> PrivateKey:
    return open_file_key(_key_path(name), name)


def open_file_key(path: Path, name: str) -> PrivateKey:
    """The key in a file, sealed under `name`. Raises MissingKeyFile, SealBroken.

    Between the two halves of a rewrap the file beside it is the one that opens.
    """
    settings = current_settings()
    refusal: TraceError = MissingKeyFile(name=path.name)
    for one in (path, path.with_suffix(REWRAPPED)):
        try:
            return unseal_key(
                one.read_bytes(), settings.key_encryption_key, org=settings.id_base, kid=name
            )
        except FileNotFoundError:
            continue
        except SealBroken as error:
            refusal = error
    raise refusal
