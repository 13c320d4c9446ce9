"""A disk that is full, and one that takes nothing: run inside a mount namespace of its own.

`python -m tests.crash.faults full|read-only DISK`: `DISK` is a small file system that only this
process sees. Says as JSON what was answered; raises where something acknowledged is lost.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson
from werkzeug.test import TestResponse

from tests.conftest import create_app, settings_for
from tests.crash.acts import photo, plain
from tests.crash.checks import Checker, recorded
from tests.crash.world import World, make_world
from tests.support.databases import migrate, release
from tests.support.factories import new_lot, registered
from trace import clock
from trace.core.epcis import event_context
from trace.errors import TraceError
from trace.extensions import db
from trace.services.attachments import keep_photo
from trace.services.outages import is_outage
from trace.services.settings import current_settings

MOST: Final = 400  # captures until a disk without room must have refused one


class Sender:
    """A program that records, and repeats with the same key what was not acknowledged."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.app.test_client()
        self.acked: list[str] = []
        self.answers: Counter[int] = Counter()

    def send(self, name: str = "") -> TestResponse:
        """Sends one event under a name that is also its idempotency key."""
        name = name or f"urn:fault:{os.urandom(8).hex()}"
        with self.world.app.app_context():
            made = plain(registered(new_lot(), eventID=name))
            context = event_context(current_settings().id_base)
        answer = self.client.post(
            "/epcis/v2/events",
            data=orjson.dumps({**made, "@context": context}),
            headers={"Authorization": f"Bearer {self.world.token}"},
            content_type="application/json",
        )
        self.answers[answer.status_code] += 1
        if answer.status_code == 201:
            self.acked.append(name)
        return answer

    def until_refused(self) -> TestResponse:
        for _ in range(MOST):
            answer = self.send()
            if answer.status_code != 201:
                return answer
        raise RuntimeError("nothing was refused")

    def check(self) -> int:
        """Everything acknowledged is there, and the whole stands."""
        with self.world.app.app_context():
            checker = Checker(self.world)
            checker.start()
            checker.after_start([])
            recorded(self.world, self.acked)
            size = checker.everything()
            db.session.remove()
        return size


def told(answer: TestResponse) -> dict[str, Any]:
    body = answer.get_json(silent=True) or {}
    return {
        "status": answer.status_code,
        "retry_after": answer.headers.get("Retry-After"),
        "said": body.get("type") or body.get("code"),
    }


def tried(world: World, act: Callable[[], object]) -> str:
    """What an act without a client ends with: it must be something that passes."""
    with world.app.app_context():
        try:
            act()
        except TraceError as error:
            return f"{error.status} {error.code}"
        except Exception as error:
            if not is_outage(error) and not isinstance(error, OSError):
                raise
            return "outage"
        finally:
            db.session.rollback()
            db.session.remove()
    return "done"


def upload(world: World) -> None:
    keep_photo(world.actor(), photo(), at=clock.now())
    db.session.commit()


def without_room(disk: Path) -> dict[str, Any]:
    world = world_on(disk)
    sender = Sender(world)
    for _ in range(3):
        sender.send()
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    refused = told(sender.until_refused())
    found: dict[str, Any] = {"refused": refused, "before": len(sender.acked)}
    found["photo"] = tried(world, lambda: upload(world))
    found["worker"] = tried(world, world.run_jobs)
    found["health"] = sender.client.get("/healthz").status_code
    found["page"] = sender.client.get("/log/checkpoint").status_code
    ballast.unlink()
    found["after"] = sender.send().status_code
    found["size"] = sender.check()
    return found | {"answers": {str(k): v for k, v in sender.answers.items()}}


def that_takes_nothing(disk: Path) -> dict[str, Any]:
    world = world_on(disk)
    sender = Sender(world)
    for _ in range(3):
        sender.send()
    release(world.app)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    found: dict[str, Any] = {"refused": told(sender.send("urn:fault:again"))}
    found["photo"] = tried(world, lambda: upload(world))
    found["worker"] = tried(world, world.run_jobs)
    found["health"] = sender.client.get("/healthz").status_code
    found["page"] = sender.client.get("/log/checkpoint").status_code
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    found["after"] = sender.send("urn:fault:again").status_code
    found["size"] = sender.check()
    return found


def world_on(disk: Path) -> World:
    url = f"sqlite:///{disk}/trace.db"
    instance = disk / "instance"
    migrate(create_app(settings_for(instance, url)))
    return make_world(url, instance)


if __name__ == "__main__":
    vars(sys)["stderr"] = Path(os.devnull).open("w") if "-q" in sys.argv else sys.stderr  # noqa: SIM115
    act = {"full": without_room, "read-only": that_takes_nothing}[sys.argv[1]]
    sys.stdout.write(orjson.dumps(act(Path(sys.argv[2]))).decode() + "\n")
