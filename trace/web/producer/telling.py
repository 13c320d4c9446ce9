"""Events told in words for the organisation's own pages: one line each, nothing invented."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_babel import gettext

from trace.core.gs1 import canonical_uri, format_code, parse_identity
from trace.errors import TraceError
from trace.models import Organisation, Thing
from trace.services.attachments import taken_down
from trace.services.batches import short_name
from trace.services.choices import organisation_names, place_names
from trace.services.records import JsonObject
from trace.services.settings import current_settings
from trace.services.timelines import Line, Named, visible
from trace.services.vocabulary import (
    AREA_FACTORS,
    AREA_NAMES,
    DECLARATIONS,
    Amount,
    uom_name,
)
from trace.services.wards import ward_name
from trace.web.access import actor
from trace.web.hold_words import finding_words, notice_words, use_words
from trace.web.measured_words import measured_words
from trace.web.pages import day, moment, number
from trace.web.producer.recording import show_amount

ICONS = {
    "sowing": "sprout",
    "transplanting": "sprout",
    "commissioning": "sprout",
    "irrigating": "drop",
    "spraying": "drop",
    "harvesting": "leaf",
    "egg_collecting": "leaf",
    "packing": "box",
    "unpacking": "box",
    "shipping": "truck",
    "receiving": "truck",
    "retail_selling": "tag",
    "storing": "home",
    "cooling": "home",
    "sensor_reporting": "clock",
    "destroying": "stop",
    "decommissioning": "stop",
    "recalling": "stop",
}


# What asks nobody to do anything is told without alarm.
CALM_MARKS = frozenset({"late", "only-sender", "only-receiver"})


def mark_words(line: Line) -> list[tuple[str, str]]:
    """What history found about the line: (kind of tag, sentence)."""
    sentences = {
        "late": gettext("Ghi muộn %(days)s ngày", days=line.late_days or 0),
        "before-shipped": gettext("Nhận trước khi giao: giờ của hai bên không khớp"),
        "before-cycle": gettext("Thu hoạch trước khi vụ bắt đầu"),
        "more-out-than-in": gettext("Ra nhiều hơn vào: xem lại số lượng"),
        "moved-while-held": gettext("Rời đi khi lô đang tạm giữ"),
        "low-yield": gettext("Ra ít hơn thường gặp: hao hụt lớn, hoặc còn phần chưa ghi"),
        "interval-short": gettext("Thu hoạch sớm hơn số ngày nhãn thuốc yêu cầu"),
        "limit-broken": gettext("Có lúc số đo ra ngoài giới hạn"),
        "only-sender": gettext("Mới có bên giao khai"),
        "only-receiver": gettext("Mới có bên nhận khai"),
    }
    return [
        ("info" if mark in CALM_MARKS else "warn", sentences.get(mark, mark)) for mark in line.marks
    ]


@dataclass(slots=True)
class ThingWord:
    """A thing an event names: what part it plays, its name, its page, how much."""

    part: str
    name: str
    href: str
    amount: str


@dataclass(slots=True)
class Told:
    """One line of a timeline in words."""

    line: Line
    title: str
    icon: str
    when: str
    who: str
    where: str
    things: list[ThingWord]
    details: list[tuple[str, str]] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    marks: list[tuple[str, str]] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    was: list[Told] = field(default_factory=list)
    declared: str = ""

    @property
    def href(self) -> str:
        return url_for("events.show", event_id=self.line.event_id)


def tell(lines: Sequence[Line], about: Thing | None = None) -> list[Told]:
    """The lines in words; `about` is the thing whose page this is, not named again."""
    names = _Names(lines)
    open_to = visible(actor(), {named.thing.id for line in lines for named in line.things})
    gone = taken_down(digest for line in lines for digest in _pictures(line))
    told = [_told(line, about, names, open_to, gone) for line in lines]
    return told if about is None else _settled(told)


def _settled(told: Sequence[Told]) -> list[Told]:
    """A history: an error declaration is told with the line it is about, a corrected line with what
    stands instead; one that was corrected before the goods went out is not told any more."""
    by_row = {one.line.event_id: one for one in told}
    beside: set[int] = set()
    for one in told:
        if not one.line.replaced_by:
            continue
        present = next(iter(_present(one, by_row)), None)
        if one.line.mended or present is not None:
            beside.add(one.line.event_id)
        if present is not None and not one.line.mended:
            present.was.append(one)
    return [one for one in told if not one.line.declares_error and one.line.event_id not in beside]


def _present(told: Told, by_row: Mapping[int, Told]) -> Iterable[Told]:
    """What stands now instead of a line, however many corrections later."""
    todo, seen = list(told.line.replaced_by), set(told.line.replaced_by)
    while todo:
        one = by_row.get(todo.pop(0))
        if one is None:
            continue
        if not one.line.replaced_by:
            yield one
        new = [row for row in one.line.replaced_by if row not in seen]
        seen.update(new)
        todo += new


def place_word(line: Line) -> str:
    """Where the event happened, by the place's name."""
    return _Names([line]).place(line.document.get("readPoint"))


