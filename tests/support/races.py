"""One side of a race: a process of its own that stops at a named point until it is told to go on.

`main(ACT, GATE, URL, INSTANCE, ORGANISATION, ARGUMENTS)` in an OwnProcess: `GATE` is
`lock` (everything is written, the log lock is about to be taken), `locked` (it was just taken),
`commit` (everything is done but that), `keep` (a checkpoint is signed and about to be kept) or
`none`. Says `waiting` at the gate, and at its end `done` with what it got, or `refused` with the
code. It goes on when a line comes in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import select

from tests.conftest import settings_for
from tests.support.databases import release
from tests.support.factories import notice, registered, transformed
from tests.support.log_processes import say
from tests.support.sheets import found, run_jobs
from trace import clock
from trace.app import create_app
from trace.errors import TraceError
from trace.extensions import db
from trace.jobs.handlers import review_balances
from trace.models import Job, Organisation
from trace.services import confirming, log, sequencer
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.erasures import erase
from trace.services.platform import platform_organisation


def gated(real: Callable[..., Any], *, after: bool = False) -> Callable[..., Any]:
    """The same function, once the other side has had its turn; or that turn comes after it."""
    opened = False

    def stop() -> None:
        nonlocal opened
        if not opened:
            opened = True
            say("waiting")
            sys.stdin.readline()

    def wait(*given: Any) -> Any:
        if not after:
            stop()
        got = real(*given)
        stop()
        return got

    return wait


def act_on(actor: Actor, act: str, given: dict[str, Any]) -> Any:
    now = clock.now()
    if act == "publish":
        published = sequencer.publish(now=now)
        db.session.commit()
        return published.size if published else None
    if act == "import":
        run_jobs()
        return found(given["file"])
    if act in ("erase", "suspend"):
        platform = Actor(platform_organisation(), None, "admin")
        if act == "erase":
            erase(platform, given["statement"], given["paths"], reason="yêu cầu", at=now)
        else:
            confirming.suspend(platform, actor.organisation, "vi phạm", at=now)
        db.session.commit()
        return None
    if act == "review":
        return review_balances(Job(argument=orjson.dumps({"things": [given["thing"]]}).decode()))
    said: dict[str, Any]
    if act == "mix":
        said = transformed({given["lot"]: given.get("kg", 1)}, {given["child"]: 1})
    elif act == "say":
        said = given["said"]
    elif act == "recall":
        said = notice("recall", given["lot"], hazard="health")
    elif act == "tell":
        said = given["event"]
    else:
        said = registered(given["lot"])
    said |= given.get("members", {})
    done = capture(actor, [said], at=now, idempotency_key=given.get("key", ""))
    db.session.commit()
    return {"index": done.events[0].index, "repeated": done.repeated}


def main(act: str, gate: str, url: str, instance: str, code: str, arguments: str) -> None:
    if gate == "lock":
        vars(log)["lock"] = gated(log.lock)
    elif gate == "commit":
        vars(db.session)["commit"] = gated(db.session.commit)
    elif gate == "locked":
        vars(log)["lock"] = gated(log.lock, after=True)
    elif gate == "keep":
        vars(sequencer)["keep"] = gated(vars(sequencer)["keep"])
    app: Flask = create_app(settings_for(Path(instance), url))
    with app.app_context():
        organisation = db.session.scalars(select(Organisation).filter_by(code=code)).one()
        try:
            got = act_on(Actor(organisation, None, "owner"), act, orjson.loads(arguments))
            say(f"done {orjson.dumps(got).decode()}")
        except TraceError as error:
            db.session.rollback()
            say(f"refused {error.code}")
    release(app)
