"""Asking for background work: a row written in the transaction that asks."""

from __future__ import annotations

import uuid
import zlib
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Job
from trace.services.actors import Actor


def enqueue(
    kind: str,
    argument: dict[str, Any],
    *,
    at: datetime,
    due: datetime | None = None,
    actor: Actor | None = None,
    payload: bytes | None = None,
    total: int = 0,
) -> Job:
    """Adds a job to be run after this transaction commits, or when `due` comes; `at` is now;
    `payload` is kept deflated."""
    job = Job(
        public_id=str(uuid.uuid4()),
        kind=kind,
        organisation_id=actor.organisation.id if actor else None,
        person_id=actor.person.id if actor and actor.person else None,
        argument=argument_of(argument),
        payload=None if payload is None else zlib.compress(payload, 1),
        total=total,
        run_after=max(at, due or at),
        created_at=at,
    )
    db.session.add(job)
    db.session.flush()
    return job


def argument_of(argument: dict[str, Any]) -> str:
    """As it stands in the row."""
    return orjson.dumps(argument).decode()


def get_job(actor: Actor, public_id: str, kind: str | None = None) -> Job:
    """The organisation's own job. Raises NotFound for another's, or of another kind."""
    query = select(Job).where(
        Job.public_id == public_id, Job.organisation_id == actor.organisation.id
    )
    if kind is not None:
        query = query.where(Job.kind == kind)
    job = db.session.scalar(query)
    if job is None:
        raise NotFound
    return job
