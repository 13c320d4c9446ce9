"""Acts on files that belong to a transaction: done once it is committed, dropped when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.orm import Session

from trace.extensions import db

_WAITING: Final = "trace.after_commit"


def after_commit(act: Callable[[], None]) -> None:
    """Calls `act` after the present transaction's commit. It must not touch the database."""
    db.session().info.setdefault(_WAITING, []).append(act)


@event.listens_for(Session, "after_commit")
def _run(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint's end is not the transaction's
    acts: list[Any] = session.info.pop(_WAITING, [])
    for act in acts:
        act()


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Session, _previous: Any) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_WAITING, None)
