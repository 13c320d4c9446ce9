"""Photos: read with suspicion, re-encoded without metadata, kept under the name of their content.

What is kept is never what was sent: every photo is decoded, turned upright, made small enough for a
phone and encoded anew as JPEG, so position, camera and anything hidden behind the picture are gone.
A file is named `attachments/{digest[:2]}/{digest}.jpg` (services.files), digest = base64url
SHA-256 of the kept bytes; an event names it in `trace:attachments` by digest, media type and size.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from PIL import Image, ImageOps
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from trace.core.signing import b64url
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Attachment, Takedown
from trace.services.actors import Actor
from trace.services.deadlines import local_day
from trace.services.files import FileBroken, files
from trace.services.records import JsonObject
from trace.services.sets import among, is_sqlite

FORMATS: Final = ("JPEG", "PNG", "WEBP", "MPO")
# 50 megapixels: more than any phone of today stores by default, 150 MB decoded at most.
PIXEL_LIMIT: Final = 50_000_000
# PNG and WebP are decoded whole (two kilobytes can hold fifty megapixels): more than any screen.
WHOLE_LIMIT: Final = 20_000_000
SIDE: Final = 1600
THUMBNAIL_SIDE: Final = 320
QUALITY: Final = 82
MEDIA_TYPE: Final = "image/jpeg"
PHOTO_LIMIT: Final = 6  # of one record
# One at a time in a process: what a picture takes while it is decoded is bounded as a whole.
_decoding: Final = threading.Lock()
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class NotAPhoto(TraceError):
    code = "not-a-photo"
    message = "This file is not a photo that can be read (JPEG, PNG or WebP)."


class PhotoTooLarge(TraceError):
    code = "photo-too-large"
    status = 413
    message = "The photo has %(megapixels)d megapixels; at most %(limit)d are accepted."


class TooManyPhotos(TraceError):
    code = "too-many-photos"
    message = "At most %(limit)d photos can go with one record."


class PhotoTakenDown(TraceError):
    code = "photo-taken-down"
    status = 410
    message = "This photo was taken down on %(day)s."


@dataclass(frozen=True, slots=True)
class Photo:
    """A re-encoded photo: bytes of the picture and of its thumbnail, and its size in pixels."""

    data: bytes
    thumbnail: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        return b64url(hashlib.sha256(self.data).digest())


def _decoded(stream: IO[bytes]) -> Image.Image:
    try:
        with Image.open(stream, formats=FORMATS) as image:
            limit = PIXEL_LIMIT if image.format in ("JPEG", "MPO") else WHOLE_LIMIT
            if image.width * image.height > limit:
                raise PhotoTooLarge(
                    megapixels=image.width * image.height // 1_000_000, limit=limit // 1_000_000
                )
            # JPEG can be decoded at a fraction of its size: a large photo costs a small one's
            # memory.
            image.draft("RGB", (SIDE, SIDE))
            with _decoding:
                return _on_white(ImageOps.exif_transpose(_reduced(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PhotoTooLarge(
            megapixels=2 * PIXEL_LIMIT // 1_000_000, limit=PIXEL_LIMIT // 1_000_000
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, KeyError, TypeError):
        # Pillow's decoders raise any of these for broken files.
        raise NotAPhoto from None


def _reduced(image: Image.Image) -> Image.Image:
    """Decodes, and keeps no more than is used: what follows works on a small picture."""
    if image.mode not in ("RGB", "L", "RGBA"):
        image = image.convert("RGBA")  # a palette cannot be scaled; loses no tag of its position
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "L"):
        return image.convert("RGB")
    layered = image.convert("RGBA")
    ground = Image.new("RGBA", layered.size, "white")
    ground.alpha_composite(layered)
    return ground.convert("RGB")


def _encoded(image: Image.Image, side: int) -> tuple[bytes, int, int]:
    small = image.copy()
    small.info = {}  # the encoder would write a comment it finds there
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return file.getvalue(), small.width, small.height


def read_photo(stream: IO[bytes]) -> Photo:
    """A photo as we keep it. Raises NotAPhoto, PhotoTooLarge."""
    image = _decoded(stream)
    data, width, height = _encoded(image, SIDE)
    thumbnail, _, _ = _encoded(image, THUMBNAIL_SIDE)
    return Photo(data, thumbnail, width, height)


def read_picture(stream: IO[bytes]) -> Image.Image:
    """A picture to look at, not to keep: upright, at most SIDE pixels. Raises NotAPhoto,
    PhotoTooLarge."""
    return _decoded(stream)


def _name(digest: str, *, thumbnail: bool = False, folder: str = "attachments") -> str:
    middle = f"{digest[:2]}/" if folder == "attachments" else ""
    return f"{folder}/{middle}{digest}{'-s' if thumbnail else ''}.jpg"


def photo_name(digest: str, *, thumbnail: bool = False) -> str:
    """The name a photo is kept under. Raises NotFound for a text that is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise NotFound
    return _name(digest, thumbnail=thumbnail)


def read_kept(digest: str, *, thumbnail: bool = False) -> bytes:
    """A photo as it was kept, or its thumbnail. Raises NotFound for a text that is no digest or has
    no file, PhotoTakenDown, FileBroken where the file is not what its digest says, FilesAway."""
    name = photo_name(digest, thumbnail=thumbnail)
    check_standing(digest)
    data = files().read(name)
    if not thumbnail and b64url(hashlib.sha256(data).digest()) != digest:
        raise FileBroken(name=name)
    return data


