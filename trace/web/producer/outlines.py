"""The box of an outline in a form: a file fills it, one of several shapes is chosen."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext

from trace.core.geo import TEXT_LIMIT, OutlineTooLong, PackedOutline, SeveralShapes
from trace.errors import Refused, TraceError
from trace.web.forms import Form


class OutlineForm(Form):
    """A form with a box `outline` and a file `outline_file`. A file's text stands in the box from
    then on: choosing it a second time after a mistake elsewhere is nobody's work."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._file_text: str | None = None
        self._file_error: TraceError | None = None
        super().__init__(*args, **options)
        self.outbox = True
        file = request.files.get("outline_file") if self.sent else None
        if file is not None and file.filename:
            self._read(file.stream.read(4 * TEXT_LIMIT + 1))

    def _read(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = ""
        if not text.strip() or "\0" in text:
            self._file_error = PackedOutline()
        elif len(text) > TEXT_LIMIT:
            self._file_error = OutlineTooLong(got=len(text), limit=TEXT_LIMIT)
        else:
            self._file_text = text

    def value(self, name: str) -> str:
        """As any form; a file's text shows in its box."""
        if name == "outline" and self._file_text is not None:
            return self._file_text
        return super().value(name)

    def typed(self) -> dict[str, Any]:
        """What was typed, the file's text in its place."""
        found = super().typed()
        if self._file_text is not None:
            found |= {"outline": self._file_text, "outline_source": "file"}
        return found

    def load(self) -> dict[str, Any]:
        """The clean values. Raises Refused with the file's own error among the others."""
        if self._file_error is None:
            return super().load()
        try:
            super().load()
        except Refused as refused:
            others = [one for one in refused.errors if one.path != "outline"]
            raise Refused([*others, self._file_error]) from None
        raise Refused([self._file_error])

    def refuse(self, error: TraceError) -> None:
        """Also offers the shapes of a file that holds several."""
        super().refuse(error)
        for one in error.errors if isinstance(error, Refused) else (error,):
            if isinstance(one, SeveralShapes):
                self._choices["outline"] = [
                    (str(number), name or gettext("Hình số %(number)s", number=number + 1))
                    for number, name in enumerate(one.names)
                ]
