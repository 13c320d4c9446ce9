"""The product as visitors meet it: the demonstration world behind the server of `make run`."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.gunicorn import ROOT, running


@dataclass(frozen=True, slots=True)
class Shown:
    """`url` has no slash at its end; `paths` are printed paths by what is to be seen there."""

    url: str
    paths: Mapping[str, str]


@contextmanager
def shown_demo(folder: Path, *, workers: int = 1) -> Iterator[Shown]:
    """Serves it from a folder until the block ends."""
    environment = {
        "TRACE_INSTANCE": str(folder),
        "TRACE_DATABASE_URL": f"sqlite:///{folder / 'trace.db'}",
        "TRACE_ID_BASE": "https://trace.example",
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "TRACE_SECRET_KEY": "only for looking at, thrown away with its folder",
    }
    for command in (["db", "upgrade"], ["trace", "seed", "--if-empty"]):
        _flask(command, environment)
    told = json.loads(_flask(["trace", "demo", "--json"], environment))["addresses"]
    paths = {one["state"]: one["path"] for one in reversed(told)}
    with running("wsgi:app", environment, workers=workers) as served:
        yield Shown(f"http://127.0.0.1:{served.port}", paths)


def _flask(command: list[str], environment: Mapping[str, str]) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError(f"flask {' '.join(command)}: {answer.stderr[-2000:]}")
    return answer.stdout
