"""Rendered bodies, compressed once and kept in memory: a scan usually only looks one up.

A body depends on the thing asked for, the version of its passport, the alerts that stand, the
language, the page, and whether the log has published its last line: that is the key, and a digest
of it the ETag. Nothing here goes stale: another version is another key.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Hashable
from functools import cache, lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

import brotli  # type: ignore[import-untyped]  # ships no stubs
from flask import Request
from werkzeug.http import parse_accept_header

# About 9 kB a page: a few thousand that are scanned again and again.
MAX_BYTES: Final = 32 * 1024 * 1024
AROUND: Final = 1536  # bytes beside a page's own
ROOT: Final = Path(__file__).resolve().parents[3]
MADE_WITH: Final = (
    *("templates/scan/*", "static/scan/*", "trace/web/scan/*.py", "trace/translations/*/*.po"),
    *("trace/services/vocabulary.py", "trace/services/notice_words.py", "trace/data/outline.tsv"),
)


Fields = tuple[tuple[str, str], ...]


class Body:
    """One page with all its headers, kept as phones ask for it: in brotli, a fifth of its length.
    The other encodings are made from that, gzip when somebody first asks, no encoding each time."""

    __slots__ = ("_brotli", "_fields", "_known", "_sent", "etag", "size")

    def __init__(self, html: bytes, etag: str, fields: Fields = ()) -> None:
        self.etag = etag
        self._brotli = compressed(html, "br")
        self._fields = [("ETag", etag), *fields]
        self._known = [field for field in self._fields if field[0] != "Content-Language"]
        self._sent = {"br": (self._brotli, self._described("br", self._brotli))}
        # Gzip takes a tenth more than brotli; the rest are the headers and what holds it all.
        self.size = 2 * len(self._brotli) + AROUND

    @property
    def html(self) -> bytes:
        """The page as it was made."""
        return bytes(brotli.decompress(self._brotli))

    def sent(self, encoding: str) -> tuple[bytes, list[tuple[str, str]]]:
        """The bytes in an encoding (`br`, `gzip` or "") and the headers that go with them."""
        found = self._sent.get(encoding)
        if found is None:
            data = compressed(self.html, encoding)
            found = data, self._described(encoding, data)
            if encoding:
                self._sent[encoding] = found
        return found

    def is_known_by(self, given: str) -> bool:
        """Whether who sent this If-None-Match has it (RFC 9110, section 13.1.2)."""
        return self.etag in given or given == "*"

    def unchanged(self) -> list[tuple[str, str]]:
        """The headers of a 304: those of the answer, without what describes a body (RFC 9110,
        section 15.4.5)."""
        return self._known

    def _described(self, encoding: str, data: bytes) -> list[tuple[str, str]]:
        fields = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(data)))]
        if encoding:
            fields.append(("Content-Encoding", encoding))
        return [*fields, *self._fields]


def compressed(data: bytes, encoding: str) -> bytes:
    """The bytes in an encoding: `br`, `gzip`, or "" for as they are."""
    if encoding == "br":
        # Quality 9: a page is compressed once and sent many times; 11 costs ten times as much for
        # half a per cent. A window of 64 KiB holds a whole page: with the usual one of 4 MiB the
        # tables it asks for are twenty times the work, for no byte less.
        return bytes(brotli.compress(data, mode=brotli.MODE_TEXT, quality=9, lgwin=16))
    return gzip.compress(data, 8, mtime=0) if encoding == "gzip" else data


class Bodies:
    """One body of each page, the last one made; the least recently used go first; safe for
    threads."""

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, tuple[Body, Hashable]] = OrderedDict()
        self._last: dict[Hashable, Hashable] = {}  # by page: the key of its body
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Body | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, html: bytes, fields: Fields = (), *, page: Hashable) -> Body:
        """Keeps it, in place of the body that its page had before."""
        body = Body(html, etag_of(key), fields)
        with self._lock:
            for one in (key, self._last.get(page, key)):
                self._drop(one)
            self._kept[key] = body, page
            self._last[page] = key
            self._bytes += body.size
            while self._bytes > self.limit and len(self._kept) > 1:
                self._drop(next(iter(self._kept)))
        return body

    def _drop(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= found[0].size
            del self._last[found[1]]

    def newest(self, number: int) -> list[Hashable]:
        """Keys, the last used first."""
        with self._lock:
            return list(islice(reversed(self._kept), number))

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._last.clear()
            self._bytes = 0


def etag_of(key: Hashable) -> str:
    """A weak ETag: the same page in another encoding is the same page."""
    return f'W/"{sha256(release() + repr(key).encode()).hexdigest()[:27]}"'


@cache
def release() -> bytes:
    """A digest of what pages are made with beside their record: phones must not be told that
    nothing has changed when words or looks have."""
    digest = sha256()
    for pattern in MADE_WITH:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.digest()


def encoding_for(request: Request) -> str:
    """`br`, `gzip` or "" by what the client accepts (RFC 9110, section 12.5.3)."""
    return encoding_of(request.headers.get("Accept-Encoding", ""))


@lru_cache(maxsize=1024)
def encoding_of(accepted: str) -> str:
    """The same of the header's text."""
    weights = parse_accept_header(accepted)
    for name in ("br", "gzip"):
        if weights.quality(name) > 0:
            return name
    return ""
