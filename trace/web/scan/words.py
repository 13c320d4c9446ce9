"""The words of the scan page: what each code of a passport is called (screens: words that neither
mislead nor frighten). Vietnamese sentences are the msgids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.support import Translations
from flask_babel import force_locale, gettext, ngettext

from trace.core.signing import JsonObject
from trace.services.languages import local_name, number_marks
from trace.services.vocabulary import measured_label, step_label, uom_name
from trace.web.hold_words import finding_words, use_words
from trace.web.i18n import translations
from trace.web.inspection_words import conclusion_line as inspection_words
from trace.web.measured_words import measured_words
from trace.web.request_words import reason_name


def ended(organisation: JsonObject, language: str) -> list[str]:
    """That an organisation is no more, and who goes on for it."""
    found = []
    if organisation.get("closed"):
        found.append(_("Tổ chức đã ngừng hoạt động từ %(day)s", day=day(organisation["closed"])))
    for one in organisation.get("successors", ()):
        name = local_name(one["name"], one["name_en"], language)
        found.append(_("Bên kế thừa hồ sơ: %(who)s", who=name))
    return found


_catalogue: ContextVar[Translations | None] = ContextVar("trace.scan.catalogue", default=None)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Everything inside is told in one language. A page has more than a thousand words: whose
    catalogue they are in is asked once, not for each."""
    token = _catalogue.set(translations(language))
    try:
        with force_locale(language):
            yield
    finally:
        _catalogue.reset(token)


def _(text: str, **values: object) -> str:
    catalogue = _catalogue.get()
    if catalogue is None:
        return str(gettext(text, **values))
    told = str(catalogue.ugettext(text))
    return told % values if values else told


def step(word: str, action: str | None, disposition: str | None) -> str:
    """What happened, in the farmer's word."""
    if word == "retail_selling" and str(disposition or "").startswith("sellable"):
        return _("Bày bán")
    if not word:
        words: dict[str | None, str] = {"ADD": _("Bắt đầu có"), "DELETE": _("Kết thúc")}
        return words.get(action, _("Việc khác"))
    if word == "commissioning" and action == "OBSERVE":
        return _("Gắn tem riêng cho từng gói")
    return _(step_label(word))


def title(one: JsonObject) -> str:
    """What a line is called."""
    notice = one.get("notice")
    if notice:
        titles: dict[str, str] = {
            "recall": _("Thông báo thu hồi"),
            "hold": _("Thông báo tạm dừng bán"),
            "release": _("Gỡ thông báo"),
            "advice": _("Lưu ý"),
        }
        return titles.get(str(notice.get("kind")), _("Thông báo"))
    if one["step"] == "inspecting" and any(told["label"] == "result" for told in one["details"]):
        return _("Kết quả kiểm nghiệm do %(name)s ký", name=one["who"]["name"])
    if one["step"] == "sensor_reporting" and one.get("sensor"):
        read = one["sensor"]
        return _(measured_label({told["kind"] for told in (read, *read.get("others", ()))}))
    return step(one["step"], one["action"], one["disposition"])


def day(text: Any) -> str:
    """`2026-11-20…` as 20/11/2026; anything else as it stands."""
    try:
        return f"{date.fromisoformat(str(text)[:10]):%d/%m/%Y}"
    except ValueError:
        return str(text)


def moment(text: str, offset: str) -> str:
    """When it happened by the clock of where it happened: 20/11/2026, 07:10."""
    try:
        at = datetime.fromisoformat(text)
        local = datetime.fromisoformat(f"2000-01-01T00:00:00{offset or '+00:00'}")
    except ValueError:
        return text
    if at.tzinfo is None:
        return text
    return f"{at.astimezone(local.tzinfo):%d/%m/%Y, %H:%M}"


def days_between(first: str, last: str) -> str:
    """18–20/11/2026, or the whole of both dates where months differ."""
    one, two = date.fromisoformat(first), date.fromisoformat(last)
    if one == two:
        return f"{one:%d/%m/%Y}"
    if (one.year, one.month) == (two.year, two.month):
        return f"{one.day:02d}–{two:%d/%m/%Y}"
    return f"{one:%d/%m/%Y}–{two:%d/%m/%Y}"


def number(value: Any, language: str) -> str:
    """1234.5 as 1.234,5 in Vietnamese and 1,234.5 in English; text as it stands."""
    text = str(value)
    whole, point, part = text.partition(".")
    if not whole.lstrip("-").isdigit() or (point and not part.isdigit()):
        return text
    grouped = f"{int(whole):,}"
    if whole.startswith("-0"):
        grouped = "-" + grouped
    thousands, decimals = number_marks(language)
    english = grouped + (f".{part}" if part else "")
    return english.translate({ord(","): thousands, ord("."): decimals})


