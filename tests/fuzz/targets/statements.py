"""Statements: opened, kept, logged; key records, approvals, receipts, bundles, copies of the log."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.fuzz.target import broken, json_of, refused, same, target, text_of
from tests.fuzz.targets.signing import JSON_WORDS, disclosed, placed
from tests.fuzz.targets.tlog import NOTE, STORY, TRUST, WORLD
from tests.golden.anew import begin_anew
from tests.golden.signed import ISSUER, KEY, KID, build
from tests.golden.world import RP_ID, RP_ORIGIN, START
from trace.core import tlog
from trace.core.signing import JsonObject, jose, sdjwt, unb64url
from trace.core.statements import (
    approvals,
    bundles,
    entries,
    keeping,
    keyring,
    opening,
    receipts,
    times,
)
from trace.core.statements.build import is_statement_id, statement_hash
from trace.core.verify import bundle as verify
from trace.core.verify import mirror, monitor, origins, policy_file, seen, signed
from trace.core.verify.errors import UnknownKey

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
    """A statement as mutations like it: [payload, [disclosure, …]], nested ones before their lists."""
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
    *(keeping.keep_texts, keeping.kept_texts, statement_hash, is_statement_id, verify.verify_statement),
    seeds=PLAIN,
    words=(b'"@0"', b'"@1"', b'"_sd":', b'"trace:members":', b'"credentialSubject":', b'"ilmd"', b'"ilmd/x:y":1', b'"type":', b'"action":', b'{"...":"@0"}', b'["AAAAAAAAAAAAAAAAAAAAAA",', ISSUER.encode(), b"null", b"[", b"]", b"{", b"}", b",", b"~0", b"~1"),
    longest=200_000,
    patterns=((PLAIN[0][:-1] + b",", b'["AAAAAAAAAAAAAAAAAAAAAA","z",1],', b"[]]]"), (b"[", b"[", b",[]]")),
    usual=3000,
    heavy=True,
)  # fmt: skip
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
    seeds=(*GOLDEN_ENTRIES, ANEW.new.entries[0], b'{"v":1,"type":"audit","t":"2026-11-22T03:00:00.000Z","day":"2026-11-22","rows":1,"digest":"' + b"A" * 43 + b'"}'),
    words=(b'{"v":1,"type":"event","t":"2026-11-22T03:00:00.000Z"', b',"h":"', b',"links":["', b'"]', b',"a":1', b'"links"', b'"approval"', b'"erasure"', b'"digests":["', b'"origin"', b'"key"', b"A" * 43, b"A" * 22, b"2026-02-30", b"24:00:00"),
    longest=entries.ENTRY_LIMIT,
    patterns=(
        (b'{"v":1,"type":"event","t":"2026-11-22T03:00:00.000Z","h":"' + b"A" * 43 + b'","links":["', b'AAAAAAAAAAAAAAAAAAAAAA","', b'"]}'),
        (b'{"v":1,"type":"key","t":"2026-11-22T03:00:00.000Z","jws":["', b"A.", b'"]}'),
    ),
    usual=1500,
)  # fmt: skip
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


RECORD: Final = WORLD.key_record(STORY.packer, "add", "k9").to_json()
RECORDS: Final = tuple(
    jose.parse_compact(jws, typ=keyring.TYP).payload
    for entry in map(entries.parse_entry, GOLDEN_ENTRIES)
    if isinstance(entry, entries.KeyEntry)
    for jws in entry.jws[:1]
)


@target(
    *(keyring.parse_key_record, keyring.Keyrings.apply, keyring.is_receipt_kid, keyring.root_kid),
    *(keyring.sign_key_record, keyring.key_record_hash),
    seeds=(RECORD, *RECORDS),
    words=(b'"origin":', b'"org":', b'"n":', b'"action":', b'"kid":', b'"jwk":', b'"custody":', b'"prev":', b'"passkey":{"rpId":"", "origin":""}', b'"since":1', b'"revoke"', b'"rotate"', b'"recover"', b'"add"', b"null", b'"own"'),
    longest=100_000,
    patterns=((b'{"origin":', b"[", b""), (RECORD[:-1] + b',"a":"', b"a", b'"}')),
    usual=900,
)  # fmt: skip
def key_records(data: bytes) -> None:
    jws = tuple(jose.sign_compact(data, typ=keyring.TYP, kid=kid, key=key) for kid, key in (
        WORLD.root_signer, (KID, KEY)
    ))  # fmt: skip
    found = refused(keyring.parse_key_record, jws[: 1 + len(data) % 2])
    if found is None:
        return
    record = found[0]
    same("a record has one form", record.to_json(), data)
    link = tlog.Checkpoint(WORLD.origin, record.n, bytes(32)).origin and "A" * 22
    entry = entries.KeyEntry(START, jws[:1], (link,))
    rings = keyring.Keyrings(WORLD.origin, WORLD.root.public, WORLD.platform.did)
    for given in (entry, replace(entry, links=(_tag(record),)), replace(entry, jws=jws)):
        known = dict(rings.keys)
        if refused(rings.apply, 5, given) is None:
            same("a refused record changes nothing", rings.keys, known)
    refused(keyring.is_receipt_kid, record.kid)


def _tag(record: keyring.KeyRecord) -> str:
    from trace.core.statements.chains import KEYRING_SALT, keyring_identity, tag

    try:
        return tag(KEYRING_SALT, keyring_identity(record.org), record.n)
    except (ValueError, UnknownKey):
        return "A" * 22


HASHES: Final = sorted([STORY.sown.h, STORY.harvested.h])
APPROVAL: Final = entries.parse_entry(WORLD.entries[STORY.approval])


@target(
    *(approvals.check_assertion, approvals.approval_challenge),
    seeds=(
        APPROVAL.assertion.authenticator_data + b"\n" + APPROVAL.assertion.client_data_json,  # type: ignore[union-attr]
        b"\n{}",
    ),
    words=(b'"type":"webauthn.get"', b'"challenge":', b'"origin":', b'"crossOrigin":true', *JSON_WORDS[:8]),
    usual=400,
)  # fmt: skip
def approvals_by_passkey(data: bytes) -> None:
    given = APPROVAL.assertion  # type: ignore[union-attr]
    first, _, client = data[:37], data[37:38], data[38:]
    made = entries.Assertion(first, client, given.signature)
    challenge = approvals.approval_challenge(HASHES)

    def check() -> bool:
        approvals.check_assertion(
            made, STORY.passkey.public, challenge=challenge, rp_id=RP_ID, origin=RP_ORIGIN
        )
        return True

    if refused(check) and made != given:
        broken("a changed approval holds", data)


RECEIPT: Final = WORLD.receipt(STORY.things)
RECEIPT_TEXT: Final = tlog.parse_note(RECEIPT).text
TWO: Final = bundles.parse_bundle(ANEW.bundle()).receipt


@target(
    *(receipts.parse_receipt, receipts.open_receipt),
    seeds=(RECEIPT_TEXT.encode(), RECEIPT.encode(), TWO.encode(), tlog.parse_note(TWO).text.encode()),
    words=(b"trace-receipt/v1\n", b"trace-receipt/v2\n", b"A" * 22 + b" 0 1\n", b"A" * 22 + b" 0 1 1\n", b"1 a/log 5 " + b"A" * 43 + b"=\n", b"\n", b"0"),
    longest=1_000_000,
    patterns=((RECEIPT_TEXT.encode(), b"A" * 22 + b" 0 1\n", b""), (RECEIPT_TEXT.encode(), b"\n", b""), (tlog.parse_note(TWO).text.encode(), b"9 a/log 5 " + b"A" * 43 + b"=\n", b"")),
    usual=1000,
)  # fmt: skip
def receipts_read(data: bytes) -> None:
    text = text_of(data)
    found = refused(receipts.parse_receipt, text)
    if found is not None:
        made = receipts.make_receipt(
            origin=found.origin, size=found.size, root=found.root, time=found.time,
            heads=found.heads, older=found.older, name=KID, key=KEY,
        )  # fmt: skip
        same("a receipt written again", tlog.parse_note(made).text.rstrip("\n"), text.rstrip("\n"))
    opened = refused(receipts.open_receipt, text)
    if opened is not None:
        kid = WORLD.platform.kid("receipt-1")
        verifier = tlog.Verifier(kid, WORLD.platform.keys["receipt-1"].public)
        if refused(lambda: [opened[1].check(verifier)]) is not None:
            if opened[1].text not in (RECEIPT_TEXT, tlog.parse_note(TWO).text):
                broken("a receipt that was not signed holds", text)


SMALL_BUNDLE: Final = bundles.make_bundle(
    subject="a", checkpoint=NOTE, statements=[bundles.BundledStatement("a~", 1, b"e", (bytes(32),))],
    entries=[bundles.BundledEntry(0, b"e", ())], chains=[bundles.BundledChain("a", bytes(32))],
    receipt=RECEIPT, since=bundles.Since(NOTE, ()), attachments=["x"],
    older=[bundles.BundledLog(NOTE, (), (), ())],
)  # fmt: skip
BUNDLE: Final = STORY.bundle()
TWO_LOGS: Final = ANEW.bundle()


@target(
    *(bundles.parse_bundle, bundles.make_bundle),
    seeds=(SMALL_BUNDLE,),
    words=(b'"v":2', b'"since":', b'"older":[', b'"statements":[', b'"path":[', b'"index":', b'"proof":[', b"null", b"[]", b"{}", b'"entry":"', b"A" * 43),
    longest=1_000_000,
    patterns=((b"", b'{"v":', b""), (SMALL_BUNDLE[:-3] + b'"', b'","', b'"]}'), (b'{"v":1,"chains":', b"[", b"")),
    usual=2500,
)  # fmt: skip
def bundles_read(data: bytes) -> None:
    found = refused(bundles.parse_bundle, data)
    if found is None:
        return
    try:
        data.decode().encode("utf-8")
        made = refused(
            bundles.make_bundle, subject=found.subject, checkpoint=found.checkpoint,
            statements=found.statements, entries=found.entries, chains=found.chains,
            receipt=found.receipt, since=found.since, attachments=found.attachments, older=found.older,
        )  # fmt: skip
    except UnicodeDecodeError:
        broken("a bundle that is not UTF-8", data)
    again = bundles.parse_bundle(made)
    same("a bundle written again", set(again.attachments), set(found.attachments))
    same("its chains", set(again.chains), set(found.chains))
    plain = {"attachments": (), "chains": ()}
    same("all else", replace(again, **plain), replace(found, **plain))


def shown_events() -> dict[str, JsonObject]:
    """What was signed, by the statement's identifier."""
    recorded = [*WORLD.recorded.values(), *ANEW.new.recorded.values(), *ANEW.old.recorded.values()]
    opened = [
        opening.open_statement(
            "~".join([one.statement.jwt, *(d.text for d in one.statement.disclosures), ""])
        )
        for one in recorded
    ]
    return {one.statement_id: one.event for one in opened}


