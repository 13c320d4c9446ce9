"""The words of the farm's private books: their names, their columns, one line of them."""

from __future__ import annotations

from flask_babel import gettext

from trace.models import BookLine
from trace.services import choices
from trace.services.books import content_of
from trace.web.access import actor
from trace.web.pages import day, number
from trace.web.producer.recording import Options


def book_names() -> dict[str, tuple[str, str]]:
    """(name, what it is for) of each private book."""
    return {
        "purchase": (gettext("Mua vật tư"), gettext("Phân, thuốc, giống: mua gì, của ai")),
        "count": (gettext("Kiểm kê kho"), gettext("Đếm lại trên kệ, hạn dùng")),
        "land": (gettext("Đất"), gettext("Cải tạo, đánh giá đất: lý do, cách làm")),
        "compost": (gettext("Ủ phân"), gettext("Loại phân chuồng, cách ủ, số ngày")),
        "equipment": (gettext("Dụng cụ, thiết bị"), gettext("Kiểm tra, rửa, sửa")),
        "waste": (gettext("Bao bì, rác thải"), gettext("Loại, nơi để, cách xử lý")),
        "assessment": (gettext("Tự đánh giá"), gettext("Lỗi thấy được, cách khắc phục")),
    }


def kind_options() -> Options:
    """Kinds of what is bought."""
    return [
        ("pesticide", gettext("Thuốc bảo vệ thực vật")),
        ("fertiliser", gettext("Phân bón")),
        ("seed", gettext("Giống")),
        ("feed", gettext("Thức ăn")),
        ("veterinary", gettext("Thuốc thú y")),
        ("other", gettext("Khác")),
    ]


def column_names() -> dict[str, str]:
    """What the columns of the books are called."""
    return {
        "seller": gettext("Người bán"),
        "seller_address": gettext("Địa chỉ người bán"),
        "crop": gettext("Cây trồng"),
        "work": gettext("Việc đã làm"),
        "reason": gettext("Lý do"),
        "method": gettext("Cách làm"),
        "days": gettext("Số ngày"),
        "result": gettext("Kết quả"),
        "store": gettext("Nơi để"),
        "treatment": gettext("Cách xử lý"),
        "fix": gettext("Cách khắc phục"),
        "note": gettext("Ghi chú"),
    }


def line_words(row: BookLine) -> list[tuple[str, str]]:
    """(column, text) of a line beside its day and item."""
    names = column_names()
    found: list[tuple[str, str]] = []
    if row.kind:
        found.append((gettext("Loại"), dict(kind_options()).get(row.kind, row.kind)))
    if row.quantity is not None:
        found.append((gettext("Số lượng"), f"{number(row.quantity)} {gettext(row.unit)}".strip()))
    if row.expiry is not None:
        found.append((gettext("Hạn dùng"), day(row.expiry)))
    if row.place_id is not None:
        place = choices.get_place(actor(), row.place_id)
        found.append((gettext("Nơi"), place.name if place else ""))
    return found + [(names.get(name, name), text) for name, text in content_of(row).items()]
