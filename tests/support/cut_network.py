"""A network between a phone and the server that fails the way real ones do.

It carries bytes over real sockets. `mode`:

  up       everything passes
  down     no connection is answered
  cut      the server gets what is posted and answers it, but the answer breaks off in the middle
  portal   a stranger's page answers everything, as in a café before one has agreed to something
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 32\r\nConnection: close\r\n\r\n"
    b"<!doctype html><h1>WiFi</h1>    "
)
KEPT_OF_A_CUT_ANSWER = 40  # within the status line and the first header


class CutNetwork:
    """The way to `port` on this machine; `url` is where phones connect."""

    def __init__(self, port: int) -> None:
        self.mode = "up"
        self.posts = 0  # how many posts reached the server
        self.sent_bytes = 0  # how much phones sent, headers and all
        self.cut = 0  # how many answers were cut
        self.cut_every = 1  # of the posts while `mode` is "cut"
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="cut-network", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                phone, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(phone,), daemon=True).start()

    def _carry(self, phone: socket.socket) -> None:
        with phone, contextlib.suppress(OSError):
            phone.settimeout(60)
            if self.mode == "down":
                # RST, as from a network that vanished: the phone does not wait.
                phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            asked = _request(phone)
            if not asked:
                return
            if self.mode == "portal":
                phone.sendall(PORTAL)
                return
            post = asked.startswith(b"POST ")
            with self._lock:
                self.posts += post
                self.sent_bytes += len(asked)
                cut = post and self.mode == "cut" and self.posts % self.cut_every == 0
            answer = self._ask(asked)
            with self._lock:
                self.cut += cut
            phone.sendall(answer[:KEPT_OF_A_CUT_ANSWER] if cut else answer)

    def _ask(self, asked: bytes) -> bytes:
        # One request a connection: this small server closes it after its answer.
        head, _, body = asked.partition(b"\r\n\r\n")
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        ]
        with socket.create_connection(("127.0.0.1", self._target), timeout=60) as server:
            server.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
            answer = b""
            while block := server.recv(65536):
                answer += block
        return answer

    def close(self) -> None:
        """No more connections."""
        self._listener.close()


def _request(phone: socket.socket) -> bytes:
    """One whole request, b"" when the phone hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = phone.recv(65536)
        if not block:
            return b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        block = phone.recv(65536)
        if not block:
            return b""
        body += block
    return head + b"\r\n\r\n" + body


@contextmanager
def cut_network(url: str) -> Iterator[CutNetwork]:
    """A network before the server at `url` (http://127.0.0.1:port)."""
    network = CutNetwork(int(url.rpartition(":")[2]))
    try:
        yield network
    finally:
        network.close()
