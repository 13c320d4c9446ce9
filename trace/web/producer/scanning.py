"""Boxes for a printed code: typed, read by the phone's own camera, or photographed.

The browser's detector fills the box on the phone, with or without signal. Where there is none, a
photo goes with the form (`{field}_photo`), from the outbox too, and is read here; nothing of it is
kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from trace.errors import TraceError
from trace.schemas.base import FormSchema
from trace.services.codes import read_codes
from trace.web.producer.recording import RecordForm

SUFFIX = "_photo"
# Stands in a box whose photo could not be read, so that only the photo is complained of.
_UNREAD = "?"


class SeveralCodes(TraceError):
    code = "several-codes"
    message = "This photo shows %(count)d codes. Take it from nearer, with one label in it."


class ScanForm(RecordForm):
    """A form that records, some of whose boxes may be filled by a photo of a label."""

    def __init__(
        self,
        schema: FormSchema,
        fields: tuple[str, ...],
        initial: Mapping[str, object] | None = None,
    ) -> None:
        self.scanned: dict[str, str] = {}
        self._fields = fields
        super().__init__(schema, initial)
        if self.sent:
            for name in fields:
                self._read(name)

    def _read(self, name: str) -> None:
        photo = request.files.get(name + SUFFIX)
        if photo is None or not photo.filename or request.form.get(name, "").strip():
            return
        try:
            texts = list(dict.fromkeys(read_codes(photo.stream)))
            if len(texts) > 1:
                raise SeveralCodes(count=len(texts))
            self.scanned[name] = texts[0]
        except TraceError as error:
            self.photo_errors.append(error.at(name))
            self.scanned[name] = _UNREAD

    def typed(self) -> dict[str, Any]:
        """What was typed, and what photos say where nothing was."""
        return super().typed() | self.scanned

    def value(self, name: str) -> str:
        """What the box shows; what a photo said is not lost with the photo."""
        read = self.scanned.get(name, "")
        return super().value(name) or ("" if read == _UNREAD else read)
