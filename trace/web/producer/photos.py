"""Photos by the digest of their content. They never change, but they may be taken down: browsers
and caches may keep them for an hour, then ask again (304, or 410 when they are gone)."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Attachment
from trace.schemas.kept_files import send_photo
from trace.services.attachments import check_standing

blueprint = Blueprint("photos", __name__, url_prefix="/photos")

AN_HOUR = "public, max-age=3600"


@blueprint.get("/<digest>.jpg")
def show(digest: str) -> ResponseReturnValue:
    """The picture."""
    return _send(digest, thumbnail=False)


@blueprint.get("/small/<digest>.jpg")
def small(digest: str) -> ResponseReturnValue:
    """Its thumbnail."""
    return _send(digest, thumbnail=True)


def _send(digest: str, *, thumbnail: bool) -> ResponseReturnValue:
    check_standing(digest)
    row = db.session.get(Attachment, digest)
    if row is None or not row.public:
        raise NotFound
    return send_photo(digest, thumbnail=thumbnail, cache=AN_HOUR)
