"""A log begun anew: the story goes on in the next one, `…/log/2`, which names the one before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tests.golden.story import Story, event_of, quantity, tell_story
from tests.golden.world import Chain, Recorded, Tiles, World, private_key, uuid4
from trace.core import tlog
from trace.core.statements import (
    BundledChain,
    BundledEntry,
    BundledLog,
    BundledStatement,
    Head,
    ReceiptLog,
    make_bundle,
    make_receipt,
    origin_entry,
    present,
    tag,
)
from trace.core.verify import Policy

ORIGIN_2 = "trace.example/log/2"


class SecondLog(World):
    """The log after `old`: the same people and goods, another key, indexes from 0."""

    origin = ORIGIN_2

    def __init__(self, old: World, last: str) -> None:
        """`last` is the old log's last checkpoint that is known."""
        self.old = old
        self.random, self.codes, self.root, self.witness = (
            old.random,
            old.codes,
            old.root,
            old.witness,
        )
        self.platform, self.now = old.platform, old.now
        self.log_key = tlog.log_signer(ORIGIN_2, private_key("log-2"))
        self.entries: list[bytes] = []
        self.tiles = Tiles()
        self.recorded: dict[int, Recorded] = {}
        self.tree_root = tlog.EMPTY_ROOT
        # Things' chains count on; keyrings begin anew.
        self.begun = {name: len(chain.places) for name, chain in old.chains.items()}
        self.chains = {
            name: Chain(chain.salt, [*chain.places])
            for name, chain in old.chains.items()
            if not name.endswith("#keyring")
        }
        self.append(origin_entry(self.tick(), 1, old.origin, last))

    def places(self, identity: str) -> list[int]:
        """The indexes of a chain's links in this log."""
        chain = self.chains.get(identity)
        if chain is None:
            return []
        first = 0 if identity.endswith("#keyring") else self.begun.get(identity, 0)
        return chain.places[first:]


@dataclass
class Anew:
    """The story in two logs. `stored` was recorded in the second."""

    story: Story
    old: World
    new: SecondLog
    stored: Recorded

    @property
    def things(self) -> list[str]:
        return [self.story.packed, self.story.lot, self.story.cycle]

    def policy(self, **members: Any) -> Policy:
        known = {"log": self.new.log_key.verifier, "logs": (self.old.log_key.verifier,)}
        return self.new.policy(**{**known, **members})

    def receipt(self, identities: Collection[str], older: tlog.Checkpoint) -> str:
        heads = []
        for name in identities:
            for number, world in ((1, self.old), (2, self.new)):
                chain = world.chains.get(name)
                if chain is None or not chain.places:
                    continue
                keyring = name.endswith("#keyring")
                if not keyring and (number == 1) == bool(self.new.places(name)):
                    continue  # its head is in the other log
                n = len(chain.places) - 1
                heads.append(Head(tag(chain.salt, name, n), n, chain.places[n], number))
        return make_receipt(
            origin=ORIGIN_2,
            size=len(self.new.entries),
            root=self.new.tree_root,
            time=self.new.now,
            heads=heads,
            name=self.new.platform.kid("receipt-1"),
            key=self.new.platform.keys["receipt-1"],
            older=[ReceiptLog(1, older.origin, older.size, older.root)],
        )

    def bundle(
        self,
        *,
        shown: str | None = None,
        proof: tuple[bytes, ...] | None = (),
        hide: Collection[int] = (),
        witnessed: bool = False,
    ) -> bytes:
        """The bundle of the packed goods. `shown` is the old log's checkpoint that paths lead to,
        its last one if not given; `hide` lists statements of the new log wholly withheld."""
        note = shown or self.old.signed_checkpoint(witnessed=witnessed)
        older = tlog.Checkpoint.parse(tlog.parse_note(note).text)
        rings = {n for w in (self.old, self.new) for n in w.chains if n.endswith("#keyring")}
        identities = [*self.things, *sorted(rings)]
        old_places = {
            p for n in identities if n in self.old.chains for p in self.old.chains[n].places
        }
        new_places = {0, *(p for n in identities for p in self.new.places(n))}
        first = _parts(self.old, {*old_places, self.story.approval}, older.size)
        second = _parts(self.new, new_places, len(self.new.entries), hide)
        chains = {**self.old.chains, **self.new.chains}
        return make_bundle(
            subject=self.story.packed,
            checkpoint=self.new.signed_checkpoint(witnessed=witnessed),
            statements=second[0],
            entries=second[1],
            chains=[BundledChain(n, chains[n].salt) for n in identities],
            receipt=self.receipt(identities, older),
            older=[BundledLog(note, tuple(first[0]), tuple(first[1]), proof)],
        )


def _parts(
    world: World, places: Collection[int], size: int, hide: Collection[int] = ()
) -> tuple[list[BundledStatement], list[BundledEntry]]:
    statements, others = [], []
    recorded: Mapping[int, Recorded] = world.recorded
    for place in sorted(places):
        path = tuple(tlog.inclusion_proof(place, size, world.tiles))
        if place in recorded and place not in hide:
            sdjwt = present(recorded[place].statement)
            statements.append(BundledStatement(sdjwt, place, world.entries[place], path))
        else:
            others.append(BundledEntry(place, world.entries[place], path))
    return statements, others


def begin_anew(story: Story | None = None, last: str | None = None) -> Anew:
    """Ends the story's log at `last` (its newest checkpoint) and goes on in the next one."""
    story = story or tell_story()
    old = story.world
    new = SecondLog(old, last or old.signed_checkpoint())
    for org, key in ((old.platform, "receipt-1"), (story.coop, "k1"), (story.packer, "k1")):
        org.records, org.prev = 0, None
        new.first_key(org, key)
    stored = new.record(
        story.packer,
        event_of(
            "ObjectEvent",
            "storing",
            "2026-11-22T09:30",
            eventID=uuid4(new.random),
            action="OBSERVE",
            quantityList=[quantity(story.packed, 118.5)],
        ),
    )
    return Anew(story, old, new, stored)