EVENTS: Final = shown_events()
WHOLE: Final = (
    (json.loads(BUNDLE), WORLD.policy(), WORLD.now),
    (json.loads(TWO_LOGS), ANEW.policy(), ANEW.new.now),
)


@target(
    *(verify.verify_bundle, bundles.parse_bundle, policy_file.read_policy),
    seeds=(
        b"[]", b'[[["subject"],"x"]]', b'[[["statements",0,"path",0],"' + b"A" * 43 + b'"]]', b'[[["chains"],[]]]',
        b'[[["statements",0,"index"],3],[["entries"],[]]]', b'[[["older",0,"proof"]]]', b'[[["statements",1,"sdjwt"],"~2"]]',
        b'[[["receipt"],"\\n"],[["attachments"],["a"]]]', b'[[["statements",0],["statements",1]]]', b'[[["checkpoint"],["receipt"]]]',
    ),
    words=(b'["statements",0', b'["entries",0', b'["chains",0', b'"sdjwt"]', b'"entry"]', b'"path"]', b'"index"]', b'"identity"]', b'"salt"]', b'["older",0', b'"checkpoint"]', b'["receipt"]', b'["since"]', b'"~0"', b'"~3"', b",", b"[", b"]", b"0", b"1", b"2"),
    longest=1_000_000,
    patterns=((b"[", b'[["subject"],"a"],', b'[["subject"],"b"]]'),),
    usual=200,
    heavy=True,
)  # fmt: skip
def changed_bundles(data: bytes) -> None:
    """The golden bundles with changes: [[path, value], …]; a value that is a path copies from there,
    `~n` leaves out the n-th disclosure, a path alone deletes."""
    changes = json_of(data)
    if not isinstance(changes, list) or len(changes) > 8:
        return
    for whole, policy, now in WHOLE:
        bundle = json.loads(json.dumps(whole))
        try:
            for change in changes:
                _change(bundle, change)
            made = json.dumps(bundle, separators=(",", ":")).encode()
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            continue
        report = refused(verify.verify_bundle, made, policy, now)
        if report is None:
            if not changes:
                broken("the bundle as it was does not hold", made[:200])
            continue
        for one in report.statements:
            _signed_so(one)