def amount(value: Any, unit: str | None, language: str) -> str:
    """480 kg; a count of pieces without a unit is told as pieces."""
    name = _(uom_name(unit)) if unit else _("đơn vị")
    return f"{number(value, language)} {name}"


def weight(kilograms: str, language: str) -> str:
    """A package's weight: grams below a kilogram."""
    value = Decimal(kilograms)
    if value < 1:
        return f"{number(f'{(value * 1000).normalize():f}', language)} g"
    return f"{number(kilograms, language)} kg"


def silence(state: str) -> str:
    """The four kinds of silence."""
    words: dict[str, str] = {
        "undeclared": _("chưa khai báo"),
        "private": _("chủ hàng không công khai"),
        "none": _("khai: không dùng"),
        "not-applicable": _("không áp dụng"),
    }
    return words.get(state, state)


def topic(rule: str) -> str:
    """What a gap is about."""
    words: dict[str, str] = {
        "seed": _("Giống"),
        "irrigation": _("Tưới nước"),
        "fertiliser": _("Phân bón"),
        "pesticide": _("Thuốc bảo vệ thực vật"),
        "harvest": _("Ngày thu hoạch"),
        "growing-place": _("Nơi trồng, nuôi"),
        "packing": _("Nơi đóng gói"),
        "transport": _("Vận chuyển"),
    }
    return words.get(rule, rule)


def finding(code: str, line: JsonObject) -> str:
    """A mark on a line."""
    if code == "late":
        days = int(line.get("late_days") or 0)
        return str(ngettext("ghi sau %(num)s ngày", "ghi sau %(num)s ngày", days))
    words: dict[str, str] = {
        "before-shipped": _("giờ nhận trước giờ giao"),
        "before-cycle": _("ngày thu hoạch trước ngày bắt đầu vụ"),
        "more-out-than-in": _("lượng ra nhiều hơn lượng vào"),
        "moved-while-held": _("rời đi khi lô đang tạm dừng bán"),
        "low-yield": _("lượng ra ít hơn thường gặp"),
        "interval-short": _("thu hoạch sớm hơn nhãn thuốc yêu cầu"),
        "limit-broken": _("số đo ra ngoài giới hạn"),
        "only-sender": _("chỉ bên giao khai"),
        "only-receiver": _("chỉ bên nhận khai"),
        "bad-signature": _("Dòng này không khớp chữ ký; chưa rõ lỗi do ai"),
    }
    return words.get(code, code)


def withheld(members: Sequence[str]) -> str:
    """What the owner keeps private, each thing once; who typed an entry is nobody's business."""
    words: dict[str, str] = {
        "destinationList": _("bên nhận"),
        "sourceList": _("bên giao"),
        "bizTransactionList": _("chứng từ"),
        "readPoint": _("nơi"),
        "bizLocation": _("nơi"),
        "trace:inputs": _("vật tư đã dùng"),
        "trace:performedBy": _("người làm"),
        "trace:witness": _("người chứng kiến"),
        "trace:note": _("ghi chú"),
        "trace:attachments": _("ảnh, giấy tờ"),
        "sensorElementList": _("số đo"),
        "inputQuantityList": _("nguyên liệu"),
        "inputEPCList": _("nguyên liệu"),
        "outputQuantityList": _("sản phẩm làm ra"),
        "quantityList": _("số lượng"),
        "ilmd": _("thông tin lô"),
    }
    named = [words[m.partition("/")[0]] for m in members if m.partition("/")[0] in words]
    return ", ".join(dict.fromkeys(named))


def custody(kind: str) -> str:
    """Who held the key that signed."""
    words: dict[str, str] = {
        "server": _("khoá do nền tảng giữ hộ"),
        "passkey": _("duyệt bằng khoá trên điện thoại"),
        "own": _("khoá do tổ chức tự giữ"),
    }
    return words.get(kind, kind)