class _Names:
    """Names of places and parties of several lines, looked up together."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.id_base = current_settings().id_base
        uris: set[str] = set()
        for line in lines:
            uris |= {str(uri) for uri in _addresses(line.document)}
        canonical = {uri: self._canonical(uri) for uri in uris}
        self.places = place_names(sorted(canonical.values()))
        self.organisations = organisation_names(sorted(canonical.values()))

    def _canonical(self, uri: str) -> str:
        try:
            found = parse_identity(uri, self.id_base)
        except TraceError:
            found = None
        return uri if found is None else canonical_uri(found, self.id_base)

    def place(self, point: object) -> str:
        """A place's name and ward; its code where nobody registered it."""
        uri = str(point.get("id", "")) if isinstance(point, dict) else str(point or "")
        return self.any(uri) if uri else ""

    def any(self, uri: str) -> str:
        """A place's or an organisation's name; the address where there is none."""
        canonical = self._canonical(uri)
        place = self.places.get(canonical)
        if place is not None:
            ward = ward_name(place.ward_code) if place.ward_code else ""
            return f"{place.name}, {ward}" if ward else place.name
        organisation: Organisation | None = self.organisations.get(canonical)
        return organisation.name if organisation is not None else short_name(canonical)


def _addresses(document: JsonObject) -> Iterable[object]:
    for name in ("readPoint", "bizLocation"):
        if isinstance(document.get(name), dict):
            yield document[name].get("id", "")
    for name, member in (("sourceList", "source"), ("destinationList", "destination")):
        for end in document.get(name) or ():
            if isinstance(end, dict):
                yield end.get(member, "")
    yield document.get("trace:recordedBy", "")


def _pictures(line: Line) -> list[str]:
    """Digests of the photos it names."""
    return [
        str(one.get("digest"))
        for one in line.document.get("trace:attachments") or ()
        if isinstance(one, dict) and str(one.get("mediaType", "")).startswith("image/")
    ]


def _told(
    line: Line, about: Thing | None, names: _Names, open_to: set[int], gone: Collection[str]
) -> Told:
    document = line.document
    title = gettext(line.label)
    if line.step == "retail_selling" and document.get("disposition") == "sellable_accessible":
        title = gettext("Bày bán")
    if document.get("trace:declaredNone"):
        title = gettext("Khai: không dùng")
    if line.step == "receiving" and document.get("trace:externalSource"):
        title = gettext("Nhận hàng không có mã")
    return Told(
        line=line,
        title=title,
        icon=ICONS.get(line.step, "dot"),
        when=moment(line.event_time),
        who=_who(line),
        where=names.place(document.get("readPoint")),
        things=[
            _thing(named, open_to)
            for named in line.things
            if about is None or named.thing.id != about.id
        ]
        + _own_amount(line, about),
        details=list(_details(document, names)),
        photos=[digest for digest in _pictures(line) if digest not in gone],
        marks=mark_words(line),
        declared=_declared(line),
        withheld=sorted({member.partition("/")[0] for member in line.withheld}),
    )


def _declared(line: Line) -> str:
    """Who declared the line to be in error, and when that was signed and logged."""
    error = line.declared
    if error is None:
        return ""
    if line.voided:
        return str(
            gettext("%(who)s huỷ lúc %(when)s", who=error.issuer.name, when=moment(error.at))
        )
    return str(gettext("%(who)s sửa lúc %(when)s", who=error.issuer.name, when=moment(error.at)))


def _who(line: Line) -> str:
    by = line.document.get("trace:performedBy")
    if by:
        return str(gettext("%(who)s ghi thay hộ %(code)s", who=line.issuer.name, code=by))
    return line.issuer.name


def _own_amount(line: Line, about: Thing | None) -> list[ThingWord]:
    if about is None:
        return []
    amounts = [
        show_amount(Amount(named.quantity, named.unit))
        for named in line.things
        if named.thing.id == about.id and named.quantity is not None
    ]
    return [ThingWord(gettext("Lô này"), "", "", amount) for amount in amounts]


