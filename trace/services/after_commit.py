"""Acts on files that belong to a transaction: done once it is committed, dropped when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from trace.extensions import db

_WAITING: Final = "trace.after_commit"


def after_commit(act: Callable[[], None]) -> None:
    """Calls `act` after the present transaction's commit, unless the savepoint it is asked for in
    is rolled back. It must not touch the database."""
    session = db.session()
    inside: list[SessionTransaction] = []
    savepoint = session.get_nested_transaction()
    while savepoint is not None:
        inside.append(savepoint)
        savepoint = savepoint.parent
    session.info.setdefault(_WAITING, []).append((inside, act))


@event.listens_for(Session, "after_commit")
def _run(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint's end is not the transaction's
    acts: list[Any] = session.info.pop(_WAITING, [])
    for _, act in acts:
        act()


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Session, ended: SessionTransaction) -> None:
    acts: list[Any] = session.info.pop(_WAITING, [])
    if ended.parent is not None:  # a savepoint: what was asked for outside of it stays
        session.info[_WAITING] = [(inside, act) for inside, act in acts if ended not in inside]