def detail(one: JsonObject, language: str) -> str:
    """One further thing that was said; "" for what only machines read."""
    label, value = str(one.get("label", "")), one.get("value")
    if label == "input":
        return _input(one, language)
    if label == "none":
        kinds: dict[str, str] = {
            "fertiliser": _("phân bón"),
            "pesticide": _("thuốc bảo vệ thực vật"),
            "irrigation": _("nước tưới"),
        }
        return _("Khai: không dùng %(what)s", what=kinds.get(str(value), str(value)))
    if label == "result":
        return finding_words(one)
    if label == "measured":
        return measured_words(one, lambda value: number(value, language))
    if label == "inspection" and isinstance(value, dict):
        return inspection_words(value)
    if label == "diversion" and isinstance(value, dict):
        return _("Dùng vào: %(what)s", what=use_words(str(value.get("use", ""))))
    if label == "externalSource" and isinstance(value, dict):
        parts = [value.get("supplier"), value.get("place"), day(value.get("date", ""))]
        told = ", ".join(str(part) for part in parts if part)
        words = _("Nguồn do người nhận khai, không có hồ sơ gốc")
        return f"{words}: {told}" if told else words
    if label == "difference" and isinstance(value, dict):
        missing = ""
        if "quantity" in value:
            missing = amount(value["quantity"], value.get("uom"), language)
        told = ", ".join(part for part in (missing, str(value.get("reason") or "")) if part)
        return _("Chênh lệch: %(what)s", what=told)
    return _plain(label, value, language)


def _plain(label: str, value: Any, language: str) -> str:
    labels: dict[str, str] = {
        "variety": _("Giống"),
        "seedSource": _("Nguồn giống"),
        "area": _("Diện tích"),
        "harvestDate": _("Ngày thu hoạch"),
        "sampleDate": _("Lấy mẫu ngày"),
        "harvestStartDate": _("Thu từ ngày"),
        "harvestEndDate": _("Thu đến ngày"),
        "itemExpirationDate": _("Hạn dùng"),
        "bestBeforeDate": _("Dùng ngon nhất trước"),
        "productName": _("Tên hàng"),
        "note": _("Ghi chú"),
        "certificationInfo": _("Chứng nhận"),
    }
    if label == "contributors" and isinstance(value, dict):
        return _("%(count)s hộ góp", count=number(value.get("households", 0), language))
    if label not in labels:
        return ""
    if isinstance(value, dict):
        if "value" not in value:
            value = value.get("name") or value.get("id") or ""
        else:
            value = f"{number(value['value'], language)} {value.get('unit', '')}"
    elif label.endswith("Date"):
        value = day(value)
    return f"{labels[label]}: {value}" if value else ""


def _input(one: JsonObject, language: str) -> str:
    name = str(one.get("name", ""))
    if one.get("activeIngredient"):
        name += f" ({one['activeIngredient']})"
    if one.get("amount") is not None:
        name += f", {number(one['amount'], language)} {one.get('unit', '')}"
    parts = [name.strip()]
    for member, words in (
        ("reason", _("lý do")),
        ("method", _("cách làm")),
        ("equipment", _("dụng cụ")),
    ):
        if one.get(member):
            parts.append(f"{words}: {one[member]}")
    if one.get("intervalDays") is not None:
        days = int(one["intervalDays"])
        parts.append(
            str(
                ngettext(
                    "nhãn: %(num)s ngày trước thu hoạch", "nhãn: %(num)s ngày trước thu hoạch", days
                )
            )
        )
    return "; ".join(part for part in parts if part)


def removed(line: JsonObject) -> list[str]:
    """What was taken down or erased of a line: that, when, and which kind of reason."""
    found = []
    for one in line.get("taken_down", ()):
        when, reason = day(one["day"]), reason_name(one["reason"])
        if one["kind"] == "photo":
            found.append(_("Ảnh đã bị gỡ ngày %(when)s: %(reason)s", when=when, reason=reason))
        else:
            found.append(_("Lời đã bị gỡ ngày %(when)s: %(reason)s", when=when, reason=reason))
    for one in line.get("erased", ()):
        what, when = withheld(one["members"]) or _("dữ liệu cá nhân"), day(one["day"])
        if one["why"] == "takedown":
            reason = reason_name("personal")
            found.append(_("Lời đã bị gỡ ngày %(when)s: %(reason)s", when=when, reason=reason))
        else:
            found.append(_("Đã xoá theo yêu cầu ngày %(when)s: %(what)s", when=when, what=what))
    return list(dict.fromkeys(found))


def unconfirmed(organisation: JsonObject) -> str:
    """What is said of a maker that no authority stands behind."""
    if organisation.get("suspended"):
        return str(gettext("Tổ chức đang bị cơ quan quản lý tạm đình chỉ"))
    return str(gettext("Tổ chức chưa được xác nhận"))


def standing(who: JsonObject, *, maker: bool) -> str:
    """What stands in brackets after the name of who said something; the maker is told of above."""
    if who.get("accredited"):
        return str(gettext("bên thứ ba đã được công nhận"))
    if who.get("accredited") is False and who["confirmed"]:
        return str(gettext("phòng kiểm nghiệm chưa được công nhận"))
    if maker or who["confirmed"]:
        return ""
    if who.get("suspended"):
        return str(gettext("đang bị tạm đình chỉ"))
    return str(gettext("chưa được xác nhận"))
