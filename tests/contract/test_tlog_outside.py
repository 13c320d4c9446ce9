"""Our log before verifiers written by others: Go's checksum database, sigstore's Python and npm.

Each is shown a whole log made by our code and then changed ones, which it must refuse.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trace.core.signing import PrivateKey
from trace.core.tlog import (
    Checkpoint,
    Verifier,
    append,
    consistency_proof,
    entries_path,
    entry_bundle,
    inclusion_proof,
    leaf_hash,
    log_signer,
    root,
    sign_checkpoint,
)

ROOT = Path(__file__).parents[2]
ORIGIN = "trace.example/log"
LOG = log_signer(ORIGIN, PrivateKey.from_seed(bytes([1]) * 32))
ENTRIES = [f'{{"v":1,"number":{n}}}'.encode() for n in range(600)]
SHOWN = (0, 1, 255, 256, 511, 512, 599)


class Tiles:
    def __init__(self) -> None:
        self._tiles: dict[tuple[int, int], bytes] = {}
        made = append(0, self, [leaf_hash(entry) for entry in ENTRIES])
        self._tiles = {(t.level, t.index): t.data for t in made.tiles}

    def read(self, level: int, index: int, width: int) -> bytes:
        return self._tiles.get((level, index), b"")[: 32 * width]


TILES = Tiles()


@dataclass(frozen=True)
class Claim:
    """What is shown: a checkpoint under a key, and that an entry is at an index."""

    name: str
    note: str
    vkey: str
    entry: bytes
    index: int
    path: tuple[bytes, ...]
    good: bool


def claims() -> list[Claim]:
    note = sign_checkpoint(Checkpoint(ORIGIN, 600, root(600, TILES)), LOG)
    vkey = LOG.verifier.vkey
    made = []
    for index in SHOWN:
        path = tuple(inclusion_proof(index, 600, TILES))
        made.append(Claim(f"entry {index}", note, vkey, ENTRIES[index], index, path, True))
    entry, path = ENTRIES[7], tuple(inclusion_proof(7, 600, TILES))
    other = log_signer(ORIGIN, PrivateKey.from_seed(bytes([2]) * 32)).verifier.vkey
    flipped = (bytes([path[3][0] ^ 1]) + path[3][1:],)
    return [
        *made,
        Claim("changed entry", note, vkey, entry + b" ", 7, path, False),
        Claim("other index", note, vkey, entry, 8, path, False),
        Claim("short path", note, vkey, entry, 7, path[:-1], False),
        Claim("changed path", note, vkey, entry, 7, path[:3] + flipped + path[4:], False),
        Claim("other key", note, other, entry, 7, path, False),
        Claim("changed size", note.replace("\n600\n", "\n601\n"), vkey, entry, 7, path, False),
    ]


CLAIMS = claims()
IDS = [claim.name for claim in CLAIMS]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# sigstore's own verifier, PyPI. Its parts for logs are not public: what is missing is said.


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_sigstore_for_python_judges_as_we_do(claim: Claim) -> None:
    merkle = pytest.importorskip("sigstore._internal.merkle", reason="sigstore is not installed")
    notes = pytest.importorskip("sigstore._internal.rekor.checkpoint")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def judge() -> None:
        signed = notes.SignedCheckpoint.from_text(claim.note)
        verifier = Verifier.parse(claim.vkey)
        (signature,) = signed.signed_note.signatures
        if signature.sig_hash != verifier.key_id:
            raise ValueError("another key id")
        key = Ed25519PublicKey.from_public_bytes(verifier.key.raw)
        key.verify(base64.b64decode(signature.signature), signed.signed_note.note.encode())
        checkpoint = signed.checkpoint
        size = checkpoint.log_size
        inner, border = merkle._decomp_inclusion_proof(claim.index, size)
        if len(claim.path) != inner + border:
            raise ValueError("another number of hashes")
        node = merkle._hash_leaf(claim.entry)
        node = merkle._chain_inner(node, list(claim.path[:inner]), claim.index)
        node = merkle._chain_border_right(node, list(claim.path[inner:]))
        if node.hex() != checkpoint.log_hash:
            raise ValueError("another root")

    if claim.good:
        judge()
    else:
        with pytest.raises((ValueError, InvalidSignature)):
            judge()


# sigstore's npm verifier.

NODE = ROOT / "tests" / "contract" / "node"
SCRIPT = """
const path = process.argv[2];
const merkle = require(path + '/node_modules/@sigstore/verify/dist/tlog/merkle.js');
const notes = require(path + '/node_modules/@sigstore/verify/dist/tlog/checkpoint.js');
const { createPublicKey } = require('crypto');
let text = '';
process.stdin.on('data', (some) => { text += some; });
process.stdin.on('end', () => {
  const answers = JSON.parse(text).map((claim) => {
    const entry = {
      logID: Buffer.alloc(32),
      logIndex: claim.index,
      canonicalizedBody: Buffer.from(claim.entry, 'base64'),
      inclusionProof: {
        logIndex: String(claim.index), treeSize: claim.size,
        rootHash: Buffer.from(claim.root, 'base64'),
        hashes: claim.path.map((one) => Buffer.from(one, 'base64')),
        checkpoint: { envelope: claim.note },
      },
    };
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: claim.key }, format: 'jwk',
    });
    const authority = {
      baseURL: 'https://trace.example/log', logID: Buffer.from(claim.keyId, 'base64'), publicKey,
      validFor: { start: new Date(0), end: new Date(8.64e15) },
    };
    try {
      const checkpoint = notes.verifyCheckpoint(entry, [authority]);
      merkle.verifyMerkleInclusion(entry, checkpoint);
      return '';
    } catch (error) {
      if (!error.code) { return 'CRASH ' + error.stack; }
      return error.code;
    }
  });
  process.stdout.write(JSON.stringify(answers));
});
"""


def test_sigstore_for_node_judges_as_we_do(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not (NODE / "node_modules" / "@sigstore" / "verify").exists():
        pytest.skip("@sigstore/verify is not installed: run `make setup`")
    shown: list[dict[str, Any]] = []
    for claim in CLAIMS:
        verifier = Verifier.parse(claim.vkey)
        checkpoint = Checkpoint.parse(claim.note.partition("\n\n")[0] + "\n")
        shown.append(
            {
                "note": claim.note,
                "entry": b64(claim.entry),
                "index": claim.index,
                "path": [b64(node) for node in claim.path],
                "size": str(checkpoint.size),
                "root": b64(checkpoint.root),
                "key": verifier.key.jwk["x"],
                "keyId": b64(verifier.key_id),
            }
        )
    script = tmp_path / "judge.cjs"
    script.write_text(SCRIPT)
    done = subprocess.run(
        ["node", str(script), str(NODE)],
        input=json.dumps(shown),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = dict(zip(IDS, json.loads(done.stdout), strict=True))
    assert not [answer for answer in answers.values() if answer.startswith("CRASH")], answers
    assert {name for name, answer in answers.items() if answer == ""} == {
        claim.name for claim in CLAIMS if claim.good
    }, answers


# Go's checksum database: notes, records, trees and the root from entry bundles.

GO_SOURCES = Path("/usr/share/gocode/src/golang.org/x/mod")
PROGRAM = """package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type claim struct {
	Note, Vkey, Name string
	Entry            []byte
	Index, Size      int64
	Path             [][]byte
}

