"""Who does the work that is killed: an application, its people, and a clock that can be moved.

Leases end by themselves: between a kill and the next start the clock goes on by `PAUSE`, as it
would while a machine is started again. Nothing in the database is touched by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Flask

from tests.conftest import create_app, settings_for
from tests.support.databases import release
from tests.support.factories import make_actor
from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.registry import load_handlers
from trace.models import Organisation
from trace.services.actors import Actor
from trace.services.label_sheets import sheet_folder
from trace.services.tokens import issue_token

# Longer than any lease (the longest is five minutes).
PAUSE: Final = timedelta(seconds=400)


class Hands:
    """The clock of this process and of the children it forks."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._real: Callable[[], datetime] = clock.now
        vars(clock)["now"] = self.now

    def now(self) -> datetime:
        return self._real() + self.ahead

    def restore(self) -> None:
        vars(clock)["now"] = self._real


@dataclass(slots=True)
class World:
    """The application and the rows of its organisations."""

    app: Flask
    hands: Hands
    farm_id: int = 0
    shop_id: int = 0
    office_id: int = 0
    token: str = ""
    early: bool = False
    starts: int = 0
    names: list[str] = field(default_factory=list)

    def actor(self) -> Actor:
        return Actor(db.session.get_one(Organisation, self.farm_id), None, "owner")

    def shop(self) -> Actor:
        return Actor(db.session.get_one(Organisation, self.shop_id), None, "owner")

    def office(self) -> Actor:
        return Actor(db.session.get_one(Organisation, self.office_id), None, "supervisor")

    def run_jobs(self) -> None:
        """A worker's round under this start's name: what is due, and the log published."""
        self._file_times()
        worker.run_pending(f"start-{self.starts}")

    def _file_times(self) -> None:
        """Finished sheets are as old as the moved clock says, not as the disk's: they would be
        dropped as yesterday's while they are looked for."""
        now = self.hands.now().timestamp()
        for path in sheet_folder().glob("*.pdf"):
            os.utime(path, (now, now))

    def start(self) -> None:
        """Another process begins, some time after the one before it ended."""
        self.hands.ahead += PAUSE
        self.starts += 1


def make_world(url: str, instance: Path) -> World:
    """An application over a migrated, empty database, with a farm, a shop and an authority."""
    app = create_app(settings_for(instance, url))
    world = World(app, Hands())
    load_handlers()
    with app.app_context():
        world.farm_id = make_actor(clock.now(), "HTX Minh họa").organisation.id
        world.shop_id = make_actor(clock.now(), "Cửa hàng Minh họa", "retailer").organisation.id
        office = make_actor(clock.now(), "Sở Minh họa", "authority", "confirmed")
        office.organisation.confirmed_at = office.organisation.created_at
        world.office_id = office.organisation.id
        farm = db.session.get_one(Organisation, world.farm_id)
        _, world.token = issue_token(farm, "thử", ["capture", "query"], at=clock.now())
        db.session.commit()
        world.start()
        world.run_jobs()
    release(app)
    return world
