"""Processes that write into one log at once, and one that is killed while it publishes.

`main(ROLE, URL, INSTANCE, …)` in an OwnProcess: each role is a process of its
own with its own connections, as web servers and workers are. Says one line when it is ready.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from tests.conftest import settings_for
from tests.support.databases import release
from tests.support.factories import amount, event, make_actor, new_lot, registered
from trace import clock
from trace.app import create_app
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Organisation
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.log import current_state


def write(url: str, instance: str, name: str, rounds: str, shared: str) -> None:
    """Captures `rounds` documents of four events for an organisation of its own; one of them is
    about a lot that every process writes about."""
    app = create_app(settings_for(Path(instance), url))
    with app.app_context():
        actor = make_actor(clock.now(), name=name)
        say("ready")
        lots = [new_lot() for _ in range(3)]
        for number in range(int(rounds)):
            if number:
                lots = [new_lot(), *lots[:2]]
            documents = [
                registered(
                    lot, trace__note=f"{name} {number} {place}", eventID=f"{name}:{number}:{place}"
                )
                for place, lot in enumerate(lots)
            ]
            documents.append(
                event(
                    "ObjectEvent",
                    bizStep="inspecting",
                    quantityList=[amount(shared, None)],
                    eventID=f"{name}:{number}:shared",
                )
            )
            capture(actor, documents, at=clock.now())
            db.session.commit()
    release(app)


def sequence(url: str, instance: str, name: str, seconds: str) -> None:
    """Publishes again and again under a worker's name of its own."""
    app = create_app(settings_for(Path(instance), url))
    say("ready")
    end = time.monotonic() + float(seconds)
    with app.app_context():
        while time.monotonic() < end:
            publish(name)
            db.session.remove()
            time.sleep(0.01)
    release(app)


def kill(url: str, instance: str, rounds: str, seed: str) -> None:
    """Starts a process that captures and publishes, kills it at a random moment, and has the next
    one continue; says `round size` after each."""
    chosen = random.Random(int(seed))
    app = create_app(settings_for(Path(instance), url))
    with app.app_context():
        actor = make_actor(clock.now())
        code = actor.organisation.code
    for number in range(int(rounds)):
        release(app)  # a fork must not share connections
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            _work_until_killed(app, code, tell)
        os.close(tell)
        os.read(ready, 1)
        os.close(ready)
        time.sleep(chosen.random() * 0.2)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with app.app_context():
            # The dead one's lease has still to run out: its name is taken over, as if it had.
            publish(_holder() or "next")
            say(f"{number} {current_state().integrated}")


def _holder() -> str | None:
    holder = current_state().leased_by
    db.session.rollback()
    return holder


def _work_until_killed(app: Flask, code: str, tell: int) -> None:
    try:
        with app.app_context():
            found = db.session.scalars(select(Organisation).filter_by(code=code)).one()
            while True:
                capture(Actor(found, None, "owner"), [registered(new_lot())], at=clock.now())
                db.session.commit()
                os.write(tell, b".")
                publish(_holder() or "killed")
    finally:
        os._exit(1)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


ROLES: dict[str, Callable[..., None]] = {"write": write, "sequence": sequence, "kill": kill}


def main(role: str, *words: str) -> None:
    ROLES[role](*words)
