"""What fuzzing found, each by its smallest input: refused by name ever since."""

from __future__ import annotations

import inspect
import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import process_time
from typing import Any

import pytest
from flask import Flask
from marshmallow import ValidationError

from tests.fuzz.remembered import remembering
from tests.fuzz.targets.epcis import NOTE as EVENT
from tests.fuzz.targets.epcis import XML_HEAD, XML_TAIL
from tests.fuzz.targets.outside import GIVEN
from tests.fuzz.targets.tlog import KNOWN, NOTE, POLICY
from tests.golden.signed import KID, build
from tests.golden.world import START
from tests.unit.epcis.epcis_events import CONTEXT, document
from trace.config import BadSetting, Settings
from trace.core.epcis import parse_document, strict_json
from trace.core.epcis.gate import event_errors
from trace.core.epcis.xml import parse_xml
from trace.core.gs1.epc import parse_epc
from trace.core.gs1.errors import Gs1Error
from trace.core.gs1.linkset import Target
from trace.core.gs1.linkset_choosing import choose
from trace.core.signing import Unreadable, b64url, jose, unb64url
from trace.core.signing.encoding import loads_strict
from trace.core.tlog import BadPolicy, parse_entry_bundle
from trace.core.tlog.witness import cosignature_lines
from trace.core.totp import matching_step
from trace.core.verify.mirror import MirrorUnreadable
from trace.core.verify.policy_file import read_policy
from trace.errors import Refused, TraceError
from trace.schemas.base import Day
from trace.services import untp_status
from trace.services.custody import BadPublicKey, read_public_key
from trace.services.mirrors import mirror_at
from trace.services.untp_status import BadStatusList
from trace.web.access import safe_next
from trace.web.addresses import comes_from
from trace.web.resume import from_our_page
from trace.web.scan.beacon import is_scan


def test_a_witness_that_answers_more_than_lines_is_refused() -> None:
    line = NOTE.split("\n")[-2] + "\n"
    assert cosignature_lines(line, NOTE, [KNOWN[1]]) == [line]
    with pytest.raises(Unreadable):
        cosignature_lines(f"x\n\n{line}", NOTE, [KNOWN[1]])


# What they are given is short by what stands before them, or is our own.
BOUNDED = {
    "trace.core.epcis.gate._validator": "a type of event",
    "trace.core.epcis.own._validator": "a word of our vocabulary",
    "trace.core.gs1.links._remembered_identity": "up to 200 characters, by its caller",
    "trace.core.gs1.table.check_companions": "identifiers of one address, which is bounded",
    "trace.core.labels.linear.gs1_128": "sixteen, and a bar code's text is short",
    "trace.core.signing.jose.header_bytes": "a kid, which has 577 characters at most",
    "trace.core.statements.build._check_issuer": "what the kid names",
}


def test_no_cache_of_core_remembers_what_a_stranger_sent_long() -> None:
    found = remembering()
    texts = {
        name: one
        for name, one in found.items()
        if any(
            str(p.annotation) in ("str", "tuple[str, ...]", "str | int")
            for p in inspect.signature(one).parameters.values()
        )
    }
    assert len(texts) > 12
    assert set(BOUNDED) <= set(texts)
    for name, one in texts.items():
        if name in BOUNDED:
            continue
        count = len(inspect.signature(one).parameters)
        before = one.cache_info().currsize
        with suppress(TraceError, ValueError):
            one(*["did:web:" + "a" * 2000 + ":o:7"] * count)
        assert one.cache_info().currsize == before, name


def test_a_header_with_a_megabyte_of_blanks_is_read_and_forgotten() -> None:
    header, payload, signature = build().jwt.split(".")
    blanks = b" " * 600_000
    long = b64url(unb64url(header)[:-1] + blanks + b"}")
    before = jose._read_header.cache_info().currsize  # type: ignore[attr-defined]
    assert jose.read_kid(f"{long}.{payload}.{signature}", typ="vc+sd-jwt") == KID
    assert jose._read_header.cache_info().currsize == before  # type: ignore[attr-defined]


