"""Settings that the platform's desk changes while it runs: each with a kind, bounds and a default.

The newest row is in force, from the next request on; every value ever set stays, with who set it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import func, select

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import PlatformSetting
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.sets import among

Value = int | str


class SettingOutOfBounds(TraceError):
    code = "setting-out-of-bounds"
    message = "This must be between %(least)d and %(most)d."


class SettingTooLong(TraceError):
    code = "setting-too-long"
    message = "This may have at most %(most)d characters."


class SettingNotANumber(TraceError):
    code = "setting-not-a-number"
    message = "“%(value)s” is not a whole number."


class SettingEmpty(TraceError):
    code = "setting-empty"
    message = "This cannot be empty."


@dataclass(frozen=True, slots=True)
class Setting:
    """A whole number between `least` and `most`, or a text of at most `most` characters."""

    name: str
    default: Value
    most: int
    least: int = 0

    @property
    def number(self) -> bool:
        return isinstance(self.default, int)

    def read(self, typed: str) -> Value:
        """What was typed as a value; raises one of the errors above, naming the setting."""
        if self.number:
            digits = typed.strip()
            if not digits.isdecimal() or len(digits) > 12:
                raise SettingNotANumber(path=self.name, value=typed[:40])
            if not self.least <= int(digits) <= self.most:
                raise SettingOutOfBounds(path=self.name, least=self.least, most=self.most)
            return int(digits)
        text = typed.strip()
        if len(text) < self.least:
            raise SettingEmpty(path=self.name)
        if len(text) > self.most:
            raise SettingTooLong(path=self.name, most=self.most)
        return text


SETTINGS: Final = (
    Setting("contact", "", 300),  # who answers for the platform: words, phone, e-mail
    Setting("appeal", "", 500),  # where to complain about a decision
    Setting("licence", "CC BY 4.0", 120, least=1),  # of open data
    Setting("smallest_cell", 5, 50, least=5),  # open data: what is told of fewer is left out
    Setting("attachment_megabytes", 10, 15, least=1),  # one paper of a directive
    Setting("attachments", 5, 10, least=1),  # papers of one directive or answer
    Setting("remind_days", 3, 14, least=1),  # before a directive is due
    Setting("factor_days", 14, 365),  # until who decides has a second step of signing in
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


def value_of(name: str) -> Value:
    """What a setting is now."""
    setting = BY_NAME[name]
    row = db.session.scalar(
        select(PlatformSetting.value)
        .where(PlatformSetting.name == name)
        .order_by(PlatformSetting.id.desc())
        .limit(1)
    )
    return setting.default if row is None else _value(row)


def number_of(name: str) -> int:
    """The same, of a number."""
    return int(value_of(name))


def text_of(name: str) -> str:
    """The same, of a text."""
    return str(value_of(name))


def all_values() -> dict[str, Value]:
    """Every setting as it is now; one query."""
    newest = select(func.max(PlatformSetting.id)).group_by(PlatformSetting.name)
    rows = db.session.scalars(select(PlatformSetting).where(PlatformSetting.id.in_(newest)))
    found = {row.name: _value(row.value) for row in rows}
    return {setting.name: found.get(setting.name, setting.default) for setting in SETTINGS}


def history(actor: Actor, name: str) -> Sequence[PlatformSetting]:
    """The values a setting had, the newest first. Raises NotAllowed, NotFound."""
    actor.check("administer")
    if name not in BY_NAME:
        raise NotFound
    query = select(PlatformSetting).where(among(PlatformSetting.name, [name]))
    return db.session.scalars(query.order_by(PlatformSetting.id.desc()).limit(50)).all()


def change(actor: Actor, name: str, value: Value, *, at: datetime) -> bool:
    """Sets a value that `Setting.read` gave; whether it is another one. Raises NotAllowed."""
    actor.check("administer")
    former = value_of(name)
    if former == value:
        return False
    db.session.add(
        PlatformSetting(
            name=name,
            value=orjson.dumps(value).decode(),
            at=at,
            person_id=actor.person.id if actor.person else None,
        )
    )
    db.session.flush()
    write_audit(actor, "setting.change", f"setting:{name}", at=at, former=former, now=value)
    return True


def _value(text: str) -> Value:
    value: Value = orjson.loads(text)
    return value