def _change(bundle: Any, change: list[Any]) -> None:
    path, *value = change
    around = bundle
    for step in path[:-1]:
        around = around[step]
    if not value:
        del around[path[-1]]
        return
    new = value[0]
    if isinstance(new, list) and new and isinstance(new[0], str) and new[0] in bundle:
        for step in (found := bundle, new)[1]:
            found = found[step]
        new = found
    elif isinstance(new, str) and new[:1] == "~":
        parts = around[path[-1]].split("~")
        del parts[int(new[1:])]
        new = "~".join(parts)
    around[path[-1]] = new


def _signed_so(one: Any) -> None:
    """What is shown of a verified statement was signed, member for member."""
    event = EVENTS.get(one.statement_id)
    if event is None:
        broken("verified, and nobody signed it", one)
    for name, value in one.event.items():
        known = event.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            fine = all(known.get(inner) == shown for inner, shown in value.items())
        elif isinstance(value, list) and isinstance(known, list):
            fine = all(element in known for element in value)
        else:
            fine = value == known
        if not fine:
            broken("shown otherwise than signed", name, value, known)


@dataclass(frozen=True)
class Copy:
    """A copy of the log in memory."""

    files: dict[str, bytes]

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise mirror.MirrorUnreadable(name=path, reason="it is not there")
        return self.files[path]


