"""One-time codes of an authenticator application (RFC 4226, HOTP; RFC 6238, TOTP).

1. A code is HMAC(secret, counter as eight bytes, big-endian), cut to 31 bits at the place that the
   last four bits of it name, and of those the last decimal digits (RFC 4226, 5.3).
2. The counter is the number of whole steps of thirty seconds since 1970 (RFC 6238, 4.2).
3. What is taken: the code of this step, of the one before and of the one after, for clocks that
   differ and people who type (5.2); never that of a step at or before one already used (5.2, "MUST
   NOT accept the second attempt").
4. Secrets are of 160 bits (RFC 4226, 4, R6: 160 are recommended), shown in base32.

Ours are SHA-1, six digits, thirty seconds: what every application reads. HMAC does not lean on the
hash's resistance to collisions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP: Final = 30
DIGITS: Final = 6
AROUND: Final = (0, -1, 1)
SECRET: Final = 20


def new_secret(randbytes: Callable[[int], bytes]) -> bytes:
    """A secret of 160 bits (rule 4)."""
    return randbytes(SECRET)


def secret_text(secret: bytes) -> str:
    """The secret as people type it into an application: base32 in groups of four."""
    plain = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(plain[place : place + 4] for place in range(0, len(plain), 4))


def setup_address(secret: bytes, account: str, issuer: str) -> str:
    """What the code on the screen says to the application: `otpauth://totp/ISSUER:ACCOUNT?…`."""
    label = quote(f"{issuer}:{account}", safe="")
    told = urlencode({"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": issuer})
    return f"otpauth://totp/{label}?{told}"


def hotp(secret: bytes, counter: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """The code of a counter (rule 1)."""
    made = hmac.new(secret, counter.to_bytes(8), getattr(hashlib, digest)).digest()
    place = made[-1] & 0x0F
    number = int.from_bytes(made[place : place + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def step_of(at: datetime) -> int:
    """The number of a moment's step (rule 2)."""
    return int(at.timestamp()) // STEP


def matching_step(secret: bytes, typed: str, at: datetime, *, after: int) -> int | None:
    """The step whose code was typed, among those that count at `at` and come after the step
    `after` (rule 3); None where it is no code of them. All are compared, in constant time."""
    now = step_of(at)
    told = typed.encode("utf-8", "surrogatepass")
    found = None
    for away in AROUND:
        step = now + away
        same = hmac.compare_digest(hotp(secret, max(step, 0)).encode(), told)
        if same and step > after and found is None:
            found = step
    return found
