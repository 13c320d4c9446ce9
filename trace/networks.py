"""Whom limits count: an address is one of many that the same sender may use.

A network is the first 24 bits of an IPv4 address, the first 48 of an IPv6 address: what one
household, office or carrier's exit has. A sender has the whole of an IPv4 address, but 64 bits of
an IPv6 address: within these a phone changes it as it likes, and so does whoever wants to be
counted as many (RFC 8981; RFC 6177 on what is handed out).
"""

from __future__ import annotations

import re
import socket
from typing import Final

_IPV4: Final = re.compile(r"(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.(\d{1,3})", re.ASCII)


def network_of(address: str) -> str:
    """The network of an address, as text; what is no address stands for itself."""
    four = _IPV4.fullmatch(address)
    return f"{four[1]}.0/24" if four else _prefix(address, 48)


def sender_of(address: str) -> str:
    """One connection: the whole of an IPv4 address, 64 bits of an IPv6 address, within which a
    phone changes it as it likes."""
    four = _IPV4.fullmatch(address)
    return f"{four[1]}.{four[2]}" if four else _prefix(address, 64)


def _prefix(address: str, bits: int) -> str:
    try:
        raw = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):  # ValueError: a zero byte, or no ASCII
        return address[:45]
    kept = raw[: bits // 8].ljust(len(raw), b"\0")
    return f"{socket.inet_ntop(socket.AF_INET6, kept)}/{bits}"
