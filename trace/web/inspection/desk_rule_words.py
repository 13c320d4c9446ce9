"""The words of the desk's own rules (services.desk_rules): what each field is, how it may stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext

from trace.models import Organisation
from trace.models.inspections import SEVERITIES
from trace.models.recalls import GRADES, KINDS
from trace.services import desk_rules
from trace.services.desk_rules import POWERS, Choice, Number
from trace.services.recalls.rules import WIDTH
from trace.web.inspection_words import severity_name
from trace.web.pages import number
from trace.web.recall_words import kind_words


@dataclass(frozen=True, slots=True)
class FieldWords:
    """One field of a form; `options` for a choice."""

    name: str
    label: str
    hint: str
    value: str
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A rule on the page: `groups` of fields under a heading; `lines` for who only reads."""

    code: str
    title: str
    why: str
    who: str
    groups: tuple[tuple[str, tuple[FieldWords, ...]], ...]
    lines: tuple[str, ...]

    @property
    def fields(self) -> bool:
        return any(fields for _, fields in self.groups)


def title(code: str) -> str:
    """What the rule is called."""
    if code == POWERS:
        return str(gettext("Ai quyết định thu hồi"))
    return str(gettext("Ai kết luận kiểm tra"))


def section(code: str, authority: Organisation, table: Mapping[str, Any]) -> Section:
    """The rule as it stands for this authority."""
    groups: dict[str, list[FieldWords]] = {}
    for one in desk_rules.fields_of(authority, code):
        groups.setdefault(_group(one.path), []).append(_field(code, one, table))
    every = _every(code)
    return Section(
        code,
        title(code),
        _why(code),
        gettext("Cơ quan cấp trên đặt.")
        if code == POWERS
        else gettext("Chỉ người duyệt được đặt."),
        tuple((group, tuple(fields)) for group, fields in groups.items()),
        tuple(_line(path, desk_rules.value_at(table, path)) for path in every),
    )


def told(code: str, values: Mapping[str, object]) -> str:
    """What was set, in one line."""
    lines = []
    for path in _every(code):
        value = desk_rules.value_at(values, path)
        if value != "" or _has(values, path):
            lines.append(_line(path, value))
    return "; ".join(lines)


def _has(values: Mapping[str, Any], path: str) -> bool:
    *outer, last = path.split(".")
    found: Any = values
    for part in outer:
        found = found.get(part) if isinstance(found, Mapping) else None
    return isinstance(found, Mapping) and last in found


def _every(code: str) -> list[str]:
    if code != POWERS:
        return ["supervisor_from"]
    return [
        *(f"{level}.{kind}" for level in WIDTH for kind in KINDS),
        *("most.ward", "confirm_from", "second_hours"),
        *(f"answer_hours.{grade}" for grade in GRADES),
    ]


def _line(path: str, value: object) -> str:
    shown = number(value) if isinstance(value, int) else _choice(path, str(value))
    group = _group(path)
    label = f"{group}: {_label(path)}" if path.partition(".")[0] in WIDTH else _label(path)
    return f"{label}: {shown} {_unit(path)}".rstrip()


def _field(code: str, one: Choice | Number, table: Mapping[str, Any]) -> FieldWords:
    default = desk_rules.value_at(desk_rules.defaults_of(code), one.path)
    value = str(desk_rules.value_at(table, one.path))
    if isinstance(one, Choice):
        hint = gettext("mặc định: %(default)s", default=_choice(one.path, str(default)))
        options = tuple((word, _choice(one.path, word)) for word in one.options)
        return FieldWords(one.path, _label(one.path), hint, value, options=options)
    hint = gettext(
        "từ %(least)s đến %(most)s, mặc định %(default)s",
        least=number(one.least),
        most=number(one.most),
        default=number(default),
    )
    return FieldWords(one.path, _label(one.path), hint, value, _unit(one.path))


def _why(code: str) -> str:
    if code == POWERS:
        return str(
            gettext(
                "Cấp nào quyết định hay chỉ đề xuất thu hồi, tạm giữ, khuyến cáo. Đặt cho các cơ "
                "quan bên trong địa bàn; không ai tự đặt quyền cho mình."
            )
        )
    return str(
        gettext(
            "Từ mức nào trở lên, điểm phát hiện chỉ người duyệt mới được đóng và vụ kiểm tra chỉ "
            "người duyệt mới được kết luận. Dùng cho cơ quan này và các cơ quan bên trong địa bàn."
        )
    )


_LEVELS: Final[dict[str, Callable[[], str]]] = {
    "nation": lambda: gettext("Trung ương"),
    "province": lambda: gettext("Tỉnh, thành phố"),
    "ward": lambda: gettext("Xã, phường"),
}


def _group(path: str) -> str:
    first = path.partition(".")[0]
    if first in _LEVELS:
        return str(_LEVELS[first]())
    return "" if first == "supervisor_from" else str(gettext("Giới hạn và thời hạn"))


def _label(path: str) -> str:
    first, _, last = path.partition(".")
    if first in _LEVELS:
        return kind_words(last)
    words: dict[str, str] = {
        "supervisor_from": gettext("Cần người duyệt từ mức"),
        "most": gettext("Cấp xã, phường: nhiều nhất"),
        "confirm_from": gettext("Người ký gõ lại số lượng khi có từ"),
        "second_hours": gettext("Người thứ hai ký trong"),
        "answer_hours": gettext("Bên giữ hàng trả lời trong, cấp %(grade)s", grade=last),
    }
    return words[first]


def _unit(path: str) -> str:
    first = path.partition(".")[0]
    if first in ("most", "confirm_from"):
        return str(gettext("mặt hàng"))
    return str(gettext("giờ")) if first in ("second_hours", "answer_hours") else ""


def _choice(path: str, word: str) -> str:
    if path == "supervisor_from":
        if word not in SEVERITIES:
            return str(gettext("không cần"))
        return severity_name(word)
    words: dict[str, str] = {
        "decide": gettext("tự quyết định"),
        "propose": gettext("chỉ đề xuất"),
        "": gettext("không được"),
    }
    return words.get(word, word)
