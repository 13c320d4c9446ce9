"""Words for links: what a type promises, which languages and media there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from trace.core.gs1.linkset import DEFAULT, Target
from trace.services.links import host_of
from trace.services.settings import current_settings

# By bare type of the GS1 web vocabulary; those that are never offered are not named.
TYPES: Final = {
    "activityIdeas": _("Gợi ý hoạt động"),
    "allergenInfo": _("Chất gây dị ứng"),
    "appDownload": _("Tải ứng dụng"),
    "backgroundInfo": _("Câu chuyện sản phẩm"),
    "certificationInfo": _("Giấy chứng nhận"),
    "consumerHandlingStorageInfo": _("Cách giữ và dùng"),
    "eventsInfo": _("Sự kiện"),
    "faqs": _("Hỏi và đáp"),
    "hasRetailers": _("Nơi bán"),
    "homepage": _("Trang chủ"),
    "ingredientsInfo": _("Thành phần"),
    "instructions": _("Hướng dẫn"),
    "leaveReview": _("Viết nhận xét"),
    "logisticsInfo": _("Vận chuyển"),
    "loyaltyProgram": _("Khách hàng thân thiết"),
    "menuInfo": _("Thực đơn"),
    "nutritionalInfo": _("Dinh dưỡng"),
    "openingHoursInfo": _("Giờ mở cửa"),
    "pip": _("Thông tin sản phẩm"),
    "productSustainabilityInfo": _("Sản phẩm và môi trường"),
    "promotion": _("Khuyến mãi"),
    "purchaseSuppliesOrAccessories": _("Mua đồ dùng kèm"),
    "quickStartGuide": _("Hướng dẫn nhanh"),
    "recipeInfo": _("Công thức nấu ăn"),
    "relatedImage": _("Hình ảnh"),
    "relatedVideo": _("Phim"),
    "review": _("Nhận xét"),
    "safetyInfo": _("An toàn"),
    "serviceInfo": _("Dịch vụ"),
    "smartLabel": _("Nhãn thông minh"),
    "socialMedia": _("Mạng xã hội"),
    "statisticInfo": _("Số liệu"),
    "subscribe": _("Nhận tin"),
    "support": _("Hỗ trợ"),
    "sustainabilityInfo": _("Môi trường"),
    "tutorial": _("Bài hướng dẫn"),
    "whatsInTheBox": _("Trong gói có gì"),
    # our own
    "defaultLink": _("Trang của mã này"),
    "traceability": _("Hồ sơ truy xuất"),
    "recallStatus": _("Thu hồi"),
    "verificationService": _("Bằng chứng"),
    "locationInfo": _("Nơi chốn"),
    "dpp": _("Hộ chiếu số"),
    "epcis": _("Sự kiện EPCIS"),
}
MEDIA: Final = {
    "text/html": _("trang web"),
    "application/pdf": _("tệp PDF"),
    "image/jpeg": _("ảnh JPEG"),
    "image/png": _("ảnh PNG"),
    "video/mp4": _("phim MP4"),
    "application/json": _("dữ liệu JSON"),
    "application/ld+json": _("dữ liệu JSON-LD"),
}


# What our own pages are called (services.linksets), and what has a code but no name.
OWN: Final = {
    "Hồ sơ truy xuất": _("Hồ sơ truy xuất"),
    "Thông tin sản phẩm": _("Thông tin sản phẩm"),
    "Thông tin nơi chốn": _("Thông tin nơi chốn"),
    "Thông tin tổ chức": _("Thông tin tổ chức"),
    "Phiếu giao hàng": _("Phiếu giao hàng"),
    "Hộ chiếu số của sản phẩm": _("Hộ chiếu số của sản phẩm"),
    "Bằng chứng": _("Bằng chứng"),
    "Thông báo thu hồi, nếu có": _("Thông báo thu hồi, nếu có"),
    "Đang bị thu hồi": _("Đang bị thu hồi"),
    "Đang bị tạm giữ": _("Đang bị tạm giữ"),
    "Có cảnh báo": _("Có cảnh báo"),
}
CODED: Final = {
    "Lô hàng": _("Lô hàng %(code)s"),
    "Gói hàng": _("Gói hàng %(code)s"),
    "Vụ sản xuất": _("Vụ sản xuất %(code)s"),
    "Kiện hàng": _("Kiện hàng %(code)s"),
    "Phiếu giao hàng": _("Phiếu giao hàng %(code)s"),
    "Mã": _("Mã %(code)s"),
}


# What the checker found, in one word (services.links_reaching); statuses are told as they are.
REASONS: Final = {
    "private-address": _("tên miền dẫn vào một mạng nội bộ"),
    "no-address": _("tên miền không có địa chỉ"),
    "certificate": _("chứng chỉ của trang không đúng"),
    "too-slow": _("trang trả lời quá chậm"),
    "not-reached": _("không kết nối được"),
    "no-http": _("máy chủ không nói HTTP"),
    "bad-redirect": _("trang chuyển tới một địa chỉ không đọc được"),
    "too-many-redirects": _("trang chuyển đi chuyển lại"),
}


def type_word(link_type: str) -> str:
    """What a type promises, in the reader's language."""
    return str(TYPES.get(link_type, link_type))


