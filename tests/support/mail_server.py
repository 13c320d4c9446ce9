"""An SMTP server that keeps what it is given, and whatever server in a thread of its own."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a sender asks for."""

    refusal = b""
    taken: list[bytes] = []  # noqa: RUF012
    connections = 0

    def handle(self) -> None:
        Smtp.connections += 1
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part
                self.taken.append(body)
            if word == b"RCPT" and self.refusal:
                self.wfile.write(self.refusal)
                continue
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


def letters() -> list[EmailMessage]:
    """What was taken so far."""
    return [message_from_bytes(one.replace(b"\r\n..", b"\r\n."), policy=SMTP) for one in Smtp.taken]


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(str(server.server_address[1]))  # type: ignore[index]  # of an internet server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
