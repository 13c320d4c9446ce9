"""Bundles for every answer a verifier can give: one good, one for each reason code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from tests.golden.checks import changed, recall, sdjwt_of, story_event
from tests.golden.story import Story, event_of, quantity, tell_story
from tests.golden.world import ID_BASE, private_key, uuid4
from tests.support.lifting_attacks import id_of, recalled_and_attacked, record, releasing
from trace.core import tlog
from trace.core.signing import TrustError, b64url
from trace.core.statements import Since, audit_entry, root_kid
from trace.core.verify import verify_bundle
from trace.core.verify.policy_file import read_policy


@dataclass(frozen=True, slots=True)
class Case:
    """A bundle, the policy file it is judged by, the moment, and Python's answer: (code, step);
    ("ok", 0) for a bundle that holds."""

    name: str
    bundle: bytes
    policy: str
    now: datetime

    @property
    def answer(self) -> tuple[str, int]:
        return decided(self.bundle, self.policy, self.now)


def decided(bundle: bytes, policy: str, now: datetime) -> tuple[str, int]:
    """What the Python verifier says."""
    try:
        verify_bundle(bundle, read_policy(policy.encode()), now)
    except TrustError as error:
        return error.code, error.step
    return "ok", 0


def policy_text(story: Story, *, quorum: str = "none", max_age: int | None = None) -> str:
    """The policy file of a story's log, with its one witness."""
    world = story.world
    lines = [
        f"log {world.log_key.verifier.vkey}",
        f"witness w1 {world.witness.verifier.vkey}",
        f"quorum {quorum}",
        f"#trace platform {world.platform.did}",
        f"#trace root {b64url(world.root.public.raw)}",
        "#trace operator w1 Trường Đại học Ví dụ",
    ]
    if max_age is not None:
        lines.append(f"#trace max-age {max_age}")
    return "\n".join(lines) + "\n"


def headed(story: Story, alg: object) -> bytes:
    def change(bundle: Any) -> None:
        item = sdjwt_of(bundle, story.packing.index)
        _, payload, rest = item["sdjwt"].split(".", 2)
        header = {"alg": alg, "typ": "vc+sd-jwt", "kid": story.packer.kid("k1")}
        item["sdjwt"] = f"{b64url(json.dumps(header).encode())}.{payload}.{rest}"

    return changed(story.bundle(), change)


def _packed_beside(story: Story) -> bytes:
    """A box holds the subject and another lot, whose chain is nobody's business here."""
    world = story.world
    packing = event_of(
        "AggregationEvent",
        "packing",
        "2026-11-21T08:00",
        eventID=uuid4(world.random),
        action="ADD",
        parentID=f"{ID_BASE}/h/{world.code()}",
        childQuantityList=[
            quantity(story.packed, 1),
            quantity(f"{ID_BASE}/b/{world.code()}", 2),
        ],
    )
    world.record(story.packer, packing)
    return story.bundle()


def _issuer_mismatch(story: Story) -> bytes:
    signed = story.world.sign(story.packer, story_event(story))
    header = {"alg": "Ed25519", "typ": "vc+sd-jwt", "kid": story.coop.kid("k1")}
    signing = f"{b64url(json.dumps(header).encode())}.{signed.jwt.split('.')[1]}"
    jwt = f"{signing}.{b64url(story.coop.keys['k1'].sign(signing.encode()))}"
    story.world.log(story.packer, story_event(story), replace(signed, jwt=jwt))
    return story.bundle()


def _unknown_key(story: Story) -> bytes:
    story.packer.keys["k9"] = private_key("never logged")
    story.world.record(story.packer, story_event(story), key="k9")
    return story.bundle()


def _bad_key_entry(story: Story) -> bytes:
    world = story.world
    record = world.key_record(story.packer, "add", "k2")
    signers = [(root_kid(world.platform.did), private_key("a false root"))]
    world.log_key_record(story.packer, record, signers)
    return story.bundle()


def _revoked(story: Story) -> bytes:
    story.world.next_key(story.packer, "add", "k2", "k1")
    story.world.revoke(story.packer, "k1", "k2")
    story.world.record(story.packer, story_event(story), key="k1")
    return story.bundle()


def _not_approved(story: Story) -> bytes:
    def change(bundle: Any) -> None:
        bundle["entries"] = [e for e in bundle["entries"] if e["index"] != story.approval]

    return changed(story.bundle(), change)


def _stray_disclosure(story: Story) -> bytes:
    stray = story.sown.statement.disclosures[1].text

    def change(bundle: Any) -> None:
        sdjwt_of(bundle, story.packing.index)["sdjwt"] += stray + "~"

    return changed(story.bundle(), change)


def _earlier_entry(story: Story) -> bytes:
    story.world.now -= timedelta(hours=1)
    story.world.record(story.packer, story_event(story))
    return story.bundle()