FILES: Final = {
    "checkpoint": WORLD.signed_checkpoint().encode(),
    tlog.tile_path(0, 0, len(WORLD.entries)): b"".join(map(tlog.leaf_hash, WORLD.entries)),
    tlog.entries_path(0, len(WORLD.entries)): tlog.entry_bundle(WORLD.entries),
}


@target(
    *(mirror.audit, mirror.read_entries, mirror.check_piece, mirror.has_plain_form, seen.compare),
    *(mirror.read_checkpoint_of, seen.check_root, seen.seen_checkpoint),
    seeds=tuple(f"{at}\n".encode() + data for at, data in enumerate(FILES.values())),
    words=(b"\0\0", b"\0\xbd", b"trace.example/log\n", b"\n\n"),
    longest=400_000,
    patterns=((b"2\n", b"\0\0", b""), (b"1\n", b"\0", b"")),
    usual=6000,
    heavy=True,
)
def copies_of_the_log(data: bytes) -> None:
    at, _, content = data.partition(b"\n")
    place = int(at) if at.isdigit() and len(at) == 1 else 0
    name = list(FILES)[place % len(FILES)]
    copy = Copy({**FILES, name: content})
    found = refused(mirror.audit, copy, [WORLD.log_key.verifier])
    if found is None or found.problems:
        if content == FILES[name]:
            broken("the copy as it was does not hold", found)
        return
    same("a whole copy is the log", found.checkpoint.root, WORLD.checkpoint.root)
    if name.startswith("tile/entries"):
        entries_of = tlog.parse_entry_bundle(content)[: len(WORLD.entries)]
        same("its entries are the log's", entries_of, WORLD.entries)
    refused(seen.compare, WORLD.checkpoint, found.checkpoint)
