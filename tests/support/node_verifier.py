"""The browser verifier's modules run by Node: its WebCrypto knows Ed25519."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).parents[1] / "contract" / "node" / "verify_bundles.mjs"


def asked(rows: Sequence[dict[str, Any]], *, folder: str = "") -> list[Any]:
    """Node's answer to each row; `folder` is "sent" for the modules as they are sent."""
    node = shutil.which("node")
    if node is None:
        raise RuntimeError("Node is not installed (Debian: apt-get install nodejs)")
    done = subprocess.run(
        [node, str(RUNNER), folder],
        input="".join(json.dumps(row) + "\n" for row in rows),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(bundle: bytes, policy: str, now: datetime) -> dict[str, Any]:
    """A bundle to check under a policy file."""
    return {
        "bundle": b64encode(bundle).decode(),
        "policyFile": b64encode(policy.encode()).decode(),
        "now": now.timestamp() * 1000,
    }


def verdict(answer: dict[str, Any]) -> tuple[str, int]:
    """Node's answer in the form of `verify_cases.decided`."""
    return ("ok", 0) if answer["ok"] is True else (answer["code"], answer["step"])