def title_words(title: str) -> str:
    """The title of a page of ours in the reader's language: a warning, what it is, or a name."""
    return ": ".join(str(OWN.get(part, part)) for part in title.split(": ", 1))


def described_words(description: str) -> str:
    """What a level of a code is called: its name, or what it is with its code."""
    kind, _space, code = description.rpartition(" ")
    return str(CODED[kind]) % {"code": code} if kind in CODED else description


def media_word(media_type: str) -> str:
    """A media type in the reader's language."""
    return str(MEDIA.get(media_type, media_type))


def language_word(code: str, reader: str) -> str:
    """A language's name in the reader's."""
    try:
        return Locale.parse(code, sep="-").get_display_name(reader) or code
    except (ValueError, UnknownLocaleError):
        return code


def check_words(check: str, reason: str) -> tuple[str, str]:
    """(colour, words) of what the checker found."""
    if check == "waiting":
        return "neutral", gettext("chưa kiểm tra")
    if check == "reached":
        return "ok", gettext("mở được")
    if reason.startswith("redirect-"):
        told = gettext("trang chuyển tới nơi không phải trang https công khai")
    elif reason.startswith("http-"):
        told = gettext("máy chủ trả lời %(status)s", status=reason.removeprefix("http-"))
    else:
        told = str(REASONS.get(reason, reason))
    return ("stop" if check == "refused" else "warn"), told


def why_not_words(why: str) -> str:
    """Why a link is not given out, "" when it is."""
    told: dict[str, str] = {
        "": "",
        "removed": gettext("Đã bỏ."),
        "organisation": gettext("Chưa đưa ra: tổ chức của bạn chưa được xác nhận."),
        "gtin": gettext("Chưa đưa ra: mã GTIN chưa được xác nhận là của bạn."),
        "refused": gettext("Không đưa ra: địa chỉ này không dẫn tới một trang công khai."),
        "failing": gettext("Không đưa ra nữa: đã hai tuần không mở được."),
    }
    return told[why]


def action_word(action: str) -> str:
    """What was done to a link."""
    told: dict[str, str] = {
        "added": gettext("thêm"),
        "changed": gettext("sửa"),
        "removed": gettext("bỏ"),
        "restored": gettext("lấy lại"),
    }
    return told[action]


def listed(links: Mapping[str, Sequence[Target]], reader: str) -> list[dict[str, Any]]:
    """Links as the shoppers' pages list them, in the reader's language; the default is not told
    twice. `host` is where one leads that is not a page of ours."""
    origin = current_settings().public_url
    return [
        {
            "href": one.href.removeprefix(origin),
            "title": title_words(one.title) if ours else one.title,
            "type": type_word(link_type),
            "media": media_word(one.media_type) if one.media_type != "text/html" else "",
            "languages": ", ".join(language_word(tag, reader) for tag in one.languages),
            "tag": one.languages[0] if len(one.languages) == 1 else "",
            "context": ", ".join(one.context),
            "host": "" if ours else host_of(one.href),
        }
        for link_type, targets in links.items()
        if link_type != DEFAULT
        for one in targets
        for ours in (one.href.startswith(f"{origin}/"),)
    ]