def test_a_typed_code_with_half_a_character_is_no_code() -> None:
    assert matching_step(bytes(20), "12345\ud800", START, after=0) is None


BROKEN = "http://["  # the library raises for it, where it answers anything else


def test_a_bundle_of_millions_of_empty_entries_is_refused_before_they_are_made() -> None:
    began = process_time()
    with pytest.raises(Unreadable, match="more"):
        parse_entry_bundle(bytes(16_000_000))
    assert process_time() - began < 0.5
    assert len(parse_entry_bundle(bytes(512))) == 256


def test_an_event_of_nothing_but_errors_names_a_thousand_of_them() -> None:
    for wrong in ({"epcList": [1] * 5_000}, {f"no-{n}": 1 for n in range(5_000)}):
        assert len(event_errors({**EVENT, **wrong})) == 1000


READERS = [loads_strict, partial(strict_json.load, max_bytes=10**7, max_depth=64)]


@pytest.mark.parametrize("load", READERS, ids=["statements", "documents"])
def test_a_name_given_twice_among_thousands_is_found_at_once(load: Callable[[bytes], Any]) -> None:
    """Each name was counted through all the others: two hundred kilobytes took four seconds, and
    the twenty megabytes that a bundle may have would have taken half a day."""
    names = "".join(f'"k{n}":1,' for n in range(20_000))
    began = process_time()
    with pytest.raises(TraceError, match="k1234"):
        load(f'{{{names}"k1234":2}}'.encode())
    assert process_time() - began < 0.5


def test_a_document_of_nothing_but_errors_names_a_thousand_of_them() -> None:
    doubled = b"[" + b'{"a":1,"a":1},' * 5_000 + b"1e999]"
    with pytest.raises(Refused) as refused:
        strict_json.load(doubled, max_bytes=10**7, max_depth=64)
    assert len(refused.value.errors) == 1000
    assert refused.value.errors[-1].path == "/999/a"


def prefixes(letter: str, count: int) -> list[dict[str, str]]:
    return [{f"{letter}{n}": f"https://a.example/{n}/"} for n in range(count)]


def test_contexts_of_thousands_of_names_are_refused_before_they_are_put_together() -> None:
    """A document's and each of its events' were compared entry by entry: ten events with three
    thousand entries each took three seconds, and twenty megabytes would have taken days."""
    event: dict[str, Any] = {**EVENT, "@context": [*CONTEXT, *prefixes("p", 300)]}
    large: dict[str, Any] = {**document([]), "@context": [*CONTEXT, *prefixes("q", 300)]}
    large["epcisBody"] = {"eventList": [event] * 3}
    found = parse_document(json.dumps(large).encode())
    assert len(found.events[0]["@context"]) > 600
    for broken in (
        {**large, "@context": [*CONTEXT, *prefixes("q", 3000)]},
        {**large, "@context": dict.fromkeys(map(str, range(1500)), "https://a")},
        {**large, "epcisBody": {"eventList": [{**event, "@context": prefixes("p", 3000)}] * 10}},
        {**event, "@context": prefixes("p", 3000)},
    ):
        began = process_time()
        with pytest.raises(Refused, match="namespaces"):
            parse_document(json.dumps(broken).encode())
        assert process_time() - began < 0.5


def test_namespaces_declared_over_and_over_take_no_square_of_time() -> None:
    def took(count: int) -> float:
        inner = b"<x:a xmlns:x='u:v'/>" * count
        data = XML_HEAD + b"<ObjectEvent>" + inner + b"</ObjectEvent>" + XML_TAIL
        began = process_time()
        parse_xml(data)
        return process_time() - began

    took(100)
    # Three times as much took eight times as long.
    assert min(took(30_000) for _ in range(2)) < 25 * min(took(3_000) for _ in range(4))


