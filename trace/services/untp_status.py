"""Bitstring status lists (W3C Bitstring Status List 1.0): which credentials no longer count.

A list has 131,072 places, so that one credential hides among them; places are drawn at random. Bit
0 is the leftmost of the first byte; the string is compressed by GZIP and written as multibase
base64url without padding ("u"). Two lists of the same places: `revocation` is for good,
`suspension` stands while a recall or a hold stands on the goods and ends with it.

Pure: bits in, text out, and back.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from trace.clock import rfc3339
from trace.core.signing import JsonObject, b64url, unb64url
from trace.errors import TraceError
from trace.services.untp_documents import VC

PLACES: Final = 131_072
PURPOSES: Final = ("revocation", "suspension")
VALID: Final = timedelta(days=2)


class BadStatusList(TraceError):
    code = "bad-status-list"
    message = "This is no bitstring status list of %(places)d places or more."


def encode(places: Collection[int]) -> str:
    """The encoded list with these places set. Raises IndexError beyond the list."""
    bits = bytearray(PLACES // 8)
    for place in places:
        if not 0 <= place < PLACES:
            raise IndexError(place)
        bits[place // 8] |= 0x80 >> place % 8
    # mtime 0: the same bits are the same text.
    return "u" + b64url(gzip.compress(bytes(bits), 9, mtime=0))


def decode(text: str) -> frozenset[int]:
    """The places set in an encoded list. Raises BadStatusList."""
    if not text.startswith("u") or len(text) > PLACES:
        raise BadStatusList(places=PLACES)
    try:
        packed = unb64url(text[1:])
        with gzip.open(io.BytesIO(packed)) as file:
            bits = file.read(16 * PLACES)  # never more than was promised, whatever it unpacks to
    except (TraceError, OSError, EOFError, ValueError, zlib.error) as error:
        raise BadStatusList(places=PLACES) from error
    if len(bits) * 8 < PLACES:
        raise BadStatusList(places=PLACES)
    return frozenset(
        number * 8 + bit
        for number, byte in enumerate(bits)
        if byte
        for bit in range(8)
        if byte & (0x80 >> bit)
    )


def status_credential(
    address: str, purpose: str, places: Collection[int], *, issuer: str, day: datetime
) -> JsonObject:
    """The list as a credential (unsigned), good for VALID from `day`."""
    return {
        "@context": [VC],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": rfc3339(day),
        "validUntil": rfc3339(day + VALID),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encode(places),
        },
    }
