"""The log's keys: the one that signs, and for a while the one that will (formats §4).

Changing the key: `begin` makes the next one, and from then on every checkpoint bears both
signatures; its vkey goes into the policies of verifiers and witnesses; `finish` retires the old
one.
A log begun anew has a key of its own, since a policy may list a key only once.
"""

from __future__ import annotations

import os
from pathlib import Path

from trace.core.signing import PrivateKey, seal_key
from trace.core.tlog import Signer, Verifier, log_signer, open_checkpoint
from trace.errors import TraceError
from trace.services.keys import (
    finish_rewrap,
    log_key,
    open_file_key,
    sync_folder,
    write_secret,
)
from trace.services.settings import current_settings

FIRST = "log"


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
    """Who signs an origin's checkpoints now: its key and, during a change, the next one."""
    name = _name(origin)
    own = [log_signer(origin, log_key() if name == FIRST else _open(name))]
    if _path(f"{name}-next").exists():
        own.append(log_signer(origin, _open(f"{name}-next", sealed_as=name)))
    return own


def verifiers(origin: str) -> list[Verifier]:
    """The keys whose signature makes a checkpoint ours."""
    return [signer.verifier for signer in signers(origin)]


def known_verifiers(origin: str) -> list[Verifier]:
    """The keys that signed an origin's checkpoints at any time: today's, and those retired here."""
    name = _name(origin)
    retired = [
        log_signer(origin, _open(path.stem, sealed_as=name)).verifier
        for path in sorted(_path(name).parent.glob(f"{name}-retired-*.sealed"))
    ]
    return [*verifiers(origin), *retired]


def make_for(origin: str) -> None:
    """Makes the key of a log begun anew, where there is none yet."""
    finish_rewrap()
    name = _name(origin)
    if not _path(name).exists():
        _make(name, sealed_as=name)


def begin(origin: str) -> None:
    """Makes the next key. Raises KeyChangeUnderWay."""
    finish_rewrap()  # file keys change their names below
    name = _name(origin)
    if _path(f"{name}-next").exists():
        raise KeyChangeUnderWay
    # Sealed under the name of the one it will replace: `finish` only renames.
    _make(f"{name}-next", sealed_as=name)


def check_can_finish(origin: str, note: str) -> None:
    """Raises NoKeyChange unless a change is under way and the next key has signed this note."""
    both = signers(origin)
    if len(both) == 1:
        raise NoKeyChange
    open_checkpoint(note, both[1].verifier)


def finish(origin: str) -> Path:
    """Puts the next key in the place of the current one, which is kept aside under its key id.

    Returns where. Raises NoKeyChange.
    """
    finish_rewrap()
    name = _name(origin)
    fresh = _path(f"{name}-next")
    if not fresh.exists():
        raise NoKeyChange
    key_id = signers(origin)[0].verifier.key_id.hex()
    retired = _path(f"{name}-retired-{key_id}")
    if not retired.exists():
        os.link(_path(name), retired)  # a link first: at no moment is there no current key
    fresh.replace(_path(name))
    sync_folder(retired.parent)
    return retired


def _name(origin: str) -> str:
    """The file of an origin's key: `log`, and `log-2` for `…/log/2`."""
    last = origin.rpartition("/")[2]
    return f"{FIRST}-{last}" if last.isdigit() else FIRST


def _path(name: str) -> Path:
    return current_settings().instance / "keys" / f"{name}.sealed"


def _open(name: str, sealed_as: str = "") -> PrivateKey:
    return open_file_key(_path(name), sealed_as or name)


def _make(name: str, *, sealed_as: str) -> None:
    settings = current_settings()
    sealed = seal_key(
        PrivateKey.generate(),
        settings.key_encryption_key,
        org=settings.id_base,
        kid=sealed_as,
        randbytes=os.urandom,
    )
    write_secret(_path(name), sealed)
