"""The keys of an installation in one sealed file, kept apart from its backups.

The file is JSON: parameters of scrypt (RFC 7914), a nonce, and the contents under AES-256-GCM with
the key that scrypt makes of a passphrase. In it are the sealed key files as they are, the
key-encryption key that opens them (and the keys in the database), and the secret of sessions.
Whoever has this file, the passphrase and a backup can sign in everybody's name.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from trace.errors import TraceError
from trace.services.keys import write_secret
from trace.services.settings import current_settings

LEAST: Final = 12  # characters of a passphrase
# 128 MiB and some tenths of a second for each guess.
COST: Final = {"n": 2**17, "r": 8, "p": 1}
ABOUT: Final = "trace-keys-1"


class WeakPassphrase(TraceError):
    code = "weak-passphrase"
    message = "The passphrase must have at least %(least)d characters."


class KeysNotOpened(TraceError):
    code = "keys-not-opened"
    status = 409
    message = "The file of keys does not open: %(reason)s."
    next_step = "Give the passphrase it was sealed with, or take another copy of the file."


class KeysInTheWay(TraceError):
    code = "keys-in-the-way"
    status = 409
    message = "Another key stands in %(path)s already."
    next_step = "Restore into an instance folder without keys."


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was in the file: key files by name, and the two secrets of the settings."""

    files: dict[str, bytes]
    key_encryption_key: bytes
    secret_key: str

    def environment(self) -> str:
        """As lines of an environment file (systemd's EnvironmentFile, compose's env_file)."""
        kek = base64.urlsafe_b64encode(self.key_encryption_key).decode().rstrip("=")
        return f"TRACE_KEY_ENCRYPTION_KEY={kek}\nTRACE_SECRET_KEY={self.secret_key}\n"


def seal_keys(path: Path, passphrase: str) -> int:
    """Writes all keys into a new file, sealed; how many key files. Raises WeakPassphrase,
    FileExistsError."""
    if len(passphrase) < LEAST:
        raise WeakPassphrase(least=LEAST)
    settings = current_settings()
    files = sorted((settings.instance / "keys").glob("*.sealed"))
    inside = orjson.dumps(
        {
            "id_base": settings.id_base,
            "key_encryption_key": _text(settings.key_encryption_key),
            "secret_key": settings.secret_key,
            "files": {file.name: _text(file.read_bytes()) for file in files},
        }
    )
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, inside, ABOUT.encode())
    outside = {
        "about": ABOUT,
        "scrypt": {"salt": _text(salt), **COST},
        "nonce": _text(nonce),
        "sealed": _text(sealed),
    }
    write_secret(path, orjson.dumps(outside))
    return len(files)


def open_keys(path: Path, passphrase: str) -> Secrets:
    """What is in a file of keys of this identity base. Raises KeysNotOpened."""
    try:
        outside = orjson.loads(path.read_bytes())
        cost = {name: outside["scrypt"][name] for name in COST}
        if outside["about"] != ABOUT or cost != COST:
            raise KeysNotOpened(reason="it is of another kind")
        key = _key(passphrase, _bytes(outside["scrypt"]["salt"]))
        inside = orjson.loads(
            AESGCM(key).decrypt(_bytes(outside["nonce"]), _bytes(outside["sealed"]), ABOUT.encode())
        )
        if inside["id_base"] != current_settings().id_base:
            raise KeysNotOpened(reason=f"it is of {inside['id_base']}")
        return Secrets(
            files={Path(name).name: _bytes(data) for name, data in inside["files"].items()},
            key_encryption_key=_bytes(inside["key_encryption_key"]),
            secret_key=inside["secret_key"],
        )
    except InvalidTag:
        raise KeysNotOpened(reason="the passphrase is wrong, or the file was changed") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeysNotOpened(reason=f"it cannot be read ({type(error).__name__})") from None


def put_back(secrets: Secrets) -> int:
    """Writes the key files into the instance folder; how many were not there. Raises KeysInTheWay
    where another one stands: then none has been written."""
    missing = missing_files(secrets)
    for path, data in missing.items():
        write_secret(path, data)
    return len(missing)


def missing_files(secrets: Secrets) -> dict[Path, bytes]:
    """The key files that `put_back` would write. Raises KeysInTheWay where another one stands."""
    folder = current_settings().instance / "keys"
    missing = {}
    for name, data in secrets.files.items():
        path = folder / name
        if not path.exists():
            missing[path] = data
        elif path.read_bytes() != data:
            raise KeysInTheWay(path=str(path))
    return missing


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **COST).derive(passphrase.encode())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
