"""Codes by which somebody without an account comes back to what they sent: 80 bits that nobody
guesses, of which we keep a digest."""

from __future__ import annotations

import hashlib
import hmac

from trace.core.gs1 import check_serial, new_serial
from trace.services.settings import current_settings


def code_for(noun: str, once: str) -> str:
    """16 characters that follow from a form's one-time key and our secret: a form sent twice is
    told the same code, which we do not keep. `noun` keeps the codes of two kinds of forms apart."""
    secret = current_settings().secret_key.encode()
    made = hmac.new(secret, f"trace {noun}\n".encode() + once.encode(), hashlib.sha256).digest()
    return new_serial(lambda count: made[:count])


def read_code(typed: str) -> str:
    """The code as it was given out, of what was typed. Raises CodeLength, CodeCharacter."""
    return check_serial("".join(c for c in typed if c.isalnum()))


def digest_of(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).digest()
