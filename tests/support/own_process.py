"""Processes of their own that tests start by the dozen: forked from one that has imported all.

To import the application takes a new process two seconds, most of what a race costs; a fork of one
that has done so, thousandths of a second. That one has one thread and has opened nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

_FORKED = get_context("forkserver")
_FORKED.set_forkserver_preload(
    [f"tests.support.{name}" for name in ("killed", "log_processes", "races")]
)


class OwnProcess:
    """`main(*words)` of a module, in a process of its own, with pipes to it as text."""

    def __init__(self, module: str, *words: str) -> None:
        number, errors = tempfile.mkstemp(prefix="trace-errors-")
        self.errors = os.fdopen(number)
        self._errors = Path(errors)
        stdin, to = _FORKED.Pipe(duplex=False)
        of, stdout = _FORKED.Pipe(duplex=False)
        self._process = _FORKED.Process(
            target=_run, args=(module, words, stdin, stdout, self._errors), daemon=True
        )
        self._process.start()
        self.stdin = os.fdopen(os.dup(to.fileno()), "w")
        self.stdout = os.fdopen(os.dup(of.fileno()))
        for end in (stdin, to, of, stdout):
            end.close()

    def whole(self, seconds: float = 240) -> str:
        """All that it says until it ends. Fails with its last errors where it ends badly."""
        said = self.stdout.read()
        self._process.join(seconds)
        assert self._process.exitcode == 0, self.errors.read()[-4000:]
        self.close()
        return said

    def end(self) -> None:
        """Kills it, whatever it does."""
        self._process.kill()
        self._process.join(30)
        self.close()

    def close(self) -> None:
        for file in (self.stdin, self.stdout, self.errors):
            file.close()
        self._errors.unlink(missing_ok=True)


def _run(
    module: str, words: tuple[str, ...], stdin: Connection, stdout: Connection, errors: Path
) -> None:
    for number, source in enumerate((stdin, stdout)):
        os.dup2(source.fileno(), number)
        source.close()
    with errors.open("wb") as file:
        os.dup2(file.fileno(), 2)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, buffering=1, closefd=False)
        for number, mode in enumerate(("r", "w", "w"))
    )
    main: Callable[..., None] = import_module(module).main
    main(*words)
