"""A Redis of a test's own on a loopback port: nothing is written to a disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


class RedisServer:
    """A running server; `stop` ends it at once, `start` begins it anew on the same port, empty."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
        self._program = program
        self._folder = folder
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> redis.Redis:
        """A client of the test's own."""
        patient = Retry(ConstantBackoff(0.02), 250)
        return redis.Redis.from_url(
            self.url, retry=patient, retry_on_error=[redis.ConnectionError], protocol=2
        )

    def start(self) -> None:
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._running = subprocess.Popen(
            [self._program, *place, "--save", "", "--appendonly", "no", "--loglevel", "warning"],
            stdout=subprocess.DEVNULL,
        )
        with self.client as client:
            client.ping()  # tried again until it listens

    def freeze(self) -> None:
        """It takes connections and answers none."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """A server while the block lasts."""
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
