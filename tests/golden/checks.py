"""Helpers of the tests that attack a bundle: change it, and say which step refuses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.golden.story import Story, event_of, quantity
from tests.golden.world import uuid4
from trace.core.signing import TrustError
from trace.core.verify import Report, verify_bundle


def check(story: Story, data: bytes, **policy: Any) -> Report:
    return verify_bundle(data, story.world.policy(**policy), story.world.now)


def refused(story: Story, data: bytes, code: str, step: int, **policy: Any) -> TrustError:
    with pytest.raises(TrustError) as caught:
        check(story, data, **policy)
    assert (caught.value.code, caught.value.step) == (code, step), caught.value.detail
    assert caught.value.detail.startswith(f"Step {step}: ")
    assert caught.value.expected
    assert caught.value.got
    return caught.value


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    value = json.loads(data)
    change(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def story_event(story: Story, **members: Any) -> dict[str, Any]:
    return event_of(
        "ObjectEvent",
        "storing",
        "2026-11-22T10:00",
        eventID=uuid4(story.world.random),
        action="OBSERVE",
        quantityList=[quantity(story.packed, 10)],
        **members,
    )


def recall(story: Story, kind: str = "recall", **notice: Any) -> Any:
    """The co-operative's notice about its lot."""
    event = event_of(
        "ObjectEvent",
        "trace:recalling",
        "2026-11-22T09:59",
        eventID=uuid4(story.world.random),
        action="OBSERVE",
        quantityList=[quantity(story.lot, 120)],
        **{"trace:notice": {"kind": kind, **notice}},
    )
    return story.world.record(story.coop, event)


def sdjwt_of(bundle: Any, index: int) -> Any:
    return next(s for s in bundle["statements"] if s["index"] == index)
