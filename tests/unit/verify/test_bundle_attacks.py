"""What somebody who makes, carries or hosts a bundle might try; each is refused by its step."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.golden.checks import changed, check, refused, sdjwt_of, story_event
from tests.golden.story import Story, tell_story
from tests.golden.world import Passkey, private_key
from trace.core.signing import b64url
from trace.core.statements import (
    approval_challenge,
    approval_entry,
    event_entry,
    statement_hash,
)
from trace.core.verify import REPLAYED


@pytest.fixture
def story() -> Story:
    return tell_story()


# -- step 1 ----------------------------------------------------------------------------------------


def test_an_untouched_bundle_verifies_and_tells_who_held_the_keys(story: Story) -> None:
    report = check(story, story.bundle())
    assert [s.custody for s in report.statements] == ["passkey", "passkey", "server", "server"]
    assert report.recall == "none-shown"
    assert report.findings == ()
    assert report.witnessed is None


def test_a_doubled_name_anywhere_in_a_bundle_is_refused(story: Story) -> None:
    data = story.bundle().replace(b'{"v":1,', b'{"v":1,"v":1,', 1)
    refused(story, data, "unreadable", 1)


def test_an_unknown_member_of_a_bundle_is_refused(story: Story) -> None:
    data = changed(story.bundle(), lambda b: b.update(note="trust me"))
    refused(story, data, "unreadable", 1)


def test_a_bundle_of_another_version_is_refused(story: Story) -> None:
    refused(story, changed(story.bundle(), lambda b: b.update(v=2)), "unreadable", 1)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_bundle_is_refused_as_unreadable(story: Story, data: bytes) -> None:
    refused(story, data, "unreadable", 1)


def test_a_bundle_over_the_limit_is_refused_before_it_is_parsed(story: Story) -> None:
    refused(story, b" " * (20 * 1024 * 1024 + 1), "unreadable", 1)


# -- steps 2 to 4 ----------------------------------------------------------------------------------


def with_header(story: Story, header: dict[str, str], *, resigned: bool) -> bytes:
    """The bundle whose packing statement has another header, signed by the right key or not."""

    def change(bundle: Any) -> None:
        item = next(s for s in bundle["statements"] if s["index"] == story.packing.index)
        jwt, _, rest = item["sdjwt"].partition("~")
        _, payload, signature = jwt.split(".")
        head = b64url(json.dumps(header, separators=(",", ":")).encode())
        if resigned:
            key = story.packer.keys["k1"]
            signature = b64url(key.sign(f"{head}.{payload}".encode()))
        item["sdjwt"] = f"{head}.{payload}.{signature}~{rest}"

    return changed(story.bundle(), change)


@pytest.mark.parametrize("alg", ["none", "HS256", "ES256", "ed25519", "EdDSA2"])
def test_a_header_with_a_swapped_algorithm_is_refused(story: Story, alg: str) -> None:
    header = {"alg": alg, "typ": "vc+sd-jwt", "kid": story.packer.kid("k1")}
    refused(story, with_header(story, header, resigned=True), "bad-signature", 2)


@pytest.mark.parametrize(
    "extra", [{"crit": ["b64"]}, {"jwk": {}}, {"x5u": "https://trace.example"}, {"b64": False}]
)
def test_a_header_that_brings_anything_of_its_own_is_refused(
    story: Story, extra: dict[str, Any]
) -> None:
    header = {"alg": "Ed25519", "typ": "vc+sd-jwt", "kid": story.packer.kid("k1"), **extra}
    refused(story, with_header(story, header, resigned=True), "bad-signature", 2)


def test_a_key_record_passed_off_as_a_statement_is_refused(story: Story) -> None:
    header = {"alg": "Ed25519", "typ": "trace-key+jwt", "kid": story.packer.kid("k1")}
    refused(story, with_header(story, header, resigned=True), "bad-signature", 2)


def test_the_older_name_of_the_algorithm_is_read_but_is_another_statement(story: Story) -> None:
    header = {"alg": "EdDSA", "typ": "vc+sd-jwt", "kid": story.packer.kid("k1")}
    refused(story, with_header(story, header, resigned=True), "not-this-entry", 5)


def test_a_kid_of_another_issuer_is_refused_even_when_its_key_signed(story: Story) -> None:
    """The co-operative signs what says it is issued by the packer."""
    world = story.world
    signed = world.sign(story.packer, story_event(story), "k1")
    _, payload, _ = signed.jwt.split(".")
    head = b64url(
        json.dumps(
            {"alg": "Ed25519", "typ": "vc+sd-jwt", "kid": story.coop.kid("k1")},
            separators=(",", ":"),
        ).encode()
    )
    signature = b64url(story.coop.keys["k1"].sign(f"{head}.{payload}".encode()))
    forged = replace(signed, jwt=f"{head}.{payload}.{signature}")
    world.log(story.packer, story_event(story), forged)
    refused(story, story.bundle(), "issuer-mismatch", 2)


def test_a_key_that_the_log_does_not_have_is_unknown(story: Story) -> None:
    story.packer.keys["k9"] = private_key("never logged")
    story.world.record(story.packer, story_event(story), key="k9")
    refused(story, story.bundle(), "unknown-key", 2)


def test_a_receipt_key_signs_no_statement(story: Story) -> None:
    story.world.record(story.world.platform, story_event(story), key="receipt-1")
    refused(story, story.bundle(), "unknown-key", 2)


def test_a_revoked_key_does_not_sign_any_more(story: Story) -> None:
    story.world.next_key(story.packer, "add", "k2", "k1")
    story.world.revoke(story.packer, "k1", "k2")
    check(story, story.bundle())
    story.world.record(story.packer, story_event(story), key="k1")
    refused(story, story.bundle(), "key-not-valid-then", 3)


def test_a_rotated_key_does_not_sign_any_more_and_what_it_signed_stays(story: Story) -> None:
    story.world.next_key(story.packer, "rotate", "k2", "k1")
    story.world.record(story.packer, story_event(story), key="k2")
    assert len(check(story, story.bundle()).statements) == 5
    story.world.record(story.packer, story_event(story), key="k1")
    refused(story, story.bundle(), "key-not-valid-then", 3)


def test_a_keyring_left_out_to_hide_a_revocation_is_a_gap(story: Story) -> None:
    def change(bundle: Any) -> None:
        name = f"{story.packer.did}#keyring"
        bundle["chains"] = [c for c in bundle["chains"] if c["identity"] != name]

    refused(story, changed(story.bundle(), change), "chain-gap", 8)


def test_an_approval_of_other_statements_is_no_approval(story: Story) -> None:
    world = story.world
    event = story_event(story)
    signed = world.sign(story.coop, event)
    other = world.sign(story.coop, event)
    approval = world.approve(story.passkey, [other])
    world.log(story.coop, event, signed, approval=approval)
    refused(story, story.bundle(more=[approval]), "not-approved", 3)


def test_an_approval_that_the_bundle_does_not_hold_is_no_approval(story: Story) -> None:
    def change(bundle: Any) -> None:
        bundle["entries"] = [e for e in bundle["entries"] if e["index"] != story.approval]

    refused(story, changed(story.bundle(), change), "not-approved", 3)


def test_an_approval_by_a_passkey_of_another_organisation_is_no_approval(story: Story) -> None:
    world = story.world
    event = story_event(story)
    signed = world.sign(story.packer, event)
    approval = world.approve(story.passkey, [signed])
    world.log(story.packer, event, signed, approval=approval)
    refused(story, story.bundle(more=[approval]), "not-approved", 3)


@pytest.mark.parametrize("flags", [0x00, 0x01, 0x04])
def test_an_approval_without_a_verified_user_is_no_approval(story: Story, flags: int) -> None:
    world = story.world
    event = story_event(story)
    signed = world.sign(story.coop, event)
    h = statement_hash(signed.jwt)
    assertion = story.passkey.assertion(approval_challenge([h]), flags=flags)
    approval = world.append(approval_entry(world.tick(), [h], assertion))
    world.log(story.coop, event, signed, approval=approval)
    refused(story, story.bundle(more=[approval]), "not-approved", 3)


def test_an_approval_by_another_passkey_is_no_approval(story: Story) -> None:
    world = story.world
    event = story_event(story)
    signed = world.sign(story.coop, event)
    approval = world.approve(Passkey("a thief"), [signed])
    world.log(story.coop, event, signed, approval=approval)
    refused(story, story.bundle(more=[approval]), "not-approved", 3)


def test_a_doubled_disclosure_is_refused(story: Story) -> None:
    def change(bundle: Any) -> None:
        item = sdjwt_of(bundle, story.packing.index)
        item["sdjwt"] += item["sdjwt"].split("~")[1] + "~"

    refused(story, changed(story.bundle(), change), "disclosure-mismatch", 4)


def test_a_disclosure_that_no_digest_refers_to_is_refused(story: Story) -> None:
    stray = story.sown.statement.disclosures[1].text

    def change(bundle: Any) -> None:
        sdjwt_of(bundle, story.packing.index)["sdjwt"] += stray + "~"

    refused(story, changed(story.bundle(), change), "disclosure-mismatch", 4)


# -- steps 5 and 6 ---------------------------------------------------------------------------------


def test_an_entry_with_a_space_too_many_is_refused_even_when_logged_so(story: Story) -> None:
    world = story.world
    signed = world.sign(story.packer, story_event(story))
    link = world.link(story.packed)
    entry = event_entry(world.tick(), statement_hash(signed.jwt), [link])
    index = world.append(entry.replace(b'"v":1,', b'"v": 1,'))
    refused(story, story.bundle(more=[index]), "unreadable", 5)


def test_an_entry_with_a_doubled_name_is_refused_even_when_logged_so(story: Story) -> None:
    world = story.world
    signed = world.sign(story.packer, story_event(story))
    link = world.link(story.packed)
    entry = event_entry(world.tick(), statement_hash(signed.jwt), [link])
    index = world.append(entry.replace(b'"v":1,', b'"v":1,"v":1,'))
    refused(story, story.bundle(more=[index]), "unreadable", 5)


def test_an_entry_earlier_than_the_one_before_it_is_refused(story: Story) -> None:
    story.world.now -= timedelta(hours=1)
    story.world.record(story.packer, story_event(story))
    data = story.bundle()
    story.world.now += timedelta(hours=2)
    refused(story, data, "unreadable", 5)


def test_a_statement_under_the_entry_of_another_is_refused(story: Story) -> None:
    def change(bundle: Any) -> None:
        one = sdjwt_of(bundle, story.packing.index)
        other = sdjwt_of(bundle, story.shipped.index)
        one["sdjwt"], other["sdjwt"] = other["sdjwt"], one["sdjwt"]

    refused(story, changed(story.bundle(), change), "not-this-entry", 5)


def test_an_entry_that_was_never_logged_is_not_in_the_log(story: Story) -> None:
    def change(bundle: Any) -> None:
        item = sdjwt_of(bundle, story.shipped.index)
        item["entry"] = item["entry"].replace("03:00:09", "03:00:10")

    refused(story, changed(story.bundle(), change), "not-in-log", 6)


def test_an_entry_at_another_index_is_not_in_the_log(story: Story) -> None:
    def change(bundle: Any) -> None:
        sdjwt_of(bundle, story.shipped.index)["index"] = len(story.world.entries)

    refused(story, changed(story.bundle(), change), "not-in-log", 6)


def test_a_statement_logged_twice_counts_at_its_first_index_only(story: Story) -> None:
    event = story_event(story)
    signed = story.world.sign(story.packer, event)
    first = story.world.log(story.packer, event, signed)
    again = story.world.log(story.packer, event, signed)
    report = check(story, story.bundle())
    assert [s.index for s in report.statements].count(first.index) == 1
    assert again.index not in [s.index for s in report.statements]
    assert (REPLAYED, again.index) in [(f.code, f.index) for f in report.findings]
