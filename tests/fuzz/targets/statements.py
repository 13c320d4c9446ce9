"""Statements: opened, kept, logged; key records and approvals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final, cast

from tests.fuzz.target import broken, holds, json_of, refused, same, target, text_of
from tests.fuzz.targets.signing import JSON_WORDS, disclosed, placed
from tests.fuzz.targets.tlog import STORY, TRUST, WORLD
from tests.golden.anew import begin_anew
from tests.golden.signed import ISSUER, KEY, KID, build
from tests.golden.world import RP_ID, RP_ORIGIN, START
from trace.core.signing import jose, sdjwt, unb64url
from trace.core.statements import (
    approvals,
    entries,
    keeping,
    keyring,
    opening,
    times,
)
from trace.core.statements.build import is_statement_id, statement_hash
from trace.core.statements.chains import KEYRING_SALT, keyring_identity, tag
from trace.core.statements.frame import context_of, id_base_of
from trace.core.verify import bundle as verify
from trace.core.verify import mirror, monitor, origins, signed

TYP: Final = "vc+sd-jwt"
SIGNED: Final = build()
TEXTS: Final = [one.text for one in SIGNED.disclosures]


def unplaced(value: Any, digests: dict[str, str]) -> Any:
    """The other way round: digests back to `@n`, so that mutations keep their place."""
    if isinstance(value, str):
        return digests.get(value, value)
    if isinstance(value, dict):
        return {name: unplaced(member, digests) for name, member in value.items()}
    return [unplaced(one, digests) for one in value] if isinstance(value, list) else value


def plainly(jwt: str, texts: list[str]) -> bytes:
    """A statement as mutations like it: [payload, [disclosure, …]], nested ones before lists."""
    ordered = sorted(texts, key=lambda text: b"..." in unb64url(text) or b"_sd" in unb64url(text))
    digests = {sdjwt.digest_of(text): f"@{at}" for at, text in enumerate(ordered)}
    payload = unplaced(json.loads(unb64url(jwt.split(".")[1])), digests)
    arrays = [unplaced(json.loads(unb64url(text)), digests) for text in ordered]
    return json.dumps([payload, arrays], separators=(",", ":")).encode()


SMALL: Final = build(
    {
        "@context": [],
        "type": "ObjectEvent",
        "action": "ADD",
        "epcList": ["a", "b"],
        "ilmd": {"x:y": 1},
        "trace:note": "",
    }
)
PLAIN: Final = (
    plainly(SMALL.jwt, [one.text for one in SMALL.disclosures]),
    plainly(SIGNED.jwt, TEXTS),
)


def sd_jwt_of(data: bytes) -> str | None:
    """The statement signed again; None where the bytes are no such list."""
    value = json_of(data)
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], list)):
        return None
    try:
        texts = disclosed(value[1])
        payload = json.dumps(placed(value[0], texts), separators=(",", ":")).encode()
    except (UnicodeEncodeError, RecursionError):
        return None
    jwt = jose.sign_compact(payload, typ=TYP, kid=KID, key=KEY)
    return "~".join([jwt, *texts, ""])


@target(
    *(opening.open_statement, opening.open_signed, opening.accept_upload, opening.disclosures_of),
    *(opening.verify_signature, opening.open_parsed, keeping.keep_jwt, keeping.kept_jwt),
    *(
        keeping.keep_texts,
        keeping.kept_texts,
        is_statement_id,
        verify.verify_statement,
    ),
    seeds=PLAIN,
    words=(
        b'"@0"',
        b'"@1"',
        b'"_sd":',
        b'"trace:members":',
        b'"credentialSubject":',
        b'"ilmd"',
        b'"ilmd/x:y":1',
        b'"type":',
        b'"action":',
        b'{"...":"@0"}',
        b'["AAAAAAAAAAAAAAAAAAAAAA",',
        ISSUER.encode(),
        b"null",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"~0",
        b"~1",
    ),
    longest=200_000,
    patterns=(
        (PLAIN[0][:-1] + b",", b'["AAAAAAAAAAAAAAAAAAAAAA","z",1],', b"[]]]"),
        (b"[", b"[", b",[]]"),
    ),
    usual=3000,
    heavy=True,
)
def statements(data: bytes) -> None:
    text = sd_jwt_of(data)
    if text is None:
        refused(opening.open_statement, text_of(data))
        return
    opened = refused(opening.open_statement, text)
    jwt, texts = sdjwt.split_sd_jwt(text)
    same("kept and read", keeping.kept_jwt(keeping.keep_jwt(jwt)), jwt)
    same("disclosures too", keeping.kept_texts(keeping.keep_texts(texts)), texts)
    refused(opening.disclosures_of, jwt, [*texts[1:], None])
    taken = refused(opening.accept_upload, text, KEY.public, issuer=ISSUER, kid=KID)
    if opened is None:
        if taken is not None:
            broken("an upload that cannot be opened", text)
        return
    same("signed or not, the same", opening.open_signed(text, KEY.public), opened)
    opening.verify_signature(jwt, KEY.public, issuer=ISSUER)
    same("with its issuer", verify.verify_statement(text, KEY.public, issuer=ISSUER), opened)
    if not is_statement_id(opened.statement_id) or opened.valid_from.tzinfo is None:
        broken("an identifier or a moment", opened.payload)
    whole = sorted(d.text for d in opening.disclosures_of(jwt, texts))
    same("each disclosure has a path", whole, sorted(texts))
    for index in range(len(texts)):
        some = "~".join([jwt, *texts[:index], *texts[index + 1 :], ""])
        shorter = refused(opening.open_statement, some)
        if (
            shorter is not None
            and len(shorter.withheld) <= len(opened.withheld)
            and shorter == opened
        ):
            broken("what is withheld is not told", texts[index])
        if index >= 3:
            break


@target(
    *(
        keeping.kept_jwt,
        keeping.kept_texts,
        keeping.keep_texts,
        keeping.keep_changed,
        keeping.keep_jwt,
    ),
    *(keeping.short_jwt, opening.open_statement),
    seeds=(
        keeping.keep_jwt(SMALL.jwt).encode(),
        keeping.keep_texts([*TEXTS[:3], None, "x"]).encode(),
        SMALL.jwt.encode(),
        f"{SMALL.jwt}~".encode(),
    ),
    words=(b"1 ", KID.encode(), b"null", b"[", b"]", b",", b'"', b" ", b"~", b"."),
    longest=200_000,
    patterns=((b"1 ", b" ", b""), (b"", b"[", b""), (b"[", b"null,", b"null]")),
    usual=1200,
)
def kept_statements(data: bytes) -> None:
    text = text_of(data)
    jwt = keeping.kept_jwt(text)
    same("kept anew and read", keeping.kept_jwt(keeping.keep_jwt(jwt)), jwt)
    refused(opening.open_statement, text)
    texts = refused(keeping.kept_texts, text)
    if texts is not None:
        same("texts kept anew and read", keeping.kept_texts(keeping.keep_texts(texts)), texts)
        gone = [None, *texts[1:]] if texts else []
        same("one taken away", keeping.kept_texts(keeping.keep_changed(text, gone)), gone)


GOLDEN_ENTRIES: Final = tuple(WORLD.entries)
ANEW: Final = begin_anew()


@target(
    *(entries.parse_entry, mirror.has_plain_form, monitor.Monitor.take, times.parse_moment),
    *(keyring.Keyrings.apply, origins.follow_origin, signed.check_entry),
    seeds=(
        *GOLDEN_ENTRIES,
        ANEW.new.entries[0],
        b'{"v":1,"type":"audit","t":"2026-11-22T03:00:00.000Z","day":"2026-11-22","rows":1,"digest":"'
        + b"A" * 43
        + b'"}',
    ),
    words=(
        b'{"v":1,"type":"event","t":"2026-11-22T03:00:00.000Z"',
        b',"h":"',
        b',"links":["',
        b'"]',
        b',"a":1',
        b'"links"',
        b'"approval"',
        b'"erasure"',
        b'"digests":["',
        b'"origin"',
        b'"key"',
        b"A" * 43,
        b"A" * 22,
        b"2026-02-30",
        b"24:00:00",
    ),
    longest=entries.ENTRY_LIMIT,
    patterns=(
        (
            b'{"v":1,"type":"event","t":"2026-11-22T03:00:00.000Z","h":"'
            + b"A" * 43
            + b'","links":["',
            b'AAAAAAAAAAAAAAAAAAAAAA","',
            b'"]}',
        ),
        (b'{"v":1,"type":"key","t":"2026-11-22T03:00:00.000Z","jws":["', b"A.", b'"]}'),
    ),
    usual=1500,
)
def log_entries(data: bytes) -> None:
    found = refused(entries.parse_entry, data)
    if mirror.has_plain_form(data) and found is None:
        broken("a plain form that is no entry", data)
    if found is None and text_of(data)[:2] == "20":
        refused(times.parse_moment, text_of(data))
    refused(signed.check_entry, data, SMALL.jwt)
    if found is None:
        return
    watching = monitor.Monitor(WORLD.origin, WORLD.root.public, WORLD.platform.did)
    watching.take(0, data)
    watching.finish()
    followed = refused(origins.follow_origin, data, TRUST, now=WORLD.now)
    if followed is not None:
        same("only a checkpoint that the log signed", followed.checkpoint.origin, WORLD.origin)


NO_TAG: Final = "A" * 22
RECORD: Final = WORLD.key_record(STORY.packer, "add", "k9").to_json()
RECORDS: Final = tuple(
    jose.parse_compact(jws, typ=keyring.TYP).payload
    for entry in map(entries.parse_entry, GOLDEN_ENTRIES)
    if isinstance(entry, entries.KeyEntry)
    for jws in entry.jws[:1]
)


@target(
    *(keyring.parse_key_record, keyring.Keyrings.apply, keyring.is_receipt_kid, keyring.root_kid),
    keyring.key_record_hash,
    *(statement_hash, id_base_of, context_of),
    seeds=(RECORD, *RECORDS),
    words=(
        b'"origin":',
        b'"org":',
        b'"n":',
        b'"action":',
        b'"kid":',
        b'"jwk":',
        b'"custody":',
        b'"prev":',
        b'"passkey":{"rpId":"", "origin":""}',
        b'"since":1',
        b'"revoke"',
        b'"rotate"',
        b'"recover"',
        b'"add"',
        b"null",
        b'"own"',
    ),
    longest=100_000,
    patterns=((b'{"origin":', b"[", b""), (RECORD[:-1] + b',"a":"', b"a", b'"}')),
    usual=900,
)
def key_records(data: bytes) -> None:
    jws = tuple(
        jose.sign_compact(data, typ=keyring.TYP, kid=kid, key=key)
        for kid, key in (WORLD.root_signer, (KID, KEY))
    )
    found = refused(keyring.parse_key_record, jws[: 1 + len(data) % 2])
    if found is None:
        return
    record = found[0]
    same("a record has one form", record.to_json(), data)
    entry = entries.KeyEntry(START, jws[:1], (NO_TAG,))
    rings = keyring.Keyrings(WORLD.origin, WORLD.root.public, WORLD.platform.did)
    for given in (entry, replace(entry, links=(_tag(record),)), replace(entry, jws=jws)):
        known = dict(rings.keys)
        if refused(rings.apply, 5, given) is None:
            same("a refused record changes nothing", rings.keys, known)
    refused(keyring.is_receipt_kid, record.kid)
    if refused(id_base_of, record.org) is not None:
        context_of(record.org)


def _tag(record: keyring.KeyRecord) -> str:
    """The tag that its entry would have."""
    return refused(tag, KEYRING_SALT, keyring_identity(record.org), record.n) or NO_TAG


HASHES: Final = sorted([STORY.sown.h, STORY.harvested.h])
APPROVAL: Final = cast("entries.ApprovalEntry", entries.parse_entry(WORLD.entries[STORY.approval]))
ASSERTION: Final = APPROVAL.assertion


@target(
    *(approvals.check_assertion, approvals.approval_challenge),
    seeds=(
        ASSERTION.authenticator_data + b"\n" + ASSERTION.client_data_json,
        b"\n{}",
    ),
    words=(
        b'"type":"webauthn.get"',
        b'"challenge":',
        b'"origin":',
        b'"crossOrigin":true',
        *JSON_WORDS[:8],
    ),
    usual=400,
)
def approvals_by_passkey(data: bytes) -> None:
    given = ASSERTION
    first, client = data[:37], data[38:]
    made = entries.Assertion(first, client, given.signature)
    challenge = approvals.approval_challenge(HASHES)

    checked = holds(
        approvals.check_assertion,
        made,
        STORY.passkey.public,
        challenge=challenge,
        rp_id=RP_ID,
        origin=RP_ORIGIN,
    )
    if checked and made != given:
        broken("a changed approval holds", data)
