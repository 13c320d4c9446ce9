"""Servers that the operator's settings name (copies of the log, witnesses, a gateway, a portal):
asked at the address that was named, and nowhere else."""

from __future__ import annotations

import urllib.request
from typing import IO, Any, Final


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """One that moved must be told to us by its owner, not by whoever answers: a redirect is an
    HTTPError of its status."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def open_named(request: urllib.request.Request, *, timeout: float) -> IO[bytes]:
    """The answer of 2xx, to be closed by the caller. Raises HTTPError, OSError, HTTPException,
    ValueError. The address is http or https: who read the setting has checked that."""
    answer: IO[bytes] = _OPENER.open(request, timeout=timeout)
    return answer
