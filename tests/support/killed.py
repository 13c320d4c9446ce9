"""One act after another, each killed at its first, second, third … step; then started again.

`main(ACT, URL, INSTANCE)` in an OwnProcess. A step is anything that could be the last
thing a process did: a file opened for writing, renamed, linked or removed, a wait for the disk, a
commit about to begin and one just made. For each act the number of steps grows by one until it
ends by itself; after each kill this process, which knows nothing of it, does what a restart does,
and says what it found: `step size`. Its last line is `whole`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from tests.conftest import settings_for
from tests.support import printing as labels
from tests.support import sheets
from tests.support.databases import release
from tests.support.factories import make_actor, new_lot, registered
from tests.support.log_processes import say
from trace import clock
from trace.app import create_app
from trace.core.signing import SealBroken
from trace.extensions import db
from trace.jobs import imports as import_jobs
from trace.jobs.worker import publish
from trace.models import Organisation
from trace.services import imports, keys, log_keys, mirrors, origins, refill, sequencer
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.log import current_state
from trace.services.log_file import checkpoint_path
from trace.services.settings import current_settings

Act = Callable[[], Any]
MOST = 60  # steps; no act has so many
_COOPERATIVE = select(Organisation).where(Organisation.kind == "co-operative")
ONE, OTHER = bytes(range(32)), bytes(range(100, 132))


class Killer:
    """Counts steps and kills this process at the one it is told."""

    def __init__(self, at: int) -> None:
        self.left = at
        sys.addaudithook(self.hear)
        self._sync = os.fsync
        vars(os)["fsync"] = self.sync
        event.listen(db.engine, "commit", lambda _: self.step())

    def hear(self, name: str, given: tuple[Any, ...]) -> None:
        if name in ("os.rename", "os.link", "os.remove") or (
            name == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_CREAT)
        ):
            self.step()

    def sync(self, descriptor: int) -> None:
        self._sync(descriptor)
        self.step()

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at(app: Flask, step: int, act: Act) -> bool:
    """Does `act` in a process of its own that dies at a step; False if it ended before."""
    release(app)  # a fork must not share connections
    child = os.fork()
    if child == 0:
        try:
            with app.app_context():
                killer = Killer(step)
                act()
                killer.step()  # and right after the end
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"step {step}: {error!r}\n")
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise SystemExit(1)
    return False


def restart() -> int:
    """What a worker does after a restart: it records something, takes the lease the dead one had,
    checks what it finds and publishes. Returns the published size."""
    organisation = db.session.scalars(_COOPERATIVE).first()
    if organisation is None:
        raise RuntimeError("no organisation")
    capture(Actor(organisation, None, "owner"), [registered(new_lot())], at=clock.now())
    db.session.commit()
    return publish_now()


def publish_now() -> int:
    # The dead one's lease has still to run out: its name is taken over, as if it had.
    holder = current_state().leased_by
    db.session.rollback()
    publish(holder or "next")
    state = current_state()
    size, integrated, start = state.size, state.integrated, state.start
    db.session.rollback()
    if size != integrated:
        raise RuntimeError(f"{size} entries, {integrated} published")
    return integrated - start


def every_step(app: Flask, act: Act, again: Act) -> None:
    """Kills `act` at each of its steps; after each, `again` must do without a hand."""
    for step in range(1, MOST):
        was_killed = killed_at(app, step, act)
        forget()
        with app.app_context():
            say(f"{step} {again()}")
            db.session.remove()
        if not was_killed:
            return
    raise RuntimeError("the act has no end")


def forget() -> None:
    """A restarted process has opened no key."""
    keys.forget_opened()


# The acts.


def recording(app: Flask) -> None:
    """Recording and publishing."""
    every_step(app, restart, restart)


def changing_the_logs_key(app: Flask) -> None:
    """Both halves of the change, each begun again where it was stopped."""

    def begin() -> None:
        if len(log_keys.signers(current_state().origin)) == 1:
            log_keys.begin(current_state().origin)
        sequencer.sign_again(now=clock.now())
        db.session.commit()

    def finish() -> None:
        origin = current_state().origin
        if len(log_keys.signers(origin)) == 2:
            log_keys.check_can_finish(origin, checkpoint_path(current_state().id).read_text())
            log_keys.finish(origin)

    def both() -> None:
        begin()
        restart()
        finish()

    every_step(app, both, restart)


def beginning_anew(app: Flask) -> None:
    """A new origin, its key and its first checkpoint."""

    def act() -> None:
        origins.new_origin(at=clock.now())
        db.session.commit()
        publish_now()

    every_step(app, act, restart)


def sealing_anew(app: Flask) -> None:
    """Changing the key-encryption key there and back; whoever restarts tries the two values."""

    def under(key: bytes) -> None:
        settings = app.extensions["trace.settings"]
        app.extensions["trace.settings"] = replace(settings, key_encryption_key=key)
        forget()

    for step in range(1, MOST):
        old, new = (ONE, OTHER) if step % 2 else (OTHER, ONE)
        under(old)

        def act(old: bytes = old, new: bytes = new) -> None:
            keys.rewrap(old, new)
            db.session.commit()
            keys.finish_rewrap(new)

        was_killed = killed_at(app, step, act)
        works = []
        for key in (old, new):
            under(key)
            with app.app_context():
                try:
                    app.extensions.pop("trace.log.started", None)
                    say(f"{step} {restart()}")
                    works.append(key)
                except (SealBroken, keys.KeysSealedOtherwise):
                    db.session.rollback()
                db.session.remove()
        if len(works) != 1:
            raise RuntimeError(f"step {step}: {len(works)} of the two values work")
        under(old)
        with app.app_context():
            act()  # the same command with the same two values, as its help says
            db.session.remove()
            folder = current_settings().instance / "keys"
            if list(folder.glob("*.rewrapped")) or list(folder.glob(".*")):
                raise RuntimeError(f"step {step}: something is left over")
        under(new)
        with app.app_context():
            say(f"{step} {restart()}")
            db.session.remove()
        if not was_killed:
            return


def refilling(app: Flask) -> None:
    """An older backup is refilled from a copy; SQLite, whose backup is a file."""
    settings = app.extensions["trace.settings"]
    database, copy = settings.database_url.removeprefix("sqlite:///"), settings.instance / "copy"
    with app.app_context():
        restart()
        db.session.remove()
    release(app)
    backup = settings.instance / "older.db"
    shutil.copyfile(database, backup)
    with app.app_context():
        for _ in range(3):
            restart()
        mirrors.export(copy)
        db.session.remove()

    def act() -> None:
        refill.refill(mirrors.mirror_at(str(copy)), at=clock.now())
        db.session.commit()
        publish_now()

    def again() -> int:
        refill.refill(mirrors.mirror_at(str(copy)), at=clock.now())
        db.session.commit()
        return restart()

    for step in range(1, MOST):
        release(app)
        for leftover in Path(database).parent.glob(Path(database).name + "-*"):
            leftover.unlink()
        shutil.copyfile(backup, database)
        was_killed = killed_at(app, step, act)
        forget()
        with app.app_context():
            app.extensions.pop("trace.log.started", None)
            say(f"{step} {again()}")
            mirrors.export(copy)  # the next backup is as old, what it lacks is more
            db.session.remove()
        if not was_killed:
            return


def importing(app: Flask) -> None:
    """A file of rows is recorded and then undone, killed at each step of either: all or nothing."""
    vars(import_jobs)["WINDOW"] = 8
    for undoing in (False, True):
        for step in range(1, MOST):
            with app.app_context():
                actor = Actor(db.session.scalars(_COOPERATIVE).one(), None, "owner")
                file = sheets.begun(actor, 11)
                if undoing:
                    sheets.run_jobs()
                    imports.ask_undo(actor, imports.get_import(actor, file), at=clock.now())
                    db.session.commit()
                _, _, voids = sheets.found(file)
                db.session.remove()
            was_killed = killed_at(app, step, sheets.run_jobs)
            forget()
            with app.app_context():
                state, made, more = sheets.found(file)
                whole = ("undoing", 11, voids) if undoing else ("running", 0, voids)
                after = ("undone", 0, voids + 11) if undoing else ("done", 11, voids)
                if (state, made, more) not in (whole, after):
                    raise RuntimeError(f"step {step}: half done: {(state, made, more - voids)}")
                sheets.run_jobs()
                if sheets.found(file) != after:
                    raise RuntimeError(f"step {step}: {sheets.found(file)}")
                say(f"{step} {restart()}")
                db.session.remove()
            if not was_killed:
                break


def printing(app: Flask) -> None:
    """Serials are issued and their sheet is drawn: another worker draws the same once more."""
    for step in range(1, MOST):

        def act() -> None:
            actor = Actor(db.session.scalars(_COOPERATIVE).one(), None, "owner")
            labels.asked_and_drawn(actor)

        was_killed = killed_at(app, step, act)
        with app.app_context():
            labels.check_whole(finished=False)
            labels.take_over()
            labels.check_whole(finished=True)
            say(f"{step} {restart()}")
            db.session.remove()
        if not was_killed:
            return


ACTS: dict[str, Callable[[Flask], None]] = {
    "recording": recording,
    "changing-the-logs-key": changing_the_logs_key,
    "beginning-anew": beginning_anew,
    "sealing-anew": sealing_anew,
    "refilling": refilling,
    "importing": importing,
    "printing": printing,
}


def main(name: str, url: str, instance: str) -> None:
    app = create_app(settings_for(Path(instance), url))
    with app.app_context():
        make_actor(clock.now())
        restart()
        db.session.remove()
    ACTS[name](app)
    say("whole")
    release(app)
