"""Statements and key records that are wrong although they were signed and logged: what damage done
afterwards cannot show, for a signature would tell it first."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.golden.checks import story_event
from tests.golden.story import Story
from trace.core.signing import b64url, unb64url
from trace.core.signing.jose import sign_compact
from trace.core.signing.sdjwt import digest_of
from trace.core.statements import key_entry, keyring_identity
from trace.core.statements.chains import KEYRING_SALT
from trace.core.statements.keyring import TYP, key_record_hash

NOBODYS = b64url(bytes(32))
NAMES = ("_sd", "...", "_sd_alg", "__proto__", "ilmd", "type", "x~/y", "a/b", "ilmd/x", "9", "1")
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2, 3, 1.0, 1.5, 1e22, 10**17, "", "x", [], {}, [1, 2], [[[[[]]]]]),
    *({"_sd": []}, {"...": NOBODYS}, [{"...": NOBODYS}], {"": 0}),
)
PARTS = ("", "A", "_", "~", "é", "\n", '"', "/", "#", " ")


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        for key in list(one) if isinstance(one, dict) else range(len(one)):
            found.append((one, key))
            if isinstance(one[key], dict | list):
                waiting.append(one[key])
    return found


def change(value: Any, chance: random.Random) -> None:
    """Something in an object or a list is another one, is doubled, or is gone."""
    places = _places(value)
    if not places:
        return
    holder, key = chance.choice(places)
    old, kind = holder[key], chance.random()
    if kind < 0.2 and isinstance(holder, dict):
        holder[chance.choice(NAMES)] = chance.choice([holder.pop(key), *deepcopy(VALUES)])
    elif kind < 0.35 and isinstance(holder, list):
        holder.insert(key, deepcopy(chance.choice(holder)))
    elif kind < 0.5:
        holder.pop(key)
    elif isinstance(old, str) and old and kind < 0.7:
        at = chance.randrange(len(old))
        holder[key] = old[:at] + chance.choice(PARTS) + old[at + 1 :]
    else:
        holder[key] = deepcopy(chance.choice(VALUES))


def _written(value: Any, chance: random.Random) -> bytes:
    """JSON in one of the spellings that others write."""
    separators = chance.choice([(",", ":"), (",", ":"), (", ", ": ")])
    ascii_only = chance.random() < 0.2
    return json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode()


def wrong_statement(story: Story, chance: random.Random) -> bytes:
    """A bundle whose newest statement is signed over a changed payload or brings changed
    disclosures under their right digests (now and then nothing was changed)."""
    event = {
        **story_event(story),
        "ilmd": {"cbvmda:lotNumber": "A", "trace:variety": "x", "trace:list": ["a", "b"]},
        "trace:extra": {"a": {"b": 1}},
        "trace:long": list(range(chance.choice([0, 1, 2, 5, 40]))),
    }
    signed = story.world.sign(story.packer, event)
    payload = json.loads(unb64url(signed.jwt.split(".")[1]))
    texts = [one.text for one in signed.disclosures]
    times = chance.choice([0, 1, 1, 1, 2])
    if chance.random() < 0.6:
        for _ in range(times):
            change(payload, chance)
    else:
        payload, texts = _with_changed_disclosure(payload, texts, times, chance)
    if chance.random() < 0.2:
        chance.shuffle(texts)
    if chance.random() < 0.2:
        texts.pop(chance.randrange(len(texts)))
    jwt = _signed(story, _written(payload, chance))
    story.world.log(story.packer, event, replace(signed, jwt=jwt))
    bundle = json.loads(story.bundle())
    for item in bundle["statements"]:
        if item["sdjwt"].split("~")[0] == jwt:
            item["sdjwt"] = "~".join([jwt, *texts, ""])
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()


def _signed(story: Story, payload: bytes) -> str:
    packer = story.packer
    return sign_compact(payload, typ="vc+sd-jwt", kid=packer.kid("k1"), key=packer.keys["k1"])


def _with_changed_disclosure(
    payload: Any, texts: list[str], times: int, chance: random.Random
) -> tuple[Any, list[str]]:
    place = chance.randrange(len(texts))
    box = [json.loads(unb64url(texts[place]))]
    for _ in range(times):
        change(box, chance)
    made = b64url(_written(box[0] if box else None, chance))
    replaced = {texts[place]: made}
    # A parent names its children by digest: it changes along, up to the payload.
    for _ in range(3):
        for old, new in list(replaced.items()):
            for text in texts:
                inside = unb64url(replaced.get(text, text)).decode()
                if digest_of(old) in inside and text != old:
                    replaced[text] = b64url(inside.replace(digest_of(old), digest_of(new)).encode())
    whole = json.dumps(payload)
    for old, new in replaced.items():
        whole = whole.replace(digest_of(old), digest_of(new))
    return json.loads(whole), [replaced.get(text, text) for text in texts]


def wrong_key_record(story: Story, chance: random.Random) -> bytes:
    """A bundle whose newest key entry is signed, by whoever it was, over a changed record."""
    world, org = story.world, story.packer
    action = chance.choice(["add", "rotate", "revoke", "recover"])
    name = "k1" if action == "revoke" else f"n{chance.randrange(3)}"
    record = world.key_record(org, action, name)
    content = json.loads(record.to_json())
    for _ in range(chance.choice([0, 0, 1, 1, 2])):
        change(content, chance)
    payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    known = [(org.kid(key), org.keys[key]) for key in org.keys]
    usual = [known[0]] + ([known[-1]] if action != "revoke" else [])
    some = [chance.choice([*known, world.root_signer]) for _ in range(chance.choice([1, 2, 3]))]
    signers = usual if chance.random() < 0.6 else some
    jws = [sign_compact(payload, typ=TYP, kid=kid, key=key) for kid, key in signers]
    link = world.link(keyring_identity(org.did), salt=KEYRING_SALT)
    world.append(key_entry(world.tick(), jws, link))
    org.records, org.prev = record.n + 1, key_record_hash(jws[0])
    if chance.random() < 0.5:
        world.record(org, story_event(story), key=chance.choice(list(org.keys)))
    return story.bundle()
