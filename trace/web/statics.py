"""Files under /static: compressed once and kept in memory, and kept for long by browsers.

Rules.
1. An answer is brotli or gzip where the browser takes it and the file gets smaller by it (RFC 9110,
   section 12.5.3), with `Vary: Accept-Encoding` in either case.
2. The ETag is the file's content; it is weak, for the compressed forms are the same file.
3. An address that names the content (`?v=` as `trace.web.pages.asset` writes it) is kept for a year
   and never asked for again; any other is asked for again each time and mostly answered with 304.
4. A file that has changed on the disk is read anew: in development nothing needs restarting.
"""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import brotli  # type: ignore[import-untyped]  # ships no stubs
from flask import Flask, Response, abort, current_app, request
from werkzeug.security import safe_join

FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
# What compression does nothing for: pictures are compressed already.
WHOLE: Final = frozenset({".png", ".jpg", ".webp", ".woff2", ".gz", ".zip"})
TYPES: Final = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file in its encodings: "" for as it is, `br`, `gzip`; `stamp` names its content."""

    stamp: str
    media_type: str
    bodies: dict[str, bytes]


def register_statics(app: Flask) -> None:
    """Answers the framework's own address for static files with ours."""
    app.view_functions["static"] = send


def send(filename: str) -> Response:
    """The file, 304, or 404; rules 1 to 3."""
    file = find(str(current_app.static_folder), filename)
    if file is None:
        abort(404)
    encoding = next(
        (one for one in ("br", "gzip") if one in file.bodies and _takes(one)),
        "",
    )
    response = Response(file.bodies[encoding], content_type=file.media_type)
    response.headers["Cache-Control"] = (
        FOR_EVER if request.args.get("v") == file.stamp else ASK_AGAIN
    )
    response.headers["Vary"] = "Accept-Encoding"
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.set_etag(file.stamp, weak=True)
    response.make_conditional(request)
    return response


def _takes(encoding: str) -> bool:
    return request.accept_encodings.quality(encoding) > 0


def stamp_of(folder: str, filename: str) -> str:
    """What names the file's content in an address; "" where there is no such file."""
    file = find(folder, filename)
    return "" if file is None else file.stamp


def find(folder: str, filename: str) -> StaticFile | None:
    """The file below the folder, as it is on the disk now (rule 4)."""
    path = safe_join(folder, filename)
    if path is None:
        return None
    try:
        state = Path(path).stat()
        return _read(path, state.st_mtime_ns, state.st_size)
    except (OSError, ValueError):  # none, a folder, or a name that no file can have
        return None


@lru_cache(maxsize=256)
def _read(path: str, _mtime: int, _size: int) -> StaticFile:
    data = Path(path).read_bytes()
    suffix = Path(path).suffix
    bodies = {"": data}
    if suffix not in WHOLE:
        # The best there is: each file is compressed once in the life of a process.
        made = {
            "br": brotli.compress(data, mode=brotli.MODE_TEXT, quality=11),
            "gzip": gzip.compress(data, 9, mtime=0),
        }
        bodies |= {name: body for name, body in made.items() if len(body) < len(data)}
    kind = TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind == "image/svg+xml":
        kind += "; charset=utf-8"
    return StaticFile(sha256(data).hexdigest()[:16], kind, bodies)
