"""Words for links: what a type promises, which languages and media there are."""

from __future__ import annotations

from typing import Final

from babel import Locale, UnknownLocaleError
from flask_babel import lazy_gettext as _

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
LANGUAGES: Final = (
    *("vi", "en", "zh", "ja", "ko", "fr", "de", "es", "ru", "th", "lo", "km", "id", "ms", "ar"),
    *("hi", "it", "nl", "pt"),
)
MEDIA: Final = {
    "text/html": _("trang web"),
    "application/pdf": _("tệp PDF"),
    "image/jpeg": _("ảnh JPEG"),
    "image/png": _("ảnh PNG"),
    "video/mp4": _("phim MP4"),
    "application/json": _("dữ liệu JSON"),
    "application/ld+json": _("dữ liệu JSON-LD"),
}


def type_word(link_type: str) -> str:
    """What a type promises, in the reader's language."""
    return str(TYPES.get(link_type, link_type))


def media_word(media_type: str) -> str:
    """A media type in the reader's language."""
    return str(MEDIA.get(media_type, media_type))


def language_word(code: str, reader: str) -> str:
    """A language's name in the reader's."""
    try:
        return Locale.parse(code, sep="-").get_display_name(reader) or code
    except (ValueError, UnknownLocaleError):
        return code
