"""Labels of a lot or crate: what they say, and the sheets they are printed on.

A label's words are Vietnamese whatever language the page is in: they are read in the market. Small
sheets are made while people wait; more than SHEET_AT_ONCE labels, and all that carry serials, are a
job (`trace.services.label_sheets`). Every
printing is a row of `label_prints`: new serials, the same ones again (with the reason), or copies
of a label that names the lot.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from sqlalchemy import func, select, update

from trace.core.gs1 import canonical_uri, format_code, local_uri, parse_identity
from trace.core.labels import (
    LAYOUTS,
    Label,
    LabelError,
    SheetLayout,
    SheetWriter,
    TextDoesNotFit,
    custom_layout,
    label_images,
    short_domain,
    write_tspl,
    write_zpl,
)
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import LabelPrint, LabelRange, Person, Product, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import LotFacts, product_of, read_facts, short_name
from trace.services.crates import labels_in, loads_of, totals
from trace.services.fonts import sheet_fonts
from trace.services.settings import current_settings
from trace.services.stamps import check_not_held
from trace.services.units import Stretch, serials, unit_identity
from trace.services.vocabulary import Amount, uom_name

# Above this a sheet takes over two seconds on a small machine, and becomes a job.
SHEET_AT_ONCE: Final = 200
LABEL_LIMIT: Final = 20_000


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


FORMATS: Final = {
    "pdf": ("pdf", "application/pdf"),
    "zpl": ("zpl", "application/octet-stream"),
    "tspl": ("prn", "application/octet-stream"),
    "png": ("zip", "application/zip"),
}
# Narrow paper that delivery notes are printed on: receipt printers and the largest roll.
NOTE_STOCKS: Final = ("receipt-58", "receipt-80", "roll-100x150")
NOTE_STEP, NOTE_LONGEST = 10, 400  # mm
MOST_LOTS: Final = 4  # named on a crate's label
# Pictures and bitmaps are large: about 4 kB and 20 kB a label.
FORMAT_LIMITS: Final = {"png": 500, "tspl": 2_000}


class NeedsRoll(TraceError):
    code = "needs-a-roll"
    message = "Label printers and pictures take one label at a time: choose a roll."


class TooManyForFormat(TraceError):
    code = "too-many-for-format"
    message = "At most %(limit)d labels fit into one file of this kind. Print them in parts."


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as asked for: the label, how often, on which stock, places used already.

    With `range_id` each label has a serial of that range, from number `first` on; `numbered` labels
    say their number (blank stamps). With `run` each is a crate's of that run. `custom` holds the
    arguments of `custom_layout`."""

    label: Label
    count: int
    layout: str
    skip: int = 0
    format: str = "pdf"
    range_id: int = 0
    first: int = 1
    numbered: bool = False
    custom: tuple[float, ...] = ()
    run: int = 0
    height: float = 0  # mm of continuous paper, where the words ask for more than usual

    @property
    def last(self) -> int:
        """The number of the last label of a range or run."""
        return self.first + self.count - 1

    @property
    def stock(self) -> SheetLayout:
        """The stock. Raises NotFound, BadLayout."""
        if self.custom:
            columns, rows, width, height, left, top, gap_x, gap_y = self.custom
            return custom_layout(
                int(columns),
                int(rows),
                width,
                height,
                left=left,
                top=top,
                gap_x=gap_x,
                gap_y=gap_y,
            )
        stock = layout_of(self.layout)
        if self.height:
            return replace(stock, label_height=self.height, page_height=self.height)
        return stock


def label_of(thing: Thing, facts: LotFacts, *, net_weight: str = "", gs1: bool = False) -> Label:
    """The label of a lot or crate. `net_weight` is finished text ("300 g"); with `gs1` the facts
    end with the human-readable text of their application identifiers. What is kept from the public
    is not printed for it."""
    facts = facts.printed()
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
        dates=(*_dates(facts), *([gs1_text(thing, facts, product)] if gs1 else [])),
    )


def crate_label(actor: Actor, thing: Thing) -> Label:
    """The label of a crate: what lies in it now, how much, and its number as bars too where it is
    an SSCC. What is kept from the public is not printed for it, nor a weight of the rest, which
    would be read as the crate's."""
    held = loads_of(actor, [thing.id])[thing.id]
    loads = [one for one in held if one.public]
    names = list(dict.fromkeys(p.name for p in (product_of(one.thing) for one in loads) if p))
    whole = len(loads) == len(held)
    weight = " + ".join(amount_words(one) for one in totals(loads)) if whole else ""
    lines = []
    for one in loads[:MOST_LOTS]:
        named = "Thùng" if one.thing.kind == "logistic" else "Lô"
        much = f" · {amount_words(one.amount)}" if one.amount and len(held) > 1 else ""
        lines.append(f"{named} {short_name(one.thing.identity)}{much}")
    if len(loads) > MOST_LOTS:
        lines.append(f"và {len(loads) - MOST_LOTS} lô nữa")
    if whole and len(loads) == 1 and loads[0].thing.kind == "lot":
        (facts,) = read_facts(actor, [loads[0].thing]).values()
        lines += _dates(facts.printed())
    name = names[0] if whole and len(names) == 1 else "Thùng hàng"
    return _crate(Label("", "", name, weight=weight, dates=tuple(lines)), thing.identity, "")


