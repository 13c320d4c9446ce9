"""Our own EPCIS server in a process of its own, for the conformance suite: `python -m
tests.support.epcis_server FOLDER` prints one line of JSON, {"base", "token"}, and serves until its
standard input ends. FOLDER/test.db is a migrated database."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from trace import clock
from trace.extensions import db


def work(app: Flask, stop: threading.Event) -> None:
    """What the worker does, without its waiting."""
    from trace.jobs.subscriptions import deliver
    from trace.jobs.worker import run_pending
    from trace.models import Job

    with app.app_context():
        while not stop.wait(0.03):
            asked = select(Job.id).where(Job.state == "queued", Job.run_after <= clock.now())
            if db.session.scalar(asked.limit(1)) is not None:
                run_pending()
            deliver(clock.now)
            db.session.remove()


def main(folder: Path) -> None:
    from tests.conftest import settings_for
    from tests.support.factories import make_actor
    from tests.support.server import running_application
    from trace.services.tokens import issue_token

    settings = settings_for(folder, f"sqlite:///{folder / 'test.db'}")
    with running_application(replace(settings, max_upload_bytes=8_000_000)) as server:
        with server.app.app_context():
            now = clock.now()
            actor = make_actor(now)
            _, token = issue_token(actor.organisation, "suite", ["capture", "query"], at=now)
            db.session.commit()
        stop = threading.Event()
        worker = threading.Thread(target=work, args=(server.app, stop), daemon=True)
        worker.start()
        told = {"base": f"{server.url}/epcis/v2", "token": token}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        stop.set()
        worker.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
