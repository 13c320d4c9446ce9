"""What marks of places, codes and consignments say, and the words of codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

from flask_babel import format_date, gettext

from trace.services.area_codes import MARKETS, Mark, shape_of
from trace.web.pages import number

Told = Mapping[str, Any]
Options = list[tuple[str, str]]


def mark_words(mark: Mark) -> str:
    """The sentence of a mark: what is so, and what can be done."""
    return SENTENCES[mark.key](mark.told)


def _day(value: object) -> str:
    return str(format_date(cast("date", value), "dd/MM/yyyy"))


def _area(value: object) -> str:
    return f"{number(round(cast('Decimal', value)))} m²"


def _hectares(value: object) -> str:
    return number(round(Decimal(str(value)), 2))


SENTENCES: dict[str, Callable[[Told], str]] = {
    "area-differs": lambda told: gettext(
        "Diện tích khai %(declared)s, đo theo ranh giới %(computed)s (lệch %(percent)s %%). Xem lại"
        " bên nào đúng.",
        declared=_area(told["declared"]),
        computed=_area(told["computed"]),
        percent=f"{told['percent']:+d}",
    ),
    "point-only": lambda told: gettext(
        "Rộng %(hectares)s ha mà chỉ có một điểm. Xuất sang EU, thửa trên 4 ha cần ranh giới.",
        hectares=_hectares(told["hectares"]),
    ),
    "few-decimals": lambda told: gettext(
        "Toạ độ chỉ có %(got)s số lẻ. Nên có ít nhất %(wanted)s (khoảng 10 cm).",
        got=told["got"],
        wanted=told["wanted"],
    ),
    "rough": lambda told: gettext(
        "Máy báo sai số khoảng %(metres)s m khi đi vòng quanh.", metres=told["metres"]
    ),
    "overlaps": lambda told: gettext(
        "Chồng lên %(name)s: %(area)s, %(percent)s %% của thửa nhỏ hơn.",
        name=told["place"].name,
        area=_area(told["area"]),
        percent=told["percent"],
    ),
    "abroad": lambda _: gettext("Vị trí nằm ngoài Việt Nam."),
    "far-from-ward": lambda told: gettext(
        "Vị trí cách %(ward)s hơn 30 km. Xem lại vị trí hoặc xã, phường.", ward=told["ward"]
    ),
    "point-outside": lambda _: gettext("Vị trí nằm ngoài ranh giới."),
    "code-suspended": lambda _: gettext("Mã đang bị tạm dừng."),
    "code-revoked": lambda _: gettext("Mã đã bị thu hồi."),
    "code-pending": lambda _: gettext("Mã đang chờ cấp."),
    "code-expired": lambda told: gettext("Mã hết hạn ngày %(day)s.", day=_day(told["day"])),
    "code-expires-soon": lambda told: gettext("Mã sắp hết hạn: %(day)s.", day=_day(told["day"])),
    "code-not-yet": lambda told: gettext("Ngày cấp %(day)s chưa tới.", day=_day(told["day"])),
    "code-unknown-shape": lambda _: gettext(
        "Mã không theo mẫu nào đang lưu hành. Vẫn giữ nguyên chữ; so lại với giấy được cấp."
    ),
    "code-other-kind": lambda told: (
        gettext("Theo mẫu, đây là mã vùng trồng.")
        if told["kind"] == "planting"
        else gettext("Theo mẫu, đây là mã cơ sở đóng gói.")
    ),
    "code-other-market": lambda told: gettext(
        "Trong mã ghi thị trường %(written)s, ở đây khai %(told)s.",
        written=told["written"],
        told=told["told"],
    ),
    "code-other-province": lambda told: gettext(
        "Hai số đầu của mã không phải %(province)s.", province=told["province"]
    ),
    "code-district-part": lambda _: gettext(
        "Mã có phần huyện, không còn từ 7/2025. Mã vẫn giữ nguyên; hỏi cơ quan cấp có đổi không."
    ),
    "no-origin": lambda told: gettext(
        "%(lot)s: chưa biết trồng ở đâu, nên không đối chiếu được mã vùng trồng.", lot=told["lot"]
    ),
    "no-planting-code": lambda told: gettext(
        "%(place)s: chưa có mã vùng trồng cho %(market)s.",
        place=told["place"],
        market=market_word(told["market"]),
    ),
    "no-packing-place": lambda told: gettext(
        "%(lot)s: chưa ghi đóng gói ở đâu, nên không đối chiếu được mã cơ sở đóng gói.",
        lot=told["lot"],
    ),
    "no-packing-code": lambda told: gettext(
        "%(place)s: chưa có mã cơ sở đóng gói cho %(market)s.",
        place=told["place"],
        market=market_word(told["market"]),
    ),
    "not-in-force": lambda told: gettext(
        "%(place)s: mã %(code)s không còn hiệu lực ngày đóng gói %(day)s.",
        place=told["place"],
        code=told["code"],
        day=_day(told["day"]),
    ),
    "other-crop": lambda told: gettext(
        "%(place)s: mã %(code)s cấp cho %(crop)s, hàng là %(product)s.",
        place=told["place"],
        code=told["code"],
        crop=told["crop"],
        product=told["product"],
    ),
    "codes-agree": lambda told: gettext(
        "Mã vùng trồng và mã đóng gói có đủ cho %(market)s ngày đóng gói.",
        market=market_word(told["market"]),
    ),
}


def market_word(market: str) -> str:
    """ "Trung Quốc" for CHN; the code itself for one nobody named."""
    words: dict[str, str] = {
        "CHN": gettext("Trung Quốc"),
        "USA": gettext("Hoa Kỳ"),
        "AUS": gettext("Úc"),
        "NZL": gettext("New Zealand"),
        "JPN": gettext("Nhật Bản"),
        "KOR": gettext("Hàn Quốc"),
        "THA": gettext("Thái Lan"),
        "EU": gettext("Liên minh châu Âu"),
        "GBR": gettext("Anh"),
        "VNM": gettext("trong nước"),
    }
    return words.get(market, market)


def market_options(*more: str) -> Options:
    """Markets to choose from; `more` are codes somebody typed."""
    known = [*MARKETS, *(one for one in more if one and one not in MARKETS)]
    return [(market, f"{market_word(market)} ({market})") for market in known]


def kind_options() -> Options:
    """The two kinds of code."""
    return [
        ("planting", gettext("Mã vùng trồng")),
        ("packing", gettext("Mã cơ sở đóng gói")),
    ]


def state_options() -> Options:
    """The states of a code."""
    return [
        ("active", gettext("đang có hiệu lực")),
        ("pending", gettext("chờ cấp")),
        ("suspended", gettext("tạm dừng")),
        ("revoked", gettext("đã thu hồi")),
    ]


def scheme_word(code: str) -> str:
    """The shape a code has."""
    words: dict[str, str] = {
        "domestic": gettext("trong nước, theo Quyết định 3156 (2022)"),
        "export": gettext("xuất khẩu, mẫu cũ"),
        "market": gettext("theo thị trường, mẫu mới"),
    }
    return words.get(shape_of(code).scheme) or str(gettext("không theo mẫu nào"))


def source_word(source: str, accuracy: int | None) -> str:
    """Where an outline came from."""
    words: dict[str, str] = {
        "walked": gettext("đi vòng quanh bằng điện thoại"),
        "drawn": gettext("vẽ trên màn hình"),
        "pasted": gettext("dán vào"),
        "file": gettext("lấy từ tệp"),
    }
    told = words.get(source, "")
    if told and accuracy is not None:
        return str(gettext("%(how)s, sai số ±%(metres)s m", how=told, metres=accuracy))
    return told
