"""A target in a process of its own, under atheris: `python -m tests.fuzz.child {…}`.

Coverage is of the product's own modules: they are imported here for the first time, through
atheris, which writes counters into their bytecode. Not started by hand: `python -m tests.fuzz`.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

TIMEOUT = 30  # seconds on the clock: a hang. Slow is told by the processor's time (running.py).
MEMORY = 2048  # megabytes


def main(asked: dict[str, Any]) -> None:
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["trace"]):
        targets = importlib.import_module("tests.fuzz.targets")
    running = importlib.import_module("tests.fuzz.running")
    target = targets.TARGETS[asked["target"]]
    tally = running.Tally(target)
    folder = Path(asked["folder"])
    began = time.monotonic()

    def stop(*_: object) -> None:
        answer = {
            "inputs": tally.inputs,
            "seconds": time.monotonic() - began,
            "cpu": time.process_time(),
            "slowest": tally.slowest,
            "slowest_input": running.line_of(tally.slowest_input),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "finds": [find.to_json() for find in tally.finds.values()],
        }
        (folder / "answer.json").write_text(json.dumps(answer))
        sys.stderr.flush()
        os._exit(0)

    def one(data: bytes) -> None:
        tally.give(data)
        if tally.inputs >= asked["inputs"] or (
            tally.inputs % 64 == 0 and time.monotonic() - began > asked["seconds"]
        ):
            stop()

    words = folder / "words"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in target.words if word))
    arguments = [
        sys.argv[0],
        f"-timeout={TIMEOUT}",
        f"-rss_limit_mb={MEMORY}",
        f"-max_len={target.usual}",
        f"-dict={words}",
        f"-artifact_prefix={folder}/",
        f"-seed={asked['seed']}",
        "-len_control=20",
        "-print_final_stats=1",
        str(folder / "corpus"),
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def escaped(word: bytes) -> str:
    """A word as libFuzzer reads it from a file (at most 64 bytes)."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}"
        for byte in word[:60]
    )


if __name__ == "__main__":
    main(json.loads(sys.argv.pop()))