def _thing(named: Named, open_to: set[int]) -> ThingWord:
    parts = {
        "epc": gettext("Hàng"),
        "parent": gettext("Thùng, kiện"),
        "child": gettext("Bên trong"),
        "input": gettext("Từ"),
        "output": gettext("Thành"),
    }
    thing = named.thing
    name = f"{thing.product.name} · " if thing.product is not None else ""
    amount = None if named.quantity is None else Amount(named.quantity, named.unit)
    return ThingWord(
        parts[named.role],
        name + short_name(thing.identity),
        thing_href(thing) if thing.id in open_to else "",
        show_amount(amount),
    )


def thing_href(thing: Thing) -> str:
    """The console's page of a thing, "" where it has none."""
    if thing.kind == "cycle":
        return url_for("cycles.show", thing_id=thing.id)
    if thing.kind in ("lot", "logistic"):
        return url_for("batches.show", thing_id=thing.id)
    return ""


def _details(document: JsonObject, names: _Names) -> Iterable[tuple[str, str]]:
    for one in document.get("trace:inputs") or ():
        if isinstance(one, dict):
            yield gettext("Đã dùng"), input_words(one)
    if kinds := document.get("trace:declaredNone"):
        words = ", ".join(gettext(DECLARATIONS.get(kind, kind)) for kind in kinds)
        yield gettext("Không dùng"), words
    yield from _ilmd(document.get("ilmd") or {})
    for name, member, term in (
        ("sourceList", "source", gettext("Từ")),
        ("destinationList", "destination", gettext("Đến")),
    ):
        ends = [names.any(str(end.get(member, ""))) for end in document.get(name) or () if end]
        if ends:
            yield term, ", ".join(dict.fromkeys(ends))
    for one in document.get("bizTransactionList") or ():
        yield gettext("Phiếu giao"), short_name(str(one.get("bizTransaction", "")))
    yield from _measured(document)
    if shares := document.get("trace:shares"):
        yield gettext("Ai góp bao nhiêu (không công khai)"), share_words(shares)
    yield from _difference(document.get("trace:difference"))
    for one in document.get("trace:results") or ():
        if isinstance(one, dict):
            yield gettext("Kết quả kiểm nghiệm"), finding_words(one)
    yield from _ended(document)
    yield from _notice(document.get("trace:notice"))
    yield from _external(document.get("trace:externalSource"))
    if note := document.get("trace:note"):
        yield gettext("Ghi chú"), str(note)


def input_words(one: JsonObject) -> str:
    """ "Thuốc Demo 10EC (abamectin), 0,25 lít, cách ly 7 ngày theo nhãn; sâu tơ"."""
    name = str(one.get("name", ""))
    if one.get("activeIngredient"):
        name += f" ({one['activeIngredient']})"
    parts = [name]
    if isinstance(one.get("amount"), int | float):
        parts.append(f"{number(one['amount'])} {gettext(str(one.get('unit', '')) or 'kg')}")
    if one.get("intervalDays") is not None:
        parts.append(gettext("nhãn yêu cầu %(days)s ngày", days=one["intervalDays"]))
    parts += [str(one[key]) for key in ("reason", "method", "equipment") if one.get(key)]
    return ", ".join(parts)


def _ilmd(ilmd: JsonObject) -> Iterable[tuple[str, str]]:
    terms: list[tuple[str, str]] = [
        ("cbvmda:lotNumber", gettext("Tên lô")),
        ("trace:productName", gettext("Sản phẩm")),
        ("trace:variety", gettext("Giống")),
        ("trace:seedSource", gettext("Nguồn giống")),
        ("cbvmda:harvestStartDate", gettext("Thu hoạch từ")),
        ("cbvmda:harvestEndDate", gettext("Thu hoạch đến")),
        ("cbvmda:itemExpirationDate", gettext("Hạn dùng")),
        ("cbvmda:bestBeforeDate", gettext("Ngon nhất trước")),
    ]
    first, last = ilmd.get("cbvmda:harvestStartDate"), ilmd.get("cbvmda:harvestEndDate")
    if first and first == last:
        yield gettext("Ngày thu"), _day_word(str(first))
        terms = [(name, term) for name, term in terms if not name.startswith("cbvmda:harvest")]
    for name, term in terms:
        if ilmd.get(name):
            yield term, _day_word(str(ilmd[name]))
    if words := area_words(ilmd.get("trace:area")):
        yield gettext("Diện tích"), words
    if words := typed_words(ilmd.get("trace:typed")):
        yield gettext("Đếm được"), words


