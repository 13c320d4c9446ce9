"""Papers sent as files, to every audience: never kept by a cache."""

from __future__ import annotations

from flask import Response

from trace.schemas.kept_files import send_kept
from trace.services import fsma_files


def send_text(body: bytes | str, kind: str, name: str) -> Response:
    """A file made for this answer, of this media type, to be saved under `name`."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, content_type=kind, headers=headers)


def send_sheet(name: str, form: str) -> Response:
    """A finished spreadsheet of FSMA 204."""
    return send_kept(name, fsma_files.MEDIA_TYPES[form], f"fsma-204.{form}", attached=True)
