"""Reports of one part for each database: measuring one leaves the other's as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PART: Final = re.compile(r"^<!-- (\w+) -->\n(.*?)(?=^<!-- \w+ -->\n|\Z)", re.MULTILINE | re.DOTALL)


def put_part(path: Path, head: str, name: str, text: str) -> None:
    """Writes the report anew, `text` its part of this name; parts by name, the last first."""
    parts = dict(PART.findall(path.read_text() if path.exists() else ""))
    parts[name] = text.rstrip() + "\n\n"
    body = "".join(f"<!-- {one} -->\n{parts[one]}" for one in sorted(parts, reverse=True))
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{head}\n{body}".rstrip() + "\n")
