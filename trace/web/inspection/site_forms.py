"""Forms filled in on site, on a phone, with or without a network.

They go into the phone's outbox as the farm's do (`data-outbox`). Photos are kept as soon as they
arrive and are not public; those of a check-list's question come in a box of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from trace import clock
from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.schemas.base import FormSchema
from trace.schemas.records import local_moment
from trace.services.attachments import PHOTO_LIMIT, TooManyPhotos, keep_photos, known_references
from trace.services.inspections_events import Said, office
from trace.services.records import Draw, JsonObject
from trace.services.settings import current_settings
from trace.web.access import actor
from trace.web.forms import Form

ITEM = "items-"
PHOTO = "-photo"


class SiteForm(Form):
    """A form of what happened on site; what is sent twice is said once (`draw`)."""

    def __init__(
        self, schema: FormSchema, initial: Mapping[str, object] | None = None, **options: Any
    ) -> None:
        start = {"when": local_moment(clock.now()), **(initial or {})}
        super().__init__(schema, start, **options)
        self.outbox = True
        self.now = not self._posted
        self.photos: tuple[JsonObject, ...] = ()
        self.item_photos: dict[str, str] = {}  # field -> digest
        self.photo_errors: list[TraceError] = []
        if self.sent:
            self._keep_photos()

    def _keep_photos(self) -> None:
        """Each box on its own, so that a bad picture costs no other one."""
        known = known_references(actor(), request.form.getlist("photo"))
        new: tuple[JsonObject, ...] = ()
        files = {
            name: [file for file in request.files.getlist(name) if file.filename]
            for name in request.files
        }
        if sum(map(len, files.values())) + len(known) > PHOTO_LIMIT:
            self.photo_errors.append(TooManyPhotos(path="photos", limit=PHOTO_LIMIT))
            files = {}
        for name, some in files.items():
            if name != "photos" and not (name.startswith(ITEM) and name.endswith(PHOTO)):
                continue
            try:
                kept = keep_photos(
                    office(actor()),
                    (file.stream for file in some),
                    at=clock.now(),
                    path=name,
                    public=False,
                )
                db.session.commit()
            except TraceError as error:
                db.session.rollback()
                self.photo_errors.append(error)
                continue
            if name == "photos":
                new = kept
            elif kept:
                self.item_photos[name] = kept[0]["digest"]
        told = {one["digest"]: one for one in (*known, *new)}
        self.photos = tuple(told.values())

    def typed(self) -> dict[str, Any]:
        """All that was typed, and the photos of single questions by their digests."""
        return super().typed() | self.item_photos

    def value(self, name: str) -> str:
        """What the box shows; a photo that was sent is not lost with the form."""
        return self.item_photos.get(name, "") or super().value(name)

    def load(self) -> dict[str, Any]:
        """The clean values. Raises Refused with the errors of fields and photos together."""
        try:
            clean = super().load()
        except Refused as refused:
            raise Refused([*refused.errors, *self.photo_errors]) from None
        if self.photo_errors:
            raise Refused(self.photo_errors)
        return clean

    def said(self, clean: Mapping[str, Any], *, place: str = "") -> Said:
        """The circumstances that the form tells."""
        latitude, longitude = clean.get("latitude"), clean.get("longitude")
        named = [row["photo"] for row in clean.get("items") or () if row.get("photo")]
        items = known_references(actor(), named)
        return Said(
            when=clean["when"],
            draw=Draw(current_settings().secret_key, actor().organisation.code, self.key),
            note=clean.get("note") or "",
            photos=(*self.photos, *items),
            position=None
            if latitude is None or longitude is None
            else (float(latitude), float(longitude)),
            place=place,
        )
