"""What `benchmarks.growth` measures in one of its databases, in a process of its own: what one
remembers of keys and settings is of one database."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from random import Random
from time import perf_counter
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import select

from benchmarks.capture import document
from trace import clock
from trace.app import create_app
from trace.config import Settings
from trace.core.epcis import JsonObject, event_context, parse_document
from trace.core.gs1 import parse_identity
from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.models import Organisation
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.chains import Narrowing, find_subject, read_chain
from trace.services.settings import current_settings

# Of a document's events, those about lots that are known already, anywhere in the database.
KNOWN_EVERY = 5
NAMING = ("ilmd", "parentID", *(f"{of}uantityList" for of in ("q", "childQ", "inputQ", "outputQ")))


class Opened:
    """The application on one of the databases."""

    def __init__(self, environment: Mapping[str, str], maker: str, authority: str) -> None:
        self.app: Flask = create_app(Settings.from_env(dict(environment)))
        self.context = self.app.app_context()
        self.context.push()
        self.random = Random(7)
        self.maker, self.authority = maker, authority

    def actor(self, code: str, role: Any) -> Actor:
        row = db.session.scalars(select(Organisation).where(Organisation.code == code)).one()
        return Actor(row, None, role)

    def document(self, count: int, lots: Sequence[str]) -> bytes:
        """New goods, and every fifth event something seen of goods that exist."""
        body = orjson.loads(document(count, self.maker))
        events: list[JsonObject] = body["epcisBody"]["eventList"]
        for event in events[::KNOWN_EVERY]:
            lot = lots[self.random.randrange(len(lots))]
            for name in NAMING:
                event.pop(name, None)
            event |= {
                "type": "ObjectEvent",
                "action": "OBSERVE",
                "bizStep": "inspecting",
                "quantityList": [{"epcClass": lot, "quantity": 1, "uom": "KGM"}],
            }
        body["@context"] = event_context(current_settings().id_base)
        return orjson.dumps(body)

    def capture(self, count: int, lots: Sequence[str]) -> float:
        """Seconds from a document's bytes to its commit."""
        data, actor = self.document(count, lots), self.actor(self.maker, "owner")
        gc.collect()
        start = perf_counter()
        capture(actor, parse_document(data).events, at=clock.now())
        db.session.commit()
        return perf_counter() - start

    def chain(self, path: str, at: datetime) -> tuple[float, int]:
        """Seconds to read the chain of a lot, and how many things are in it."""
        identity = parse_identity(current_settings().id_base + path, current_settings().id_base)
        if identity is None:
            raise ValueError(path)
        actor = self.actor(self.authority, "inspector")
        gc.collect()
        start = perf_counter()
        found = read_chain(actor, find_subject(identity), Narrowing(), at=at)
        took = perf_counter() - start
        db.session.rollback()
        return took, found.stations


_opened: list[Opened] = []


def open_database(environment: Mapping[str, str], maker: str, authority: str) -> int:
    """Opens this process's database; its process id."""
    _opened.append(Opened(environment, maker, authority))
    return os.getpid()


def captured(count: int, lots: Sequence[str]) -> float:
    with _told():
        return _opened[0].capture(count, lots)


def chain_read(path: str, at: datetime) -> tuple[float, int]:
    with _told():
        return _opened[0].chain(path, at)


@contextmanager
def _told() -> Iterator[None]:
    """An error of ours does not travel between processes; what it says does."""
    try:
        yield
    except TraceError as error:
        listed = error.errors if isinstance(error, Refused) else [error]
        raise RuntimeError("; ".join(f"{e.path}: {e.detail}" for e in listed[:5])) from None
