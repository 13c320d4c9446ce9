from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def free_port_taken() -> Iterator[int]:
    """A loopback port somebody already listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]
