"""The words of citizens' reports: what is wrong, how a report stands, what happened to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext

from trace.models import ReportStep
from trace.models.reports import OUTCOMES, PROBLEMS

Options = list[tuple[str, str]]


def problem_name(problem: str) -> str:
    """What is wrong, in a word or two."""
    words: dict[str, str] = {
        "illness": gettext("Có người bị bệnh sau khi ăn"),
        "spoiled": gettext("Hàng hỏng, ôi thiu, mốc"),
        "foreign": gettext("Có vật lạ trong hàng"),
        "label": gettext("Nhãn, hồ sơ không đúng với hàng"),
        "code": gettext("Mã lạ hoặc nghi bị sao chép"),
        "measure": gettext("Sai giá, thiếu cân"),
        "other": gettext("Việc khác về hàng"),
    }
    return words.get(problem, problem)


def problem_options() -> list[tuple[str, ...]]:
    """What a citizen chooses from, with a sentence where the words alone might mislead."""
    hints: dict[str, str] = {
        "illness": gettext("Đau bụng, nôn, tiêu chảy, dị ứng. Được xem trước mọi việc khác."),
        "label": gettext("Khác loại, khác nơi trồng, khác ngày so với trang hồ sơ."),
        "code": gettext("Quét không ra hồ sơ, nhiều gói cùng một mã, tem bị dán chồng."),
    }
    return [
        (one, problem_name(one), hints[one]) if one in hints else (one, problem_name(one))
        for one in PROBLEMS
    ]


def problem_filter() -> Options:
    """Problems, to filter a list by."""
    return [(one, problem_name(one)) for one in PROBLEMS]


def state_name(state: str) -> str:
    """How a report stands."""
    words: dict[str, str] = {
        "received": gettext("đã nhận"),
        "looking": gettext("đang xem xét"),
        "asked": gettext("chờ người báo trả lời"),
        "answered": gettext("đã trả lời"),
        "closed": gettext("đã đóng"),
    }
    return words.get(state, state)


def outcome_name(outcome: str) -> str:
    """What was found."""
    words: dict[str, str] = {
        "confirmed": gettext("Phản ánh đúng, đã xử lý"),
        "not-found": gettext("Đã xem, không thấy vi phạm"),
        "elsewhere": gettext("Thuộc nơi khác giải quyết"),
        "repeated": gettext("Trùng hoặc không có nội dung để xem"),
    }
    return words.get(outcome, outcome)


def outcome_options() -> Options:
    """Outcomes to choose from."""
    return [(one, outcome_name(one)) for one in OUTCOMES]


def placed_name(placed_by: str) -> str:
    """Why it went where it went."""
    words: dict[str, str] = {
        "bought": gettext("theo nơi mua"),
        "sale": gettext("theo nơi hàng đang bán"),
        "maker": gettext("theo nơi của người làm ra"),
        "nowhere": gettext("không rõ nơi mua"),
    }
    return words.get(placed_by, placed_by)


def sector_name(sector: str) -> str:
    """A branch of the administration."""
    words: dict[str, str] = {
        "agriculture": gettext("Nông nghiệp"),
        "trade": gettext("Công thương, thị trường"),
        "health": gettext("Y tế"),
    }
    return words.get(sector, sector)


def case_name(reference: str) -> str:
    """The kind of case a note points to."""
    words: dict[str, str] = {
        "inspection": gettext("Cuộc kiểm tra"),
        "finding": gettext("Vi phạm"),
        "recall": gettext("Thu hồi"),
    }
    return words.get(reference.partition(":")[0], "")


def step_name(step: ReportStep) -> str:
    """What happened, as a heading of a timeline."""
    who = step.organisation.name if step.organisation is not None else ""
    words: dict[str, Callable[..., str]] = {
        "received": lambda: (
            gettext("Đã nhận, gửi tới %(who)s", who=who)
            if who
            else gettext("Đã nhận, chưa có cơ quan phụ trách nơi này")
        ),
        "looking": lambda: gettext("%(who)s đang xem xét", who=who),
        "forwarded": lambda: gettext("Chuyển tới %(who)s", who=who),
        "escalated": lambda: gettext("Quá hạn, chuyển lên %(who)s", who=who),
        "asked": lambda: gettext("%(who)s hỏi thêm", who=who),
        "reply": lambda: gettext("Người báo nói thêm"),
        "passed": lambda: gettext("%(who)s hỏi bên làm ra hàng", who=who),
        "maker": lambda: gettext("%(who)s trả lời cơ quan", who=who),
        "linked": lambda: gettext("Gắn với vụ việc"),
        "merged": lambda: gettext("Xem chung với phản ánh khác về cùng việc"),
        "split": lambda: gettext("Tách ra xem riêng"),
        "admitted": lambda: gettext("Nhận vào danh sách chung"),
        "answered": lambda: gettext("%(who)s trả lời", who=who),
        "closed": lambda: gettext("Đã đóng"),
    }
    said = words.get(step.kind)
    return said() if said else step.kind


def icon_of(step: ReportStep) -> str:
    """The picture beside a step."""
    icons: dict[str, str] = {
        "asked": "info",
        "reply": "person",
        "answered": "paper",
        "closed": "check",
        "escalated": "warn",
    }
    return icons.get(step.kind, "dot")


def words() -> dict[str, Any]:
    """All of them, for templates."""
    return {
        "problem_name": problem_name,
        "state_name": state_name,
        "outcome_name": outcome_name,
        "placed_name": placed_name,
        "sector_name": sector_name,
        "case_name": case_name,
        "step_name": step_name,
        "icon_of": icon_of,
    }
