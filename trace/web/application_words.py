"""The words for files of registration."""

from __future__ import annotations

from flask_babel import gettext

from trace.models.applications import PAPER_KINDS

Options = list[tuple[str, str]]


def state_tag(state: str) -> tuple[str, str]:
    """(kind of tag, words) for how a file stands."""
    words: dict[str, tuple[str, str]] = {
        "received": ("wait", gettext("Đã nhận, chờ xem xét")),
        "asked": ("warn", gettext("Cần bổ sung")),
        "answered": ("wait", gettext("Đã bổ sung, chờ xem xét")),
        "confirmed": ("ok", gettext("Đã xác nhận")),
        "declined": ("stop", gettext("Chưa được chấp nhận")),
    }
    return words.get(state, ("neutral", state))


def state_options() -> Options:
    """States of open files, to filter by."""
    return [(state, state_tag(state)[1]) for state in ("received", "answered", "asked")]


def step_name(kind: str) -> str:
    """The word for what happened to a file."""
    words: dict[str, str] = {
        "received": gettext("Nộp hồ sơ"),
        "papers": gettext("Thêm giấy tờ"),
        "asked": gettext("Yêu cầu bổ sung"),
        "answered": gettext("Trả lời"),
        "changed": gettext("Đổi tên, việc làm hoặc xã sau khi được xác nhận"),
        "confirmed": gettext("Xác nhận tổ chức"),
        "declined": gettext("Không chấp nhận"),
    }
    return words.get(kind, kind)


def paper_name(kind: str) -> str:
    """The word for a kind of paper."""
    words: dict[str, str] = {
        "licence": gettext("Giấy đăng ký kinh doanh, đăng ký hợp tác xã"),
        "identity": gettext("Căn cước của người đại diện"),
        "land": gettext("Giấy tờ đất, hợp đồng thuê đất"),
        "certificate": gettext("Giấy chứng nhận (VietGAP, an toàn thực phẩm, …)"),
        "other": gettext("Giấy tờ khác"),
    }
    return words.get(kind, kind)


def paper_kinds() -> Options:
    """Kinds of paper to choose from."""
    return [(kind, paper_name(kind)) for kind in PAPER_KINDS]


def decision_options() -> list[tuple[str, str, str]]:
    """What the desk may decide, with a sentence on each."""
    return [
        (
            "confirmed",
            gettext("Xác nhận"),
            gettext(
                "Trang công khai thôi ghi “chưa được xác nhận”; lời xác nhận vào sổ công khai."
            ),
        ),
        ("asked", gettext("Yêu cầu bổ sung"), gettext("Viết rõ cần thêm gì.")),
        (
            "declined",
            gettext("Không chấp nhận"),
            gettext("Viết rõ vì sao. Người nộp trả lời lại được."),
        ),
    ]
