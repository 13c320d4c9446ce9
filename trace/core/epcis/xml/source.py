"""The characters of a document, made safe to parse: nothing is left that a parser could expand.

Rules, in the order they are tested:
1. at most `max_bytes` bytes
2. the encoding is UTF-8, UTF-16, US-ASCII or ISO-8859-1, by its byte order mark or declaration,
   and both say the same (XML 1.0 §4.3.3); every byte is of it
3. the version is XML 1.0
4. a document type declaration is at most a bare name, which declares nothing and is cut out. One
   with an internal subset, a system or a public identifier is refused. So no parser ever sees a
   DTD: no entities but XML's own five, no defaulted attributes, nothing to fetch.
"""

from __future__ import annotations

import re
from typing import Final

from trace.core.epcis.xml.errors import BadEncoding, BadXml, DtdNotAllowed
from trace.errors import Refused, TooLarge

_SAID: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso_8859-1": "latin-1",
    "latin1": "latin-1",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_MARKS: Final = (
    (b"\x00\x00\xfe\xff", ""),
    (b"\xff\xfe\x00\x00", ""),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_DECLARATION: Final = re.compile(
    r"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'([^'<]{0,20})'|\"([^\"<]{0,20})\")"
    r"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'([^'<]{0,60})'|\"([^\"<]{0,60})\"))?"
    r"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|\"(?:yes|no)\"))?[ \t\r\n]*\?>"
)
_BARE_DOCTYPE: Final = re.compile(r"<!DOCTYPE[ \t\r\n]+[\w:.\-]{1,200}[ \t\r\n]*>")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NOT_LINE: Final = re.compile(r"[^\n]")
_LONGEST_DECLARATION: Final = 400


def is_xml(data: bytes) -> bool:
    """Whether the bytes begin as XML does, in any encoding: JSON cannot begin with `<`."""
    return data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] == b"<"


def text_of(data: bytes, *, max_bytes: int) -> str:
    """The document without declaration and document type, line for line as it was.

    Raises Refused: TooLarge, BadEncoding, BadXml, DtdNotAllowed.
    """
    if len(data) > max_bytes:
        raise Refused([TooLarge(limit=f"{max_bytes} bytes")])
    text = _decoded(data)
    found = _DECLARATION.match(text)
    start = 0
    if found:
        if (found[1] or found[2]) != "1.0":
            raise Refused([BadXml(problem="only version 1.0 of XML is read")])
        start = found.end()
    elif text.startswith("<?xml") and text[5:6] in " \t\r\n":
        raise Refused([BadXml(problem="the XML declaration is not as it should be")])
    return _NOT_LINE.sub(" ", text[:start]) + _without_doctype(text, start)


def _decoded(data: bytes) -> str:
    marked = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), None)
    if marked:
        mark, encoding = marked
        body = data[len(mark) :]
    else:
        body = data
        encoding = {b"\x00<": "utf-16-be", b"<\x00": "utf-16-le"}.get(data[:2], "")
    if marked and not encoding:
        raise Refused([BadEncoding(problem="UTF-32 is not read")])
    said = _declared(body, encoding)
    if said:
        named = _SAID.get(said.lower())
        if named is None:
            raise Refused([BadEncoding(problem=f"{said[:40]!a} is not read; send UTF-8")])
        agree = named == (encoding or named) or (named == "utf-16" and encoding[:6] == "utf-16")
        if not agree or (named[:6] == "utf-16" and not encoding):
            raise Refused([BadEncoding(problem=f"it is declared as {said} and is not")])
        encoding = encoding or named
    try:
        return body.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not {encoding or 'utf-8'}"
        raise Refused([BadEncoding(problem=problem)]) from None


def _declared(body: bytes, encoding: str) -> str:
    """The encoding the declaration names, or nothing; every encoding read here shows it."""
    head = body[: 2 * _LONGEST_DECLARATION].decode(encoding or "latin-1", "replace")
    found = _DECLARATION.match(head)
    return (found[3] or found[4] or "") if found else ""


def _without_doctype(text: str, start: int) -> str:
    """Comments and instructions before the root stay; one bare document type becomes blanks."""
    at, bare = start, None
    while True:
        found = _SPACE.match(text, at)
        at = found.end() if found else at
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4) + 3
        elif text.startswith("<?", at):
            end = text.find("?>", at + 2) + 2
        elif text.startswith("<!DOCTYPE", at):
            if bare or not (bare := _BARE_DOCTYPE.match(text, at)):
                raise Refused([DtdNotAllowed()])
            end = bare.end()
        else:
            break
        if end <= at:
            break  # never closed: the parser says so
        at = end
    if not bare:
        return text[start:]
    return text[start : bare.start()] + _NOT_LINE.sub(" ", bare[0]) + text[bare.end() :]
