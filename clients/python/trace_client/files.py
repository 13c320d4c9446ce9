"""Files: sent (photos, spreadsheets, readings), or waited for and fetched (labels, papers)."""

from __future__ import annotations

from typing import Any, Final

from trace_client.asking import Asks
from trace_client.errors import Failed

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LOOKS: Final = 600  # at a job before the client gives up: ten minutes
BUSY_IMPORTS: Final = frozenset({"checking", "running", "undoing"})


class Files:
    """Files of the client."""

    def add_photo(
        self: Asks, data: bytes, kind: str = "image/jpeg", *, private: bool = False, key: str = ""
    ) -> str:
        """Keeps a photo; its digest goes into `photos` of a record."""
        query = {"private": "true"} if private else {}
        return str(self.post_file("/photos", data, kind, key=key, **query)["digest"])

    def fetch_when_done(self: Asks, job: dict[str, Any], *, looks: int = LOOKS) -> bytes:
        """Waits for work that was asked for, a second between looks, and fetches its file. Raises
        Failed."""
        for _ in range(looks):
            if job["state"] == "done" and job["file"]:
                return self.fetch(job["file"])
            if job["state"] == "failed":
                raise Failed(f"{job['address']} failed")
            self.pause(1.0)
            job = self.get(job["address"])
        raise Failed(f"{job['address']} is not done yet: {job['state']}")

    def labels(
        self: Asks, thing: int, count: int, layout: str = "3x8", *, key: str = "", **more: Any
    ) -> bytes:
        """A sheet of labels of a lot or crate, drawn."""
        body = {"layout": layout, "count": count, **more}
        job = self.post(f"/batches/{thing}/labels", body, key=key)
        return Files.fetch_when_done(self, job)

    def fsma(self: Asks, thing: int, form: str = "xlsx", *, key: str = "") -> bytes:
        """The sortable spreadsheet of FSMA 204 of a lot."""
        job = self.post(f"/batches/{thing}/fsma", {"format": form}, key=key)
        return Files.fetch_when_done(self, job)

    def everything(self: Asks, *, key: str = "") -> bytes:
        """Everything the organisation owns, as a ZIP file (scope `export`)."""
        job = self.post("/exports", key=key)
        return Files.fetch_when_done(self, job)

    def passport(self: Asks, thing: int) -> dict[str, Any]:
        """The product passport of a lot, as anybody reads it."""
        found: dict[str, Any] = self.get(f"/batches/{thing}/passport")
        return found

    def import_sheet(
        self: Asks,
        kind: str,
        data: bytes,
        media: str = XLSX,
        *,
        start: str = "",
        key: str = "",
        looks: int = LOOKS,
    ) -> dict[str, Any]:
        """Sends a spreadsheet and waits until it was looked at; with `start` ("all", "valid") until
        it was recorded. The answer counts good and bad rows; `rows_of` tells what is wrong."""
        row = self.post_file(f"/imports/{kind}", data, media, key=key)
        row = _settled(self, row, looks)
        if start and row["state"] == "checked" and row["good"]:
            told = {"mode": start}
            row = self.post(f"/imports/{row['id']}/start", told, key=f"{key}-start" if key else "")
            row = _settled(self, row, looks)
        return row

    def bring_readings(self: Asks, sensor: int, data: bytes, *, key: str = "") -> int:
        """A logger's file (CSV); how many readings of it are new."""
        taken = self.post_file(f"/sensors/{sensor}/readings", data, "text/csv", key=key)
        return int(taken["kept"])

    def find(self: Asks, text: str) -> dict[str, Any]:
        """What a scanned or typed code stands for: `kind`, `id`, `code`."""
        found: dict[str, Any] = self.get("/codes", text=text)
        return found


def _settled(client: Asks, row: dict[str, Any], looks: int) -> dict[str, Any]:
    for _ in range(looks):
        if row["state"] not in BUSY_IMPORTS:
            return row
        client.pause(1.0)
        row = client.get(f"/imports/{row['id']}")
    raise Failed(f"import {row['id']} is not done yet: {row['state']}")
