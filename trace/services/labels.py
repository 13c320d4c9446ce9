"""Labels of a lot or crate: what they say, and the sheets they are printed on.

A label's words are Vietnamese whatever language the page is in: they are read in the market. Small
sheets are made while people wait; more than SHEET_AT_ONCE labels are a job (`trace.jobs.sheets`)
whose file lives in `{instance}/sheets` until it is a day old.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import update

from trace.core.gs1 import format_code, local_uri, parse_identity
from trace.core.labels import (
    LAYOUTS,
    Label,
    SheetLayout,
    label_sheet_pdf,
    short_domain,
)
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Job, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import LotFacts, product_of, short_name
from trace.services.fonts import sheet_fonts
from trace.services.jobs import enqueue, get_job
from trace.services.settings import current_settings

JOB_KIND: Final = "label-sheet"
# Above this a sheet takes over two seconds on a small machine, and becomes a job.
SHEET_AT_ONCE: Final = 200
LABEL_LIMIT: Final = 20_000
KEPT: Final = timedelta(days=1)
_FILE: Final = re.compile(r"[0-9a-f-]{36}")


def printed_address(identity: str) -> str:
    """The address to print for a stored identity, "" for what is not ours to print.

    Under the frozen base when this server answers there; otherwise (a demonstration on localhost,
    a moved host) under the public address, where a scan finds it. The identity is the same.
    """
    settings = current_settings()
    found = parse_identity(identity, settings.id_base)
    if found is None:
        return ""
    same = urlsplit(settings.public_url).netloc == urlsplit(settings.id_base).netloc
    return local_uri(found, settings.id_base if same else settings.public_url)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as asked for: the label, how often, on which stock, places used already."""

    label: Label
    count: int
    layout: str
    skip: int = 0


def label_of(thing: Thing, facts: LotFacts, *, net_weight: str = "") -> Label:
    """The label of a lot or crate. `net_weight` is finished text ("300 g")."""
    address = printed_address(thing.identity)
    product = product_of(thing)
    identity = parse_identity(thing.identity, current_settings().id_base)
    own = identity is not None and identity.is_own
    code = format_code(identity.value) if identity is not None and own else address_code(thing)
    name = product.name if product is not None else facts.name
    return Label(
        uri=address,
        code=code,
        name=name or ("Thùng hàng" if thing.kind == "logistic" else "Nông sản"),
        domain=short_domain(address),
        lot=f"Lô {facts.lot_number or short_name(thing.identity)}" if thing.kind == "lot" else "",
        weight=net_weight,
        dates=tuple(_dates(facts)),
    )


def address_code(thing: Thing) -> str:
    """The readable form of a GS1 identity: (01) 0893… (10) L2611."""
    found = parse_identity(thing.identity, current_settings().id_base)
    if found is None:
        return thing.identity
    parts = [(found.key, found.value), *found.qualifiers]
    return " ".join(f"({key}) {value}" for key, value in parts)


def _dates(facts: LotFacts) -> Iterator[str]:
    if facts.harvest is not None:
        first, last = facts.harvest
        span = _day(first) if first == last else f"{_day(first)}–{_day(last)}"
        yield f"Thu hoạch {span}"
    if facts.use_by is not None:
        yield f"HSD {_day(facts.use_by)}"
    if facts.best_before is not None:
        yield f"Ngon nhất trước {_day(facts.best_before)}"


def _day(value: date) -> str:
    return value.strftime("%d/%m/%Y")


def weight_words(kilograms: Decimal | None) -> str:
    """ "300 g" or "1,5 kg" for a package's net weight; "" where there is none."""
    if kilograms is None:
        return ""
    grams = kilograms * 1000
    if grams < 1000:
        return f"{grams.normalize():f} g"
    return f"{kilograms.normalize():f}".replace(".", ",") + " kg"


def layout_of(name: str) -> SheetLayout:
    """The stock of this name. Raises NotFound."""
    found = LAYOUTS.get(name)
    if found is None:
        raise NotFound(path="layout")
    return found


def draw_sheet(sheet: Sheet) -> bytes:
    """The PDF. Raises a LabelError when the text does not fit the stock."""
    out = io.BytesIO()
    labels = (sheet.label for _ in range(sheet.count))
    label_sheet_pdf(
        labels,
        layout_of(sheet.layout),
        out,
        sheet_fonts(),
        title=sheet.label.name,
        skip=sheet.skip,
    )
    return out.getvalue()


def issue_labels(actor: Actor, thing: Thing, sheet: Sheet, *, at: datetime) -> None:
    """Notes that labels of a thing were given out, in the caller's transaction: who, how many, and
    on the thing when the first one was. What stood on its page until then strangers may have read.
    """
    actor.check("read")
    db.session.execute(
        update(Thing)
        .where(Thing.id == thing.id, Thing.labelled_at.is_(None))
        .values(labelled_at=at)
        .execution_options(synchronize_session=False)
    )
    write_audit(actor, "label.print", thing.identity, at=at, count=sheet.count, layout=sheet.layout)


# -- sheets as jobs --------------------------------------------------------------------------------


def ask_for_sheet(actor: Actor, sheet: Sheet, *, at: datetime) -> Job:
    """A job that draws the sheet; its page is where the file will be."""
    actor.check("read")
    argument = {**asdict(sheet), "label": asdict(sheet.label)}
    return enqueue(JOB_KIND, argument, at=at, actor=actor, total=sheet.count)


def sheet_of(argument: dict[str, object]) -> Sheet:
    """The sheet a job was asked for."""
    told = dict(argument)
    label = dict(told.pop("label"))  # type: ignore[call-overload]  # written by ask_for_sheet
    label["dates"] = tuple(label["dates"])
    return Sheet(label=Label(**label), **told)  # type: ignore[arg-type]  # written by ask_for_sheet


def sheet_folder() -> Path:
    """Where finished sheets wait to be fetched."""
    return current_settings().instance / "sheets"


def sheet_path(actor: Actor, public_id: str) -> Path:
    """The finished file of the organisation's own job. Raises NotFound."""
    job = get_job(actor, public_id, JOB_KIND)
    path = sheet_folder() / f"{job.public_id}.pdf"
    if job.state != "done" or not _FILE.fullmatch(job.public_id) or not path.is_file():
        raise NotFound
    return path


def drop_old_sheets(now: datetime) -> int:
    """Removes files older than KEPT; returns how many."""
    dropped = 0
    for path in sheet_folder().glob("*.pdf"):
        if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
            path.unlink(missing_ok=True)
            dropped += 1
    return dropped
