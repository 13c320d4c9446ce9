"""Settings from the environment: parsed once, frozen, refused by name when wrong."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit


class BadSetting(SystemExit):
    """A setting is missing or wrong; the message names the variable and what it takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the process is told from outside. See docs/reference/settings.md."""

    instance: Path
    database_url: str
    public_url: str
    id_base: str
    key_encryption_key: bytes
    secret_key: str
    environment: str = "development"
    redis_url: str = ""
    log_policy: str = ""
    log_mirrors: tuple[str, ...] = ()
    max_upload_bytes: int = 20 * 1024 * 1024
    proxies: int = 0
    testing: bool = False
    inline_jobs: bool = False
    # How messages leave: "console" (development), "" (not at all), or an address.
    mail: str = "console"
    mail_from: str = ""
    sms: str = "console"
    sms_secret: str = ""
    push_contact: str = ""
    security_contact: str = ""
    # A table of networks and the provinces they are in; see services.scan_places.
    scan_places: str = ""
    # Where digital passports are handed in: a folder, or an address; see services.portal_adapters.
    portal: str = ""
    portal_secret: str = ""
    # Who asks for /metrics from another machine shows this.
    metrics_token: str = ""
    # Copies of the database that public pages may be read from, and how many seconds they may lag.
    database_read_url: str = ""
    replica_lag: int = 5
    # Where files are kept: "" is the instance folder; see services.files.
    files: str = ""
    files_key: str = ""
    files_secret: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Reads `TRACE_*`; raises BadSetting naming the variable.

        In development absent secrets are made once and kept in the instance folder; in production
        they must be given.
        """
        env = os.environ if env is None else env
        environment = env.get("TRACE_ENVIRONMENT", "development")
        if environment not in ("development", "production"):
            raise BadSetting("TRACE_ENVIRONMENT must be development or production")
        instance = Path(env.get("TRACE_INSTANCE", "instance")).absolute()
        port = env.get("PORT", "8000")
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise BadSetting("PORT must be a number from 1 to 65535")
        public_url = _origin(env, "TRACE_PUBLIC_URL", f"http://localhost:{port}")
        id_base = _id_base(env, public_url)
        database_url = env.get("TRACE_DATABASE_URL", f"sqlite:///{instance / 'trace.db'}")
        if not database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise BadSetting(
                "TRACE_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://"
            )
        return cls(
            instance=instance,
            database_url=database_url,
            public_url=public_url,
            id_base=id_base,
            key_encryption_key=_key_encryption_key(env, environment, instance),
            secret_key=_secret(env, "TRACE_SECRET_KEY", environment, instance),
            environment=environment,
            redis_url=_redis(env, "TRACE_REDIS_URL"),
            log_policy=env.get("TRACE_LOG_POLICY", ""),
            log_mirrors=_mirrors(env, "TRACE_LOG_MIRRORS"),
            max_upload_bytes=_number(env, "TRACE_MAX_UPLOAD_BYTES", 20 * 1024 * 1024),
            proxies=_proxies(env, "TRACE_PROXIES"),
            mail=_mail(env, environment),
            mail_from=_mail_from(env, environment),
            sms=_sms(env, environment),
            sms_secret=_sms_secret(env, environment),
            push_contact=_contact(env, "TRACE_PUSH_CONTACT"),
            security_contact=_contact(env, "TRACE_SECURITY_CONTACT"),
            scan_places=_table(env, "TRACE_SCAN_PLACES"),
            portal=_portal(env, environment),
            portal_secret=_portal_secret(env, environment),
            metrics_token=_metrics_token(env, "TRACE_METRICS_TOKEN"),
            database_read_url=_read_url(env, "TRACE_DATABASE_READ_URL", database_url),
            replica_lag=_number(env, "TRACE_REPLICA_LAG", 5),
            files=files_address(env.get("TRACE_FILES", ""), "TRACE_FILES"),
            files_key=env.get("TRACE_FILES_KEY", ""),
            files_secret=_files_secret(env, "TRACE_FILES_SECRET"),
        )


