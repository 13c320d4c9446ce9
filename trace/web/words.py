"""The words people see for the values that tables hold."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext

from trace.models import places, products
from trace.models.organisations import KINDS
from trace.schemas.products import UNIT_KEYS
from trace.services.vocabulary import UNITS_BY_KEY

Options = list[tuple[str, str]]


def organisation_kind(kind: str) -> str:
    """The word for a kind of organisation."""
    words: dict[str, str] = {
        "producer": gettext("Cơ sở sản xuất (hộ, trang trại, doanh nghiệp)"),
        "co-operative": gettext("Hợp tác xã, tổ hợp tác"),
        "trader": gettext("Thương lái, chợ đầu mối"),
        "processor": gettext("Cơ sở sơ chế, chế biến"),
        "carrier": gettext("Đơn vị vận chuyển, kho lạnh"),
        "retailer": gettext("Cửa hàng, siêu thị, sạp chợ"),
        "laboratory": gettext("Phòng thử nghiệm"),
        "certifier": gettext("Tổ chức chứng nhận"),
        "authority": gettext("Cơ quan quản lý"),
        "platform": gettext("Nền tảng"),
    }
    return words.get(kind, kind)


def organisation_kinds(kinds: Sequence[str] = KINDS) -> Options:
    """Kinds to choose from."""
    return [(kind, organisation_kind(kind)) for kind in kinds]


def place_kind(kind: str) -> str:
    """The word for a kind of place."""
    words: dict[str, str] = {
        "plot": gettext("Thửa, lô đất"),
        "greenhouse": gettext("Nhà màng, nhà lưới"),
        "pond": gettext("Ao nuôi"),
        "barn": gettext("Chuồng trại"),
        "packhouse": gettext("Nhà sơ chế, đóng gói"),
        "mill": gettext("Nhà máy xay xát"),
        "cold-store": gettext("Kho lạnh"),
        "warehouse": gettext("Kho"),
        "market": gettext("Chợ"),
        "stall": gettext("Sạp, quầy"),
        "shop": gettext("Cửa hàng"),
        "port": gettext("Cảng, cửa khẩu"),
        "vehicle": gettext("Xe, tàu chở hàng"),
        "other": gettext("Nơi khác"),
    }
    return words.get(kind, kind)


def place_kinds() -> Options:
    """Kinds of place to choose from."""
    return [(kind, place_kind(kind)) for kind in places.KINDS]


def category(value: str) -> str:
    """The word for a category of products."""
    words: dict[str, str] = {
        "leaf-vegetable": gettext("Rau ăn lá"),
        "fruit-vegetable": gettext("Rau ăn quả"),
        "root-vegetable": gettext("Rau ăn củ"),
        "herb": gettext("Rau gia vị"),
        "fruit": gettext("Quả, trái cây"),
        "rice": gettext("Gạo, lúa"),
        "egg": gettext("Trứng"),
        "meat": gettext("Thịt"),
        "fish": gettext("Thủy sản"),
        "tea": gettext("Chè, cà phê"),
        "mushroom": gettext("Nấm"),
        "processed": gettext("Đồ chế biến"),
        "other": gettext("Loại khác"),
    }
    return words.get(value, value)


def categories() -> Options:
    """Categories to choose from."""
    return [(value, category(value)) for value in products.CATEGORIES]


def unit_name(key: str) -> str:
    """The word for a unit, by its key."""
    words: dict[str, str] = {
        "kg": gettext("kg"),
        "qua": gettext("quả"),
        "con": gettext("con"),
        "goi": gettext("gói"),
        "bo": gettext("bó"),
        "thung": gettext("thùng"),
        "sot": gettext("sọt"),
        "bao": gettext("bao"),
        "lit": gettext("lít"),
    }
    return words.get(key, UNITS_BY_KEY[key].name)


def units() -> Options:
    """Units to choose from, by key."""
    return [(key, unit_name(key)) for key in UNIT_KEYS]


def organisation_status(status: str) -> tuple[str, str]:
    """(kind of tag, words) for how far an organisation is confirmed."""
    words: dict[str, tuple[str, str]] = {
        "confirmed": ("ok", gettext("Đã được xác nhận")),
        "unconfirmed": ("warn", gettext("Chưa được xác nhận")),
        "suspended": ("stop", gettext("Bị tạm ngừng")),
    }
    return words[status]


def certificate_state(state: str) -> tuple[str, str]:
    """(kind of tag, words) for whether a certificate is in force."""
    words: dict[str, tuple[str, str]] = {
        "valid": ("ok", gettext("Còn hiệu lực")),
        "future": ("wait", gettext("Chưa đến ngày")),
        "past": ("neutral", gettext("Đã hết hiệu lực")),
        "suspended": ("warn", gettext("Đang bị đình chỉ")),
        "withdrawn": ("stop", gettext("Đã bị thu hồi")),
    }
    return words[state]
