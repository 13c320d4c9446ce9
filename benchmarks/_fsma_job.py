"""The job of `benchmarks.fsma` in a process of its own, as the worker runs it: nothing of the tests
is loaded here, so that the memory told is the product's."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path

from sqlalchemy import event, select

from trace.app import create_app
from trace.config import Settings
from trace.extensions import db
from trace.jobs.registry import load_handlers
from trace.jobs.worker import claim
from trace.jobs.worker import run as run_job
from trace.models import Job


def _memory(which: str) -> float:
    """VmRSS: what this program has now; VmHWM: the most it ever had; in MB. (getrusage counts its
    parent's too.)"""
    told = Path("/proc/self/status").read_text()
    line = next(line for line in told.splitlines() if line.startswith(which + ":"))
    return int(line.split()[1]) / 1024


def _work(folder: Path, public_id: str) -> None:
    """In a process of its own: runs the job and prints what it took."""
    env = {
        "TRACE_INSTANCE": str(folder),
        "TRACE_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    }
    app = create_app(Settings.from_env(env))
    with app.app_context():
        load_handlers()
        told: list[int] = []

        def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            told.append(statement.startswith("UPDATE jobs SET progress"))

        event.listen(db.engine, "before_cursor_execute", hear)
        while (job := claim("bench")) is not None and job.public_id != public_id:
            run_job(job)  # what the sales asked for is not this promise's affair
        if job is None:
            raise AssertionError("no such job")
        before = _memory("VmRSS")
        begun = time.perf_counter()
        run_job(job)
        took = time.perf_counter() - begun
        peak = _memory("VmHWM")
        done = db.session.scalars(select(Job).where(Job.public_id == public_id)).one()
        if done.state != "done":
            raise AssertionError(done.result)
    print(json.dumps({"seconds": took, "before": before, "peak": peak, "told": sum(told)}))


if __name__ == "__main__":
    _work(Path(sys.argv[1]), sys.argv[2])