def _crate(label: Label, identity: str, number: str) -> Label:
    """The same words for one crate."""
    address = printed_address(identity)
    found = parse_identity(identity, current_settings().id_base)
    sscc = found is not None and found.key == "00"
    value = found.value if found is not None else ""
    return replace(
        label,
        uri=address,
        code=f"(00) {value}" if sscc else format_code(value),
        domain=short_domain(address),
        lot=number,
        bars=f"(00){value}" if sscc else "",
    )


def amount_words(amount: Amount | None) -> str:
    """ "12 kg" as a label says it, whatever language the page is in; "" for no amount."""
    if amount is None:
        return ""
    number = f"{amount.quantity.normalize():f}".replace(".", ",")
    return f"{number} {uom_name(amount.uom) if amount.uom else 'gói'}"


def gs1_text(thing: Thing, facts: LotFacts, product: Product | None) -> str:
    """Human-readable interpretation (GS1 General Specifications, section 4.14): GTIN, lot, best
    before (15), use by (17), net weight in kilograms with three decimals (3103)."""
    text = address_code(thing).replace(") ", ")")
    dates = (("15", facts.best_before), ("17", facts.use_by))
    text += "".join(f" ({key}){day:%y%m%d}" for key, day in dates if day is not None)
    if product is not None and product.net_weight and product.net_weight < 1000:
        text += f" (3103){int(product.net_weight * 1000):06d}"
    return text


def stamp_label(roll: LabelRange) -> Label:
    """What a blank stamp says: the product where the roll is one product's, else who printed it."""
    name = roll.product.name if roll.product is not None else roll.organisation.name
    return Label(uri=unit_address(roll.key, roll.first), code="", name=name)


def unit_address(key: str, serial: str) -> str:
    """The address to print for one unit."""
    return printed_address(canonical_uri(unit_identity(key, serial), current_settings().id_base))


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


def check_sheet(sheet: Sheet) -> None:
    """Tries the first label, so that a code too small or words too long are told beside the form,
    not by a job. Raises a LabelError, NeedsRoll, TooManyForFormat."""
    stock = sheet.stock
    if sheet.format != "pdf" and stock.per_page > 1:
        raise NeedsRoll(path="format")
    limit = FORMAT_LIMITS.get(sheet.format, LABEL_LIMIT)
    if sheet.count > limit:
        raise TooManyForFormat(path="count", limit=limit)
    try:
        for _ in draw(replace(sheet, count=1), io.BytesIO()):
            pass
    except LabelError as error:
        raise error.at("layout") from None


def note_sheet(label: Label, layout: str, kind: str) -> Sheet:
    """A delivery note on narrow paper, as long as its words need where the paper has no end.
    Raises a LabelError."""
    sheet = Sheet(label, 1, layout, format=kind)
    stock = sheet.stock
    if not stock.continuous:
        check_sheet(sheet)
        return sheet
    shortest = max(int(stock.label_height), _length(label, stock))
    for height in range(shortest, shortest + NOTE_LONGEST, NOTE_STEP):
        longer = replace(sheet, height=float(height))
        try:
            check_sheet(longer)
        except TextDoesNotFit:
            continue
        return longer
    raise TextDoesNotFit(path="layout", layout=layout)


