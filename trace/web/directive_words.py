"""Words of directives, for the authority's pages and for the units'."""

from __future__ import annotations

from typing import IO

from flask import Response, request
from flask_babel import gettext

from trace.models import DirectiveFile
from trace.services import directive_files

Tag = tuple[str, str]


def state_tag(state: str) -> Tag:
    """(kind of tag, words) of a directive."""
    words: dict[str, Tag] = {
        "open": ("wait", gettext("đang chờ trả lời")),
        "closed": ("ok", gettext("đã kết thúc")),
        "withdrawn": ("neutral", gettext("đã rút")),
    }
    return words.get(state, ("neutral", state))


def unit_tag(state: str) -> Tag:
    """(kind of tag, words) of one unit's part."""
    words: dict[str, Tag] = {
        "sent": ("wait", gettext("chưa xem")),
        "seen": ("wait", gettext("đã xem, chưa trả lời")),
        "answered": ("info", gettext("đã trả lời")),
        "accepted": ("ok", gettext("đã chấp nhận")),
        "returned": ("warn", gettext("phải làm lại")),
    }
    return words.get(state, ("neutral", state))


def sent_files() -> list[tuple[str, IO[bytes]]]:
    """The files of the present request, without the empty box."""
    return [
        (file.filename or "", file.stream)
        for file in request.files.getlist("files")
        if file.filename
    ]


def file_response(file: DirectiveFile) -> Response:
    """A paper to be saved, never opened in the page and kept by no cache."""
    response = Response(directive_files.fetch(file.digest), mimetype=file.media_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.set("Content-Disposition", "attachment", filename=_plain(file))
    return response


def _plain(file: DirectiveFile) -> str:
    ending = "pdf" if file.media_type == directive_files.PDF else "jpg"
    return f"directive-{file.directive_id}-{file.id}.{ending}"
