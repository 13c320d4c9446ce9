"""Photos of a report: up to LIMIT, re-encoded, sealed, seen by the desk, and by the maker where the
desk shares one.

A photo that came with a form which was refused for another reason waits a day under its digest, so
that it need not be taken again; what belongs to no report then is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Final

from sqlalchemy import select

from trace.errors import NotFound, TooLarge, TraceError
from trace.extensions import db
from trace.models import Report, ReportPhoto
from trace.services.after_commit import after_commit
from trace.services.sealed_photos import SealedPhotos
from trace.services.sets import among

LIMIT: Final = 3
LARGEST: Final = 15 * 2**20  # bytes: more than a phone's photo has, less than its shortest video
PHOTOS: Final = SealedPhotos("report-photos", "report-photo")


class TooManyReportPhotos(TraceError):
    code = "too-many-report-photos"
    message = "At most %(limit)d photos can go with a report."


class PhotoFileTooLarge(TooLarge):
    code = "photo-file-too-large"
    message = "This file has %(got)d MB; a photo may have %(limit)d MB, and a video cannot be sent."


Kept = Sequence[tuple[str, int]]


def keep(
    streams: Iterable[IO[bytes]], earlier: Iterable[str] = (), *, path: str = "photos"
) -> tuple[list[tuple[str, int]], list[TraceError]]:
    """(digest, bytes) of the photos of a form, those kept earlier first; and what was refused of
    those that came now: TooManyReportPhotos, PhotoFileTooLarge, NotAPhoto, PhotoTooLarge."""
    known = islice(dict.fromkeys(earlier), LIMIT)
    found = {one: size for one in known if (size := PHOTOS.size(one)) is not None}
    wrong: list[TraceError] = []
    # Those that came are counted, not those that were new and whole: each is decoded.
    for number, stream in enumerate(streams, len(found)):
        if number >= LIMIT:
            wrong.append(TooManyReportPhotos(path=path, limit=LIMIT))
            break
        try:
            digest, size = _keep_one(stream, path)
        except TraceError as error:
            wrong.append(error)
        else:
            found[digest] = size
    return list(found.items())[:LIMIT], wrong


def _keep_one(stream: IO[bytes], path: str) -> tuple[str, int]:
    size = _length(stream)
    if size > LARGEST:
        raise PhotoFileTooLarge(path=path, got=-(-size // 2**20), limit=LARGEST // 2**20)
    return PHOTOS.keep(stream, path=path)


def _length(stream: IO[bytes]) -> int:
    end = stream.seek(0, 2)
    stream.seek(0)
    return end


def attach(report: Report, kept: Kept) -> None:
    """Makes photos a report's own."""
    for number, (digest, size) in enumerate(kept[:LIMIT], 1):
        db.session.add(ReportPhoto(report_id=report.id, digest=digest, number=number, size=size))


def photos_of(report: Report) -> list[ReportPhoto]:
    """A report's photos in the order they came."""
    query = select(ReportPhoto).where(ReportPhoto.report_id == report.id)
    return list(db.session.scalars(query.order_by(ReportPhoto.number)))


def read_photo_of(report: Report, number: int, *, shared: bool = False) -> bytes:
    """The bytes (JPEG) of one; `shared` asks for those the maker may see. Raises NotFound."""
    for one in photos_of(report):
        if one.number == number and (one.shared or not shared):
            return PHOTOS.read(one.digest)
    raise NotFound


def forget_left(*, at: datetime) -> int:
    """Deletes photos of the day before that belong to no report; returns how many."""
    old = PHOTOS.kept_before(at - timedelta(days=1))
    if not old:
        return 0
    needed = set(
        db.session.scalars(select(ReportPhoto.digest).where(among(ReportPhoto.digest, sorted(old))))
    )
    after_commit(lambda: PHOTOS.drop(old - needed))
    return len(old - needed)
