"""The public log: checkpoint, tiles and proofs, for anyone and any cache (C2SP tlog-tiles)."""

from __future__ import annotations

from flask import Blueprint, Response

from trace.services.log_reading import read_checkpoint_note, read_proof, read_tile

bp = Blueprint("log", __name__, url_prefix="/log")
TEXT = "text/plain; charset=utf-8"


@bp.after_request
def readable_elsewhere(response: Response) -> Response:
    """Verifiers served by others read the log from their own pages."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@bp.get("/checkpoint")
def checkpoint() -> Response:
    """The newest signed checkpoint."""
    response = Response(read_checkpoint_note(), content_type=TEXT)
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/tile/<path:rest>")
def tile(rest: str) -> Response:
    """A tile of hashes or a bundle of entries; full ones never change."""
    data, full = read_tile(f"tile/{rest}")
    response = Response(data, content_type="application/octet-stream")
    response.headers["Cache-Control"] = (
        "public, max-age=31536000, immutable" if full else "public, max-age=60"
    )
    return response


@bp.get("/proof/<int:index>")
def proof(index: int) -> Response:
    """The inclusion proof of one entry, with the checkpoint it leads to."""
    response = Response(read_proof(index), content_type=TEXT)
    response.headers["Cache-Control"] = "no-cache"
    return response
