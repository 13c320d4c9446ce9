"""Published probes of Merkle inclusion proofs: good ones accepted, every bad one refused."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from trace.core.tlog import NotInLog, verify_inclusion

FOLDER = Path(__file__).parents[3] / "shared" / "vectors" / "trust" / "merkle-inclusion"
FILES = sorted(FOLDER.glob("*.json"))


def decoded(text: str | None) -> bytes:
    return b64decode(text) if text else b""


@pytest.mark.skipif(not FILES, reason="the published probes are not beside this clone")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_published_probe_is_judged_as_published(path: Path) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    arguments = (
        decoded(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        [decoded(node) for node in case["proof"] or []],
        decoded(case["root"]),
    )
    if case["wantErr"]:
        with pytest.raises(NotInLog):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


@pytest.mark.skipif(not FILES, reason="the published probes are not beside this clone")
def test_the_published_probes_hold_good_and_bad_cases() -> None:
    wanted = [json.loads(path.read_text())["wantErr"] for path in FILES]
    assert wanted.count(False) >= 5
    assert wanted.count(True) >= 50