type shown struct {
	Claims  []claim
	Bundles [][]byte
	Root    []byte
	Growth  []struct {
		Old, New         int64
		OldRoot, NewRoot []byte
		Proof            [][]byte
	}
}

func hash(data []byte) (h tlog.Hash) { copy(h[:], data); return }

func hashes(list [][]byte) (found []tlog.Hash) {
	for _, one := range list {
		found = append(found, hash(one))
	}
	return
}

func judge(c claim) error {
	verifier, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	var origin string
	var size int64
	var root string
	if _, err := fmt.Sscanf(opened.Text, "%s\\n%d\\n%s\\n", &origin, &size, &root); err != nil {
		return err
	}
	parsed, err := tlog.ParseHash(root)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes(c.Path), size, parsed, c.Index, tlog.RecordHash(c.Entry))
}

type store []tlog.Hash

func (s *store) ReadHashes(indexes []int64) (found []tlog.Hash, err error) {
	for _, index := range indexes {
		found = append(found, (*s)[index])
	}
	return
}

func rebuilt(bundles [][]byte) (tlog.Hash, error) {
	var kept store
	var count int64
	for _, bundle := range bundles {
		for len(bundle) > 0 {
			length := int(bundle[0])<<8 | int(bundle[1])
			more, err := tlog.StoredHashes(count, bundle[2:2+length], &kept)
			if err != nil {
				return tlog.Hash{}, err
			}
			kept, count, bundle = append(kept, more...), count+1, bundle[2+length:]
		}
	}
	return tlog.TreeHash(count, &kept)
}

