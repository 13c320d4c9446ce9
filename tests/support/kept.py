"""Files that the application kept in its folder, for tests that look at them or break them."""

from __future__ import annotations

from pathlib import Path

from trace.services.attachments import photo_name
from trace.services.files import Folder, files


def kept_root() -> Path:
    """The folder itself."""
    place = files()
    assert isinstance(place, Folder)
    return place.root


def file_of(name: str) -> Path:
    """Where a kept file of this name is."""
    return kept_root() / name


def photo_file(digest: str) -> Path:
    """Where a photo is."""
    return file_of(photo_name(digest))
