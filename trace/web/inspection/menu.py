"""The desk's menu: what an authority's people may open, in groups, and how much waits there.

A page that does not exist is left out, so parts can be switched off whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import current_app, g, url_for
from flask_babel import gettext

from trace.services.actors import Actor


@dataclass(frozen=True, slots=True)
class Item:
    """One page of the desk: its address, words, icon, and how much waits there (None: nothing is
    counted)."""

    href: str
    text: str
    icon: str
    waiting: int | None


# (group, endpoint, icon, the act of the role it needs)
ITEMS: Final = (
    ("goods", "chain.index", "search", "inspect"),
    ("goods", "audits.index", "check", "inspect"),
    ("goods", "recalls.index", "warn", "inspect"),
    ("goods", "holds.index", "clock", "inspect"),
    ("goods", "copies.index", "qr", "inspect"),
    ("site", "inspections.today", "home", "inspect"),
    ("site", "queue.index", "list", "inspect"),
    ("site", "inspections.index", "camera", "inspect"),
    ("site", "findings.index", "edit", "inspect"),
    ("site", "samples.index", "drop", "inspect"),
    ("people", "citizen_reports.index", "people", "inspect"),
    ("people", "reports.index", "stop", "decide"),
    ("people", "applications.index", "paper", "decide"),
    ("upward", "board.show", "map", "inspect"),
    ("upward", "directives.index", "tag", "inspect"),
    ("upward", "statistics.index", "download", "inspect"),
    ("people", "organisations.index", "people", "inspect"),
    ("house", "audit_log.index", "clock", "decide"),
    ("house", "authorities.index", "house", "read"),
    ("house", "delegations.index", "key", "read"),
    ("house", "rules.index", "edit", "read"),
)
# endpoint -> how much waits for this actor; a page puts its own in when it is registered.
WAITING: Final[dict[str, Callable[[Actor], int]]] = {}


def _words() -> dict[str, str]:
    return {
        "goods": gettext("Hàng hoá"),
        "site": gettext("Tại chỗ"),
        "people": gettext("Người dân và tổ chức"),
        "upward": gettext("Tổng hợp, chỉ đạo"),
        "house": gettext("Cơ quan"),
        "chain.index": gettext("Tra chuỗi"),
        "audits.index": gettext("Kết quả rà chuỗi"),
        "recalls.index": gettext("Thu hồi, tạm giữ, khuyến cáo"),
        "holds.index": gettext("Lô đang tạm giữ"),
        "copies.index": gettext("Mã quét ở nhiều nơi"),
        "inspections.today": gettext("Hôm nay đi kiểm tra"),
        "queue.index": gettext("Nên kiểm tra trước"),
        "inspections.index": gettext("Kiểm tra"),
        "findings.index": gettext("Vi phạm, khắc phục"),
        "samples.index": gettext("Mẫu kiểm nghiệm"),
        "citizen_reports.index": gettext("Phản ánh của người dân"),
        "reports.index": gettext("Báo ảnh, lời không nên có"),
        "applications.index": gettext("Hồ sơ đăng ký"),
        "organisations.index": gettext("Tổ chức trong địa bàn"),
        "audit_log.index": gettext("Nhật ký thao tác"),
        "board.show": gettext("Bảng số liệu"),
        "directives.index": gettext("Chỉ đạo"),
        "statistics.index": gettext("Báo cáo, dữ liệu mở"),
        "authorities.index": gettext("Cơ quan trong địa bàn"),
        "delegations.index": gettext("Uỷ quyền"),
        "rules.index": gettext("Tham số"),
    }


def menu(*, counted: bool = False) -> list[tuple[str, list[Item]]]:
    """Groups of pages that whoever is signed in may open; with what waits where asked for."""
    acting: Actor = g.actor
    words = _words()
    groups: dict[str, list[Item]] = {}
    for group, endpoint, icon, act in ITEMS:
        if endpoint not in current_app.view_functions or not acting.may(act):
            continue
        count = WAITING.get(endpoint) if counted else None
        item = Item(url_for(endpoint), words[endpoint], icon, count(acting) if count else None)
        groups.setdefault(group, []).append(item)
    return [(words[group], items) for group, items in groups.items()]