def _length(label: Label, stock: SheetLayout) -> int:
    """About how many mm of paper the words need at their usual size, so that they are not made
    small instead: a letter is half as wide as the type is high, a line a quarter higher."""
    high = stock.font_size * 25.4 / 72
    width = stock.label_width - 2 * stock.padding
    letters = int(width / (high * 0.5))
    lines = sum(-(-len(text) // letters) for text in (label.name, *label.facts))
    words = (lines + 3) * high * 1.25  # the code in clear, the domain, and one to spare
    return int(2 * stock.padding + min(words / 0.4, words + width)) + 1


def labels_of(sheet: Sheet) -> Iterator[Label]:
    """The labels of a sheet, in order."""
    one = sheet.label
    if sheet.run:
        for number, identity, _ in labels_in(sheet.run, sheet.first, sheet.last):
            yield _crate(one, identity, f"Thùng số {number}" if sheet.numbered else "")
        return
    if not sheet.range_id:
        yield from (one for _ in range(sheet.count))
        return
    roll = db.session.get_one(LabelRange, sheet.range_id)
    stretch = Stretch(roll, sheet.first, sheet.last)
    base = unit_address(roll.key, roll.first).removesuffix(roll.first)
    domain = short_domain(base)
    for number, serial in serials(stretch):
        lot = f"Tem {roll.code}#{number}" if sheet.numbered else one.lot
        yield Label(
            base + serial, format_code(serial), one.name, domain, lot, one.weight, one.dates
        )


def draw(sheet: Sheet, out: BinaryIO) -> Iterator[int]:
    """Writes the file to `out`, telling how many labels it has taken so far. Raises a LabelError
    when the text does not fit the stock."""
    stock, fonts = sheet.stock, sheet_fonts()
    if sheet.format == "pdf":
        writer = SheetWriter(stock, out, fonts, title=sheet.label.name, skip=sheet.skip)
        for label in labels_of(sheet):
            writer.add(label)
            yield writer.count
        writer.close()
    elif sheet.format == "png":
        with zipfile.ZipFile(out, "w") as bundle:
            for number, image in enumerate(label_images(labels_of(sheet), stock, fonts), 1):
                data = io.BytesIO()
                image.save(data, "PNG", dpi=(203, 203))
                entry = zipfile.ZipInfo(f"tem-{number:04}.png")
                bundle.writestr(entry, data.getvalue())
                yield number
    else:
        write = write_zpl if sheet.format == "zpl" else write_tspl
        for number, piece in enumerate(write(labels_of(sheet), stock, fonts), 1):
            out.write(piece)
            yield min(number, sheet.count)


def draw_sheet(sheet: Sheet) -> bytes:
    """The file. Raises a LabelError when the text does not fit the stock."""
    out = io.BytesIO()
    for _ in draw(sheet, out):
        pass
    return out.getvalue()


def issue_labels(
    actor: Actor,
    thing: Thing | None,
    sheet: Sheet,
    *,
    at: datetime,
    kind: str = "copies",
    reason: str = "",
    job: str | None = None,
    bound: bool = False,
) -> None:
    """Notes that labels were given out, in the caller's transaction: who, how many, which, why,
    and on the thing when the first one was. What stood on its page until then strangers may have
    read. Where they are `bound` by an event, its capture marks the thing (units.confirm).
    Raises BatchHeld, LabelsRecalled."""
    actor.check("read")
    if thing is not None:
        check_not_held(thing)
    if thing is not None and not bound:
        db.session.execute(
            update(Thing)
            .where(Thing.id == thing.id, Thing.labelled_at.is_(None))
            .values(labelled_at=at)
            .execution_options(synchronize_session=False)
        )
    ranged = sheet.range_id != 0 or sheet.run != 0
    db.session.add(
        LabelPrint(
            organisation_id=actor.organisation.id,
            person_id=actor.person.id if actor.person else None,
            kind=kind,
            thing_id=thing.id if thing is not None else None,
            range_id=sheet.range_id or None,
            run=sheet.run or None,
            first=sheet.first if ranged else None,
            last=sheet.last if ranged else None,
            count=sheet.count,
            layout=sheet.stock.name,
            reason=reason,
            job=job,
            at=at,
        )
    )
    stock = f"crates:{sheet.run}" if sheet.run else f"labels:{sheet.range_id}"
    subject = thing.identity if thing is not None else stock
    write_audit(
        actor, "label.print", subject, at=at, count=sheet.count, layout=sheet.stock.name, kind=kind
    )


def prints_of(
    actor: Actor,
    *,
    thing: Thing | None = None,
    roll: LabelRange | None = None,
    run: int = 0,
) -> list[tuple[LabelPrint, str]]:
    """The printings of a lot, of a roll or of a run with who asked for them, newest first."""
    actor.check("read")
    query = (
        select(LabelPrint, func.coalesce(Person.name, ""))
        .outerjoin(Person, Person.id == LabelPrint.person_id)
        .where(LabelPrint.organisation_id == actor.organisation.id)
    )
    if thing is not None:
        query = query.where(LabelPrint.thing_id == thing.id)
    if roll is not None:
        query = query.where(LabelPrint.range_id == roll.id)
    if run:
        query = query.where(LabelPrint.run == run)
    rows = db.session.execute(query.order_by(LabelPrint.id.desc()).limit(100))
    return [(row[0], row[1]) for row in rows]
