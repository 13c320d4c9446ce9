"""The signed books of the VietGAP diary as tables: seed, fertiliser, pesticide, other work, harvest
and sale. What an event does not say is an empty cell; nothing is worked out but the first day a
harvest keeps the label (day of spraying plus the label's days)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from flask_babel import gettext

from trace.services.batches import short_name
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.timelines import Line, Named
from trace.services.vocabulary import Amount, step_label
from trace.web.pages import day, number
from trace.web.producer.recording import show_amount
from trace.web.producer.telling import Told, area_words, typed_words

SEED = ("sowing", "transplanting", "commissioning")
TREATING = ("fertilising", "feeding")
SPRAYING = ("spraying", "vaccinating")
TAKING = ("harvesting", "egg_collecting")
SELLING = ("shipping", "retail_selling")


@dataclass(slots=True)
class Table:
    """One book: its name, its columns, its rows; `key` names its file."""

    key: str
    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)


def diary_tables(told: Sequence[Told]) -> list[Table]:
    """The books of these lines, oldest line first; lines that no longer stand are left out."""
    lines = [one for one in reversed(told) if one.line.stands]
    return [
        _seed(lines),
        _inputs("fertiliser", gettext("Phân bón, thức ăn đã dùng"), lines, TREATING),
        _pesticide(lines),
        _work(lines),
        _harvest(lines),
    ]


def _day(line: Line) -> str:
    return day(line.event_time.astimezone(LOCAL_ZONE).date())


def _common(told: Told) -> list[str]:
    """Day, crop, place, who."""
    return [_day(told.line), _crop(told.line), told.where, str(_by(told.line))]


def _by(line: Line) -> str:
    by = line.document.get("trace:performedBy", "")
    return str(gettext("hộ %(code)s", code=by)) if by else ""


def _crop(line: Line) -> str:
    for named in (*line.named("epc"), *line.named("input"), *line.named("output")):
        product = named.thing.product
        return f"{product.name if product else ''} {short_name(named.thing.identity)}".strip()
    return ""


def _heads(*more: str) -> list[str]:
    return [gettext("Ngày"), gettext("Cây, vật nuôi"), gettext("Nơi"), gettext("Người làm"), *more]


def _seed(lines: Iterable[Told]) -> Table:
    head = _heads(
        gettext("Việc"),
        gettext("Giống"),
        gettext("Nguồn giống"),
        gettext("Diện tích"),
        gettext("Số lượng"),
    )
    table = Table("giong", gettext("Giống và gieo trồng"), head)
    for told in lines:
        if told.line.step in SEED:
            ilmd = told.line.document.get("ilmd") or {}
            amounts = [_amount(named) for named in told.line.named("epc")]
            table.rows.append(
                [
                    *_common(told),
                    told.title,
                    str(ilmd.get("trace:variety", "")),
                    str(ilmd.get("trace:seedSource", "")),
                    area_words(ilmd.get("trace:area")),
                    " ".join(one for one in amounts if one),
                ]
            )
    return table


def _amount(named: Named) -> str:
    return "" if named.quantity is None else show_amount(Amount(named.quantity, named.unit))


def _used(told: Told) -> list[JsonObject]:
    inputs = told.line.document.get("trace:inputs") or ()
    return [one for one in inputs if isinstance(one, dict)]


def _dose(one: JsonObject) -> str:
    if not isinstance(one.get("amount"), int | float):
        return ""
    return f"{number(one['amount'])} {gettext(str(one.get('unit', '')))}".strip()


def _inputs(key: str, title: str, lines: Iterable[Told], steps: Sequence[str]) -> Table:
    head = _heads(
        gettext("Tên"),
        gettext("Lượng dùng"),
        gettext("Lý do"),
        gettext("Cách làm"),
        gettext("Dụng cụ"),
    )
    table = Table(key, title, head)
    for told in lines:
        if told.line.step in steps:
            for one in _used(told):
                words = [str(one.get(name, "")) for name in ("reason", "method", "equipment")]
                table.rows.append([*_common(told), str(one.get("name", "")), _dose(one), *words])
    return table


def _pesticide(lines: Iterable[Told]) -> Table:
    head = _heads(
        gettext("Tên thuốc"),
        gettext("Hoạt chất"),
        gettext("Lượng dùng"),
        gettext("Lý do"),
        gettext("Cách làm"),
        gettext("Dụng cụ"),
        gettext("Cách ly (ngày)"),
        gettext("Thu hoạch được từ"),
    )
    table = Table("thuoc", gettext("Thuốc bảo vệ thực vật, thú y đã dùng"), head)
    for told in lines:
        if told.line.step in SPRAYING:
            sprayed = told.line.event_time.astimezone(LOCAL_ZONE).date()
            for one in _used(told):
                days = one.get("intervalDays")
                known = isinstance(days, int | float)
                table.rows.append(
                    [
                        *_common(told),
                        str(one.get("name", "")),
                        str(one.get("activeIngredient", "")),
                        _dose(one),
                        *[str(one.get(name, "")) for name in ("reason", "method", "equipment")],
                        str(days) if known else "",
                        day(sprayed + timedelta(days=int(days or 0))) if known else "",
                    ]
                )
        none = told.line.document.get("trace:declaredNone")
        if none and "pesticide" in none:
            table.rows.append([*_common(told), gettext("Khai: không dùng"), *[""] * 7])
    return table


def _work(lines: Iterable[Told]) -> Table:
    known = {*SEED, *TREATING, *SPRAYING, *TAKING, *SELLING}
    table = Table("viec-khac", gettext("Việc khác"), _heads(gettext("Việc"), gettext("Ghi chú")))
    for told in lines:
        if told.line.step not in known and not told.line.document.get("trace:notice"):
            note = str(told.line.document.get("trace:note", ""))
            table.rows.append([*_common(told), told.title, note])
    return table


def _harvest(lines: Iterable[Told]) -> Table:
    head = _heads(
        gettext("Việc"), gettext("Mã truy xuất"), gettext("Khối lượng"), gettext("Người mua")
    )
    table = Table("thu-ban", gettext("Thu hoạch và bán"), head)
    for told in lines:
        if told.line.step not in (*TAKING, *SELLING):
            continue
        goods = told.line.named("output") or told.line.named("epc")
        ilmd = told.line.document.get("ilmd") or {}
        buyer = next((text for term, text in told.details if term == gettext("Đến")), "")
        for named in goods:
            amount = "; ".join(
                one for one in (_amount(named), typed_words(ilmd.get("trace:typed"))) if one
            )
            words = gettext(step_label(told.line.document.get("bizStep")))
            table.rows.append(
                [*_common(told), words, short_name(named.thing.identity), amount, buyer]
            )
    return table
