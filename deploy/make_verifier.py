"""`make verifier`: trace-verify.pyz, the verifier as one file that anybody can run.

It holds the pure core and nothing else: no web server, no database, no network. Two runs on any two
machines give the same bytes: names sorted, one date, nothing compressed. It needs Python 3.11 or
later with `cryptography` and `orjson` (a zipapp cannot carry compiled libraries).
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the verifier imports; a test runs it with nothing else in reach.
PACKAGES = ("gs1", "history", "signing", "statements", "tlog", "verify")
DATE = (1980, 1, 1, 0, 0, 0)
SHEBANG = b"#!/usr/bin/env python3\n"
MAIN = '''\
"""Checks bundles and copies of the log, offline: `python trace-verify.pyz --help`."""

import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):
        print("trace-verify needs Python 3.11 or later.", file=sys.stderr)
        raise SystemExit(2)
    try:
        import cryptography
        import orjson
    except ImportError as error:
        print(f"trace-verify needs {error.name}: pip install cryptography orjson", file=sys.stderr)
        raise SystemExit(2) from None

    from datetime import datetime, timezone

    from trace.core.verify.program import main

    raise SystemExit(main(now=datetime.now(timezone.utc)))
'''


def members() -> Iterator[tuple[str, bytes]]:
    """(name in the archive, content), sorted by name."""
    core = ROOT / "trace" / "core"
    files = [ROOT / "trace" / name for name in ("__init__.py", "errors.py")]
    files += [core / name for name in ("__init__.py", "remembering.py")]
    for package in PACKAGES:
        files += (core / package).rglob("*.py")
    found = {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in files}
    found["__main__.py"] = MAIN.encode()
    found["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    yield from sorted(found.items())


def make() -> bytes:
    """The bytes of trace-verify.pyz."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as made:
        for name, content in members():
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = 0o644 << 16
            info.create_system = 3  # the same on every system
            made.writestr(info, content)
    return SHEBANG + archive.getvalue()


def main(path: Path) -> None:
    """Writes the file and prints its digest."""
    data = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755)
    sys.stdout.write(f"{sha256(data).hexdigest()}  {path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "trace-verify.pyz")