def _swapped(story: Story) -> bytes:
    def change(bundle: Any) -> None:
        one = sdjwt_of(bundle, story.packing.index)
        other = sdjwt_of(bundle, story.shipped.index)
        one["sdjwt"], other["sdjwt"] = other["sdjwt"], one["sdjwt"]

    return changed(story.bundle(), change)


def _elsewhere(story: Story) -> bytes:
    def change(bundle: Any) -> None:
        sdjwt_of(bundle, story.shipped.index)["index"] = len(story.world.entries)

    return changed(story.bundle(), change)


def _since(story: Story, *, broken: bool) -> bytes:
    world = story.world
    older, size = world.signed_checkpoint(witnessed=True), len(world.entries)
    for row in range(3):
        day = world.now.date()
        world.append(audit_entry(world.tick(), day, row, b64url(bytes(32))))
    proof = tlog.consistency_proof(size, len(world.entries), world.tiles)
    if broken:
        proof[0] = bytes(32)
    return story.bundle(since=Since(older, tuple(proof)), witnessed=True)


def _chain_left_out(story: Story) -> bytes:
    def change(bundle: Any) -> None:
        name = f"{story.packer.did}#keyring"
        bundle["chains"] = [c for c in bundle["chains"] if c["identity"] != name]

    return changed(story.bundle(), change)


def _wrong_thing(story: Story) -> bytes:
    event = story_event(story)
    signed = story.world.sign(story.packer, event)
    story.world.log(story.packer, event, signed, chains=[story.lot])
    return story.bundle()


def _older_receipt(story: Story) -> bytes:
    older = json.loads(story.bundle())["receipt"]
    story.world.append(
        audit_entry(story.world.tick(), story.world.now.date(), 1, b64url(bytes(32)))
    )
    return changed(story.bundle(), lambda bundle: bundle.update(receipt=older))


def _replayed(story: Story) -> bytes:
    event = story_event(story)
    signed = story.world.sign(story.packer, event)
    story.world.log(story.packer, event, signed)
    story.world.log(story.packer, event, signed)
    return story.bundle()


def _late(story: Story) -> bytes:
    event = {**story_event(story), "eventTime": "2026-11-01T10:00:00.000+07:00"}
    story.world.record(story.packer, event)
    return story.bundle()


def _erased(story: Story) -> bytes:
    erasure = story.world.erase(story.sown, ["trace:performedBy"])
    return story.bundle(
        withhold={story.sown.index: ["trace:performedBy", "eventID"]}, more=[erasure]
    )


def _withheld(story: Story) -> bytes:
    return story.bundle(
        withhold={story.packing.index: ["inputQuantityList"]}, hide=[story.sown.index]
    )


def _recalled(story: Story) -> bytes:
    recall(story)
    return story.bundle()


def _attacked(story: Story) -> bytes:
    """A recall after everything that must not lift it."""
    recalled_and_attacked(story)
    return story.bundle()


def _released(story: Story) -> bytes:
    """A recall that its issuer ended, and the only attack that comes after it in vain."""
    ended = recalled_and_attacked(story, "voided")
    record(story, story.coop, releasing(story, id_of(ended)))
    return story.bundle()


# Name: how the bundle is made. What refuses is named by the code (and the step, where two steps
# give it), what only finds by `good-…`.
MADE: dict[str, Callable[[Story], bytes]] = {
    "good": lambda story: story.bundle(),
    "good-witnessed": lambda story: _since(story, broken=False),
    "good-withheld": _withheld,
    "good-erased": _erased,
    "good-replayed": _replayed,
    "good-late": _late,
    "good-recalled": _recalled,
    "good-recalled-attacked": _attacked,
    "good-recalled-released": _released,
    "good-packed-beside": _packed_beside,
    "unreadable": lambda story: story.bundle().replace(b'{"v":1,', b'{"v":1,"v":1,', 1),
    "bad-signature": lambda story: headed(story, "none"),
    "issuer-mismatch": _issuer_mismatch,
    "unknown-key": _unknown_key,
    "bad-key-entry": _bad_key_entry,
    "key-not-valid-then": _revoked,
    "not-approved": _not_approved,
    "disclosure-mismatch": _stray_disclosure,
    "unreadable-5": _earlier_entry,
    "not-this-entry": _swapped,
    "not-in-log": _elsewhere,
    "not-consistent": lambda story: _since(story, broken=True),
    "not-witnessed": lambda story: story.bundle(),
    "stale": lambda story: story.bundle(witnessed=True),
    "chain-gap": _chain_left_out,
    "wrong-thing": _wrong_thing,
    "receipt-older": _older_receipt,
}
QUORUM = frozenset({"good-witnessed", "not-consistent", "not-witnessed", "stale"})


@cache
def make_case(name: str) -> Case:
    """The case of that name, from a fresh world."""
    story = tell_story()
    bundle = MADE[name](story)
    now = story.world.now + timedelta(hours=2)
    text = policy_text(
        story,
        quorum="w1" if name in QUORUM else "none",
        max_age=3600 if name == "stale" else None,
    )
    return Case(name, bundle, text, now)
