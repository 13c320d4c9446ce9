"""The words of laboratories' results and of notices, for every console."""

from __future__ import annotations

from flask_babel import gettext

from trace.services.records import JsonObject
from trace.services.vocabulary import Amount, uom_name
from trace.web.pages import number


def finding_words(one: JsonObject) -> str:
    """ "abamectin: 0,02 mg/kg, giới hạn 0,05 mg/kg, không vượt; LC-MS/MS"."""
    verdicts = {
        "within": gettext("không vượt giới hạn"),
        "above": gettext("vượt giới hạn"),
        "not-detected": gettext("không phát hiện"),
    }
    unit = str(one.get("unit", ""))
    parts = [str(one.get("substance", ""))]
    if isinstance(one.get("value"), int | float):
        parts.append(f"{number(one['value'])} {unit}".strip())
    if isinstance(one.get("limit"), int | float):
        limit = f"{number(one['limit'])} {unit}".strip()
        parts.append(str(gettext("giới hạn %(limit)s", limit=limit)))
    parts.append(verdicts.get(str(one.get("verdict")), str(one.get("verdict", ""))))
    if one.get("method"):
        parts.append(str(one["method"]))
    return ", ".join(parts)


def notice_words(told: JsonObject) -> str:
    """Why a notice was given: our rules' reasons in words, others' as written."""
    reason = str(told.get("reason", ""))
    if reason == "interval":
        return str(
            gettext(
                "thu hoạch %(days)s ngày sau khi dùng %(name)s, nhãn yêu cầu %(required)s ngày",
                days=told.get("days", "?"),
                name=told.get("product", ""),
                required=told.get("required", "?"),
            )
        )
    if reason == "banned-substance":
        return str(gettext("đã khai dùng chất cấm: %(name)s", name=told.get("product", "")))
    if reason == "balance":
        return str(gettext("tổng ra lớn hơn tổng vào"))
    return reason


def use_words(use: str) -> str:
    """What goods were used for that no longer go to people's tables."""
    words: dict[str, str] = {
        "feed": gettext("thức ăn chăn nuôi"),
        "compost": gettext("ủ phân"),
        "industry": gettext("nguyên liệu không làm thực phẩm"),
        "seed": gettext("làm giống"),
        "other": gettext("mục đích khác, không làm thực phẩm"),
    }
    return words.get(use, use)


def show_amount(value: Amount | None) -> str:
    """ "480 kg"; "" for an amount nobody gave."""
    if value is None:
        return ""
    return (
        f"{number(value.quantity)} {gettext(uom_name(value.uom)) if value.uom else gettext('gói')}"
    )
