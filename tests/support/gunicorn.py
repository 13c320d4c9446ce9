"""The server of `make run`, on a loopback port: gunicorn with its own processes, in earnest."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from ipaddress import IPv4Address
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """A server and its processes."""

    port: int
    process: subprocess.Popen[str]
    workers: tuple[int, ...]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it and waits. SIGKILL goes to every process, as when the power fails."""
        for pid in (self.process.pid, *self.workers) if how == signal.SIGKILL else ():
            os.kill(pid, how)
        if how != signal.SIGKILL:
            self.process.send_signal(how)
        self.process.wait(timeout=30)

    def cpu(self) -> float:
        """Seconds of CPU its workers have used (proc(5), fields 14 and 15)."""
        ticks = 0
        for pid in self.workers:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    target: str, environment: Mapping[str, str], *, workers: int = 2, threads: int = 8
) -> Iterator[Running]:
    """Serves `module:app` until the block ends; ready when every worker answers."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", target),
            *("--bind", "127.0.0.1:0", "--workers", str(workers), "--threads", str(threads)),
            *("--worker-class", "gthread", "--no-control-socket", "--log-level", "info"),
            *("--graceful-timeout", "10"),
        ],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port, found = 0, []
        for line in process.stderr or ():
            if "Listening at" in line:
                port = int(line.split("127.0.0.1:")[1].split()[0].rstrip("/"))
            if "Booting worker with pid" in line:
                found.append(int(line.rsplit(maxsplit=1)[1]))
            if port and len(found) == workers:
                break
        if len(found) < workers:
            raise RuntimeError(f"{target} did not start")
        _wait_for(port)
        yield Running(port, process, tuple(found))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        if process.stderr is not None:
            process.stderr.close()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/")
            connection.getresponse().read()
            connection.close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def beacon(page: str, visitor: int, body: bytes = b"") -> bytes:
    """The bytes of one phone's beacon for a page, behind one proxy; each visitor has an address of
    its own."""
    address = str(IPv4Address(0x0B000000 + visitor))
    return (
        f"POST {page} HTTP/1.1\r\nHost: trace.example\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: text/plain;charset=UTF-8\r\nOrigin: http://trace.example\r\n"
        "User-Agent: Mozilla/5.0 (Linux; Android 10; K) Chrome/157.0.0.0 Mobile Safari/537.36\r\n"
        "Accept-Language: vi-VN,vi;q=0.9\r\nSec-Fetch-Site: same-origin\r\n"
        "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n"
        f"X-Forwarded-For: {address}\r\n\r\n"
    ).encode() + body


def send(port: int, requests: Sequence[bytes], connections: int = 8) -> int:
    """Sends them over so many kept connections at once; how many were answered with 204."""
    sockets = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(connections)]
    answered = 0
    for start in range(0, len(requests), connections):
        some = requests[start : start + connections]
        for connection, request in zip(sockets, some, strict=False):
            connection.sendall(request)
        for connection, _ in zip(sockets, some, strict=False):
            answered += _answer(connection).startswith(b"HTTP/1.1 204")
    for connection in sockets:
        connection.close()
    return answered


def _answer(connection: socket.socket) -> bytes:
    """The head of an answer that has no body."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(4096)
        if not part:
            break
        got += part
    return got
