"""Files that are kept: photos, papers, and what jobs wrote; behind one interface.

Every file has a name such as `attachments/ab/abc….jpg`. Where it lies is the operator's choice
(TRACE_FILES): a folder, by default the instance folder itself, or a bucket of a server that speaks
S3, which many machines share. Who may read a file is decided above, never by where it lies: pages
serve it themselves, and no address of the bucket is ever given to anybody.

What stays in the instance folder in any case: keys, the newest checkpoint of the log, the journal
of takedowns, workers' signs of life (docs/how-to/many-nodes.md).
"""

from __future__ import annotations

from flask import current_app

from trace.config import Settings
from trace.services.files.base import (
    Facts,
    FileBroken,
    FileMissing,
    Files,
    FilesAway,
    FileTooLarge,
    KeepsFirst,
    Opened,
)
from trace.services.files.folder import Folder
from trace.services.settings import current_settings

# Names begin with one of these; `trace files move`, backups and the doctor look at no other.
# Those after the bar are made anew when they are asked for again.
KEPT = ("attachments", "taken-down", "papers", "report-photos", "directives")
PASSING = ("exports", "sheets", "spreadsheets")


def files() -> Files:
    """Where this application's files lie."""
    settings = current_settings()
    found: tuple[Settings, Files] | None = current_app.extensions.get("trace.files")
    if found is None or found[0] is not settings:
        found = (settings, files_at(settings, settings.files))
        current_app.extensions["trace.files"] = found
    return found[1]


def files_at(settings: Settings, address: str) -> Files:
    """The place an address of TRACE_FILES names: "" is the instance folder."""
    if address.startswith("s3://"):
        # Imported where it is used: the client takes a third of a second to load.
        from trace.services.files.s3 import Bucket

        return Bucket(address, settings.files_key, settings.files_secret)
    return Folder(settings.instance if address in ("", "folder") else address)


__all__ = [
    "KEPT",
    "PASSING",
    "Facts",
    "FileBroken",
    "FileMissing",
    "FileTooLarge",
    "Files",
    "FilesAway",
    "Folder",
    "KeepsFirst",
    "Opened",
    "files",
    "files_at",
]
