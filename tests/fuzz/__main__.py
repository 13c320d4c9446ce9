"""`python -m tests.fuzz [TARGET …] [--inputs N] [--seconds S]`: targets under libFuzzer.

One process after the other, each with its seeds, its corpus and its words. What each target got is
kept in tests/fuzz/results.json, and docs/reports/fuzz.md is written from it after each; runs of one
target on one day are added up. The corpus is made anew from what the run found, the smallest
inputs that reach every line any of them reached.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.fuzz import growth, report
from tests.fuzz.keeping import keep
from tests.fuzz.mutating import inputs_of
from tests.fuzz.target import Target, bytes_of
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
PULSE: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


def main() -> int:
    asked = arguments()
    unknown = [name for name in asked.targets if name not in TARGETS]
    if unknown:
        say(f"There is no target {', '.join(unknown)}. There are: {', '.join(TARGETS)}")
        return 2
    if importlib.util.find_spec("atheris") is None:
        say(
            "atheris is not installed here (it has wheels for Linux on x86-64 only; elsewhere it "
            "is built with clang). The corpus and the mutations of it run without: "
            "python -m pytest tests/fuzz"
        )
        return 2
    broken = 0
    for name in asked.targets or TARGETS:
        broken += one_target(TARGETS[name], asked)
    return 1 if broken else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="all of them when none is named"
    )
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each target")
    parser.add_argument("--seconds", type=float, default=3600, help="at most, of each target")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--no-corpus", action="store_true", help="leave the corpus as it is")
    parser.add_argument("--no-growth", action="store_true", help="leave longest inputs out")
    parser.add_argument("--no-report", action="store_true", help="leave the report as it is")
    return parser.parse_args()


def one_target(target: Target, asked: argparse.Namespace) -> int:
    """Runs a target and writes down what came of it; how many things it broke."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        folder = Path(made)
        found = run(target, asked, folder)
        if not asked.no_growth:
            found["growth"] = growth.measure(target)
        if not asked.no_corpus and not found["finds"]:
            inputs = [path.read_bytes() for path in sorted((folder / "corpus").iterdir())]
            found["kept"] = keep(target, inputs)
    found["at"] = datetime.now(UTC).isoformat(timespec="minutes")
    say(
        f"{target.name}: {found['inputs']:,} inputs, {found['rate']:,.0f}/s, "
        f"{found['coverage']} edges, slowest {found['slowest'] * 1000:.0f} ms, "
        f"{len(found['finds'])} finds"
    )
    for find in found["finds"]:
        say(f"  {find['key']} ({find['n']}×): {bytes_of(find['input'])[:200]!a}")
        say("    " + find["told"].strip().replace("\n", "\n    "))
    if not asked.no_report:
        report.add(target.name, found)
    return len(found["finds"])


def run(target: Target, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A target in its process; what it answered, or that it never did."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(inputs_of(target)):
        (corpus / f"{number:04}").write_bytes(data)
    told = {
        "target": target.name,
        "folder": str(folder),
        "inputs": asked.inputs,
        "seconds": asked.seconds,
        "seed": asked.seed or time.time_ns() % 2**31,
    }
    before = os.getloadavg()[0]
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.child", json.dumps(told)],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            timeout=asked.seconds + 600,
            check=False,
        )
    said = (folder / "log").read_text("utf-8", "replace")
    answer = folder / "answer.json"
    found: dict[str, Any] = {
        "inputs": 0, "seconds": 1.0, "cpu": 0.0, "slowest": 0.0, "memory": 0.0, "finds": [],
    }  # fmt: skip
    if answer.is_file():
        found = json.loads(answer.read_text())
    else:
        left = [*folder.glob("timeout-*"), *folder.glob("oom-*"), *folder.glob("crash-*")]
        data = left[0].read_bytes() if left else b""
        key = left[0].name.partition("-")[0] if left else f"ended with {done.returncode}"
        line = data[:20_000].decode("latin-1").encode("unicode_escape").decode()
        found["finds"] = [{"key": key, "input": line, "told": said[-3000:], "n": 1}]
    pulses = PULSE.findall(said)
    coverage, features, _ = map(int, pulses[-1]) if pulses else (0, 0, 0)
    found |= {
        "coverage": coverage,
        "features": features,
        "rate": found["inputs"] / max(found["seconds"], 0.001),
        "load": [before, os.getloadavg()[0]],
        "nice": os.nice(0),
    }
    return found


if __name__ == "__main__":
    sys.exit(main())
