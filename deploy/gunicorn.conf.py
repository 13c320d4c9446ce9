"""gunicorn's own settings where several processes share one /metrics:
`gunicorn -c deploy/gunicorn.conf.py wsgi:app …`. Everything else stays on the command line.

The folder of figures is made anew at each start of the server; reloading keeps it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

FOLDER = Path(
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR",
        str(Path(os.environ.get("TRACE_INSTANCE", "instance")).absolute() / "metrics"),
    )
)


def on_starting(server: Any) -> None:
    """Once, before any worker: what an earlier run left would be counted again."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, mode=0o700)


def child_exit(server: Any, worker: Any) -> None:
    """A worker is gone: what it counted stays in the sums."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # its own
