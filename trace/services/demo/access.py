"""How visitors get into the demo: sign-ins, a token, printed addresses, kept in `demo.json`.

Passwords and the token are made at random for each instance. The database holds their hashes; the
file beside it, readable by its owner only, holds what `trace demo` prints. It is written before
what it speaks of is committed, so that nothing is ever locked without its key.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from sqlalchemy import select

from trace.errors import TraceError
from trace.extensions import db
from trace.models import Organisation
from trace.services import platform_settings
from trace.services.actors import Actor
from trace.services.demo.cases import write_cases
from trace.services.demo.load import Organisations, load_world
from trace.services.demo.loggers import write_loggers
from trace.services.demo.plans import PersonPlan
from trace.services.demo.reports import write_reports
from trace.services.demo.world import DEFAULT_CHAINS, DEFAULT_SEED, Landmark, World, world_days
from trace.services.organisations import add_member
from trace.services.people import Login, find_person, register_person
from trace.services.platform import platform_organisation
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.settings import current_settings
from trace.services.tokens import find_token, issue_token

# Who the token acts for: somebody with a machine that would send events.
TOKEN_HOLDER: Final = "packhouse"  # noqa: S105 (an organisation's key)
SCOPES: Final = ("capture", "query")


class RealData(TraceError):
    code = "real-data"
    status = 409
    message = "This instance holds organisations that are not a demonstration."
    next_step = "Use another TRACE_INSTANCE and database, or say --beside-real-data."


class NoDemo(TraceError):
    code = "no-demo"
    status = 404
    message = "There is no demo here, or %(file)s is missing from the instance folder."
    next_step = "Run: flask --app wsgi trace seed"


@dataclass(slots=True)
class Notes:
    """What `demo.json` holds."""

    seed: int
    chains: int
    batch: int
    start: date
    complete: bool = False
    events: int = 0
    token: str = ""
    sign_ins: list[dict[str, str]] = field(default_factory=list)
    landmarks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seeded:
    """How a seeding ended: `made`, `exists` (nothing to do), or `not-empty` (left alone)."""

    state: Literal["made", "exists", "not-empty"]
    events: int = 0
    chains: int = 0
    days: int = 0


def notes_path() -> Path:
    """Where the notes are."""
    return current_settings().instance / "demo.json"


def read_notes() -> Notes | None:
    """The notes, or None where there are none that can be read."""
    try:
        kept = orjson.loads(notes_path().read_bytes())
        return Notes(**{**kept, "start": date.fromisoformat(kept["start"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_notes(notes: Notes) -> None:
    """Replaces the file in one step; only its owner may read it."""
    path = notes_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(asdict(notes), option=orjson.OPT_INDENT_2))
    fresh.replace(path)


def contents() -> Literal["empty", "demo", "real"]:
    """What this instance holds beside the platform itself."""
    rows = db.session.scalars(
        select(Organisation.demonstration).where(Organisation.kind != "platform").distinct()
    ).all()
    if not rows:
        return "empty"
    return "demo" if all(rows) else "real"


def seed(
    *,
    now: datetime,
    chains: int = DEFAULT_CHAINS,
    number: int = DEFAULT_SEED,
    batch: int = 1,
    only_empty: bool = False,
    beside_real_data: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> Seeded:
    """Fills an instance with the demo world, once; commits as it goes.

    The world ends yesterday evening, so that nothing in it lies in the future. A demo that is
    there is left as it is, one that was interrupted is finished with its own parameters. Raises
    RealData; with `only_empty` an instance that holds anything else is left alone instead.
    """
    with _alone():
        held, notes = contents(), read_notes()
        begun = held != "empty" and notes is not None
        if begun and notes is not None and notes.complete:
            return Seeded("exists", notes.events, notes.chains, world_days(notes.chains))
        if not begun or notes is None:
            if held != "empty" and only_empty:
                return Seeded("not-empty")
            if held == "real" and not beside_real_data:
                raise RealData
            if held == "demo":
                raise NoDemo(file=notes_path().name)
            start = now.astimezone(LOCAL_ZONE).date() - timedelta(days=world_days(chains))
            notes = Notes(number, chains, batch, start)
        return _fill(notes, now=now, progress=progress)


@contextmanager
def _alone() -> Iterator[None]:
    """Two seedings of one instance wait for each other."""
    path = current_settings().instance / "demo.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fill(notes: Notes, *, now: datetime, progress: Callable[[int], None]) -> Seeded:
    world = World(notes.seed, notes.start, current_settings().id_base, notes.chains)
    notes.events = load_world(
        world,
        batch=notes.batch,
        admit=lambda organisations: _admit(world, organisations, notes, now),
        progress=progress,
    )
    shown = sorted(world.landmarks, key=lambda landmark: landmark.chain)
    write_reports(shown, now=now)
    notes.events += write_cases(shown, _authority(), now=now)
    notes.events += write_loggers(shown, now=now)
    db.session.commit()
    notes.landmarks = [asdict(landmark) for landmark in shown]
    notes.complete = True
    write_notes(notes)
    return Seeded("made", notes.events, notes.chains, world.days)


def _authority() -> Organisation:
    """Who inspects and recalls: the first with an area of the whole city."""
    wanted = select(Organisation).where(
        Organisation.jurisdiction == "01", Organisation.demonstration
    )
    return db.session.scalars(wanted.order_by(Organisation.id).limit(1)).one()


def _admit(world: World, organisations: Organisations, notes: Notes, now: datetime) -> None:
    """People with passwords, and the token; the notes are on disk before the commit."""
    _leave_time(now)
    if not notes.sign_ins:
        notes.sign_ins = [_sign_in(person, organisations) for person in world.people]
    for person, kept in zip(world.people, notes.sign_ins, strict=True):
        login = Login("email", person.email)
        if find_person(login) is None:
            row = register_person(person.name, login, kept["password"], at=now)
            home = _home(person, organisations)
            add_member(home, row, person.role, at=now)
    if find_token(notes.token, at=now) is None:
        holder = organisations[TOKEN_HOLDER]
        _, notes.token = issue_token(holder, "demo", SCOPES, at=now)
    write_notes(notes)


def _leave_time(now: datetime) -> None:
    """Whoever looks around signs in as those who decide without setting up a second step first: for
    the longest time there is. Beside real data the platform's own setting stays."""
    name = "factor_days"
    if contents() != "real":
        acting = Actor(platform_organisation(), None, "admin")
        platform_settings.change(acting, name, platform_settings.BY_NAME[name].most, at=now)


def _home(person: PersonPlan, organisations: Organisations) -> Organisation:
    return organisations[person.organisation] if person.organisation else platform_organisation()


def _sign_in(person: PersonPlan, organisations: Organisations) -> dict[str, str]:
    return {
        "login": person.email,
        "password": secrets.token_urlsafe(12),
        "role": person.role,
        "organisation": _home(person, organisations).name,
    }


def describe() -> JsonObject:
    """What `trace demo --json` prints. Raises NoDemo."""
    notes = read_notes()
    if notes is None or not notes.complete:
        raise NoDemo(file=notes_path().name)
    base = current_settings().public_url
    landmarks = [Landmark(**kept) for kept in notes.landmarks]
    return {
        "base_url": base,
        "addresses": [
            {
                "address": base + landmark.path,
                "path": landmark.path,
                "what": landmark.what,
                "product": landmark.product,
                "state": landmark.state,
            }
            for landmark in landmarks
        ],
        "sign_ins": notes.sign_ins,
        "token": notes.token,
    }
