"""Receipts, bundles and copies of the log: read, changed, verified."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.fuzz.target import broken, holds, json_of, refused, same, target, text_of
from tests.fuzz.targets.statements import ANEW
from tests.fuzz.targets.tlog import NOTE, STORY, WORLD
from tests.golden.signed import KEY, KID
from trace.core import tlog
from trace.core.history.reading import bare_step, ends_of, fact_of, minutes_of
from trace.core.signing import JsonObject
from trace.core.statements import bundles, context_of, opening, receipts, thing_uris
from trace.core.statements.opening import open_parsed
from trace.core.verify import attachments, findings, mirror, seen, story, things
from trace.core.verify import bundle as verify
from trace.core.verify.checkpoints import check_checkpoint, read_signed
from trace.core.verify.report import VerifiedStatement

RECEIPT: Final = WORLD.receipt(STORY.things)
RECEIPT_TEXT: Final = tlog.parse_note(RECEIPT).text
TWO: Final = bundles.parse_bundle(ANEW.bundle()).receipt


@target(
    *(receipts.parse_receipt, receipts.open_receipt),
    seeds=(
        RECEIPT_TEXT.encode(),
        RECEIPT.encode(),
        TWO.encode(),
        tlog.parse_note(TWO).text.encode(),
    ),
    words=(
        b"trace-receipt/v1\n",
        b"trace-receipt/v2\n",
        b"A" * 22 + b" 0 1\n",
        b"A" * 22 + b" 0 1 1\n",
        b"1 a/log 5 " + b"A" * 43 + b"=\n",
        b"\n",
        b"0",
    ),
    longest=1_000_000,
    patterns=(
        (RECEIPT_TEXT.encode(), b"A" * 22 + b" 0 1\n", b""),
        (RECEIPT_TEXT.encode(), b"\n", b""),
        (tlog.parse_note(TWO).text.encode(), b"9 a/log 5 " + b"A" * 43 + b"=\n", b""),
    ),
    usual=1000,
)
def receipts_read(data: bytes) -> None:
    text = text_of(data)
    found = refused(receipts.parse_receipt, text)
    if found is not None:
        made = refused(
            receipts.make_receipt,
            origin=found.origin,
            size=found.size,
            root=found.root,
            time=found.time,
            heads=found.heads,
            older=found.older,
            name=KID,
            key=KEY,
        )
        if made is not None:  # what no note may hold is refused by who opens the note
            same(
                "a receipt written again",
                tlog.parse_note(made).text.rstrip("\n"),
                text.rstrip("\n"),
            )
    opened = refused(receipts.open_receipt, text)
    if opened is not None:
        kid = WORLD.platform.kid("receipt-1")
        verifier = tlog.Verifier(kid, WORLD.platform.keys["receipt-1"].public)
        signed = holds(opened[1].check, verifier)
        if signed and opened[1].text not in (RECEIPT_TEXT, tlog.parse_note(TWO).text):
            broken("a receipt that was not signed holds", text)


SMALL_BUNDLE: Final = bundles.make_bundle(
    subject="a",
    checkpoint=NOTE,
    statements=[bundles.BundledStatement("a~", 1, b"e", (bytes(32),))],
    entries=[bundles.BundledEntry(0, b"e", ())],
    chains=[bundles.BundledChain("a", bytes(32))],
    receipt=RECEIPT,
    since=bundles.Since(NOTE, ()),
    attachments=["x"],
    older=[bundles.BundledLog(NOTE, (), (), ())],
)
BUNDLE: Final = STORY.bundle()
TWO_LOGS: Final = ANEW.bundle()


@target(
    *(bundles.parse_bundle, bundles.make_bundle),
    seeds=(SMALL_BUNDLE,),
    words=(
        b'"v":2',
        b'"since":',
        b'"older":[',
        b'"statements":[',
        b'"path":[',
        b'"index":',
        b'"proof":[',
        b"null",
        b"[]",
        b"{}",
        b'"entry":"',
        b"A" * 43,
    ),
    longest=1_000_000,
    patterns=(
        (b"", b'{"v":', b""),
        (SMALL_BUNDLE[:-3] + b'"', b'","', b'"]}'),
        (b'{"v":1,"chains":', b"[", b""),
    ),
    usual=2500,
)
def bundles_read(data: bytes) -> None:
    found = refused(bundles.parse_bundle, data)
    if found is None:
        return
    try:
        data.decode().encode("utf-8")
        made = refused(
            bundles.make_bundle,
            subject=found.subject,
            checkpoint=found.checkpoint,
            statements=found.statements,
            entries=found.entries,
            chains=found.chains,
            receipt=found.receipt,
            since=found.since,
            attachments=found.attachments,
            older=found.older,
        )
    except UnicodeDecodeError:
        broken("a bundle that is not UTF-8", data)
    again = bundles.parse_bundle(made)
    same("a bundle written again", set(again.attachments), set(found.attachments))
    same("its chains", set(again.chains), set(found.chains))
    bare = [replace(one, attachments=(), chains=()) for one in (again, found)]
    same("all else", *bare)


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
    *(verify.verify_bundle, bundles.parse_bundle, open_parsed, context_of),
    *(
        check_checkpoint,
        read_signed,
        things.things_of,
        things.named_thing,
        story.tell,
        story.upstream,
    ),
    *(attachments.attachments_of, findings.findings_of, bare_step, minutes_of, fact_of, ends_of),
    seeds=(
        b"[]",
        b'[[["subject"],"x"]]',
        b'[[["statements",0,"path",0],"' + b"A" * 43 + b'"]]',
        b'[[["chains"],[]]]',
        b'[[["statements",0,"index"],3],[["entries"],[]]]',
        b'[[["older",0,"proof"]]]',
        b'[[["statements",1,"sdjwt"],"~2"]]',
        b'[[["receipt"],"\\n"],[["attachments"],["a"]]]',
        b'[[["statements",0],["statements",1]]]',
        b'[[["checkpoint"],["receipt"]]]',
    ),
    words=(
        b'["statements",0',
        b'["entries",0',
        b'["chains",0',
        b'"sdjwt"]',
        b'"entry"]',
        b'"path"]',
        b'"index"]',
        b'"identity"]',
        b'"salt"]',
        b'["older",0',
        b'"checkpoint"]',
        b'["receipt"]',
        b'["since"]',
        b'"~0"',
        b'"~3"',
        b",",
        b"[",
        b"]",
        b"0",
        b"1",
        b"2",
    ),
    longest=1_000_000,
    patterns=((b"[", b'[["subject"],"a"],', b'[["subject"],"b"]]'),),
    usual=200,
    heavy=True,
)
def changed_bundles(data: bytes) -> None:
    """The golden bundles with changes: [[path, value], …]; a value that is a path copies from
    there, `~n` leaves out the n-th disclosure, a path alone deletes."""
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


def verified(event: JsonObject, index: int) -> VerifiedStatement:
    return VerifiedStatement(
        index=index,
        time=WORLD.now,
        statement_id=f"urn:uuid:{index}",
        issuer=STORY.coop.did,
        kid=STORY.coop.kid("k1"),
        custody="own",
        event=event,
        withheld=(),
        erased=0,
        flagged=False,
        place=index,
    )


TOLD: Final = (
    {"type": "TransformationEvent", "inputQuantityList": [{"epcClass": STORY.lot, "quantity": 1}]},
    {"type": "ObjectEvent", "epcList": [STORY.packed], "trace:notice": {"kind": "recall"}},
    {"trace:notice": {"kind": "release", "ends": ["urn:uuid:0"]}, "epcList": [STORY.packed]},
    {"errorDeclaration": {"correctiveEventIDs": ["a"]}, "trace:corrects": "urn:uuid:0"},
    {"trace:inputs": [{"name": "a", "intervalDays": 7}], "trace:declaredNone": ["pesticide"]},
    {"bizStep": "trace:harvesting", "eventTime": "2026-11-20T08:00:00.000+07:00"},
    {"trace:attachments": [{"digest": "a", "mediaType": "b", "bytes": 1}], "parentID": STORY.lot},
)


@target(
    *(story.tell, story.upstream, findings.findings_of, fact_of, things.things_of, thing_uris),
    *(attachments.attachments_of, things.named_thing, bare_step, minutes_of, ends_of),
    seeds=(*(json.dumps(one).encode() for one in TOLD), json.dumps(TOLD).encode()),
    words=(
        *(f'"{name}":'.encode() for one in TOLD for name in one),
        *(b'"kind":', b'"ends":[', b'"recall"', b'"release"', b'"epcClass":', b'"quantity":'),
        *(b'"eventTime":"9999-12-31T23:59:59-14:00"', b'"intervalDays":1e308', b"1e400", b"null"),
    ),
    longest=300_000,
    patterns=(
        (b'{"epcList":[', b'"https://a/b/",', b'""]}'),
        (b"[", b'{"epcList":["a"]},', b"{}]"),
        (b'{"trace:inputs":[', b"{},", b"{}]}"),
    ),
    usual=700,
)
def stories(data: bytes) -> None:
    """What an organisation may sign with a key of its own, whatever its shape, is told of."""
    value = json_of(data)
    events = [one for one in (value if isinstance(value, list) else [value]) if type(one) is dict]
    if not events or len(data) > 300_000:
        return
    told = [verified(event, index) for index, event in enumerate(events)]
    found = story.tell(
        STORY.packed,
        told,
        linked={index: frozenset({STORY.packed}) for index in range(len(told))},
        hidden=frozenset(),
        hidden_statements=0,
        lost=False,
        policy=WORLD.policy(),
        id_base="https://trace.example",
    )
    if not found.voided <= {one.statement_id for one in told} | {None}:
        broken("voided what nobody showed", found.voided)
    attachments.named_in(events)
    json.dumps([str(one) for one in found.findings])


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
    refused(seen.seen_checkpoint, Path("seen"), text_of(content))