func main() {
	var all shown
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	answers := map[string]string{}
	for _, c := range all.Claims {
		answers[c.Name] = ""
		if err := judge(c); err != nil {
			answers[c.Name] = err.Error()
		}
	}
	root, err := rebuilt(all.Bundles)
	if err != nil || root != hash(all.Root) {
		answers["root"] = fmt.Sprint("another root: ", root, err)
	}
	for i, g := range all.Growth {
		name := fmt.Sprintf("growth %d", i)
		answers[name] = ""
		err := tlog.CheckTree(hashes(g.Proof), g.New, hash(g.NewRoot), g.Old, hash(g.OldRoot))
		if err != nil {
			answers[name] = err.Error()
		}
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
"""


def growths() -> list[tuple[dict[str, Any], bool]]:
    made = []
    for old, new in ((1, 2), (255, 256), (256, 600), (300, 600), (512, 513), (599, 600)):
        proof = [b64(node) for node in consistency_proof(old, new, TILES)]
        one = {
            "Old": old,
            "New": new,
            "OldRoot": b64(root(old, TILES)),
            "NewRoot": b64(root(new, TILES)),
            "Proof": proof,
        }
        made.append((one, True))
        made.append((one | {"OldRoot": b64(bytes(32))}, False))
        made.append((one | {"Proof": [*proof, b64(bytes(32))]}, False))
    return made


@pytest.mark.skipif(
    shutil.which("go") is None or not GO_SOURCES.exists(),
    reason="Go is not installed (Debian: apt-get install golang-go golang-golang-x-mod-dev)",
)
def test_gos_checksum_database_judges_as_we_do(tmp_path: Path) -> None:
    grown = growths()
    shown = {
        "Claims": [
            {
                "Name": claim.name,
                "Note": claim.note,
                "Vkey": claim.vkey,
                "Entry": b64(claim.entry),
                "Index": claim.index,
                "Path": [b64(node) for node in claim.path],
            }
            for claim in CLAIMS
        ],
        "Bundles": [b64(entry_bundle(ENTRIES[at : at + 256])) for at in range(0, 600, 256)],
        "Root": b64(root(600, TILES)),
        "Growth": [one for one, _ in grown],
    }
    program = tmp_path / "judge.go"
    program.write_text(PROGRAM)
    done = subprocess.run(
        ["go", "run", str(program)],
        input=json.dumps(shown),
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/local/go/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "GOPATH": "/usr/share/gocode",
            "GO111MODULE": "off",
            "GOFLAGS": "",
            "GOPROXY": "off",
        },
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, str] = json.loads(done.stdout)
    assert "root" not in answers, answers["root"]
    for claim in CLAIMS:
        assert (answers[claim.name] == "") is claim.good, (claim.name, answers[claim.name])
    for number, (_, good) in enumerate(grown):
        assert (answers[f"growth {number}"] == "") is good, number


def test_paths_of_bundles_are_those_of_the_specification() -> None:
    # The one example that the specification gives.
    assert entries_path(1234067) == "tile/entries/x001/x234/067"