def _parts(value: str, name: str) -> SplitResult:
    """An address in its parts. Raises BadSetting for what the library calls none."""
    try:
        return urlsplit(value)
    except ValueError:
        raise BadSetting(f"{name} must be an address such as https://trace.example") from None


def _read_url(env: Mapping[str, str], name: str, database_url: str) -> str:
    value = env.get(name, "")
    scheme = "postgresql+psycopg://"
    if value and not (value.startswith(scheme) and database_url.startswith(scheme)):
        raise BadSetting(
            f"{name} must begin with postgresql+psycopg://, as TRACE_DATABASE_URL then"
        )
    return value


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,15}", text) or int(text) == 0:
        raise BadSetting(f"{name} must be a whole number above zero")
    return int(text)


def _proxies(env: Mapping[str, str], name: str) -> int:
    text = env.get(name, "0")
    if text not in ("0", "1", "2", "3", "4", "5"):
        raise BadSetting(f"{name} must be a number from 0 to 5")
    return int(text)


def _sender(env: Mapping[str, str], name: str, environment: str, schemes: tuple[str, ...]) -> str:
    """What a channel of messages leaves by. A console is read by whoever reads logs and reaches
    nobody: in production it is refused, and a channel that is not set is off."""
    value = env.get(name, "" if environment == "production" else "console")
    if value == "console" and environment == "production":
        raise BadSetting(f"{name} must not be console in production: codes would be in the log")
    if value not in ("", "console"):
        parts = _parts(value, name)
        if parts.scheme not in schemes or not parts.hostname:
            raise BadSetting(f"{name} must be console or an address with {' or '.join(schemes)}")
    return value


def _mail(env: Mapping[str, str], environment: str) -> str:
    value = _sender(env, "TRACE_MAIL", environment, ("smtp", "smtps"))
    if value:
        try:
            _port = urlsplit(value).port
        except ValueError:
            raise BadSetting("TRACE_MAIL has a port that is no number from 1 to 65535") from None
    return value


def _mail_from(env: Mapping[str, str], environment: str) -> str:
    value = env.get("TRACE_MAIL_FROM", "")
    if not value and _mail(env, environment) not in ("", "console"):
        raise BadSetting("TRACE_MAIL_FROM must be the address that mails come from")
    if any(character in value for character in "\r\n") or (value and "@" not in value):
        raise BadSetting("TRACE_MAIL_FROM must be an address such as trace@example.vn")
    return value


def _sms(env: Mapping[str, str], environment: str) -> str:
    schemes = ("https",) if environment == "production" else ("https", "http")
    return _sender(env, "TRACE_SMS", environment, schemes)


def _sms_secret(env: Mapping[str, str], environment: str) -> str:
    value = env.get("TRACE_SMS_SECRET", "")
    if _sms(env, environment) not in ("", "console") and len(value) < 32:
        raise BadSetting("TRACE_SMS_SECRET must have at least 32 characters")
    return value


