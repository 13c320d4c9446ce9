"""What notifications of what leaves for other programs say: subscriptions, links, the national
portal (notification_words)."""

from __future__ import annotations

from typing import Final


def N_(text: str) -> str:  # noqa: N802 (gettext's own name: marks a sentence for extraction)
    """Marks a sentence for translation."""
    return text


MACHINE_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "subscription-unsent": (
        "key",
        N_("Có sự kiện chưa gửi được cho phần mềm khác"),
        N_("%(what)s không nhận sự kiện của %(organisation)s. Mở trang để gửi lại hoặc bỏ qua."),
    ),
    "subscription-resting": (
        "key",
        N_("Đã tạm ngừng gửi cho một phần mềm"),
        N_("%(what)s không nhận nữa, hoặc địa chỉ không dùng được. Mở trang để xem và quyết định."),
    ),
    "link-broken": (
        "key",
        N_("Có liên kết không mở được"),
        N_("Liên kết tới %(what)s của %(organisation)s không mở được. Mở trang để sửa hoặc bỏ."),
    ),
    "portal-failed": (
        "key",
        N_("Không gửi được lên cổng quốc gia"),
        N_("Giấy tờ của lô %(what)s đã thử nhiều lần mà không gửi được. Mở trang để gửi lại."),
    ),
    "portal-refused": (
        "key",
        N_("Cổng quốc gia không nhận giấy tờ"),
        N_("Giấy tờ của lô %(what)s bị từ chối: %(reason)s."),
    ),
}
