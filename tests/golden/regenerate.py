"""Writes the golden files anew: `python -m tests.golden.regenerate`.

Each file is one format of docs/reference/formats.md, made from fixed keys, salts and times. A diff
after running this is a change of format: it needs a new version number and code for the old one.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.golden.anew import begin_anew
from tests.golden.story import Story, tell_story
from tests.golden.world import (
    ID_BASE,
    ORIGIN,
    RP_ID,
    RP_ORIGIN,
    Recorded,
    Stream,
    World,
    private_key,
)
from trace.core import tlog
from trace.core.gs1 import (
    canonical_uri,
    format_code,
    local_uri,
    new_code,
    new_serial,
    parse_identity,
)
from trace.core.signing import b64url, seal_key
from trace.core.statements import (
    KEYRING_SALT,
    ApprovalEntry,
    Since,
    approval_challenge,
    audit_entry,
    chain_identity,
    disclosures_of,
    erased_paths,
    event_entries,
    id_base_of,
    keyring_identity,
    origin_entry,
    parse_bundle,
    parse_entry,
    present,
    tag,
    tags,
    use_identity,
)

FOLDER = Path(__file__).parent / "files"

IDENTIFIERS = [
    "https://id.gs1.org/01/09521234543213/10/RM2211",
    "https://example.com/some/01/09521234543213/21/7K3QMP2XV47K3QMP",
    "urn:epc:id:sgtin:952123.0454321.400",
    "https://id.gs1.org/00/095212345678901235",
    "https://id.gs1.org/414/9521234543213",
    f"{ID_BASE}/01/09521234543213/10/RM2211",
]
OWN_LETTERS = "qbchlpon"


def identifiers() -> dict[str, Any]:
    """Codes, serials, and the identity texts that everything is compared on."""
    stream = Stream("identifiers")
    code, serial = new_code(stream), new_serial(stream)
    issuer = f"did:web:trace.example:o:{code}"
    uris = [*IDENTIFIERS, *(f"{ID_BASE}/{letter}/{code}" for letter in OWN_LETTERS)]
    uris.append(f"{ID_BASE}/b/{code}/{serial}")
    rows = []
    lot = IDENTIFIERS[0]
    for uri in uris:
        identity = parse_identity(uri, ID_BASE)
        assert identity is not None
        chain = chain_identity(identity)
        rows.append(
            {
                "uri": uri,
                "tuple": [identity.key, identity.value, [list(q) for q in identity.qualifiers]],
                "canonical": canonical_uri(identity, ID_BASE),
                "local": local_uri(identity, ID_BASE),
                "chain": canonical_uri(chain, ID_BASE) if chain else None,
            }
        )
    return {
        "idBase": ID_BASE,
        "code": code,
        "printed": format_code(code),
        "serial": serial,
        "issuer": issuer,
        "idBaseOfIssuer": id_base_of(issuer),
        "idBaseOfIssuerWithStem": id_base_of("did:web:a.example%3A8443:b:c:o:7"),
        "origin": tlog.origin_of(ID_BASE),
        "useChain": use_identity(issuer),
        "keyringChain": keyring_identity(issuer),
        "identities": rows,
        "tags": {
            "salt": b64url(bytes(range(32))),
            "identity": lot,
            "tags": tags(bytes(range(32)), lot, 0, 3),
            "keyring": tag(KEYRING_SALT, keyring_identity(issuer), 0),
        },
    }


def files() -> dict[str, str]:
    """Every golden file by its name."""
    made = {"identifiers.json": pretty(identifiers())}
    story = tell_story()
    world = story.world
    made |= statement_files(story.harvested)
    entries = {
        "key-add": 0,
        "key-passkey": 2,
        "approval": story.approval,
        "event-approved": story.harvested.index,
        "event": story.packing.index,
    }
    older = world.signed_checkpoint(witnessed=True), len(world.entries)
    made["bundle.json"] = story.bundle().decode()
    made["bundle-withheld.json"] = story.bundle(
        withhold={
            story.harvested.index: ["trace:note", "readPoint", "ilmd/cbvmda:lotNumber"],
            story.shipped.index: ["quantityList/1", "destinationList"],
        },
        hide=[story.sown.index],
    ).decode()
    entries |= later_keys(story)
    personal = ["trace:performedBy", "trace:note"]
    erased = erased_paths(story.harvested.statement, personal)
    entries["erasure"] = world.erase(story.harvested, personal)
    digest = b64url(sha256(b"one day of the audit log").digest())
    entries["audit"] = world.append(audit_entry(world.tick(), date(2026, 11, 22), 41, digest))
    made["bundle-erased.json"] = story.bundle(
        withhold={story.harvested.index: erased},
        more=[entries["erasure"]],
        witnessed=True,
    ).decode()
    made["erasure.json"] = pretty({"asked": personal, "erased": erased})
    made["checkpoint.txt"] = world.signed_checkpoint()
    made["checkpoint-witnessed.txt"] = world.signed_checkpoint(witnessed=True)
    made["receipt.txt"] = world.receipt(story.things)
    made["log.json"] = pretty(log_parts(story, *older))
    made["bundle-since.json"] = story.bundle(since=Since(*since_of(world)), witnessed=True).decode()
    made["approval.json"] = pretty(approval_parts(story))
    for name, index in entries.items():
        made[f"entry-{name}.json"] = world.entries[index].decode() + "\n"
    made |= other_entries(world, older[0])
    made["sealed-key.json"] = pretty(sealed_key())
    made |= two_logs()
    return made


def two_logs() -> dict[str, str]:
    """The story gone on in a log begun anew: its bundle, its receipt, and whom to trust."""
    anew = begin_anew()
    data = anew.bundle()
    trust = {
        "vkey": anew.new.log_key.verifier.vkey,
        "older": anew.old.log_key.verifier.vkey,
        "root": anew.new.root.public.jwk,
        "platform": anew.new.platform.did,
    }
    return {
        "two-logs-bundle.json": data.decode(),
        "two-logs-receipt.txt": parse_bundle(data).receipt,
        "two-logs-trust.json": pretty(trust),
    }


def later_keys(story: Story) -> dict[str, int]:
    """Logs a rotation, a revocation and a recovery; their indexes."""
    world = story.world
    rotated = world.next_key(story.packer, "rotate", "k2", "k1")
    world.next_key(story.packer, "add", "k3", "k2")
    revoked = world.revoke(story.packer, "k3", "k2")
    recover = world.key_record(story.coop, "recover", "k2")
    signers = [
        world.root_signer,
        (story.packer.kid("k2"), story.packer.keys["k2"]),
        (story.coop.kid("k2"), story.coop.keys["k2"]),
    ]
    recovered = world.log_key_record(story.coop, recover, signers)
    return {"key-rotate": rotated, "key-revoke": revoked, "key-recover": recovered}


def approval_parts(story: Story) -> dict[str, Any]:
    """The approval with everything its check takes."""
    approval = parse_entry(story.world.entries[story.approval])
    assert isinstance(approval, ApprovalEntry)
    hashes = sorted([story.sown.h, story.harvested.h])
    return {
        "rpId": RP_ID,
        "origin": RP_ORIGIN,
        "passkey": story.passkey.public.jwk,
        "hashes": hashes,
        "challenge": b64url(approval_challenge(hashes)),
        "authenticatorData": b64url(approval.assertion.authenticator_data),
        "clientDataJSON": b64url(approval.assertion.client_data_json),
        "signature": b64url(approval.assertion.signature),
    }


def log_parts(story: Story, note: str, size: int) -> dict[str, Any]:
    """The whole log with its proofs, and what a policy needs; `note` is an older checkpoint."""
    world = story.world
    count = len(world.entries)
    paths = [tlog.inclusion_proof(index, count, world.tiles) for index in range(count)]
    proof = tlog.consistency_proof(size, count, world.tiles)
    return {
        "vkey": world.log_key.verifier.vkey,
        "witness": world.witness.verifier.vkey,
        "root": world.root.public.jwk,
        "platform": world.platform.did,
        "inspector": story.packer.did,
        "now": "2026-11-22T03:00:30.000Z",
        "entries": [entry.decode() for entry in world.entries],
        "leaves": [b64url(tlog.leaf_hash(entry)) for entry in world.entries],
        "treeRoot": b64url(world.tree_root),
        "inclusion": [[b64url(node) for node in path] for path in paths],
        "older": {"size": size, "note": note, "proof": [b64url(node) for node in proof]},
    }


def since_of(world: World) -> tuple[str, tuple[bytes, ...]]:
    """A witnessed checkpoint that the log then grows beyond by one entry, and its proof."""
    note, size = world.signed_checkpoint(witnessed=True), len(world.entries)
    digest = b64url(sha256(b"another day").digest())
    world.append(audit_entry(world.tick(), date(2026, 11, 23), 2, digest))
    return note, tuple(tlog.consistency_proof(size, len(world.entries), world.tiles))


def other_entries(world: World, checkpoint: str) -> dict[str, str]:
    """Entry types that a small log has no need of: further links, and a new origin's first."""
    many = tags(bytes(32), "many", 0, 2_500)
    h = b64url(sha256(b"a statement about many things").digest())
    event, links = event_entries(world.now, h, many)
    origin = origin_entry(world.now, 1, ORIGIN, checkpoint)
    return {
        "entry-event-full.json": event.decode() + "\n",
        "entry-links.json": links.decode() + "\n",
        "entry-origin.json": origin.decode() + "\n",
    }


