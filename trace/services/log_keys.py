"""The log's keys: the one that signs, and for a while the one that will (formats §4).

Changing the key: `begin` makes the next one, and from then on every checkpoint bears both
signatures; its vkey goes into the policies of verifiers and witnesses; `finish` retires the old one.
A log begun anew takes a new key at once, since a policy may list a key only once.
"""

from __future__ import annotations

import os
from pathlib import Path

from trace.core.signing import PrivateKey, seal_key, unseal_key
from trace.core.tlog import Signer, Verifier, log_signer
from trace.errors import TraceError
from trace.services.keys import log_key
from trace.services.settings import current_settings

CURRENT = "log.sealed"
NEXT = "log-next.sealed"


class KeyChangeUnderWay(TraceError):
    code = "key-change-under-way"
    status = 409
    message = "The log's key is being changed already."
    next_step = "Finish that change first: flask --app wsgi trace log rotate-key --finish"


class NoKeyChange(TraceError):
    code = "no-key-change"
    status = 409
    message = "The log's key is not being changed."
    next_step = "Begin with: flask --app wsgi trace log rotate-key"


def signers(origin: str) -> list[Signer]:
    """Who signs checkpoints of the current log now: the key and, during a change, the next one."""
    own = [log_signer(origin, log_key())]
    path = _folder() / NEXT
    if path.exists():
        settings = current_settings()
        key = unseal_key(
            path.read_bytes(), settings.key_encryption_key, org=settings.id_base, kid="log"
        )
        own.append(log_signer(origin, key))
    return own


def verifiers(origin: str) -> list[Verifier]:
    """The keys whose signature makes a checkpoint ours."""
    return [signer.verifier for signer in signers(origin)]


def begin() -> None:
    """Makes the next key. Raises KeyChangeUnderWay."""
    settings = current_settings()
    path = _folder() / NEXT
    if path.exists():
        raise KeyChangeUnderWay
    # Sealed under the name of the one it will replace: `finish` only renames.
    sealed = seal_key(
        PrivateKey.generate(),
        settings.key_encryption_key,
        org=settings.id_base,
        kid="log",
        randbytes=os.urandom,
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(sealed)
        file.flush()
        os.fsync(file.fileno())


def finish() -> Path:
    """Puts the next key in the place of the current one, which is kept aside under its key id.

    Returns where. Raises NoKeyChange.
    """
    folder = _folder()
    if not (folder / NEXT).exists():
        raise NoKeyChange
    retired = folder / f"log-retired-{log_signer('log', log_key()).verifier.key_id.hex()}.sealed"
    # A link first: at no moment is there no current key.
    if not retired.exists():
        os.link(folder / CURRENT, retired)
    (folder / NEXT).replace(folder / CURRENT)
    return retired


def _folder() -> Path:
    return current_settings().instance / "keys"