def remove_file(digest: str) -> None:
    """Takes a photo away for good; its row stays and says that there was one of this digest."""
    if _DIGEST.fullmatch(digest):
        for thumbnail in (False, True):
            files().remove(_name(digest, thumbnail=thumbnail))


def _taken_down(digest: str) -> datetime | None:
    return db.session.scalar(
        select(Takedown.created_at).where(
            Takedown.digest == digest, Takedown.kind == "photo", Takedown.lifted_at.is_(None)
        )
    )


def is_taken_down(digest: str) -> bool:
    """Whether a photo was taken down."""
    return _taken_down(digest) is not None


def taken_down(digests: Iterable[str]) -> set[str]:
    """Those of the photos that were taken down, by one query."""
    wanted = sorted(set(digests))
    if not wanted:
        return set()
    return set(
        db.session.scalars(
            select(Takedown.digest).where(
                among(Takedown.digest, wanted),
                Takedown.kind == "photo",
                Takedown.lifted_at.is_(None),
            )
        )
    )


def check_standing(digest: str) -> None:
    """Raises PhotoTakenDown for a photo that was taken down, whatever files there are."""
    day = _taken_down(digest)
    if day is not None:
        raise PhotoTakenDown(day=local_day(day).strftime("%d/%m/%Y"))


def is_served(digest: str) -> bool:
    """Whether there is a file of this digest to serve."""
    return bool(_DIGEST.fullmatch(digest)) and files().facts(_name(digest)) is not None


def is_aside(digest: str) -> bool:
    """Whether the file of a photo taken down is still there."""
    return bool(_DIGEST.fullmatch(digest)) and files().facts(_put_aside(digest)) is not None


def _put_aside(digest: str, *, thumbnail: bool = False) -> str:
    # Where files wait that were taken down: nothing serves this folder.
    return _name(digest, thumbnail=thumbnail, folder="taken-down")


def put_aside(digest: str) -> None:
    """Moves a photo out of the folder that is served."""
    if _DIGEST.fullmatch(digest):
        for thumb in (False, True):
            files().rename(_name(digest, thumbnail=thumb), _put_aside(digest, thumbnail=thumb))


def bring_back(digest: str) -> None:
    """Moves a photo back into the folder that is served."""
    if _DIGEST.fullmatch(digest):
        for thumb in (False, True):
            files().rename(_put_aside(digest, thumbnail=thumb), _name(digest, thumbnail=thumb))


def remove_aside(digest: str) -> None:
    """Deletes the file of a photo taken down."""
    if _DIGEST.fullmatch(digest):
        for thumbnail in (False, True):
            files().remove(_put_aside(digest, thumbnail=thumbnail))


def keep_photo(actor: Actor, stream: IO[bytes], *, at: datetime, public: bool = True) -> Attachment:
    """Keeps a photo and its row; the same picture twice is one file, public if it ever was.
    Raises NotAPhoto, PhotoTooLarge, NotAllowed, PhotoTakenDown."""
    actor.check("record")
    photo = read_photo(stream)
    digest = photo.digest
    check_standing(digest)
    # The thumbnail first: where the picture is, both are.
    files().put(_name(digest, thumbnail=True), photo.thumbnail)
    files().put(_name(digest), photo.data)
    row = {
        "digest": digest,
        "organisation_id": actor.organisation.id,
        "media_type": MEDIA_TYPE,
        "size": len(photo.data),
        "width": photo.width,
        "height": photo.height,
        "public": public,
        "created_at": at,
    }
    # Two people may send the same picture at once.
    if is_sqlite():
        db.session.execute(sqlite.insert(Attachment).values(row).on_conflict_do_nothing())
    else:
        db.session.execute(postgresql.insert(Attachment).values(row).on_conflict_do_nothing())
    kept = db.session.get(Attachment, digest)
    assert kept is not None  # noqa: S101 (just written or already there)
    if public and not kept.public and kept.organisation_id == actor.organisation.id:
        kept.public = True
    return kept


def keep_photos(
    actor: Actor,
    streams: Iterable[IO[bytes]],
    *,
    at: datetime,
    path: str = "photos",
    public: bool = True,
) -> tuple[JsonObject, ...]:
    """The photos of a form as an event names them. Raises TooManyPhotos, NotAPhoto,
    PhotoTooLarge, each naming the field."""
    found = list(streams)
    if len(found) > PHOTO_LIMIT:
        raise TooManyPhotos(path=path, limit=PHOTO_LIMIT)
    try:
        return tuple(reference(keep_photo(actor, stream, at=at, public=public)) for stream in found)
    except (NotAPhoto, PhotoTooLarge, PhotoTakenDown) as error:
        raise error.at(path) from None


def reference(attachment: Attachment) -> JsonObject:
    """The element of `trace:attachments` (formats §2)."""
    return {
        "digest": attachment.digest,
        "mediaType": attachment.media_type,
        "bytes": attachment.size,
    }


def known_references(actor: Actor, digests: Iterable[str]) -> tuple[JsonObject, ...]:
    """Photos that this organisation sent earlier, with a form that came back with an error; unknown
    ones and those of others are dropped."""
    found = (db.session.get(Attachment, digest) for digest in list(digests)[:PHOTO_LIMIT])
    mine = actor.organisation.id
    return tuple(reference(one) for one in found if one is not None and one.organisation_id == mine)
