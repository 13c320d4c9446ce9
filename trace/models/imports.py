"""Spreadsheets read into the system: the file, what each of its rows says, what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment

# checking -> checked -> running (-> waiting for an approval) -> done -> undoing (-> waiting) ->
# undone
# failed: the file cannot be read; what fails later goes back to where it was, with the reason
STATES = ("checking", "checked", "running", "waiting", "done", "failed", "undoing", "undone")
MODES = ("all", "valid")
# ready -> made -> undone (or kept: something was built on it); refused: it has errors
ROW_STATES = ("ready", "refused", "made", "undone", "kept")


class Import(Model):
    """One uploaded file. `source` is the file itself, deflated, dropped once it is recorded."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(20))
    filename: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the file, hex
    source: Mapped[bytes | None]
    mapping: Mapped[str] = mapped_column(Text, default="{}")  # JSON, see services.imports
    mode: Mapped[str] = mapped_column(String(5), default="")
    state: Mapped[str] = mapped_column(String(10), default="checking")
    error: Mapped[str] = mapped_column(Text, default="")  # JSON: why it, or its last step, failed
    rows: Mapped[int] = mapped_column(default=0)
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)  # rows worked on in the present step
    created_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_imports_file", "organisation_id", "digest"),)


class ImportRow(Model):
    """One row of the file. `number` is the sheet's own; `made` names what came of it."""

    __tablename__ = "import_rows"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    cells: Mapped[str] = mapped_column(Text)  # JSON list: what stood there, as text
    clean: Mapped[str] = mapped_column(Text, default="")  # JSON object: what it means
    errors: Mapped[str] = mapped_column(Text, default="")  # JSON list of {cell, code, params}
    record_id: Mapped[int | None] = mapped_column(Id)  # the row made (place, product, event …)

    __table_args__ = (
        Index("ix_import_rows_state", "import_id", "state", "number"),
        {"sqlite_with_rowid": False},
    )
