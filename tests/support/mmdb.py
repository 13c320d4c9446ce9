"""A table of networks in the format of MaxMind DB 2.0, as an operator would install one."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

# Numbers that the format wants in more than 16 bits.
WIDE = {"node_count": 6, "build_epoch": 9}
MARK = b"\xab\xcd\xefMaxMind.com"


def write_table(path: Path, networks: dict[str, dict[str, Any]]) -> Path:
    """Networks (IPv4 or IPv6) and their records; none lies in another."""
    data, nodes = b"", [[0, 0]]  # a node's sides: 0 nothing, above 0 a node, below 0 a record
    for text, record in networks.items():
        offset, data = len(data), data + _encode(record)
        network = ipaddress.ip_network(text)
        bits = f"{int(network.network_address):0128b}"
        length = network.prefixlen + (96 if network.version == 4 else 0)
        here = 0
        for place in range(length - 1):
            side = int(bits[place])
            if nodes[here][side] == 0:
                nodes.append([0, 0])
                nodes[here][side] = len(nodes) - 1
            here = nodes[here][side]
        nodes[here][int(bits[length - 1])] = -1 - offset
    count = len(nodes)

    def value(side: int) -> int:
        return count if side == 0 else side if side > 0 else count + 16 + (-1 - side)

    tree = b"".join(struct.pack(">II", value(left), value(right)) for left, right in nodes)
    told = {
        "node_count": count,
        "record_size": 32,
        "ip_version": 6,
        "database_type": "Demo",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_795_000_000,
        "description": {"en": "networks of a test"},
    }
    path.write_bytes(tree + bytes(16) + data + MARK + _encode(told))
    return path


def _encode(value: Any, kind: int = 5) -> bytes:
    """Types 2 (text), 5, 6 and 9 (whole numbers of 16, 32 and 64 bits), 7 (map) and 11 (list) of
    the format's section of data."""
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(kind, len(raw)) + raw
    if isinstance(value, dict):
        inside = b"".join(
            _encode(name) + _encode(one, WIDE.get(name, 5)) for name, one in value.items()
        )
        return _control(7, len(value)) + inside
    return _control(11, len(value)) + b"".join(map(_encode, value))


def _control(kind: int, size: int) -> bytes:
    """A control byte and what follows it; sizes to 284."""
    first = 0 if kind > 7 else kind << 5
    low, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([first | low]) + (bytes([kind - 7]) if kind > 7 else b"") + more
