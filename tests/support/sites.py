"""A public web site on this machine: answers over TLS as a script of (status, headers) says."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.push_service import HOST, _certificate

__all__ = ["HOST", "Site", "site"]


@dataclass(slots=True)
class Site:
    """What it answers by path: (status, Location), 200 for what is not named; `slow` paths come
    byte by byte. `asked` is (method, path, headers) of each request."""

    port: int
    authority: Path
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    no_head: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Runs one; its certificate is for HOST and signed by the file `authority`."""
    certificate, key = _certificate(folder)
    found = Site(0, certificate)
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            found.asked.append((self.command, self.path, dict(self.headers)))
            if self.path in found.slow:
                self._drip()
                return
            status, location = found.answers.get(self.path, (200, ""))
            if self.command == "HEAD" and self.path in found.no_head:
                status, location = 405, ""
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            # Nobody who asks reads a body: a very long one costs nothing.
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
            if self.command == "GET":
                with suppress(OSError):
                    self.wfile.write(b"x" * 65_536)

        do_GET = do_HEAD  # noqa: N815 (the name that http.server looks for)

        def _drip(self) -> None:
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not stopping.wait(0.05):
                    self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
