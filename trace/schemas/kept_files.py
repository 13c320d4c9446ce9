"""Kept files as answers: photos whole, what jobs wrote in pieces. Whoever calls has decided
that the one who asks may have it."""

from __future__ import annotations

from flask import Response, request, send_file

from trace.services.attachments import MEDIA_TYPE, photo_name, read_kept
from trace.services.files import FileMissing, Folder, files


def send_photo(digest: str, *, thumbnail: bool = False, cache: str) -> Response:
    """A photo, or 304 for a browser that has it. Raises NotFound, PhotoTakenDown, FileBroken."""
    known = request.if_none_match.contains(digest)
    if known and files().facts(photo_name(digest, thumbnail=thumbnail)) is None:
        raise FileMissing
    data = b"" if known else read_kept(digest, thumbnail=thumbnail)
    response = Response(data, mimetype=MEDIA_TYPE)
    response.set_etag(digest)
    response.headers["Cache-Control"] = cache
    response.make_conditional(request)
    return response


def send_kept(name: str, kind: str, saved_as: str, *, attached: bool = False) -> Response:
    """A file that a job wrote, of this media type, to be saved under this name; never kept by a
    cache. Raises FileMissing, FilesAway."""
    place = files()
    if isinstance(place, Folder):
        # The server may hand the file itself to the network.
        answer = send_file(
            place.path(name), mimetype=kind, as_attachment=attached, download_name=saved_as
        )
    else:
        opened = place.open(name)
        answer = Response(opened.chunks, mimetype=kind)
        answer.content_length = opened.size
        way = "attachment" if attached else "inline"
        answer.headers.set("Content-Disposition", way, filename=saved_as)
    answer.headers["Cache-Control"] = "no-store"
    return answer