def _contact(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and not value.startswith(("mailto:", "https://")):
        raise BadSetting(f"{name} must begin with mailto: or https://")
    if any(character.isspace() for character in value):
        raise BadSetting(f"{name} must be one address without blanks")
    return value


def _table(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        return ""
    try:
        with Path(value).open("rb") as file:
            # The format keeps its description, and this mark, in the last 128 KiB.
            file.seek(max(0, Path(value).stat().st_size - 128 * 1024))
            known = b"\xab\xcd\xefMaxMind.com" in file.read()
    except OSError:
        known = False
    if not known:
        raise BadSetting(f"{name} must be a file in the format of MaxMind DB (.mmdb)")
    return value


def _portal(env: Mapping[str, str], environment: str) -> str:
    value = env.get("TRACE_PORTAL", "")
    schemes = ("https",) if environment == "production" else ("https", "http")
    parts = _parts(value, "TRACE_PORTAL")
    if value and not value.startswith("/") and (parts.scheme not in schemes or not parts.hostname):
        raise BadSetting("TRACE_PORTAL must be a whole path (/…) or an address (https://…)")
    return value.rstrip("/")


def _portal_secret(env: Mapping[str, str], environment: str) -> str:
    value = env.get("TRACE_PORTAL_SECRET", "")
    if "://" in _portal(env, environment) and len(value) < 32:
        raise BadSetting("TRACE_PORTAL_SECRET must have at least 32 characters")
    return value


def _metrics_token(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and (len(value) < 32 or not value.isascii() or not value.isprintable()):
        raise BadSetting(f"{name} must have at least 32 characters, all of them ASCII")
    return value


def _redis(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    parts = _parts(value, name)
    if value and (parts.scheme not in ("redis", "rediss") or not parts.hostname):
        raise BadSetting(f"{name} must be an address such as redis://127.0.0.1:6379/0")
    return value


def files_address(value: str, name: str) -> str:
    """The address of a place of files. Raises BadSetting naming `name`."""
    if value == "" or value.startswith("/"):
        return value.rstrip("/")
    parts = _parts(value, name)
    more = parse_qs(parts.query, keep_blank_values=True)
    endpoint = _parts(more.get("endpoint", ["https://aws"])[0], name)
    known = set(more) <= {"endpoint", "region"} and not parts.fragment
    if parts.scheme != "s3" or not parts.hostname or not known or "@" in parts.netloc:
        raise BadSetting(
            f"{name} must be a whole path (/…) or s3://BUCKET/PREFIX?endpoint=https://…&region=…"
        )
    if endpoint.scheme not in ("https", "http") or not endpoint.hostname:
        raise BadSetting(f"{name} has an endpoint that is no address (https://…)")
    return value


def _files_secret(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if bool(value) != bool(env.get("TRACE_FILES_KEY")):
        raise BadSetting(f"{name} and TRACE_FILES_KEY must be set together")
    return value


def _mirrors(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    listed = tuple(env.get(name, "").split())
    for one in listed:
        if not one.startswith(("http://", "https://", "/")):
            raise BadSetting(f"{name} must list addresses (https://…) or whole paths (/…)")
    return listed


def _origin(env: Mapping[str, str], name: str, default: str) -> str:
    value = env.get(name, default).rstrip("/")
    parts = _parts(value, name)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise BadSetting(f"{name} must be an address such as https://trace.example")
    return value


def _id_base(env: Mapping[str, str], public_url: str) -> str:
    # Identities are printed and signed: in production the frozen base must be https.
    default = public_url if public_url.startswith("https://") else "https://trace.example"
    value = _origin(env, "TRACE_ID_BASE", default)
    if not value.startswith("https://"):
        raise BadSetting("TRACE_ID_BASE must begin with https://")
    return value


def _secret(env: Mapping[str, str], name: str, environment: str, instance: Path) -> str:
    value = env.get(name, "")
    if value:
        if len(value) < 32:
            raise BadSetting(f"{name} must have at least 32 characters")
        return value
    if environment == "production":
        raise BadSetting(f"{name} must be set in production (32 characters or more)")
    return _kept_secret(instance / f"{name.lower()}.txt")


def _key_encryption_key(env: Mapping[str, str], environment: str, instance: Path) -> bytes:
    name = "TRACE_KEY_ENCRYPTION_KEY"
    text = env.get(name, "")
    if not text:
        if environment == "production":
            raise BadSetting(f"{name} must be set in production (32 bytes in base64url)")
        text = _kept_secret(instance / f"{name.lower()}.txt")
    return read_key(name, text)


def read_key(name: str, text: str) -> bytes:
    """32 bytes from base64url text, with or without padding. Raises BadSetting naming `name`."""
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise BadSetting(f"{name} must be 32 bytes in base64url")
    return key


def _kept_secret(path: Path) -> str:
    """A development secret, made once with owner-only permissions and kept beside the database."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process of the same start was first
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(made)
    return path.read_text().strip()


def environment(**more: str) -> dict[str, str]:
    """The process's environment, for programs it starts, and `more`. Our own settings are read by
    `Settings.from_env` alone."""
    return {**os.environ, **more}
