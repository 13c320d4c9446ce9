"""What a notice is called wherever a shopper meets it: on a page, in a letter, on a locked screen.

Nothing frightens without need: "do not eat" is said where health is at risk and nowhere else.
"""

from __future__ import annotations

from flask_babel import gettext

from trace.services.alerts import HEALTH


def notice_words(kind: str, hazard: str, *, mixed: bool) -> tuple[str, str]:
    """(what stands, what to do); `mixed` goods may contain what the notice names."""
    if kind == "recall" and mixed:
        title = gettext("Có thể chứa hàng bị thu hồi")
        return title, gettext("Không ăn. Trả lại nơi bán.") if hazard == HEALTH else ""
    if kind == "recall" and hazard == HEALTH:
        return gettext("Không ăn. Hàng bị thu hồi"), gettext("Trả lại nơi bán.")
    if kind == "recall":
        return gettext("Hàng bị thu hồi"), gettext("Trả lại nơi bán.")
    if kind == "hold" and mixed:
        return gettext("Có thể chứa hàng tạm dừng bán, chờ kết quả"), ""
    if kind == "hold":
        return gettext("Tạm dừng bán, chờ kết quả"), ""
    return gettext("Lưu ý từ cơ quan quản lý hoặc người làm ra"), ""


def notice_reason(reason: str) -> str:
    """Why a notice stands: our own rules' reasons in words, everybody else's as written."""
    known: dict[str, str] = {
        "interval": gettext("Thu hoạch sớm hơn số ngày nhãn thuốc yêu cầu"),
        "banned-substance": gettext("Người sản xuất khai dùng chất cấm"),
        "balance": gettext("Tổng đã giao lớn hơn tổng đã thu"),
    }
    return known.get(reason, reason)
