"""The words of recalls, for both consoles and the page without an account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_babel import gettext

from trace.models import Recall, RecallHolder
from trace.services.vocabulary import Amount, uom_name
from trace.web.hold_words import show_amount
from trace.web.pages import number


def kind_words(kind: str) -> str:
    """What kind of case."""
    words: dict[str, str] = {
        "recall": gettext("Thu hồi"),
        "hold": gettext("Tạm giữ"),
        "advice": gettext("Khuyến cáo"),
    }
    return words.get(kind, kind)


def state_words(state: str) -> str:
    """How far it is."""
    words: dict[str, str] = {
        "draft": gettext("đang soạn"),
        "proposed": gettext("chờ quyết định"),
        "refused": gettext("không chấp nhận"),
        "waiting": gettext("chờ chữ ký thứ hai"),
        "open": gettext("đang thực hiện"),
        "withdrawn": gettext("đã rút lại"),
        "closed": gettext("đã kết thúc"),
    }
    return words.get(state, state)


def state_tag(state: str) -> str:
    """The kind of tag beside it."""
    return {"proposed": "wait", "waiting": "wait", "open": "stop"}.get(state, "neutral")


def hazard_words(hazard: str) -> str:
    """What is wrong with the goods."""
    words: dict[str, str] = {
        "health": gettext("gây hại sức khoẻ"),
        "quality": gettext("không đạt chất lượng"),
        "label": gettext("sai nhãn"),
    }
    return words.get(hazard, hazard)


def grade_words(grade: int | str) -> str:
    """The class, 1 the highest."""
    words: dict[str, str] = {
        "1": gettext("Cấp 1: có thể gây hại nghiêm trọng"),
        "2": gettext("Cấp 2: có thể gây hại, ít nghiêm trọng"),
        "3": gettext("Cấp 3: khó gây hại, vẫn trái quy định"),
    }
    return words.get(str(grade), "")


def fate_words(fate: str) -> str:
    """What became of goods."""
    words: dict[str, str] = {
        "held": gettext("Còn giữ, đã ngừng bán"),
        "sold": gettext("Đã bán cho người dùng"),
        "returned": gettext("Đã trả lại bên giao"),
        "relabelled": gettext("Đã khắc phục, sửa nhãn"),
        "repurposed": gettext("Chuyển mục đích sử dụng"),
        "re-exported": gettext("Tái xuất"),
        "destroyed": gettext("Đã tiêu huỷ"),
    }
    return words.get(fate, fate)


def sector_words(sector: str) -> str:
    """Which ministry's line of work."""
    words: dict[str, str] = {
        "agriculture": gettext("nông nghiệp"),
        "trade": gettext("công thương"),
        "health": gettext("y tế"),
    }
    return words.get(sector, sector)


def thing_words(kind: str) -> str:
    """What kind of goods."""
    words: dict[str, str] = {
        "lot": gettext("lô"),
        "cycle": gettext("vụ"),
        "logistic": gettext("thùng, kiện"),
        "unit": gettext("gói"),
    }
    return words.get(kind, str(gettext("khác")))


def answer_words(state: str) -> str:
    """How far a holder's answer is."""
    words: dict[str, str] = {
        "": gettext("chưa trả lời"),
        "part": gettext("trả lời một phần"),
        "done": gettext("đã trả lời đủ"),
    }
    return words.get(state, state)


def answer_tag(state: str) -> str:
    """The kind of tag beside it."""
    return {"": "stop", "part": "wait", "done": "ok"}.get(state, "neutral")


def holder_words(holder: RecallHolder) -> str:
    """Who it is."""
    if holder.organisation is not None:
        return holder.organisation.name
    return holder.name or str(gettext("Người nhận chưa khai báo"))


def unit_words(unit: str) -> str:
    """The unit's name; pieces where there is none."""
    return str(gettext(uom_name(unit))) if unit else str(gettext("gói, kiện"))


def amounts_words(amounts: Mapping[str, Decimal]) -> str:
    """ "480 kg · 12 gói"; nothing left by their records, or nobody said."""
    told = [show_amount(Amount(value, unit)) for unit, value in amounts.items() if value]
    if told:
        return " · ".join(told)
    return str(gettext("không còn") if amounts else gettext("chưa khai báo"))


def clock_words(recall: Recall) -> str:
    """Hours from determined to decided."""
    if recall.determined_at is None or recall.signed_at is None:
        return ""
    hours = (recall.signed_at - recall.determined_at).total_seconds() / 3600
    return number(round(hours, 1))


WORDS = {
    name: function
    for name, function in list(globals().items())
    if name.endswith(("_words", "_tag")) and callable(function)
}
