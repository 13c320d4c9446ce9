"""An installation examined: what is in order, what to mend, and how, in words for its operator.

Every examination is a function of the state found; one that cannot be made says so as a fault of
its own, and the others go on.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.config import Settings
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Organisation
from trace.services import heartbeats, jobs_aside, sequencer, tidied
from trace.services.backups import LAST
from trace.services.copies_of_database import as_readers_see, read_copies
from trace.services.files import KEPT, Folder, KeepsFirst, files
from trace.services.keys import log_key, root_key, signing_key
from trace.services.log import OtherIdBase, current_state
from trace.services.platform import platform_organisation
from trace.services.replicas import replica
from trace.services.scans_shared import waiting
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings
from trace.services.shared import OLDEST, shared, version_of

WORDS: Final = ("fault", "warning", "ok")
FREE_FAULT: Final = 256 * 1024 * 1024
FREE_WARNING: Final = 2 * 1024 * 1024 * 1024
BACKUP_AGE: Final = timedelta(hours=26)  # a daily one that was late
CLOCK: Final = timedelta(seconds=5)
SCANS_WAITING: Final = 600  # entries: what a minute of three machines is, and no worker took
_BROKEN_INDEXES: Final = text(
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE NOT i.indisvalid AND c.relnamespace = to_regnamespace(current_schema()) "
    "ORDER BY c.relname"
)
MANY_ALIKE: Final = 8  # different characters that a secret of 32 has at least


@dataclass(frozen=True, slots=True)
class Found:
    """What one examination found: `state` is one of WORDS; `mend` is empty where all is well."""

    part: str
    state: str
    text: str
    mend: str = ""


def examine(*, now: datetime) -> list[Found]:
    """All examinations, in order; the session holds nothing afterwards."""
    found: list[Found] = []
    settings = current_settings()
    for part, look in EXAMINATIONS:
        try:
            found += look(settings, now)
        except (SQLAlchemyError, TraceError, OSError, ValueError) as error:
            text = error.detail if isinstance(error, TraceError) else type(error).__name__
            mend = error.next_step if isinstance(error, TraceError) else MENDS.get(part, "")
            found.append(Found(part, "fault", text, mend))
        finally:
            db.session.rollback()
    return found


def _settings(settings: Settings, now: datetime) -> Iterator[Found]:
    production = settings.environment == "production"
    worse = "fault" if production else "warning"
    if not production:
        yield Found(
            "settings",
            "warning",
            "TRACE_ENVIRONMENT is development",
            "Set TRACE_ENVIRONMENT=production before anybody relies on this installation.",
        )
    if settings.public_url.startswith("https://"):
        yield Found("address", "ok", f"pages are at {settings.public_url}")
    else:
        yield Found(
            "address",
            worse,
            f"{settings.public_url} is not encrypted",
            "Set TRACE_PUBLIC_URL=https://… and let the proxy in front end TLS.",
        )
    for channel, value, name in (
        ("mail", settings.mail, "TRACE_MAIL"),
        ("SMS", settings.sms, "TRACE_SMS"),
    ):
        if value in ("", "console"):
            yield Found(
                "messages",
                "warning",
                f"no {channel} leaves this installation",
                f"Set {name}: who loses a password is reached by it, and recalls are.",
            )
        else:
            yield Found("messages", "ok", f"{channel} is set")
    if not settings.log_mirrors:
        yield Found(
            "mirrors",
            "warning",
            "TRACE_LOG_MIRRORS names no copy of the log",
            "Keep a copy elsewhere and name it: after a loss it is what the log is refilled from.",
        )
    if not settings.security_contact:
        yield Found(
            "contact",
            "warning",
            "nobody is named whom weaknesses are reported to",
            "Set TRACE_SECURITY_CONTACT.",
        )


def _secrets(settings: Settings, now: datetime) -> Iterator[Found]:
    weak = [
        name
        for name, value in (
            ("TRACE_SECRET_KEY", settings.secret_key),
            ("TRACE_METRICS_TOKEN", settings.metrics_token),
            ("TRACE_SMS_SECRET", settings.sms_secret),
            ("TRACE_PORTAL_SECRET", settings.portal_secret),
        )
        if value and len(set(value)) < MANY_ALIKE
    ]
    if len(set(settings.key_encryption_key)) < MANY_ALIKE:
        weak.append("TRACE_KEY_ENCRYPTION_KEY")
    for name in weak:
        yield Found(
            "secrets",
            "fault",
            f"{name} can be guessed: it repeats a few characters",
            "Make another: openssl rand -base64 48 (the key-encryption key: trace keys rewrap).",
        )
    if not weak:
        yield Found("secrets", "ok", "no secret repeats itself")


def _permissions(settings: Settings, now: datetime) -> Iterator[Found]:
    paths = [settings.instance / "keys", *sorted((settings.instance / "keys").glob("*"))]
    paths += sorted(settings.instance.glob("trace_*.txt"))
    if settings.database_url.startswith("sqlite") and db.engine.url.database:
        paths.append(Path(db.engine.url.database))
    closed = settings.instance.stat().st_mode & 0o007 == 0
    open_ones = []
    for path in paths:
        mode = path.stat().st_mode if path.exists() else 0
        secret = path.suffix in (".sealed", ".txt")
        if mode & (0o077 if secret else 0o007) and not (closed and not secret):
            open_ones.append(path)
    for path in open_ones:
        yield Found(
            "permissions",
            "fault" if settings.environment == "production" else "warning",
            f"others may read {path}",
            f"chmod 700 {settings.instance}; chmod go-rwx {path}",
        )
    if not open_ones:
        yield Found("permissions", "ok", "keys, secrets and database are closed to others")


def _database(settings: Settings, now: datetime) -> Iterator[Found]:
    folder = current_app.extensions["migrate"].directory
    newest = ScriptDirectory(folder).get_current_head()
    with db.engine.connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
        broken = [] if is_sqlite() else list(connection.scalars(_BROKEN_INDEXES))
    if here == newest:
        yield Found("database", "ok", f"{db.engine.dialect.name}, schema {here}")
    else:
        yield Found(
            "database",
            "fault",
            f"its schema is {here or 'missing'}, the program's is {newest}",
            "Run: flask --app wsgi db upgrade",
        )
    for name in broken:
        yield Found(
            "database",
            "warning",
            f"the index {name} is broken: its building was cut short, or goes on now",
            f"Where nobody builds it now: REINDEX INDEX CONCURRENTLY {name} (psql); one called "
            "…_ccnew or …_ccold: DROP INDEX.",
        )


def _log(settings: Settings, now: datetime) -> Iterator[Found]:
    state = current_state()
    if state.id_base != settings.id_base:
        raise OtherIdBase(frozen=state.id_base, given=settings.id_base)
    sequencer.check_continues()
    yield Found("log", "ok", f"{state.origin}: {state.size} entries continue the last checkpoint")
    if state.last_time > now + CLOCK:
        ahead = int((state.last_time - now).total_seconds())
        yield Found(
            "clock",
            "fault",
            f"the newest entry is {ahead} s ahead of this machine's clock",
            "Set the clock by NTP (timedatectl set-ntp true). Record times never go back: until "
            "the clock is there, everything recorded bears that later time (docs/explanation/"
            "failures.md).",
        )
    else:
        yield Found("clock", "ok", "the clock is not behind the newest entry")


def _clocks(settings: Settings, now: datetime) -> Iterator[Found]:
    if is_sqlite():
        return
    before = clock.now()
    told = db.session.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = max(before - told, told - clock.now(), timedelta())
    seconds = round(apart.total_seconds(), 1)
    if apart > CLOCK:
        yield Found(
            "clock",
            "fault",
            f"this machine's clock and the database's are {seconds} s apart",
            "Set both by NTP. What is recorded here is dated no later than the database's clock "
            "allows, and replicas are held against both.",
        )
    else:
        yield Found("clock", "ok", f"the database's clock is {seconds} s from this machine's")


def _keys(settings: Settings, now: datetime) -> Iterator[Found]:
    root_key()
    log_key()
    signing_key(platform_organisation())
    yield Found("keys", "ok", "root key, log key and the platform's key open")


def _workers(settings: Settings, now: datetime) -> Iterator[Found]:
    alive = heartbeats.alive(settings.instance, now=now)
    if alive:
        yield Found("worker", "ok", f"{alive} gave a sign of life within the last minute")
        return
    elsewhere = heartbeats.last_sign()
    if elsewhere is not None and abs(now - elsewhere) <= heartbeats.ALIVE:
        yield Found("worker", "ok", "none here; one elsewhere gave a sign within the last minute")
        return
    signs = heartbeats.signs(settings.instance)
    last = f"; the last sign was at {max(signs.values()).isoformat()}" if signs else ""
    yield Found(
        "worker",
        "fault",
        f"no worker is alive, here or elsewhere{last}",
        "Start one: flask --app wsgi trace worker. Without it nothing new is published.",
    )


def _replicas(settings: Settings, now: datetime) -> Iterator[Found]:
    found, copy = read_copies(), replica()
    if found is None or not (copy or found.wanted or found.copies or found.hidden):
        yield Found("replicas", "ok", "none is used")
        return
    if found.hidden:
        yield Found(
            "replicas",
            "warning",
            f"{found.hidden} follow the primary, and this role may not see how far they are",
            "As the database's administrator: GRANT pg_read_all_stats TO the application's role.",
        )
    bound = settings.replica_lag
    for one in found.copies:
        seconds = one.seconds_behind
        late = seconds is None or seconds > bound
        far = "unknown" if one.bytes_behind is None else f"{one.bytes_behind} bytes"
        behind = "" if seconds is None else f", {seconds:.1f} s"
        yield Found(
            "replicas",
            "warning" if late else "ok",
            f"{one.name} ({'synchronous' if one.synchronous else 'asynchronous'}) is behind by "
            f"{far}{behind}",
            "Look at its disk, its network and long queries on it; patronictl reinit copies it "
            "anew."
            if late
            else "",
        )
    if not found.synchronous and not found.hidden:
        yield Found(
            "replicas",
            "fault" if found.wanted else "warning",
            "a synchronous replica is wanted and none is there: commits wait"
            if found.wanted
            else "no replica is synchronous: what is acknowledged is on one disk only",
            "Bring a replica back; with Patroni set synchronous_mode (deploy/cluster/patroni.yml).",
        )
    if copy is not None:
        seen = as_readers_see(copy, now)
        if seen is None or seen.age > bound:
            how = "leads nowhere" if seen is None else f"is {seen.age:.0f} s old (bound: {bound})"
            yield Found(
                "replicas",
                "warning",
                f"what TRACE_DATABASE_READ_URL gives {how}: pages are read from the primary",
                "See that it leads to a replica, that a worker with this setting runs (it gives "
                "the sign), and that clocks agree.",
            )
        else:
            yield Found("replicas", "ok", f"what readers get is {seen.age:.1f} s old")


def _jobs(settings: Settings, now: datetime) -> Iterator[Found]:
    aside = jobs_aside.count_aside()
    if not aside:
        yield Found("jobs", "ok", "no job is set aside")
        return
    count = sum(number for _, number in aside)
    are = "1 job is" if count == 1 else f"{count} jobs are"
    yield Found(
        "jobs",
        "warning",
        f"{are} set aside: {', '.join(kind for kind, _ in aside)}",
        "They killed their worker each time, or failed each time. Find out why, then: flask --app "
        "wsgi trace jobs --again ID (or --leave ID), or /admin/jobs/.",
    )


def _tidied(settings: Settings, now: datetime) -> Iterator[Found]:
    last = tidied.last()
    if last is None:
        yield Found("tidying", "ok", "no worker has tidied yet: one does when it starts")
        return
    hours = int((now - last).total_seconds() // 3600)
    late = now - last > tidied.LATE
    yield Found(
        "tidying",
        "warning" if late else "ok",
        f"all steps of the hourly tidying went well {hours} hours ago",
        'Search the journal of the workers for "cannot-tidy": it names the step and the reason.'
        if late
        else "",
    )


def _disk(settings: Settings, now: datetime) -> Iterator[Found]:
    free = shutil.disk_usage(settings.instance).free
    state = "fault" if free < FREE_FAULT else "warning" if free < FREE_WARNING else "ok"
    mend = "" if state == "ok" else "Make room, or move the instance folder to a larger disk."
    yield Found("disk", state, f"{free // 2**20} MiB free at {settings.instance}", mend)


def _files(settings: Settings, now: datetime) -> Iterator[Found]:
    place = files()
    if isinstance(place, Folder):
        yield Found("files", "ok", f"files are kept in {place.root}")
        return
    probe = f"probe/{secrets.token_hex(8)}"
    place.put(probe, b"trace")
    place.remove(probe)
    yield Found("files", "ok", "the bucket takes files and gives them up")
    if isinstance(place, KeepsFirst) and not place.keeps_first(probe):
        yield Found(
            "files",
            "warning",
            "the server gives one name to two files",
            "Harmless, as names are digests of what is in them; take a server that knows "
            "If-None-Match to have it refused there too.",
        )
    left = [name for name in KEPT if any(Folder(settings.instance).list(name))]
    if left:
        yield Found(
            "files",
            "warning",
            f"files of before lie in the instance folder too: {', '.join(left)}",
            'Run: flask --app wsgi trace files move --from folder --to "$TRACE_FILES"; then '
            "take these folders away.",
        )


def _redis(settings: Settings, now: datetime) -> Iterator[Found]:
    found = shared()
    if found is None:
        yield Found("redis", "ok", "none is used: each process stores scans and counts by itself")
        return
    version = version_of(found)
    if version and version < OLDEST:
        yield Found(
            "redis",
            "fault",
            f"this Redis is version {'.'.join(map(str, version))}: each process counts by itself",
            f"Take one from {'.'.join(map(str, OLDEST))} on.",
        )
    entries = waiting(found)
    if entries is None:
        yield Found(
            "redis",
            "warning",
            "Redis does not answer: each process goes on by itself",
            "See that it runs and that TRACE_REDIS_URL is right.",
        )
    elif entries > SCANS_WAITING:
        yield Found(
            "redis",
            "warning",
            f"{entries} bundles of scans wait in Redis",
            "See that a worker runs: it brings them to the database.",
        )
    else:
        yield Found("redis", "ok", f"{entries} bundles of scans wait in Redis")


def _backup(settings: Settings, now: datetime) -> Iterator[Found]:
    take = "Take one every day: flask --app wsgi trace backup FOLDER"
    try:
        told = orjson.loads((settings.instance / LAST).read_bytes())
        age = now - datetime.fromisoformat(told["made"])
    except FileNotFoundError:
        yield Found("backup", "warning", "none was taken by `trace backup` here", take)
        return
    hours = int(age.total_seconds() // 3600)
    state = "ok" if age <= BACKUP_AGE else "warning"
    text = f"the last one is {hours} hours old and holds {told['entries']} entries"
    yield Found("backup", state, text, "" if state == "ok" else take)
    if count := told.get("broken"):
        are = "1 file is" if count == 1 else f"{count} files are"
        yield Found(
            "backup",
            "warning",
            f"{are} not in it, being broken in the bucket",
            "Its manifest.json tells which: put each back from an older backup.",
        )


def _demo(settings: Settings, now: datetime) -> Iterator[Found]:
    one = db.session.scalar(
        select(Organisation.code).where(Organisation.demonstration.is_(True)).limit(1)
    )
    if one is None:
        yield Found("demo", "ok", "no demonstration data")
        return
    yield Found(
        "demo",
        "fault" if settings.environment == "production" else "warning",
        "demonstration data is in the database: its passwords are known to everybody",
        "Begin production with an empty database and without `trace seed`.",
    )


EXAMINATIONS: Final[tuple[tuple[str, Callable[[Settings, datetime], Iterable[Found]]], ...]] = (
    ("settings", _settings),
    ("secrets", _secrets),
    ("permissions", _permissions),
    ("database", _database),
    ("clock", _clocks),
    ("replicas", _replicas),
    ("log", _log),
    ("keys", _keys),
    ("worker", _workers),
    ("jobs", _jobs),
    ("tidying", _tidied),
    ("disk", _disk),
    ("files", _files),
    ("redis", _redis),
    ("backup", _backup),
    ("demo", _demo),
)
MENDS: Final = {
    "database": "See that the database runs and that TRACE_DATABASE_URL is right.",
    "log": "First see to the database; then run: flask --app wsgi trace log init",
    "keys": "First see to the database; then run: flask --app wsgi trace log init",
    "files": "See TRACE_FILES, TRACE_FILES_KEY, TRACE_FILES_SECRET and whether its server runs.",
    "permissions": "Run this as the user the application runs as.",
    "demo": "First see to the database.",
    "clock": "First see to the database.",
    "jobs": "First see to the database.",
    "tidying": "First see to the database.",
    "worker": "First see to the database.",
    "replicas": "First see to the database.",
}