def test_a_language_of_thousands_of_parts_is_none() -> None:
    targets = [Target("https://a", "a", ("vi",)), Target("https://b", "b")]
    assert choose(targets, accept_language="vi-" + "a-" * 30) == (targets[0],)
    assert choose(targets, accept_language="vi-" + "a-" * 4000) == (targets[1],)


@pytest.mark.parametrize("escaped", ["%2F", "%3E", "%3c"])
def test_a_broken_urn_with_many_escapes_is_refused_at_once(escaped: str) -> None:
    """Each escape could be read in two ways: twenty-three of them took twelve seconds, and every
    further one twice as long."""
    began = process_time()
    with pytest.raises(Gs1Error):
        parse_epc(f"urn:epc:id:cpi:9521141.{escaped * 200}%.1")
    assert process_time() - began < 0.1
    assert parse_epc("urn:epc:id:giai:9521141.a%2Fb%2f") is not None


def test_a_policy_s_age_in_a_raised_digit_is_refused() -> None:
    assert read_policy(POLICY).max_age is not None
    with pytest.raises(BadPolicy):
        read_policy(POLICY.replace(b"max-age 86400", "max-age ²".encode()))


@pytest.mark.parametrize("typed", ["1/1/99999999999999999999", "1/99999999999999999999/1", "²/1/1"])
def test_a_day_in_a_year_that_no_calendar_has_is_no_date(typed: str) -> None:
    with pytest.raises(ValidationError):
        Day().read(typed, "day", {})


@pytest.mark.parametrize(
    "packed",
    [
        b"\x1f\x8b\x08" + bytes(7) + b"\x07",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00" + bytes(6) + b"\x02\xff",
    ],
)
def test_a_status_list_that_does_not_unpack_is_refused(packed: bytes) -> None:
    with pytest.raises(BadStatusList):
        untp_status.decode("u" + b64url(packed))


def test_a_key_on_a_curve_that_nobody_knows_is_refused() -> None:
    der = (
        bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d033607034200") + b"\x04" + bytes(64)
    )
    pem = f"-----BEGIN PUBLIC KEY-----\n{b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(BadPublicKey):
        read_public_key(pem)


def test_an_origin_that_is_no_address_is_nobody_s() -> None:
    assert not comes_from(BROKEN, "trace.example")
    assert comes_from("https://trace.example", "trace.example")
    browser = {"HTTP_USER_AGENT": "Mozilla/5.0", "HTTP_HOST": "a"}
    assert not is_scan({**browser, "HTTP_ORIGIN": BROKEN}, secure=False)
    assert is_scan({**browser, "HTTP_ORIGIN": "http://a"}, secure=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "²"),
        ("TRACE_REPLICA_LAG", "²"),
        ("TRACE_PUBLIC_URL", BROKEN),
        ("TRACE_MAIL", "smtp://["),
        ("TRACE_PORTAL", BROKEN),
        ("TRACE_REDIS_URL", "redis://["),
        ("TRACE_FILES", "s3://["),
        ("TRACE_FILES", "s3://a?endpoint=http://["),
    ],
)
def test_a_setting_that_is_no_address_or_number_is_refused_by_its_name(
    name: str, value: str
) -> None:
    with pytest.raises(BadSetting, match=name):
        Settings.from_env({**GIVEN, name: value})


def test_a_mirror_at_no_address_is_refused() -> None:
    with pytest.raises(MirrorUnreadable):
        mirror_at(BROKEN)


@pytest.mark.one_database
def test_a_request_with_an_address_that_is_none_is_answered(app: Flask) -> None:
    """`next` and Origin are whatever somebody sends: these were failures of ours."""
    with app.test_request_context("/sign-in?next=//[", headers={"Origin": BROKEN}):
        assert safe_next("/home") == "/home"
        assert not from_our_page()
    client = app.test_client()
    assert client.get("/sign-in?next=//[").status_code == 200
    assert client.post("/producer/", headers={"Origin": BROKEN}).status_code < 500
