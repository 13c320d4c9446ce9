"""Whatever stands where a format expects something else: refused in our words, never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.signed import KEY, KID, build, payload_of
from tests.golden.story import tell_story
from trace.core.signing import TrustError, b64url, dumps, sign_compact
from trace.core.statements import open_statement, parse_entry, parse_key_record
from trace.core.verify import verify_bundle

STORY = tell_story()
BUNDLE = json.loads(STORY.bundle(withhold={STORY.packing.index: ["ilmd"]}, more=[8]))
STATEMENT = build()
PAYLOAD = payload_of(STATEMENT)
RECORD = json.loads(
    '{"origin":"trace.example/log","org":"did:web:trace.example:o:A","n":1,"action":"add",'
    '"kid":"did:web:trace.example:o:A#k2","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"},'
    '"custody":"passkey","prev":"x","passkey":{"rpId":"a","origin":"b"},"since":1}'
)
# As JSON texts: drawn values are changed later on, and must be new each time.
ODD = st.sampled_from(
    [
        *("null", "true", "false", "0", "-1", "1.5", "9007199254740991", '""', '"x"', '"~"', '"é"'),
        *("[]", "[[]]", "[null]", '[5,"x"]', '["AAAAAAAAAAAAAAAAAAAAAA","a",1]', "{}", '{"":{}}'),
        *('{"_sd":[]}', '{"_sd":[1]}', '{"...":"x"}', '[{"...":5}]', '{"_sd_alg":1}'),
    ]
).map(json.loads)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def with_odd(value: Any, data: st.DataObject) -> Any:
    """A copy with something odd at one to three places, or a member gone or added."""
    changed = deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(changed)) or [()]))
        if not path:
            return data.draw(ODD)
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        act = data.draw(st.sampled_from(["set", "delete", "add"]))
        if act == "delete":
            del holder[path[-1]]
        elif act == "add" and isinstance(holder, dict):
            holder[data.draw(st.sampled_from(["_sd", "...", "x", "_sd_alg"]))] = data.draw(ODD)
        else:
            holder[path[-1]] = data.draw(ODD)
    return changed


def survives(act: Any) -> None:
    """Runs `act`; a refusal must be ours, with a code and a sentence."""
    try:
        act()
    except TrustError as error:
        assert error.detail.startswith("Step ")  # noqa: PT017 - a reading is fine as well


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_statement_with_anything_anywhere_is_refused_or_read(data: st.DataObject) -> None:
    jwt = sign_compact(dumps(with_odd(PAYLOAD, data)), typ="vc+sd-jwt", kid=KID, key=KEY)
    texts = [d.text for d in STATEMENT.disclosures]
    array = with_odd(json.loads('["AAAAAAAAAAAAAAAAAAAAAA","ilmd",{"a":[1]}]'), data)
    odd = b64url(dumps(array))
    survives(lambda: open_statement("~".join([jwt, *texts, ""])))
    survives(lambda: open_statement("~".join([jwt, *texts, odd, ""])))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_bundle_with_anything_anywhere_is_refused_or_read(data: st.DataObject) -> None:
    odd = dumps(with_odd(BUNDLE, data))
    survives(lambda: verify_bundle(odd, STORY.world.policy(), STORY.world.now))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_key_record_with_anything_anywhere_is_refused_or_read(data: st.DataObject) -> None:
    payload = dumps(with_odd(RECORD, data))
    jws = sign_compact(payload, typ="trace-key+jwt", kid=KID, key=KEY)
    survives(lambda: parse_key_record([jws]))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(STORY.world.entries), st.data())
def test_an_entry_with_anything_anywhere_is_refused_or_read(
    entry: bytes, data: st.DataObject
) -> None:
    odd = dumps(with_odd(json.loads(entry), data))
    survives(lambda: parse_entry(odd))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda t: t.encode()))
def test_arbitrary_bytes_are_no_bundle_and_no_statement(data: bytes) -> None:
    survives(lambda: verify_bundle(data, STORY.world.policy(), STORY.world.now))
    survives(lambda: open_statement(data.decode("utf-8", "replace")))