def share_words(shares: object) -> str:
    """ "H07 12,5 kg, H12 40 kg"."""
    told = [
        f"{one.get('household', '')} {number(one['quantity'])} kg"
        for one in (shares if isinstance(shares, list) else ())
        if isinstance(one, dict) and isinstance(one.get("quantity"), int | float)
    ]
    return ", ".join(told)


def area_words(area: object) -> str:
    """ "2 sào Bắc Bộ (720 m²)"; "" where none was declared."""
    if not isinstance(area, dict) or not isinstance(area.get("value"), int | float):
        return ""
    unit, value = str(area.get("unit")), Decimal(str(area["value"]))
    words = f"{number(value)} {gettext(AREA_NAMES.get(unit, unit))}"
    if unit in ("m2", "ha") or unit not in AREA_FACTORS:
        return words
    return f"{words} ({number(value * AREA_FACTORS[unit])} m²)"


def typed_words(typed: object) -> str:
    """ "40 thùng, mỗi thùng 12 kg": the amount as it was typed; "" where it was weighed."""
    if not isinstance(typed, dict) or not isinstance(typed.get("value"), int | float):
        return ""
    unit = gettext(str(typed.get("unit", "")))
    return str(
        gettext(
            "%(count)s %(unit)s, mỗi %(unit)s %(each)s kg",
            count=number(typed["value"]),
            unit=unit,
            each=number(typed.get("kilograms")),
        )
    )


def _day_word(text: str) -> str:
    try:
        return day(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def temperature_words(elements: object) -> str:
    """ "4–6 °C (3 lần đo)"."""
    values: list[Decimal] = []
    for element in elements if isinstance(elements, list) else ():
        for report in element.get("sensorReport") or () if isinstance(element, dict) else ():
            for name in ("value", "minValue", "maxValue"):
                found: Any = report.get(name)
                if report.get("type") == "Temperature" and isinstance(found, int | float):
                    values.append(Decimal(str(found)))
    if not values:
        return ""
    low, high = min(values), max(values)
    span = number(low) if low == high else f"{number(low)}–{number(high)}"
    return str(gettext("%(span)s °C (%(count)s lần đo)", span=span, count=len(values)))


def _measured(document: JsonObject) -> Iterable[tuple[str, str]]:
    """What a series comes to where it says so, else what single readings span."""
    told = [one for one in document.get("trace:measured") or () if isinstance(one, dict)]
    for one in told:
        yield gettext("Máy đo"), measured_words(one, number)
    if not told and (readings := temperature_words(document.get("sensorElementList"))):
        yield gettext("Nhiệt độ"), readings


def _difference(told: object) -> Iterable[tuple[str, str]]:
    if not isinstance(told, dict):
        return
    words = []
    quantity = told.get("quantity")
    if isinstance(quantity, int | float):
        unit = gettext(uom_name(str(told.get("uom", ""))) or "gói")
        word = gettext("thiếu") if quantity < 0 else gettext("thừa")
        words.append(f"{word} {number(abs(quantity))} {unit}")
    if told.get("reason"):
        words.append(str(told["reason"]))
    yield gettext("Chênh lệch"), ", ".join(words)


def _ended(document: JsonObject) -> Iterable[tuple[str, str]]:
    diversion = document.get("trace:diversion")
    if isinstance(diversion, dict):
        yield gettext("Dùng vào"), use_words(str(diversion.get("use", "")))
    if witness := document.get("trace:witness"):
        yield gettext("Người chứng kiến (không công khai)"), str(witness)


def _notice(told: object) -> Iterable[tuple[str, str]]:
    if not isinstance(told, dict):
        return
    kinds: dict[str, str] = {
        "hold": gettext("Tạm giữ"),
        "recall": gettext("Thu hồi"),
        "release": gettext("Gỡ thông báo"),
        "advice": gettext("Lưu ý"),
    }
    kind = str(told.get("kind", ""))
    yield kinds.get(kind, kind), notice_words(told)


def _external(told: object) -> Iterable[tuple[str, str]]:
    if not isinstance(told, dict):
        return
    words = [str(told[key]) for key in ("supplier", "place", "code") if told.get(key)]
    if told.get("date"):
        words.append(_day_word(str(told["date"])))
    yield gettext("Nguồn do người nhận khai"), ", ".join(words) or gettext("chưa khai báo")


def code_words(identity: str) -> str:
    """Our code in two halves, for printing; "" for what has none."""
    found = parse_identity(identity, current_settings().id_base)
    return format_code(found.value) if found is not None and found.is_own else ""
