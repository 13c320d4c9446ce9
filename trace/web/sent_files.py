"""Papers sent as files, to every audience: never kept by a cache."""

from __future__ import annotations

from pathlib import Path

from flask import Response, send_file

from trace.services import fsma_files


def send_text(body: bytes | str, kind: str, name: str) -> Response:
    """A file made for this answer, of this media type, to be saved under `name`."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, content_type=kind, headers=headers)


def send_sheet(path: Path, form: str) -> Response:
    """A finished spreadsheet of FSMA 204."""
    answer = send_file(
        path,
        mimetype=fsma_files.MEDIA_TYPES[form],
        as_attachment=True,
        download_name=f"fsma-204.{form}",
        max_age=0,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
