"""The capture jobs of `benchmarks.capture_http` in a process of their own, as the worker runs them.

Each line it reads asks for the next capture job; it answers with the CPU seconds from claiming the
job to its end, and what the job told.
"""

from __future__ import annotations

import gc
import sys
from time import process_time

import orjson

from trace.app import create_app
from trace.config import Settings
from trace.extensions import db
from trace.jobs.registry import load_handlers
from trace.jobs.worker import claim
from trace.jobs.worker import run as run_job
from trace.models import Job
from trace.services.epcis_captures import KIND


def main() -> None:
    """Settings come from the environment."""
    with create_app(Settings.from_env()).app_context():
        load_handlers()
        print("ready", flush=True)
        for _ in sys.stdin:
            gc.collect()
            start = process_time()
            job = claim("bench")
            while job is not None and job.kind != KIND:
                # What captures ask for afterwards is another promise's affair.
                start = process_time()
                job = claim("bench")
            if job is None:
                raise AssertionError("no job")
            job_id = job.id
            run_job(job)
            spent = process_time() - start
            done = db.session.get(Job, job_id, populate_existing=True)
            told = done.result if done is not None else None
            captured = orjson.loads(told or "{}").get("captured", 0)
            if not captured:
                print(told, file=sys.stderr)
            db.session.rollback()
            print(f"{spent} {captured}", flush=True)


if __name__ == "__main__":
    main()
