"""The application on a loopback port, for tests that need a real connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from flask import Flask
from werkzeug.serving import make_server

from tests.support.databases import release
from trace.config import Settings


@dataclass(frozen=True, slots=True)
class LiveServer:
    """`url` has no slash at its end; `app` is the application that answers."""

    url: str
    app: Flask


@contextmanager
def running_application(settings: Settings) -> Iterator[LiveServer]:
    """Serves the application from a thread; its `public_url` is the address it really has."""
    from trace.app import create_app  # late: unit tests start without the whole application

    chosen = make_server("127.0.0.1", 0, Flask("port"), threaded=True)
    url = f"http://127.0.0.1:{chosen.port}"
    application = create_app(replace(settings, public_url=url))
    chosen.app = application
    thread = threading.Thread(target=chosen.serve_forever, name="live-server", daemon=True)
    thread.start()
    try:
        yield LiveServer(url, application)
    finally:
        chosen.shutdown()
        thread.join()
        chosen.server_close()
        release(application)