def statement_files(recorded: Recorded) -> dict[str, str]:
    """A statement, its disclosures in stored order, shown whole and with members withheld."""
    statement = recorded.statement
    texts = [disclosure.text for disclosure in statement.disclosures]
    assert disclosures_of(statement.jwt, texts) == statement.disclosures
    withheld = ["trace:note", "ilmd/cbvmda:lotNumber"]
    return {
        "statement.json": pretty(
            {
                "jwt": statement.jwt,
                "hash": recorded.h,
                "disclosures": [
                    {"path": d.path, "text": d.text, "digest": d.digest}
                    for d in statement.disclosures
                ],
                "withheld": withheld,
            }
        ),
        "statement.sdjwt": present(statement) + "\n",
        "statement-withheld.sdjwt": present(statement, withheld) + "\n",
    }


def sealed_key() -> dict[str, Any]:
    """A server-held key sealed under a fixed key-encryption key with a fixed nonce."""
    org = "did:web:trace.example:o:7K3QMP2XV4"
    key = private_key("sealed")
    sealed = seal_key(key, bytes(range(32)), org=org, kid=f"{org}#k1", randbytes=Stream("nonce"))
    return {
        "org": org,
        "kid": f"{org}#k1",
        "keyEncryptionKey": b64url(bytes(range(32))),
        "public": key.public.jwk,
        "sealed": b64url(sealed),
    }


def pretty(value: Any) -> str:
    """Indented JSON: golden files are read by people; formats of one line stay one line."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Writes all files and removes what is no longer made."""
    FOLDER.mkdir(exist_ok=True)
    made = files()
    for old in FOLDER.iterdir():
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(made)} files in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
