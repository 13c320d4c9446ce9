"""What notifications of inspections and of sensors say (notification_words)."""

from __future__ import annotations

from typing import Final


def N_(text: str) -> str:  # noqa: N802 (gettext's own name: marks a sentence for extraction)
    """Marks a sentence for translation."""
    return text


SITE_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "inspection-assigned": (
        "desk",
        N_("Bạn được giao một cuộc kiểm tra"),
        N_("Kiểm tra %(name)s, ngày %(day)s."),
    ),
    "inspection-concluded": (
        "alert",
        N_("Có kết luận kiểm tra"),
        N_("%(by)s đã kết luận kiểm tra %(organisation)s. Mở trang để xem."),
    ),
    "finding-opened": (
        "alert",
        N_("Có điểm phải khắc phục"),
        N_("%(by)s ghi một điểm ở %(organisation)s. Hạn: %(day)s. Mở trang để xem và giải trình."),
    ),
    "finding-changed": (
        "alert",
        N_("Điểm phải khắc phục có thay đổi"),
        N_("%(by)s ghi thêm về một điểm ở %(organisation)s. Mở trang để xem."),
    ),
    "finding-closed": (
        "alert",
        N_("Một điểm đã khắc phục xong"),
        N_("%(by)s đã đóng một điểm ở %(organisation)s."),
    ),
    "finding-withdrawn": (
        "alert",
        N_("Một điểm đã được rút lại"),
        N_("%(by)s rút lại một điểm đã ghi ở %(organisation)s."),
    ),
    "finding-answered": (
        "desk",
        N_("Có giải trình về điểm phải khắc phục"),
        N_("%(by)s đã giải trình về một điểm."),
    ),
    "finding-due": (
        "alert",
        N_("Sắp đến hạn khắc phục"),
        N_("%(organisation)s phải khắc phục một điểm trước hết ngày %(day)s."),
    ),
    "finding-late": (
        "alert",
        N_("Đã quá hạn khắc phục"),
        N_("Hạn khắc phục một điểm ở %(organisation)s là ngày %(day)s, đã qua."),
    ),
    "finding-late-desk": (
        "desk",
        N_("Có điểm quá hạn khắc phục"),
        N_("%(name)s quá hạn ngày %(day)s."),
    ),
    "sample-coming": (
        "alert",
        N_("Có mẫu gửi đến phòng kiểm nghiệm"),
        N_("%(by)s gửi %(organisation)s mẫu có niêm phong %(seal)s."),
    ),
    "limit-broken": (
        "alert",
        N_("Số đo ra ngoài giới hạn"),
        N_("%(name)s vừa đo được %(value)s, ngoài giới hạn bạn đã đặt. Xem hàng và máy ngay."),
    ),
}
