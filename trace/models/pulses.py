"""Signs of workers: what a replica is held against, travelling to it with everything else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment

BEAT, NOTICES, TIDIED = 1, 2, 3


class Pulse(Model):
    """`BEAT`: touched every second, so that a replica's lag can be read off it. `NOTICES`: counted
    up by whatever puts a notice on goods, so that a replica without the newest one is known.
    `TIDIED`: touched when the hourly tidying went well (services.tidied)."""

    __tablename__ = "pulses"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    count: Mapped[int] = mapped_column(Id, default=1)
