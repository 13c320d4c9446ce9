"""The words of papers, for every audience: what rules ask for and how it stands, states of
credentials, of files and of what went to the portal; what is wrong with a plot."""

from __future__ import annotations

from typing import Any

import orjson
from flask_babel import gettext

from trace.core.signing import JsonObject
from trace.models import Job, PortalDelivery
from trace.services.eudr import Check
from trace.services.public_copies import WITHDRAWN

State = tuple[str, str]  # kind of tag, words


def credential_kind(kind: str) -> str:
    """What a credential is called."""
    if kind == "passport":
        return str(gettext("Hộ chiếu (UNTP)"))
    return str(gettext("Sự kiện truy xuất (UNTP)"))


def credential_state(state: str) -> State:
    """Whether it still counts."""
    words: dict[str, State] = {
        "valid": ("ok", gettext("còn giá trị")),
        "revoked": ("neutral", gettext("đã thu lại")),
        "suspended": ("warn", gettext("tạm ngừng: hàng đang bị thu hồi hoặc tạm giữ")),
    }
    return words[state]


def file_state(job: Job, *, over: bool) -> State:
    """How far a file is."""
    if job.state == "failed":
        return "stop", gettext("không làm được")
    if job.state != "done":
        return "wait", gettext("đang làm")
    if over:
        return "neutral", gettext("đã hết hạn")
    told = orjson.loads(job.result or "{}")
    if told.get("more"):
        return "warn", gettext("sẵn sàng; còn nhiều hơn tệp chứa được")
    return "ok", gettext("sẵn sàng, %(rows)s dòng", rows=told.get("rows", 0))


def delivery_state(row: PortalDelivery) -> State:
    """What became of a passport handed in."""
    words: dict[str, State] = {
        "queued": ("wait", gettext("chờ gửi")),
        "sent": ("wait", gettext("đã gửi, chờ biên nhận")),
        "accepted": ("ok", gettext("cổng đã nhận")),
        "refused": ("stop", gettext("cổng không nhận")),
        "failed": ("stop", gettext("không gửi được")),
    }
    return words[row.state]


def delivery_reason(row: PortalDelivery) -> str:
    """Why it was not taken, or why its copy is gone; the portal's own words where it has any."""
    if row.reason == WITHDRAWN:
        return str(gettext("bản sao đã xoá, vì nội dung trong đó đã bị xoá hoặc gỡ"))
    return row.reason


def check_words(check: Check) -> str:
    """What is wrong with a plot, for who may mend it."""
    words: dict[str, str] = {
        "no-shape": gettext("chưa có vị trí"),
        "point-too-large": gettext(
            "trên 4 ha phải có ranh thửa, một điểm là chưa đủ (khai %(area)s)", area=check.detail
        ),
        "area-unknown": gettext("chưa khai diện tích: trên 4 ha thì phải có ranh thửa"),
        "few-decimals": gettext(
            "tọa độ chỉ có %(digits)s chữ số thập phân, cần ít nhất 6", digits=check.detail
        ),
        "abroad": gettext("nằm ngoài Việt Nam, hoặc đảo vĩ độ với kinh độ"),
        "not-disclosed": gettext("chủ nơi này không cho xem vị trí"),
        "no-plot": gettext("không có nơi trồng nào được khai"),
    }
    text = words[check.code]
    return f"{check.name}: {text}" if check.name else text


def step_heads() -> list[str]:
    """The columns of one step up, one step down (services.one_up_one_down.COLUMNS)."""
    return [
        gettext("Chiều"),
        gettext("Lúc"),
        gettext("Bên kia"),
        gettext("Mã bên kia"),
        gettext("Địa chỉ"),
        gettext("Nơi giao nhận"),
        gettext("Sản phẩm"),
        gettext("Lô"),
        gettext("Địa chỉ truy xuất"),
        gettext("Số lượng"),
        gettext("Đơn vị"),
        gettext("Phiếu"),
        gettext("Trả lời"),
        gettext("Ai ghi"),
    ]


def step_row(row: list[Any]) -> list[object]:
    """A row of it in words."""
    ways: dict[str, str] = {"up": gettext("mua, nhận"), "down": gettext("bán, giao")}
    by: dict[str, str] = {"own": gettext("mình"), "other": gettext("bên kia")}
    return [ways[row[0]], *row[1:-1], by[row[-1]]]


# -- rules -----------------------------------------------------------------------------------------


def item_words() -> dict[str, str]:
    """What the items of the rules are called."""
    return {
        "name": gettext("Tên sản phẩm"),
        "gtin": gettext("Mã GTIN"),
        "picture": gettext("Hình ảnh sản phẩm"),
        "producer": gettext("Tên người làm ra"),
        "address": gettext("Địa chỉ người làm ra"),
        "producer_code": gettext("Mã của người làm ra"),
        "origin": gettext("Xuất xứ"),
        "trace": gettext("Các công đoạn"),
        "trace_places": gettext("Mã địa điểm của từng công đoạn"),
        "trace_code": gettext("Mã truy xuất"),
        "certificates": gettext("Giấy chứng nhận"),
        "produced": gettext("Ngày sản xuất, thu hoạch"),
        "expiry": gettext("Hạn dùng"),
        "warnings": gettext("Cảnh báo an toàn"),
        "model": gettext("Giống, nhãn hiệu, kiểu loại"),
    }


def title_of(paper: JsonObject) -> str:
    """What the paper is called."""
    words = {"passport": gettext("Hộ chiếu số"), "record": gettext("Hồ sơ truy xuất")}
    return str(words[paper["kind"]])


def rules_of(paper: JsonObject) -> list[JsonObject]:
    """Each rule in words: how many of its items are there, and which are not."""
    names = item_words()
    state_words: dict[str, str] = {
        "missing": gettext("còn thiếu"),
        "not-yet": gettext("chưa có (chưa bắt buộc)"),
        "none": gettext("không khai"),
        "private": gettext("chủ hàng giữ riêng"),
    }
    found = []
    for rule in paper["rules"]:
        items = rule["items"]
        absent = [
            {
                "name": names[one["item"]],
                "state": state_words[one["state"]],
                "missing": one["state"] == "missing",
            }
            for one in items
            if one["state"] != "given"
        ]
        found.append(
            {
                "title": rule["title"],
                "binding": rule["binding"],
                "given": sum(one["state"] == "given" for one in items),
                "all": len(items),
                "absent": absent,
                "missing": any(one["missing"] for one in absent),
            }
        )
    return found
