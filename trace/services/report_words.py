"""The words of reports, in the language they are drawn in (flask-babel's present one)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext

from trace.services.competence import EVERYWHERE
from trace.services.wards import find_ward, provinces


def measure_name(name: str) -> str:
    """What a measure counts."""
    found: dict[str, str] = {
        "events": gettext("Dòng hồ sơ"),
        "late": gettext("Ghi muộn quá 3 ngày"),
        "lots": gettext("Lô hàng được lập"),
        "recalls": gettext("Thông báo thu hồi"),
        "scans": gettext("Lượt quét"),
    }
    return found.get(name, name)


def part_name(name: str) -> str:
    """Another part of the desk."""
    found: dict[str, str] = {
        "recalls": gettext("Thu hồi"),
        "findings": gettext("Vi phạm"),
        "reports": gettext("Phản ánh của người dân"),
    }
    return found.get(name, name)


def figure_name(name: str) -> str:
    """A figure of another part of the desk; "" for one that has no word here."""
    found: dict[str, str] = {
        "open": gettext("đang mở"),
        "new": gettext("mới"),
        "received": gettext("nhận được"),
        "answered": gettext("đã trả lời"),
        "closed": gettext("đã đóng"),
        "overdue": gettext("quá hạn"),
        "held": gettext("để riêng vì nghi phá"),
        "late": gettext("quá hạn"),
        "urgent": gettext("khẩn"),
        "escalated": gettext("chuyển cấp trên"),
        "critical": gettext("nghiêm trọng"),
        "median_hours": gettext("giờ tới khi trả lời (trung vị)"),
        "total": gettext("tất cả"),
        "started": gettext("bắt đầu trong kỳ"),
        "median_answer_hours": gettext("giờ tới khi trả lời (trung vị)"),
        "median_warn_hours": gettext("giờ tới khi cảnh báo (trung vị)"),
        "median_warn_seconds": gettext("giây tới khi cảnh báo (trung vị)"),
    }
    return found.get(name, "")


def kind_name(kind: str) -> str:
    """A kind of organisation."""
    found: dict[str, str] = {
        "producer": gettext("Cơ sở sản xuất"),
        "co-operative": gettext("Hợp tác xã"),
        "trader": gettext("Thương lái, thu mua"),
        "processor": gettext("Cơ sở chế biến, đóng gói"),
        "carrier": gettext("Vận chuyển"),
        "retailer": gettext("Cửa hàng, siêu thị, chợ"),
        "laboratory": gettext("Phòng kiểm nghiệm"),
        "certifier": gettext("Tổ chức chứng nhận"),
        "authority": gettext("Cơ quan quản lý"),
    }
    return found.get(kind, kind)


def title_of(period: str) -> str:
    """ "Báo cáo tháng"."""
    found: dict[str, str] = {
        "week": gettext("Báo cáo tuần"),
        "month": gettext("Báo cáo tháng"),
        "quarter": gettext("Báo cáo quý"),
    }
    return found.get(period, period)


def day_words(text: str) -> str:
    """20/11/2026."""
    return f"{date.fromisoformat(text[:10]):%d/%m/%Y}"


def area_name(codes: list[str]) -> str:
    """ "cả nước", or the names of provinces and wards."""
    if EVERYWHERE in codes:
        return str(gettext("cả nước"))
    names = {province.code: province.name for province in provinces()}
    found = []
    for code in sorted(codes, key=lambda one: (len(one), one)):
        ward = find_ward(code)
        found.append(names.get(code) or (ward.full_name if ward else code))
    return ", ".join(found)


Table = tuple[str, list[str], list[list[Any]]]  # heading, columns, rows


def tables(figures: Mapping[str, Any]) -> list[Table]:
    """Every table of a report: what both files and the page show, in one order."""
    found: list[Table] = [
        (
            gettext("Số liệu chính"),
            [gettext("Chỉ tiêu"), gettext("Trong kỳ"), gettext("Kỳ trước"), gettext("Thay đổi")],
            [
                [measure_name(name), told["now"], told["before"], _change(told)]
                for name, told in figures["measures"].items()
            ],
        ),
        (
            gettext("Tổ chức theo loại"),
            [
                gettext("Loại"),
                gettext("Đã xác nhận"),
                gettext("Chưa xác nhận"),
                gettext("Tạm đình chỉ"),
            ],
            [
                [
                    kind_name(kind),
                    *(states.get(s, 0) for s in ("confirmed", "unconfirmed", "suspended")),
                ]
                for kind, states in figures["coverage"]["kinds"].items()
            ],
        ),
        (gettext("Độ phủ và chỉ đạo"), [gettext("Chỉ tiêu"), gettext("Số")], _coverage(figures)),
    ]
    for name, told in figures["parts"].items():
        rows = [
            [figure_name(one), value] for one, value in (told or {}).items() if figure_name(one)
        ]
        found.append(
            (
                part_name(name),
                [gettext("Chỉ tiêu"), gettext("Số")],
                rows or [[gettext("chưa có số liệu"), ""]],
            )
        )
    return found


def _coverage(figures: Mapping[str, Any]) -> list[list[Any]]:
    covered, asked = figures["coverage"], figures["directives"]
    return [
        [gettext("Tổ chức có ghi hồ sơ trong kỳ"), covered["active"]],
        [gettext("Xã, phường trong địa bàn"), covered["wards"]],
        [gettext("Xã, phường chưa có tổ chức ghi hồ sơ"), len(covered["empty"])],
        [gettext("Chỉ đạo gửi trong kỳ: đơn vị nhận"), asked["units"]],
        [gettext("Chỉ đạo gửi trong kỳ: đã trả lời"), asked["answered"]],
        [gettext("Chỉ đạo gửi trong kỳ: còn nợ"), asked["owed"]],
    ]


def _change(told: Mapping[str, Any]) -> str:
    if told["before"] <= 0:
        return "–"
    return f"{round((told['now'] - told['before']) * 100 / told['before']):+d} %"
