"""Words of decisions about organisations, of accreditations, prefixes and keys."""

from __future__ import annotations

from flask_babel import gettext

Tag = tuple[str, str]


def decision_name(decision: str) -> str:
    """What was decided."""
    found: dict[str, str] = {
        "confirmed": gettext("Xác nhận"),
        "suspended": gettext("Tạm đình chỉ"),
        "reinstated": gettext("Bỏ đình chỉ"),
    }
    return found.get(decision, decision)


def role_name(kind: str) -> str:
    """As what somebody is accredited."""
    found: dict[str, str] = {
        "inspector": gettext("Cán bộ kiểm tra"),
        "laboratory": gettext("Phòng kiểm nghiệm"),
        "certifier": gettext("Tổ chức chứng nhận"),
    }
    return found.get(kind, kind)


def accreditation_tag(state: str) -> Tag:
    """(kind of tag, words) of an accreditation today."""
    found: dict[str, Tag] = {
        "in-force": ("ok", gettext("còn hiệu lực")),
        "ahead": ("wait", gettext("chưa tới ngày")),
        "over": ("neutral", gettext("đã hết hạn")),
        "withdrawn": ("stop", gettext("đã rút")),
    }
    return found.get(state, ("neutral", state))


def claim_tag(state: str) -> Tag:
    """(kind of tag, words) of a claim on a prefix."""
    found: dict[str, Tag] = {
        "waiting": ("wait", gettext("chờ xác nhận")),
        "confirmed": ("ok", gettext("đã xác nhận")),
        "declined": ("stop", gettext("không xác nhận")),
    }
    return found.get(state, ("neutral", state))


def key_tag(state: str) -> Tag:
    """(kind of tag, words) of a key."""
    found: dict[str, Tag] = {
        "active": ("ok", gettext("đang dùng")),
        "waiting": ("wait", gettext("chưa vào sổ")),
        "revoked": ("stop", gettext("đã thu hồi")),
        "closed": ("neutral", gettext("tổ chức đã ngừng")),
    }
    return found.get(state, ("neutral", state))


def custody_name(custody: str) -> str:
    """Who holds a key."""
    found: dict[str, str] = {
        "server": gettext("máy chủ giữ"),
        "passkey": gettext("khoá của người dùng duyệt"),
        "own": gettext("tổ chức tự giữ"),
    }
    return found.get(custody, custody)


def same_kind_name(kind: str) -> str:
    """What two records are of."""
    found: dict[str, str] = {
        "organisation": gettext("Tổ chức"),
        "place": gettext("Nơi chốn"),
        "product": gettext("Sản phẩm"),
    }
    return found.get(kind, kind)


def setting_words(name: str) -> Tag:
    """(label, hint) of a setting."""
    found: dict[str, Tag] = {
        "contact": (
            gettext("Liên hệ"),
            gettext("Ai trả lời cho nền tảng: tên, điện thoại, thư. Hiện ở trang công khai."),
        ),
        "appeal": (
            gettext("Khiếu nại quyết định ở đâu"),
            gettext("Hiện cạnh mọi quyết định đình chỉ."),
        ),
        "licence": (gettext("Giấy phép dữ liệu mở"), gettext("Ví dụ: CC BY 4.0")),
        "smallest_cell": (
            gettext("Ô nhỏ nhất của dữ liệu mở"),
            gettext("Ít hơn số này thì giữ lại; không bao giờ dưới 5."),
        ),
        "attachment_megabytes": (gettext("Cỡ một tệp của chỉ đạo"), gettext("MB")),
        "attachments": (gettext("Số tệp của một chỉ đạo"), ""),
        "remind_days": (gettext("Nhắc trước hạn trả lời chỉ đạo"), gettext("ngày")),
        "factor_days": (
            gettext("Thời hạn để người có quyền quyết định đặt xác nhận hai bước"),
            gettext("ngày, từ lần đăng nhập đầu; quá hạn thì các trang quyết định đóng lại"),
        ),
    }
    return found.get(name, (name, ""))
