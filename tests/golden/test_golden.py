"""The golden files: byte for byte what the code writes, and what outsiders compute from them."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.golden.regenerate import FOLDER, files
from trace.core.signing import PublicKey, unb64url, unseal_key
from trace.core.statements import (
    disclosures_of,
    open_statement,
    parse_bundle,
    parse_entry,
    present,
)
from trace.core.tlog import Verifier
from trace.core.verify import CHAIN_GAP, ERASED, RECALL_UNKNOWN, WITHHELD, Policy, verify_bundle

pytestmark = pytest.mark.unit

MADE = files()


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def load(name: str) -> Any:
    return json.loads(read(name))


def unpadded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_program_writes_the_golden_file_byte_for_byte(name: str) -> None:
    assert MADE[name] == read(name)


def test_no_golden_file_is_left_over_from_an_older_format() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(MADE)


@pytest.mark.parametrize("name", sorted(n for n in MADE if n.startswith("entry-")))
def test_every_golden_entry_is_read_back_in_its_one_form(name: str) -> None:
    line = read(name).removesuffix("\n")
    assert "\n" not in line
    assert parse_entry(line.encode()).type == json.loads(line)["type"]


def test_tags_are_what_hmac_gives_without_our_code() -> None:
    tags = load("identifiers.json")["tags"]
    salt = urlsafe_b64decode(tags["salt"] + "=")
    for n, expected in enumerate(tags["tags"]):
        mac = hmac.new(salt, f"{tags['identity']}\n{n}".encode(), "sha256").digest()
        assert unpadded(mac[:16]) == expected


def test_the_statement_holds_by_plain_hashes_and_a_plain_signature() -> None:
    golden = load("statement.json")
    header, payload, signature = golden["jwt"].split(".")
    head = json.loads(urlsafe_b64decode(header + "=="))
    assert list(head) == ["alg", "typ", "kid"]
    jwk = next(
        record["jwk"]
        for entry in load("log.json")["entries"]
        if json.loads(entry)["type"] == "key"
        for record in [
            json.loads(urlsafe_b64decode(json.loads(entry)["jws"][0].split(".")[1] + "=="))
        ]
        if record["kid"] == head["kid"]
    )
    Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(jwk["x"] + "=")).verify(
        urlsafe_b64decode(signature + "=="), f"{header}.{payload}".encode()
    )
    assert unpadded(sha256(golden["jwt"].encode()).digest()) == golden["hash"]
    for disclosure in golden["disclosures"]:
        assert unpadded(sha256(disclosure["text"].encode()).digest()) == disclosure["digest"]
    subject = json.loads(urlsafe_b64decode(payload + "=="))["credentialSubject"]
    top = {d["digest"] for d in golden["disclosures"] if "/" not in d["path"]}
    assert subject["_sd"] == sorted(top)
    assert sum("/" not in name for name in subject["trace:members"]) == len(top)


def test_the_stored_disclosures_give_both_golden_presentations() -> None:
    golden = load("statement.json")
    texts = [disclosure["text"] for disclosure in golden["disclosures"]]
    from trace.core.statements import Statement

    statement = Statement(golden["jwt"], disclosures_of(golden["jwt"], texts))
    assert [d.path for d in statement.disclosures] == [d["path"] for d in golden["disclosures"]]
    assert present(statement) + "\n" == read("statement.sdjwt")
    assert present(statement, golden["withheld"]) + "\n" == read("statement-withheld.sdjwt")
    opened = open_statement(read("statement-withheld.sdjwt").strip())
    assert set(opened.withheld) == set(golden["withheld"])


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def test_the_tree_is_what_the_standard_says_word_for_word() -> None:
    log = load("log.json")
    leaves = [sha256(b"\x00" + entry.encode()).digest() for entry in log["entries"]]
    assert [unpadded(leaf) for leaf in leaves] == log["leaves"]
    assert unpadded(naive_root(leaves)) == log["treeRoot"]
    origin, size, root = read("checkpoint.txt").split("\n")[:3]
    assert (origin, int(size)) == ("trace.example/log", len(leaves))
    assert unpadded(b64decode(root)) == log["treeRoot"]


def test_the_checkpoint_is_signed_over_its_text_by_the_published_key() -> None:
    note = read("checkpoint.txt")
    text, _, line = note.partition("\n\n")
    name, key_id, key = load("log.json")["vkey"].split("+", 2)
    _, signer, data = line.strip().split(" ")
    assert (signer, b64decode(data)[:4].hex()) == (name, key_id)
    public = Ed25519PublicKey.from_public_bytes(b64decode(key)[1:])
    public.verify(b64decode(data)[4:], (text + "\n").encode())


def policy(**members: Any) -> Policy:
    log = load("log.json")
    return Policy(
        log=Verifier.parse(log["vkey"]),
        root=PublicKey.from_jwk(log["root"]),
        platform=log["platform"],
        inspectors=frozenset({log["inspector"]}),
        **members,
    )


NOW = datetime(2026, 11, 22, 3, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(n for n in MADE if n.startswith("bundle")))
def test_every_golden_bundle_verifies(name: str) -> None:
    data = read(name).encode()
    report = verify_bundle(data, policy(), NOW)
    assert report.subject == parse_bundle(data).subject
    assert len(report.statements) == (3 if name == "bundle-withheld.json" else 4)
    assert {s.custody for s in report.statements} == {"passkey", "server"}


def test_the_withheld_bundle_says_so_and_knows_no_more_about_recalls() -> None:
    report = verify_bundle(read("bundle-withheld.json").encode(), policy(), NOW)
    assert {finding.code for finding in report.findings} == {WITHHELD, RECALL_UNKNOWN}
    assert report.recall == "unknown"


def test_the_erased_bundle_tells_erased_from_withheld() -> None:
    report = verify_bundle(read("bundle-erased.json").encode(), policy(), NOW)
    erased = [finding for finding in report.findings if finding.code == ERASED]
    assert [finding.detail for finding in erased] == ["3 members"]


def test_the_bundle_with_a_witness_dates_its_proof() -> None:
    witness = Verifier.parse(load("log.json")["witness"])
    report = verify_bundle(
        read("bundle-since.json").encode(), policy(witnesses=(witness,), quorum=1), NOW
    )
    assert report.witnesses == ("witness.example/w1",)
    assert report.since is not None
    assert report.witnessed is not None
    assert report.since < report.witnessed


def test_the_history_in_two_logs_verifies_and_shows_the_gap() -> None:
    trust = load("two-logs-trust.json")
    known = Policy(
        log=Verifier.parse(trust["vkey"]),
        logs=(Verifier.parse(trust["older"]),),
        root=PublicKey.from_jwk(trust["root"]),
        platform=trust["platform"],
    )
    data = read("two-logs-bundle.json").encode()
    report = verify_bundle(data, known, NOW)
    assert len(report.statements) == 5
    assert [one.code for one in report.findings] == [CHAIN_GAP]
    assert parse_bundle(data).receipt == read("two-logs-receipt.txt")
    lines = read("two-logs-receipt.txt").split("\n")
    assert (lines[0], lines[1]) == ("trace-receipt/v2", "trace.example/log/2")
    assert lines[5].startswith("1 trace.example/log 9 ")


def test_the_sealed_key_opens_to_its_public_key() -> None:
    sealed = load("sealed-key.json")
    key = unseal_key(
        unb64url(sealed["sealed"]),
        unb64url(sealed["keyEncryptionKey"]),
        org=sealed["org"],
        kid=sealed["kid"],
    )
    assert key.public.jwk == sealed["public"]
