"""Catalogues of crops and inputs: the list, and importing a CSV after a preview."""

from __future__ import annotations

from datetime import date

import orjson
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound, TraceError
from trace.models import CatalogueItem
from trace.schemas.base import FormSchema, Text
from trace.services.catalogue import (
    COLUMNS,
    TEXT_LIMIT,
    Entry,
    catalogue,
    import_catalogue,
    read_catalogue,
)
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.problems import translated

blueprint = Blueprint("catalogues", __name__, url_prefix="/producer/catalogues")

SHOWN = 100


class FileSchema(FormSchema):
    """The text of a file that was previewed."""

    text = Text(TEXT_LIMIT, lines=True)


def kind_names() -> dict[str, str]:
    """The two catalogues."""
    return {"input": gettext("Vật tư: thuốc, phân"), "crop": gettext("Cây trồng")}


def intervals_words(item: CatalogueItem) -> str:
    """ "7 ngày; ca chua: 5 ngày"."""
    return _days_words(orjson.loads(item.intervals))


def _days_words(days: dict[str, int]) -> str:
    words = [
        f"{crop}: " * bool(crop) + str(gettext("%(days)s ngày", days=number))
        for crop, number in sorted(days.items())
    ]
    return "; ".join(words)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The lines; `?format=csv` in the columns that can be imported."""
    kind = request.args.get("kind", "input")
    if kind not in COLUMNS:
        raise NotFound
    listing = Listing(
        catalogue(actor(), kind),
        words=lambda one: (one.name, one.name_en, one.active_ingredient, one.registration),
        filters={"kind": lambda one: one.kind},
    )
    if listing.wants_csv:
        return listing.csv(f"danh-muc-{kind}", COLUMNS[kind], lambda one: _cells(kind, one))
    return render_template(
        "producer/catalogues/index.html",
        listing=listing,
        kind=kind,
        kinds=kind_names(),
        intervals_words=intervals_words,
    )


def _cells(kind: str, one: CatalogueItem) -> list[object]:
    told: dict[str, object] = {
        name: getattr(one, name)
        for name in COLUMNS[kind]
        if name not in ("interval_days", "date", "banned")
    }
    days = orjson.loads(one.intervals)
    told["interval_days"] = "; ".join(
        f"{crop}: {number}" if crop else str(number) for crop, number in sorted(days.items())
    )
    told["banned"] = "yes" if one.banned else "no"
    told["date"] = one.as_of
    return [told[name] for name in COLUMNS[kind]]


@blueprint.route("/import/<kind>", methods=["GET", "POST"])
@needs("record")
def bring(kind: str) -> ResponseReturnValue:
    """A file, its preview, and after it the import: nothing is written before."""
    if kind not in COLUMNS:
        raise NotFound
    form = Form(FileSchema(), {})
    entries: list[Entry] = []
    faults: list[TraceError] = []
    text = ""
    everyone = actor().may("administer") and actor().organisation.kind == "platform"
    if form.sent:
        with form.attempt():
            data = _sent()
            text = data.decode("utf-8-sig", "replace")
            entries, faults = read_catalogue(kind, data)
            if "import" in request.form:
                count = import_catalogue(actor(), kind, entries, everyone=everyone, at=clock.now())
                return form.done(
                    url_for("catalogues.index", kind=kind),
                    gettext("Đã nhập %(count)s dòng.", count=count),
                )
    return form.page(
        "producer/catalogues/import.html",
        kind=kind,
        name=kind_names()[kind],
        columns=COLUMNS[kind],
        entries=entries,
        shown=[(one, _preview(one)) for one in entries[:SHOWN]],
        faults=[translated(one) for one in faults[:SHOWN]],
        text=text if entries else "",
        everyone=everyone,
    )


def _sent() -> bytes:
    file = request.files.get("file")
    if file is not None and file.filename:
        return file.stream.read(TEXT_LIMIT + 1)
    return request.form.get("text", "").encode()


def _preview(entry: Entry) -> str:
    """What will be kept of a line."""
    words = []
    for name, value in entry.values.items():
        if name == "intervals" and value:
            words.append(_days_words(value))
        elif name == "banned" and value:
            words.append(gettext("chất cấm"))
        elif isinstance(value, date):
            words.append(value.strftime("%d/%m/%Y"))
        elif isinstance(value, str) and value:
            words.append(value)
    return " · ".join(words)
