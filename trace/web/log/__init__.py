"""The public log: checkpoint, tiles and proofs, for anyone and any cache (C2SP tlog-tiles)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import wraps
from typing import Any

import psycopg
from flask import Blueprint, Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.errors import NotFound
from trace.services.log_reading import read_checkpoint_note, read_growth, read_proof, read_tile
from trace.services.outages import is_outage
from trace.services.replicas import read_from, replica
from trace.services.witnessing import read_policy_text

bp = Blueprint("log", __name__, url_prefix="/log")
TEXT = "text/plain; charset=utf-8"
FOR_EVER = "public, max-age=31536000, immutable"
MINUTE = "public, max-age=60"
# The first log has no number in its addresses; a log begun anew has its own from 2 on.
UNCHANGING = frozenset({"tile", "consistency"})
NEW = "/<int(min=2, max=999999):number>"


@bp.after_request
def readable_elsewhere(response: Response) -> Response:
    """Verifiers served by others read the log from their own pages."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def from_a_replica(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answers from a replica where there is one, and from the primary what that does not have yet.

    What lies under the address of a tile or a proof of growth never changes, so a replica's is as
    good as any; how far the log is, it may say only while it keeps up.
    """

    @wraps(view)
    def answered(*given: Any, **named: Any) -> Response:
        copy = replica()
        if copy is None or g.get("read_from") is not None:  # nobody else can be asked anyway
            return view(*given, **named)
        if copy.rests():  # the primary it is
            return view(*given, **named)
        read_from(copy.engine)
        try:
            good = view.__name__ in UNCHANGING or copy.is_current(clock.now())
            answer = view(*given, **named) if good else None
            copy.answered()
            if answer is not None:
                return answer
        except NotFound:
            copy.answered()
        except (SQLAlchemyError, psycopg.Error) as error:
            if not is_outage(error):
                raise
            copy.rest()
        read_from(None)
        return view(*given, **named)

    return answered


@bp.get("/checkpoint")
@bp.get(f"{NEW}/checkpoint")
@from_a_replica
def checkpoint(number: int = 1) -> Response:
    """The newest signed checkpoint with the cosignatures it has got."""
    response = Response(read_checkpoint_note(number), content_type=TEXT)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/tile/<path:rest>")
@bp.get(f"{NEW}/tile/<path:rest>")
@from_a_replica
def tile(rest: str, number: int = 1) -> Response:
    """A tile of hashes or a bundle of entries; full ones never change."""
    data, full = read_tile(f"tile/{rest}", number)
    response = Response(data, content_type="application/octet-stream")
    if rest.startswith("entries/"):  # hashes do not compress, entries do
        response.headers["Vary"] = "Accept-Encoding"
        if request.accept_encodings["gzip"] > 0:
            response.data = gzip.compress(data, compresslevel=6, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
    # A partial tile never changes either, but it goes once the full one is there.
    response.headers["Cache-Control"] = FOR_EVER if full else MINUTE
    return response


@bp.get("/proof/<int:index>")
@bp.get(f"{NEW}/proof/<int:index>")
@from_a_replica
def proof(index: int, number: int = 1) -> Response:
    """The inclusion proof of one entry, with the checkpoint it leads to (C2SP tlog-proof)."""
    response = Response(read_proof(index, number), content_type=TEXT)
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/consistency/<int:old>/<int:new>")
@bp.get(f"{NEW}/consistency/<int:old>/<int:new>")
@from_a_replica
def consistency(old: int, new: int, number: int = 1) -> Response:
    """The proof that the log of `new` entries continues the log of `old`: a hash a line."""
    response = Response(read_growth(old, new, number).text, content_type=TEXT)
    response.headers["Cache-Control"] = FOR_EVER
    return response


@bp.get("/policy")
def policy() -> Response:
    """The log's keys and witnesses as a policy file (C2SP tlog-policy), for who has none yet."""
    response = Response(read_policy_text(), content_type=TEXT)
    response.headers["Cache-Control"] = MINUTE
    return response
