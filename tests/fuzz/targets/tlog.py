"""The log: notes, checkpoints, proofs, tiles, a witness's requests, policies."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Final

from tests.fuzz.target import broken, holds, refused, same, target, text_of
from tests.golden.story import tell_story
from tests.golden.world import START
from tests.support.verify_cases import policy_text
from trace.core import tlog
from trace.core.tlog import (
    checkpoints,
    interiors,
    notes,
    policy,
    proof_text,
    proofs,
    tiles,
    witness,
)
from trace.core.verify.policy_file import policy_of, read_policy

STORY: Final = tell_story()
WORLD: Final = STORY.world
SIZE: Final = len(WORLD.entries)
NOTE: Final = WORLD.signed_checkpoint(witnessed=True)
POLICY: Final = policy_text(STORY, quorum="w1", max_age=86_400).encode()
TRUST: Final = tlog.parse_policy(POLICY)
KNOWN: Final = (WORLD.log_key.verifier, WORLD.witness.verifier)
PROOF: Final = tlog.Proof(3, tuple(tlog.inclusion_proof(3, SIZE, WORLD.tiles)), NOTE, b"x")
GROWTH: Final = witness.AddCheckpoint(5, tuple(tlog.consistency_proof(5, SIZE, WORLD.tiles)), NOTE)
LINES: Final = tuple(f"{line}\n".encode() for line in NOTE.split("\n") if line)
NOW: Final = WORLD.now
NOTE_WORDS: Final = (
    *LINES,
    b"\n\n",
    "— ".encode(),
    b"+",
    b"=",
    b"0",
    b"1" * 16,
    b"trace.example/log",
    b"AAAA",
)


@target(
    *(notes.parse_note, notes.open_note, notes.sign_note, notes.add_signatures, notes.key_id),
    *(
        notes.Verifier.parse,
        notes.Note.check,
        checkpoints.Checkpoint.parse,
        checkpoints.open_checkpoint,
    ),
    *(checkpoints.read_checkpoint, checkpoints.open_checkpoint_by, checkpoints.id_base_of_origin),
    *(checkpoints.origin_of, policy.TrustPolicy.check),
    seeds=(
        NOTE.encode(),
        WORLD.signed_checkpoint().encode(),
        KNOWN[0].vkey.encode(),
        KNOWN[1].vkey.encode(),
        b"a.example/x/log/2",
    ),
    words=NOTE_WORDS,
    longest=notes.MAX_NOTE,
    patterns=(
        (NOTE.encode(), LINES[-1], b""),
        (b"a\n", b"\n", b"x"),
        (b"a", b"\n\n", b"\n"),
        (b"", b"a/log", b""),
        (b"a+", b"A", b"+A"),
        (b"a\n\n", "— a AAAAAAA=\n".encode(), b""),
        (NOTE.encode(), "— a AAAAAAA=\n".encode(), b"x"),
    ),
    usual=600,
)
def notes_and_checkpoints(data: bytes) -> None:
    text = text_of(data)
    note = refused(notes.parse_note, text)
    found = refused(checkpoints.Checkpoint.parse, note.text if note else text)
    if found is not None and found.text != (note.text if note else text):
        broken("a checkpoint has one form", text)
    if note is not None:
        lines = [
            f"— {s.name} {b64encode(s.key_id + s.signature).decode()}\n" for s in note.signatures
        ]
        same("a note written again", notes.add_signatures(note.text + "\n", lines), text)
        signed = notes.sign_note(note.text, [WORLD.log_key])
        same("its text signed anew", notes.open_note(signed, KNOWN[:1]).text, note.text)
    opened = refused(checkpoints.open_checkpoint, text, KNOWN[0])
    same("by one key of two", refused(checkpoints.open_checkpoint_by, text, [KNOWN[0]]), opened)
    if opened is not None:
        same("the log signed this only", opened, WORLD.checkpoint)
    both = refused(notes.open_note, text, KNOWN)
    witnessed = refused(TRUST.check, text, now=NOW, max_age=timedelta(days=1))
    if both is not None or witnessed is not None:
        same("both signed this only", (both or notes.parse_note(text)).text, WORLD.checkpoint.text)
    key = refused(notes.Verifier.parse, text)
    if key is not None:
        same("a key has one text", key.vkey, text)
    base = refused(checkpoints.id_base_of_origin, text)
    if base is not None and not text.startswith(checkpoints.origin_of(base)):
        broken("an origin", text, base)


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + 32] for at in range(0, min(len(data), 32 * 70), 32)]


def _raw(number: int, size: int, path: list[bytes]) -> bytes:
    return bytes([number, size]) + b"".join(path)


def good_proofs() -> list[bytes]:
    found = [
        _raw(at, SIZE, tlog.inclusion_proof(at, SIZE, WORLD.tiles)) for at in range(0, SIZE, 3)
    ]
    found += [
        _raw(at, SIZE, tlog.consistency_proof(at, SIZE, WORLD.tiles))
        for at in range(0, SIZE + 1, 3)
    ]
    return found


@target(
    *(proofs.verify_inclusion, proofs.verify_consistency, tiles.leaf_hash, tiles.node_hash),
    *(tiles.subtree_root, interiors.interior, tiles.append),
    seeds=good_proofs,
    words=(bytes(32), tlog.EMPTY_ROOT, WORLD.tree_root, b"\0", b"\xff"),
    longest=2_300,
    usual=400,
)
def tree_proofs(data: bytes) -> None:
    if len(data) < 2:
        return
    at, size, path = data[0], data[1], _hashes(data[2:])
    leaf = tlog.leaf_hash(WORLD.entries[at % SIZE])
    # Sizes whose trees have one shape on the way (12 and 13 seen from 3) have one proof: which size
    # a root is of, its checkpoint's signature says (RFC 9162, sections 2.1.3.2 and 2.1.4.2).
    if holds(tlog.verify_inclusion, leaf, at, size, path, WORLD.tree_root):
        right = tlog.inclusion_proof(at, SIZE, WORLD.tiles) if at < SIZE else None
        same("only its own path leads to the root", path, right)
    old = _root(at)
    if holds(tlog.verify_consistency, at, size, old, WORLD.tree_root, path):
        right = tlog.consistency_proof(at, SIZE, WORLD.tiles) if at <= SIZE else None
        if size == SIZE or (size != at and (at or path)):
            same("only its own proof", path, right)
    whole = [one for one in path if len(one) == 32][: size % 40]
    appended = tlog.append(0, WORLD.tiles, whole)
    level = interiors.interior(b"".join(whole))
    if whole and len(whole) & (len(whole) - 1) == 0:
        same("two ways to a root", tiles.subtree_root(b"".join(whole)), appended.root)
        same("and a third", level[-1], appended.root)


def _root(size: int) -> bytes:
    return tlog.root(size, WORLD.tiles) if size <= SIZE else bytes(32)


@target(
    proof_text.parse_proof,
    proof_text.verify_proof,
    seeds=(PROOF.text.encode(), tlog.Proof(0, (), NOTE).text.encode()),
    words=(
        *NOTE_WORDS,
        b"c2sp.org/tlog-proof@v1\n",
        b"index ",
        b"extra ",
        b64encode(bytes(32)) + b"\n",
    ),
    longest=2 * notes.MAX_NOTE,
    patterns=(
        (b"c2sp.org/tlog-proof@v1\nindex 0\n", b64encode(bytes(32)) + b"\n", b"\n"),
        (b"c2sp.org/tlog-proof@v1\n", b"\n", b""),
    ),
    usual=1200,
)
def proof_texts(data: bytes) -> None:
    text = text_of(data)
    found = refused(proof_text.parse_proof, text)
    if found is None:
        return
    same("a proof written again", found.text, text)
    proven = refused(proof_text.verify_proof, found, WORLD.entries[3], TRUST, now=NOW)
    if proven is not None and (found.index, found.hashes) != (PROOF.index, PROOF.hashes):
        broken("another proof holds", text)


@target(
    *(tiles.parse_tile_path, tiles.tile_path, tiles.entries_path),
    seeds=(
        b"tile/0/000",
        b"tile/entries/x001/x234/067.p/255",
        b"tile/63/999",
        b"tile/1/x001/000.p/1",
    ),
    words=(b"tile/", b"entries/", b"x001/", b".p/", b"256", b"/", b"000", "٣".encode()),
    longest=100,
    usual=80,
)
def tile_paths(data: bytes) -> None:
    text = text_of(data)
    found = refused(tiles.parse_tile_path, text)
    if found is not None:
        same("one path for one tile", tiles.tile_path(*found), text)
        if found[0] == "entries":
            same("another way to it", tiles.entries_path(*found[1:]), text)
        if not 1 <= found[2] <= 256:
            broken("a width", found)


@target(
    *(tiles.parse_entry_bundle, tiles.entry_bundle),
    seeds=(
        tlog.entry_bundle(WORLD.entries[:2]),
        tlog.entry_bundle([b"a"] * 3),
        b"\0\0",
        b"\0\1a\0\2bc",
    ),
    words=(b"\0\0", b"\0\1", b"\xff\xff", b"\0\1a"),
    longest=17_000_000,
    patterns=((b"", b"\0\0", b""), (b"", b"\0\1a", b""), (b"", b"\xff", b"")),
)
def entry_bundles(data: bytes) -> None:
    found = refused(tiles.parse_entry_bundle, data)
    if found is not None:
        same("a bundle written again", tiles.entry_bundle(found), data)


@target(
    *(witness.parse_add_checkpoint, witness.judge, witness.cosignature_lines),
    seeds=(
        GROWTH.body,
        b"old 0\n\n" + NOTE.encode(),
        LINES[-1],
        b"old 5\n" + b64encode(bytes(32)) + b"\n\n" + NOTE.encode(),
    ),
    words=(*NOTE_WORDS, b"old ", b"old 0\n\n", b64encode(bytes(32)) + b"\n"),
    longest=witness.MAX_REQUEST,
    patterns=(
        (b"old 0\n", b64encode(bytes(32)) + b"\n", b"\n"),
        (b"old 0\n\n" + NOTE.encode(), LINES[-1], b""),
        (b"old 0\n", b"\n", b""),
    ),
    usual=1200,
)
def witness_requests(data: bytes) -> None:
    asked = refused(witness.parse_add_checkpoint, data)
    if asked is not None:
        same("a request written again", asked.body, data)
        for old in (0, 5, SIZE):
            seen = witness.Seen(old, _root(old))
            signed = refused(witness.judge, asked, [KNOWN[0]], seen)
            if signed is not None:
                same("only what the log signed", signed, WORLD.checkpoint)
    lines = refused(witness.cosignature_lines, text_of(data), NOTE, [KNOWN[1]])
    for line in lines or ():
        checked = notes.parse_note(WORLD.checkpoint.text + "\n" + line).check(KNOWN[1])
        if checked is None or checked < START:
            broken("a cosignature of no moment", line)


@target(
    *(policy.parse_policy, read_policy, policy_of, policy.TrustPolicy.satisfied_by),
    seeds=(
        POLICY,
        POLICY + b"group g any w1\n#trace own w1\n#trace inspector did:web:x:o:y\n# nothing\n\n",
        POLICY.replace(b"quorum w1", b"group g 1 w1\nquorum g"),
        b"quorum none\n",
    ),
    words=(
        b"log ",
        b"witness ",
        b"group ",
        b"quorum ",
        b"none",
        b"all",
        b"any",
        b"#trace ",
        b"operator ",
        b"own ",
        b"root ",
        b"platform ",
        b"max-age ",
        "max-age ²".encode(),
        b"w1",
        b"\t",
        *(k.vkey.encode() for k in KNOWN),
    ),
    longest=policy.MAX_POLICY,
    patterns=(
        (b"", b"#trace a b\n", b"quorum none\n"),
        (b"", b"# \n", b"quorum none"),
        (POLICY, b"group g any w1 ", b"\n"),
        (b"", b" ", b"\n"),
        (b"group g all", b" w", b"\n"),
        (b"#trace", b" a", b"\n"),
        (b"quorum none\n", b"\n", b""),
    ),
    usual=900,
)
def policies(data: bytes) -> None:
    found = refused(policy.parse_policy, data)
    whole = refused(read_policy, data)
    if found is None:
        if whole is not None:
            broken("a verifier's policy out of none", data)
        return
    names = [one.name for one in found.witnesses]
    if not found.satisfied_by(names) and found.satisfied_by(()):
        broken("fewer witnesses satisfy more", data)
    if whole is not None:
        same("two ways to one policy", policy_of(found), whole)
        refused(found.check, NOTE, now=NOW)
