"""The log under any order of recording, giving up, publishing, dying and clocks that jump.

The model is the list of what was committed. The tree is computed beside it by its definition
(RFC 9162, section 2.1.1), not by the product's code.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.property.machines import AMOUNTS, Machine, explore
from tests.support.factories import make_actor, new_lot, registered
from trace.core.statements import parse_entry
from trace.core.tlog import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    open_checkpoint_by,
    verify_consistency,
    verify_inclusion,
)
from trace.extensions import db
from trace.models import LogEntry
from trace.services import log_keys, sequencer
from trace.services.capture import capture
from trace.services.log import current_state
from trace.services.log_file import checkpoint_path


def tree(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return hashlib.sha256(b"\x01" + tree(leaves[:left]) + tree(leaves[left:])).digest()


class Log(Machine):
    def __init__(self) -> None:
        super().__init__()
        self.actor = make_actor(self.at)
        self.seen = [bytes(entry.encode()) for entry in self._entries()]
        self.published: list[int] = []  # sizes of checkpoints that anybody may have seen
        self._note_published()

    def _entries(self) -> list[str]:
        found = list(db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index)))
        db.session.rollback()
        return found

    def _note_published(self) -> None:
        path = checkpoint_path(current_state().id)
        db.session.rollback()
        if path.exists():
            size = int(path.read_text().split("\n")[1])
            if not self.published or self.published[-1] != size:
                self.published.append(size)

    @rule(count=st.integers(1, 4))
    def records(self, count: int) -> None:
        before = len(self.seen)
        done = self.record(self.actor, *(registered(new_lot()) for _ in range(count)))
        entries = self._entries()
        assert [one.index for one in done] == list(range(before, before + count))
        assert [e.encode() for e in entries[:before]] == self.seen  # nothing before it moved
        self.seen = [entry.encode() for entry in entries]
        assert len(self.seen) == before + count

    @rule()
    def gives_up(self) -> None:
        capture(self.actor, [registered(new_lot())], at=self.now())
        db.session.rollback()

    @rule()
    def publishes(self) -> None:
        while sequencer.publish(now=self.now()) is not None:
            db.session.commit()
        db.session.rollback()
        self._note_published()
        assert self.published[-1] == len(self.seen)

    @rule()
    def publishes_and_dies_before_its_commit(self) -> None:
        sequencer.publish(now=self.now())
        db.session.rollback()  # the file outside the database has the checkpoint already
        self._note_published()

    @rule(hours=st.sampled_from([-48, -1, 1, 48]))
    def the_clock_jumps(self, hours: int) -> None:
        # Not to before what is recorded happened: that would be refused.
        self.at = max(self.at + timedelta(hours=hours), FIXED_NOW - timedelta(hours=36))

    @rule()
    def the_key_changes(self) -> None:
        origin = current_state().origin
        if len(log_keys.signers(origin)) == 1:
            log_keys.begin(origin)
            sequencer.sign_again(now=self.now())
            db.session.commit()
        self.publishes()
        log_keys.check_can_finish(origin, checkpoint_path(current_state().id).read_text())
        log_keys.finish(origin)
        db.session.rollback()

    @invariant()
    def what_was_published_is_the_tree_of_what_was_committed(self) -> None:
        if not self.published:
            return
        state = current_state()
        note = checkpoint_path(state.id).read_text()
        checkpoint = open_checkpoint_by(note, log_keys.verifiers(state.origin))
        leaves = [leaf_hash(entry) for entry in self.seen]
        assert checkpoint.size <= len(leaves)
        assert checkpoint.root == tree(leaves[: checkpoint.size])
        db.session.rollback()

    @invariant()
    def times_never_go_back(self) -> None:
        times = [parse_entry(entry).t for entry in self.seen]
        assert times == sorted(times)

    # Numbers, not choices: the log is older than an example, and examples must be alike.
    @rule(old=st.integers(0, 10**6), index=st.integers(0, 10**6))
    def proofs_hold(self, old: int, index: int) -> None:
        self.publishes()
        leaves = [leaf_hash(entry) for entry in self.seen]
        size, tiles = len(leaves), sequencer.TileReader()
        old, index = self.published[old % len(self.published)], index % size
        proof = inclusion_proof(index, size, tiles)
        verify_inclusion(leaves[index], index, size, proof, tree(leaves))
        between = consistency_proof(old, size, tiles)
        verify_consistency(old, size, tree(leaves[:old]), tree(leaves), between)
        db.session.rollback()


@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_log_holds_what_was_committed_in_any_order_of_acts(
    app: Flask, amount: tuple[int, int]
) -> None:
    explore(Log, app, amount)
